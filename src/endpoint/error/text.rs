//! What is said of an error: to the log, and to the client's developer.

use super::Error;
use crate::endpoint::http::MAX_BODY;

impl Error {
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

    /// For the client's developer. Never says more than its code where an attacker could ask.
    pub(super) fn description(&self) -> String {
        match self {
            Self::NotAForm => "The body must be application/x-www-form-urlencoded.".to_owned(),
            Self::TooLarge => format!("The body is larger than {MAX_BODY} bytes."),
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
}
