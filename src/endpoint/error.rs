//! Why an OAuth endpoint refuses, and what it says then.

mod text;

use super::http::Response;
use super::platform::Unavailable;
use crate::client::authentication::ClientRefusal;
use crate::token::dpop::Flaw;

/// The reasons, in our words. [`Error::code`] folds them onto the registered codes.
///
/// Several share a code on purpose: the log stays precise while the wire tells no more than it must.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Error {
    /// The body is not a form.
    NotAForm,
    /// The body is larger than [`super::http::MAX_BODY`].
    TooLarge,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// A parameter stands twice.
    Repeated,
    /// A parameter is missing.
    Missing(&'static str),
    /// A parameter cannot be read.
    Malformed(&'static str),
    /// Two ways of client authentication at once.
    TwoMethods,
    /// The header and the body name different clients.
    TwoClients,
    /// The `Authorization` header is not HTTP Basic.
    MalformedAuthorization,
    /// No such client.
    UnknownClient,
    /// The client did not prove who it is.
    Unproven(ClientRefusal),
    /// The client's tokens are bound to its certificate, and it showed none.
    NoCertificate,
    /// The grant type is none of ours.
    UnknownGrantType,
    /// The client may not use the grant.
    GrantNotAllowed,
    /// The scope is malformed.
    MalformedScope,
    /// Nothing of the scope is allowed, or a refresh asks for more than was granted.
    ScopeNotAllowed,
    /// A `resource` is not an absolute URI without a fragment.
    MalformedTarget,
    /// The client may not have tokens for a `resource`, or it was not granted.
    TargetNotAllowed,
    /// The tag of the code does not hold: made up, altered, or another client's.
    ForgedDeviceCode,
    /// No such grant.
    UnknownDeviceCode,
    /// The code was redeemed a moment ago.
    SpentDeviceCode,
    /// The code was redeemed before: its tokens are revoked.
    ReplayedDeviceCode,
    /// The tag of the refresh token does not hold.
    ForgedRefreshToken,
    /// The DPoP proof does not hold.
    BadProof(Flaw),
    /// The DPoP proof has no nonce of this server's, or an old one (RFC 9449 §8).
    NonceNeeded,
    /// The client must send a DPoP proof (RFC 9449 §5.2).
    ProofRequired,
    /// `dpop_jkt` is not the key of the DPoP proof beside it.
    TwoKeys,
    /// The device code is bound to another key.
    WithoutKey,
    /// The refresh token is bound to another key.
    RefreshWithoutKey,
    /// The access token is bound to another key, or to none, or came as if it were bound to none.
    TokenWithoutKey,
    /// The `code_verifier` is missing, not that of the challenge, or there was no challenge (RFC 7636 §4.6).
    WrongVerifier,
    /// The refresh token's family has ended.
    DeadRefreshToken,
    /// The refresh token was used before: its family is revoked.
    ReusedRefreshToken,
    /// Another request used the refresh token first.
    LostRefresh,
    /// Policy or a changed client or account stands against the refresh.
    RefreshRefused,
    /// The token to revoke is another client's (RFC 7009 §2.1).
    ForeignToken,
    /// Nobody has decided. Carries the interval.
    Pending(u64),
    /// Polled too soon. Carries the interval from now on.
    TooSoon(u64),
    /// A person refused.
    Denied,
    /// A person reported the request.
    Reported,
    /// Two people had the code.
    Contested,
    /// Policy or a changed client or account stands against the redemption.
    RedemptionRefused,
    /// The code's time is over.
    Expired,
    /// Too many live codes, or too many requests. Carries the wait.
    TooMany(u64),
    /// An object or the registry cannot be reached; nothing has changed.
    Unavailable,
}

/// What the client is told.
#[derive(Clone, Copy)]
enum Kind {
    InvalidRequest,
    TooLarge,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
    InvalidTarget,
    InvalidDpopProof,
    UseDpopNonce,
    InvalidToken,
    AuthorizationPending,
    SlowDown,
    AccessDenied,
    ExpiredToken,
    TooMany,
    Unavailable,
}

impl Kind {
    /// RFC 6749 §5.2, RFC 6750 §3.1, RFC 8628 §3.5, RFC 8707 §2, RFC 9449 §5 and §8; decision 13.
    const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest | Self::TooLarge => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InvalidToken => "invalid_token",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::AccessDenied => "access_denied",
            Self::ExpiredToken => "expired_token",
            Self::TooMany | Self::Unavailable => "temporarily_unavailable",
        }
    }

    /// 400 for all (RFC 6749 §5.2), but for a failed authentication and what is not OAuth's.
    const fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::TooLarge => 413,
            Self::TooMany => 429,
            Self::Unavailable => 503,
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::InvalidScope
            | Self::InvalidTarget
            | Self::InvalidDpopProof
            | Self::UseDpopNonce
            | Self::AuthorizationPending
            | Self::SlowDown
            | Self::AccessDenied
            | Self::ExpiredToken => 400,
        }
    }
}

