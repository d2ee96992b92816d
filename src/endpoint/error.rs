//! Why an OAuth endpoint refuses, and what it says then.

use super::http::Response;
use super::platform::Unavailable;
use crate::client::authentication::Refusal;
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
    Unproven(Refusal),
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

impl From<Unavailable> for Error {
    fn from(Unavailable: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl Error {
    /// The registered code: RFC 6749 §5.2, RFC 8628 §3.5, RFC 8707 §2.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAForm
            | Self::TooLarge
            | Self::NotUtf8
            | Self::Repeated
            | Self::Missing(_)
            | Self::Malformed(_)
            | Self::TwoMethods
            | Self::TwoClients
            | Self::NoCertificate
            | Self::ProofRequired
            | Self::TwoKeys => "invalid_request",
            Self::BadProof(_) => "invalid_dpop_proof",
            Self::NonceNeeded => "use_dpop_nonce",
            Self::TokenWithoutKey => "invalid_token",
            Self::MalformedAuthorization | Self::UnknownClient | Self::Unproven(_) => "invalid_client",
            Self::UnknownGrantType => "unsupported_grant_type",
            Self::GrantNotAllowed => "unauthorized_client",
            Self::MalformedScope | Self::ScopeNotAllowed => "invalid_scope",
            Self::MalformedTarget | Self::TargetNotAllowed => "invalid_target",
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
            | Self::ForeignToken => "invalid_grant",
            Self::Pending(_) => "authorization_pending",
            Self::TooSoon(_) => "slow_down",
            Self::Denied | Self::Reported | Self::Contested | Self::RedemptionRefused => "access_denied",
            Self::Expired => "expired_token",
            Self::TooMany(_) | Self::Unavailable => "temporarily_unavailable",
        }
    }

