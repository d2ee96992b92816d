//! The registered code and the status of each error.

use super::Error;
use crate::policy::Point;

/// A registered error code together with its status.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    InvalidRequest,
    TooLarge,
    ContentCoding,
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
    DigitsNeeded,
    WrongDigits,
    NothingToWaitFor,
    TooMany,
    Unavailable,
}

impl Kind {
    /// Returns the code of RFC 6749 §5.2, RFC 6750 §3.1, RFC 8628 §3.5, RFC 8707 §2, or RFC 9449 §5 or §8,
    /// or of our own `docs/verification.md`.
    /// For `temporarily_unavailable` see `docs/decisions/0013-codes-for-429-and-503.md`.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest | Self::TooLarge | Self::ContentCoding | Self::NothingToWaitFor => {
                "invalid_request"
            }
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
            Self::DigitsNeeded => "initiation_verification_required",
            Self::WrongDigits => "initiation_verification_incorrect",
            Self::TooMany | Self::Unavailable => "temporarily_unavailable",
        }
    }

    /// Returns 400 (RFC 6749 §5.2), except for failed authentication and for conditions that OAuth does not
    /// define.
    pub(super) const fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::NothingToWaitFor => 409,
            Self::TooLarge => 413,
            Self::ContentCoding => 415,
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
            | Self::ExpiredToken
            | Self::DigitsNeeded
            | Self::WrongDigits => 400,
        }
    }
}

impl Error {
    /// Returns the code and status of the response.
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::TooLarge => Kind::TooLarge,
            Self::ContentCoding(_) => Kind::ContentCoding,
            Self::NotAForm(_)
            | Self::NotUtf8
            | Self::ForeignPage(_)
            | Self::Repeated(_)
            | Self::Missing(_)
            | Self::Malformed(_)
            | Self::ChallengeMethod
            | Self::TwoMethods
            | Self::TwoClients
            | Self::NoCertificate
            | Self::NoDeviceCode
            | Self::ProofRequired
            | Self::TwoKeys
            | Self::VerificationUnsupported(_)
            | Self::IdentifierRequired(_)
            | Self::KeyRequired(_) => Kind::InvalidRequest,
            Self::BadProof(_) => Kind::InvalidDpopProof,
            Self::NonceNeeded => Kind::UseDpopNonce,
            Self::TokenWithoutKey => Kind::InvalidToken,
            Self::MalformedAuthorization
            | Self::UnknownClient
            | Self::DocumentNotAllowed(_)
            | Self::DocumentAddress(_)
            | Self::DocumentFlawed(_)
            | Self::Unproven(_) => Kind::InvalidClient,
            Self::UnknownGrantType(_) => Kind::UnsupportedGrantType,
            Self::GrantNotAllowed => Kind::UnauthorizedClient,
            Self::MalformedScope(_) | Self::ScopeNotAllowed(..) => Kind::InvalidScope,
            Self::MalformedTarget(_) | Self::TargetNotAllowed(_) | Self::TargetsLost => Kind::InvalidTarget,
            Self::ForgedDeviceCode
            | Self::UnknownDeviceCode
            | Self::SpentDeviceCode
            | Self::ReplayedDeviceCode
            | Self::ForgedRefreshToken
            | Self::UnknownKeyPair(_)
            | Self::DeadRefreshToken
            | Self::ReusedRefreshToken
            | Self::LostRefresh
            | Self::RefreshRefused(_)
            | Self::WithoutKey
            | Self::RefreshWithoutKey
            | Self::WrongVerifier
            | Self::ForeignToken => Kind::InvalidGrant,
            Self::Pending(_) => Kind::AuthorizationPending,
            Self::TooSoon(_) => Kind::SlowDown,
            Self::Denied
            | Self::Reported
            | Self::Contested
            | Self::Elsewhere
            | Self::Withdrawn
            | Self::Ended
            | Self::Mistyped
            | Self::Misidentified
            | Self::RedemptionRefused(_) => Kind::AccessDenied,
            Self::Policy(point, _) => of_policy(*point),
            Self::Expired => Kind::ExpiredToken,
            Self::DigitsNeeded(_) => Kind::DigitsNeeded,
            Self::WrongDigits(_) => Kind::WrongDigits,
            Self::NothingToWaitFor => Kind::NothingToWaitFor,
            Self::TooMany(..) => Kind::TooMany,
            Self::Unavailable | Self::DocumentUnreachable(_) => Kind::Unavailable,
        }
    }
}

/// Returns the code of a refusal by the rules. At the points without an OAuth response, nobody sees it.
const fn of_policy(point: Point) -> Kind {
    match point {
        Point::DeviceAuthorization => Kind::UnauthorizedClient,
        Point::SignIn | Point::Approval | Point::Redemption => Kind::AccessDenied,
        Point::Refresh => Kind::InvalidGrant,
    }
}