impl From<Unavailable> for Error {
    fn from(Unavailable: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl Error {
    /// The registered code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind().code()
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.kind().status()
    }

    const fn kind(&self) -> Kind {
        match self {
            Self::TooLarge => Kind::TooLarge,
            Self::NotAForm
            | Self::NotUtf8
            | Self::Repeated
            | Self::Missing(_)
            | Self::Malformed(_)
            | Self::TwoMethods
            | Self::TwoClients
            | Self::NoCertificate
            | Self::ProofRequired
            | Self::TwoKeys => Kind::InvalidRequest,
            Self::BadProof(_) => Kind::InvalidDpopProof,
            Self::NonceNeeded => Kind::UseDpopNonce,
            Self::TokenWithoutKey => Kind::InvalidToken,
            Self::MalformedAuthorization | Self::UnknownClient | Self::Unproven(_) => Kind::InvalidClient,
            Self::UnknownGrantType => Kind::UnsupportedGrantType,
            Self::GrantNotAllowed => Kind::UnauthorizedClient,
            Self::MalformedScope | Self::ScopeNotAllowed => Kind::InvalidScope,
            Self::MalformedTarget | Self::TargetNotAllowed => Kind::InvalidTarget,
            Self::ForgedDeviceCode
            | Self::UnknownDeviceCode
            | Self::SpentDeviceCode
            | Self::ReplayedDeviceCode
            | Self::ForgedRefreshToken
            | Self::DeadRefreshToken
            | Self::ReusedRefreshToken
            | Self::LostRefresh
            | Self::RefreshRefused
            | Self::WithoutKey
            | Self::RefreshWithoutKey
            | Self::WrongVerifier
            | Self::ForeignToken => Kind::InvalidGrant,
            Self::Pending(_) => Kind::AuthorizationPending,
            Self::TooSoon(_) => Kind::SlowDown,
            Self::Denied | Self::Reported | Self::Contested | Self::RedemptionRefused => Kind::AccessDenied,
            Self::Expired => Kind::ExpiredToken,
            Self::TooMany(_) => Kind::TooMany,
            Self::Unavailable => Kind::Unavailable,
        }
    }

    /// The `interval` to send along: required from now on, in seconds.
    const fn interval(&self) -> Option<u64> {
        if let Self::Pending(interval) | Self::TooSoon(interval) = self { Some(*interval) } else { None }
    }

    /// The seconds of `Retry-After`.
    const fn retry_after(&self) -> Option<u64> {
        if let Self::TooSoon(wait) | Self::TooMany(wait) = self {
            Some(*wait)
        } else if matches!(self, Self::Unavailable) {
            Some(5)
        } else {
            None
        }
    }

    /// The answer. `challenge` if the client used the `Authorization` header (RFC 6749 §5.2).
    #[must_use]
    pub fn response(&self, challenge: bool) -> Response {
        let (error, error_description) = (self.code(), self.description());
        let body = Body { error, error_description, interval: self.interval() };
        let mut response = Response::json(self.status(), &body);
        if let Some(seconds) = self.retry_after() {
            response = response.with("retry-after", seconds.to_string());
        }
        if self.status() == 401 && challenge {
            response = response.with("www-authenticate", "Basic realm=\"device-grant\"".to_owned());
        }
        response
    }
}

#[derive(serde::Serialize)]
struct Body {
    error: &'static str,
    error_description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::assertion::Flaw;

    #[test]
    fn what_an_attacker_may_not_tell_apart_is_one_answer() {
        let body = |error: Error| error.response(false).body;

        for refusal in
            [ClientRefusal::NoProof, ClientRefusal::WrongSecret, ClientRefusal::Assertion(Flaw::Replayed)]
        {
            assert_eq!(body(Error::UnknownClient), body(Error::Unproven(refusal)));
        }
        assert_eq!(body(Error::ForgedDeviceCode), body(Error::UnknownDeviceCode));
        assert_eq!(body(Error::SpentDeviceCode), body(Error::ReplayedDeviceCode));
        assert_eq!(body(Error::UnknownDeviceCode), body(Error::WithoutKey));
        assert_eq!(body(Error::DeadRefreshToken), body(Error::RefreshWithoutKey));
        assert_eq!(body(Error::Denied), body(Error::Contested));
        assert_eq!(body(Error::ForgedRefreshToken), body(Error::ReusedRefreshToken));
    }

    /// Every variant once. One that is missing stops the build, because the same names make the match.
    macro_rules! every {
        ($enum:ident: $($variant:ident $(($holds:expr))?),+ $(,)?) => {{
            let _ = |one: $enum| match one { $($enum::$variant { .. } => {})+ };
            [$($enum::$variant $(($holds))?),+]
        }};
    }

    fn all() -> Vec<Error> {
        use crate::token::dpop::Flaw;

        let flaws = every!(Flaw: Several, Malformed, Type, Algorithm, Key, Signature, Method, Uri, AccessToken, Replayed);
        let errors = every!(Error:
            NotAForm, TooLarge, NotUtf8, Repeated, Missing("client_id"), Malformed("dpop_jkt"), TwoMethods, TwoClients,
            MalformedAuthorization, UnknownClient, Unproven(ClientRefusal::NoProof), NoCertificate, UnknownGrantType,
            GrantNotAllowed, MalformedScope, ScopeNotAllowed, MalformedTarget, TargetNotAllowed, ForgedDeviceCode,
            UnknownDeviceCode, SpentDeviceCode, ReplayedDeviceCode, ForgedRefreshToken, BadProof(Flaw::Several),
            NonceNeeded, ProofRequired, TwoKeys, WithoutKey, RefreshWithoutKey, TokenWithoutKey, WrongVerifier,
            DeadRefreshToken, ReusedRefreshToken, LostRefresh, RefreshRefused, ForeignToken, Pending(5), TooSoon(10),
            Denied, Reported, Contested, RedemptionRefused, Expired, TooMany(60), Unavailable,
        );
        errors.into_iter().chain(flaws.map(Error::BadProof)).collect()
    }

    #[test]
    fn a_description_has_only_the_characters_it_may_have() {
        // RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E.
        let allowed = |byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        for error in all() {
            let description = error.description();
            assert!(!description.is_empty() && description.bytes().all(allowed), "{error:?}");
        }
    }
}