    /// 400 for all (RFC 6749 §5.2), but for a failed client authentication and what is not OAuth's.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::MalformedAuthorization
            | Self::UnknownClient
            | Self::Unproven(_)
            | Self::TokenWithoutKey => 401,
            Self::TooLarge => 413,
            Self::TooMany(_) => 429,
            Self::Unavailable => 503,
            Self::NotAForm
            | Self::NotUtf8
            | Self::Repeated
            | Self::Missing(_)
            | Self::Malformed(_)
            | Self::TwoMethods
            | Self::TwoClients
            | Self::NoCertificate
            | Self::UnknownGrantType
            | Self::GrantNotAllowed
            | Self::MalformedScope
            | Self::ScopeNotAllowed
            | Self::MalformedTarget
            | Self::TargetNotAllowed
            | Self::ForgedDeviceCode
            | Self::UnknownDeviceCode
            | Self::SpentDeviceCode
            | Self::ReplayedDeviceCode
            | Self::ForgedRefreshToken
            | Self::DeadRefreshToken
            | Self::ReusedRefreshToken
            | Self::LostRefresh
            | Self::RefreshRefused
            | Self::BadProof(_)
            | Self::NonceNeeded
            | Self::ProofRequired
            | Self::TwoKeys
            | Self::WithoutKey
            | Self::RefreshWithoutKey
            | Self::WrongVerifier
            | Self::ForeignToken
            | Self::Pending(_)
            | Self::TooSoon(_)
            | Self::Denied
            | Self::Reported
            | Self::Contested
            | Self::RedemptionRefused
            | Self::Expired => 400,
        }
    }

    /// For the log: our reason.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotAForm => "not_a_form",
            Self::TooLarge => "too_large",
            Self::NotUtf8 => "not_utf8",
            Self::Repeated => "repeated_parameter",
            Self::Missing(_) => "missing_parameter",
            Self::Malformed(_) => "malformed_parameter",
            Self::TwoMethods => "two_methods",
            Self::TwoClients => "two_clients",
            Self::MalformedAuthorization => "malformed_authorization",
            Self::UnknownClient => "unknown_client",
            Self::Unproven(refusal) => refusal.reason(),
            Self::NoCertificate => "no_certificate",
            Self::UnknownGrantType => "unknown_grant_type",
            Self::GrantNotAllowed => "grant_not_allowed",
            Self::MalformedScope => "malformed_scope",
            Self::ScopeNotAllowed => "scope_not_allowed",
            Self::MalformedTarget => "malformed_target",
            Self::TargetNotAllowed => "target_not_allowed",
            Self::ForgedDeviceCode => "forged_device_code",
            Self::UnknownDeviceCode => "unknown_device_code",
            Self::SpentDeviceCode => "spent_device_code",
            Self::ReplayedDeviceCode => "replayed_device_code",
            Self::ForgedRefreshToken => "forged_refresh_token",
            Self::DeadRefreshToken => "dead_refresh_token",
            Self::ReusedRefreshToken => "reused_refresh_token",
            Self::LostRefresh => "lost_refresh",
            Self::RefreshRefused => "refresh_refused",
            Self::BadProof(flaw) => flaw.name(),
            Self::NonceNeeded => "dpop_nonce_needed",
            Self::ProofRequired => "proof_required",
            Self::TwoKeys => "two_keys",
            Self::WithoutKey => "device_code_without_key",
            Self::RefreshWithoutKey => "refresh_token_without_key",
            Self::TokenWithoutKey => "access_token_without_key",
            Self::WrongVerifier => "wrong_code_verifier",
            Self::ForeignToken => "foreign_token",
            Self::Pending(_) => "pending",
            Self::TooSoon(_) => "too_soon",
            Self::Denied => "denied",
            Self::Reported => "reported",
            Self::Contested => "contested",
            Self::RedemptionRefused => "redemption_refused",
            Self::Expired => "expired",
            Self::TooMany(_) => "too_many",
            Self::Unavailable => "unavailable",
        }
    }

    /// For the client's developer. Never says more than [`Error::code`] where an attacker could ask.
    fn description(&self) -> String {
        match self {
            Self::NotAForm => "The body must be application/x-www-form-urlencoded.".to_owned(),
            Self::TooLarge => format!("The body is larger than {} bytes.", super::http::MAX_BODY),
            Self::NotUtf8 => "The parameters must be UTF-8.".to_owned(),
            Self::Repeated => "A parameter is sent more than once.".to_owned(),
            Self::Missing(name) => format!("The parameter {name} is missing."),
            Self::Malformed(name) => format!("The parameter {name} cannot be used as it is."),
            Self::TwoMethods => "Use one way of client authentication, not two.".to_owned(),
            Self::TwoClients => {
                "The client's authentication and client_id name different clients.".to_owned()
            }
            Self::MalformedAuthorization | Self::UnknownClient | Self::Unproven(_) => {
                "The client is unknown or did not authenticate.".to_owned()
            }
            Self::NoCertificate => {
                "The tokens of this client are bound to its certificate: use the endpoints of \
                 mtls_endpoint_aliases, with a certificate."
                    .to_owned()
            }
            Self::UnknownGrantType => {
                "This server serves the device grant and refresh tokens only.".to_owned()
            }
            Self::GrantNotAllowed => "This client may not use this grant.".to_owned(),
            Self::MalformedScope => "The scope has a character that no scope may have.".to_owned(),
            Self::ScopeNotAllowed => "Nothing of this scope is allowed here.".to_owned(),
            Self::MalformedTarget => "A resource must be an absolute URI without a fragment.".to_owned(),
            Self::TargetNotAllowed => {
                "This client may not have tokens for that resource, or it was not granted.".to_owned()
            }
            Self::ForgedDeviceCode
            | Self::UnknownDeviceCode
            | Self::SpentDeviceCode
            | Self::ReplayedDeviceCode
            | Self::WithoutKey => "The device code is unknown, used, or another client's.".to_owned(),
            Self::ForgedRefreshToken
            | Self::DeadRefreshToken
            | Self::ReusedRefreshToken
            | Self::LostRefresh
            | Self::RefreshRefused
            | Self::RefreshWithoutKey => "The refresh token is unknown, used, or revoked.".to_owned(),
            Self::BadProof(flaw) => flaw.description().to_owned(),
            Self::NonceNeeded => "The DPoP proof needs the nonce of this answer.".to_owned(),
            Self::ProofRequired => "This client must send a DPoP proof.".to_owned(),
            Self::TwoKeys => "The dpop_jkt is not the key of the DPoP proof.".to_owned(),
            Self::TokenWithoutKey => "The access token needs a DPoP proof with its key.".to_owned(),
            Self::WrongVerifier => "The code_verifier does not answer the code_challenge.".to_owned(),
            Self::ForeignToken => "The token is another client's.".to_owned(),
            Self::Pending(_) => "Nobody has decided yet; ask again after the interval.".to_owned(),
            Self::TooSoon(interval) => {
                format!("Too soon; from now on wait {interval} seconds between requests.")
            }
            Self::Denied | Self::Reported | Self::Contested | Self::RedemptionRefused => {
                "The request was refused.".to_owned()
            }
            Self::Expired => "The device code has expired; start again.".to_owned(),
            Self::TooMany(_) => "Too many requests, or codes that wait; try again later.".to_owned(),
            Self::Unavailable => "Part of the server cannot be reached; nothing has changed.".to_owned(),
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

        for refusal in [Refusal::NoProof, Refusal::WrongSecret, Refusal::Assertion(Flaw::Replayed)] {
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
            MalformedAuthorization, UnknownClient, Unproven(Refusal::NoProof), NoCertificate, UnknownGrantType,
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
