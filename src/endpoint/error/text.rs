//! The texts of an error: a reason for the log, and a description for the client's developer.

use super::{Error, Limit, shown};
use crate::audit::policy_record::PolicyRecord;
use crate::client::document::address::AddressFlaw;
use crate::client::{DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT};
use crate::endpoint::http::MAX_BODY;
use crate::endpoint::platform::NotFetched;
use crate::endpoint::policy::refused::Refused;
use crate::limiter::budgets::DOCUMENT_PAUSE;
use crate::policy::Point;
use crate::policy::inventory::Identifier;
use crate::scope::Scope;
use crate::token::resource::LONGEST;

impl Error {
    /// Returns why a good code or refresh token gets no tokens, and what policy decided, for the event of that refusal. `None`
    /// for every other error.
    pub(in crate::endpoint) fn refusal(&self) -> Option<(String, Option<Box<PolicyRecord>>)> {
        if let Self::RedemptionRefused(why) | Self::RefreshRefused(why) = self {
            Some(((*why).to_owned(), None))
        } else if matches!(self, Self::Policy(..) | Self::KeyRequired(_)) {
            Some((self.reason().to_owned(), self.policy()))
        } else {
            None
        }
    }

    /// Returns the reason for the log, in `snake_case`.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotAForm(_) => "not_a_form",
            Self::TooLarge => "too_large",
            Self::ContentCoding(_) => "content_coding",
            Self::NotUtf8 => "not_utf8",
            Self::ForeignPage(_) => "foreign_page",
            Self::Repeated(_) => "repeated_parameter",
            Self::Missing(_) => "missing_parameter",
            Self::Malformed(_) => "malformed_parameter",
            Self::TwoMethods => "two_methods",
            Self::TwoClients => "two_clients",
            Self::MalformedAuthorization => "malformed_authorization",
            Self::UnknownClient => "unknown_client",
            Self::DocumentNotAllowed(_) => "document_not_allowed",
            Self::DocumentAddress(_) => "document_address",
            Self::DocumentFlawed(_) => "document_flawed",
            Self::DocumentUnreachable(_) => "document_unreachable",
            Self::Unproven(refusal) => refusal.reason(),
            Self::NoCertificate => "no_certificate",
            Self::UnknownGrantType(_) => "unknown_grant_type",
            Self::GrantNotAllowed => "grant_not_allowed",
            Self::ChallengeMethod => "challenge_method",
            Self::MalformedScope(_) => "malformed_scope",
            Self::ScopeNotAllowed(..) => "scope_not_allowed",
            Self::MalformedTarget(_) => "malformed_target",
            Self::TargetNotAllowed(_) => "target_not_allowed",
            Self::TargetsLost => "targets_lost",
            Self::ForgedDeviceCode => "forged_device_code",
            Self::NoDeviceCode => "no_device_code",
            Self::UnknownDeviceCode => "unknown_device_code",
            Self::SpentDeviceCode => "spent_device_code",
            Self::ReplayedDeviceCode => "replayed_device_code",
            Self::ForgedRefreshToken => "forged_refresh_token",
            Self::UnknownKeyPair(_) => "unknown_key_pair",
            Self::DeadRefreshToken => "dead_refresh_token",
            Self::ReusedRefreshToken => "reused_refresh_token",
            Self::LostRefresh => "lost_refresh",
            Self::RefreshRefused(_) => "refresh_refused",
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
            Self::Elsewhere => "elsewhere",
            Self::Withdrawn => "withdrawn",
            Self::Ended => "ended",
            Self::VerificationUnsupported(_) => "verification_unsupported",
            Self::DigitsNeeded(_) => "digits_needed",
            Self::WrongDigits(_) => "wrong_digits",
            Self::Mistyped => "mistyped",
            Self::IdentifierRequired(_) => "identifier_required",
            Self::Misidentified => "misidentified",
            Self::RedemptionRefused(_) => "redemption_refused",
            Self::Policy(_, refused) => refused.reason,
            Self::KeyRequired(_) => "key_required",
            Self::Expired => "expired",
            Self::NothingToWaitFor => "nothing_to_wait_for",
            Self::TooMany(..) => "too_many",
            Self::Unavailable => "unavailable",
        }
    }

    /// Returns `error_description`, for the client's developer. Reasons that an attacker must not be able to
    /// tell apart share a description.
    pub(in crate::endpoint) fn description(&self) -> String {
        match self {
            Self::NotAForm(sent) => not_a_form(sent.as_deref()),
            Self::TooLarge => format!("The body is larger than {MAX_BODY} bytes."),
            Self::ContentCoding(sent) => coding(sent),
            Self::NotUtf8 => "The parameters must be UTF-8.".to_owned(),
            Self::ForeignPage(origin) => foreign_page(origin.as_deref()),
            Self::Repeated(name) => format!("The parameter '{name}' was sent more than once: send it once."),
            Self::Missing(name) => format!("The parameter {name} is missing."),
            Self::Malformed(name) => format!("The parameter {name} is malformed: it must be {}.", rule(name)),
            Self::TwoMethods => "The request authenticates in two ways; use only one.".to_owned(),
            Self::TwoClients => "The client authentication and client_id name different clients.".to_owned(),
            Self::MalformedAuthorization => MALFORMED_AUTHORIZATION.to_owned(),
            Self::UnknownClient | Self::Unproven(_) => UNKNOWN_CLIENT.to_owned(),
            Self::DocumentNotAllowed(url) => document_not_allowed(url),
            Self::DocumentAddress(flaw) => document_address(*flaw),
            Self::DocumentFlawed(why) => format!("The client ID metadata document cannot be used: {why}."),
            Self::DocumentUnreachable(why) => document_unreachable(*why),
            Self::NoCertificate => NO_CERTIFICATE.to_owned(),
            Self::UnknownGrantType(sent) => unknown_grant_type(sent),
            Self::GrantNotAllowed => GRANT_NOT_ALLOWED.to_owned(),
            Self::MalformedScope(sent) => malformed_scope(sent),
            Self::ScopeNotAllowed(asked, _) => scope_not_allowed(asked),
            Self::ChallengeMethod => CHALLENGE_METHOD.to_owned(),
            Self::MalformedTarget(sent) => malformed_target(sent),
            Self::TargetNotAllowed(sent) => target_not_allowed(sent),
            Self::TargetsLost => TARGETS_LOST.to_owned(),
            Self::NoDeviceCode => NO_DEVICE_CODE.to_owned(),
            Self::ForgedDeviceCode
            | Self::UnknownDeviceCode
            | Self::SpentDeviceCode
            | Self::ReplayedDeviceCode
            | Self::WithoutKey => BAD_DEVICE_CODE.to_owned(),
            Self::ForgedRefreshToken
            | Self::UnknownKeyPair(_)
            | Self::DeadRefreshToken
            | Self::ReusedRefreshToken
            | Self::LostRefresh
            | Self::RefreshRefused(_)
            | Self::RefreshWithoutKey => BAD_REFRESH_TOKEN.to_owned(),
            Self::BadProof(flaw) => flaw.description().to_owned(),
            Self::NonceNeeded => NONCE_NEEDED.to_owned(),
            Self::ProofRequired => "This client must send a DPoP proof.".to_owned(),
            Self::TwoKeys => "The dpop_jkt does not match the key of the DPoP proof.".to_owned(),
            Self::TokenWithoutKey => TOKEN_WITHOUT_KEY.to_owned(),
            Self::WrongVerifier => WRONG_VERIFIER.to_owned(),
            Self::ForeignToken => "The token was issued to another client.".to_owned(),
            Self::Pending(_) => "Nobody has decided yet; poll again after the interval.".to_owned(),
            Self::TooSoon(interval) => too_soon(*interval),
            Self::Policy(point, refused) => policy(*point, refused),
            Self::KeyRequired(_) => KEY_REQUIRED.to_owned(),
            Self::VerificationUnsupported(_) => VERIFICATION_UNSUPPORTED.to_owned(),
            Self::IdentifierRequired(_) => IDENTIFIER_REQUIRED.to_owned(),
            Self::DigitsNeeded(_) => DIGITS_NEEDED.to_owned(),
            Self::WrongDigits(left) => wrong_digits(*left),
            Self::Denied
            | Self::Reported
            | Self::Contested
            | Self::Elsewhere
            | Self::Withdrawn
            | Self::Ended
            | Self::Mistyped
            | Self::Misidentified
            | Self::RedemptionRefused(_) => REFUSED.to_owned(),
            Self::Expired => "The device code has expired; start again.".to_owned(),
            Self::NothingToWaitFor => NOTHING_TO_WAIT_FOR.to_owned(),
            Self::TooMany(limit, wait) => format!("{}; try again in {wait} seconds.", limit.description()),
            Self::Unavailable => "Part of the server cannot be reached; nothing has changed.".to_owned(),
        }
    }
}

/// Says why only to those who have no code yet. Later, a refusal looks like any other.
fn policy(point: Point, refused: &Refused) -> String {
    match point {
        Point::DeviceAuthorization => refused.description.clone(),
        Point::SignIn | Point::Approval | Point::Redemption => REFUSED.to_owned(),
        Point::Refresh => BAD_REFRESH_TOKEN.to_owned(),
    }
}

const REFUSED: &str = "The request was refused.";
const KEY_REQUIRED: &str = "The tokens of this client must be bound to a key: send a DPoP proof, or dpop_jkt when you request the code.";
const VERIFICATION_UNSUPPORTED: &str = "This sign-in is allowed only at a device that asks its user for four digits: send \
                                        initiation_verification_supported=true, if it can do that.";
const IDENTIFIER_REQUIRED: &str = "This sign-in is allowed only at a device that is assigned to its user: send its serial \
                                   number or host name as device_identifier.";
const DIGITS_NEEDED: &str = "A person has approved, and sees four digits: ask the user of this device for them, and send them \
                             as initiation_verification_code.";
const NO_DEVICE_CODE: &str =
    "The device code is missing: send it in the header Authorization, after DeviceCode and a space.";
const NOTHING_TO_WAIT_FOR: &str = "There is nothing to wait for any more: ask the token endpoint now.";
const MALFORMED_AUTHORIZATION: &str =
    "The Authorization header is malformed: send Basic, with client_id:client_secret in base64.";
const UNKNOWN_CLIENT: &str = "The client is unknown or did not authenticate.";
const NO_CERTIFICATE: &str = "This client's tokens are bound to its certificate: use the endpoints in \
                              mtls_endpoint_aliases, and send the certificate.";
const GRANT_NOT_ALLOWED: &str = "The client is disabled, or may not use this grant: see its grant_types.";
const CHALLENGE_METHOD: &str = "Send code_challenge_method=S256 with the code_challenge: without it the method is plain, \
                                which is not accepted.";
const TARGETS_LOST: &str =
    "Nothing that was granted is in the audience of this client any more: start again.";
const BAD_DEVICE_CODE: &str = "The device code is unknown, already used, or was issued to another client.";
const BAD_REFRESH_TOKEN: &str = "The refresh token is unknown, already used, or revoked.";
const NONCE_NEEDED: &str = "The DPoP proof must contain the nonce in the DPoP-Nonce header of this response.";
const TOKEN_WITHOUT_KEY: &str = "The access token must come with a DPoP proof of the key it is bound to.";
const WRONG_VERIFIER: &str = "The code_verifier is missing, or does not match the code_challenge.";

fn coding(sent: &str) -> String {
    format!("The body has the content coding '{sent}': send it without one.")
}

fn document_not_allowed(url: &str) -> String {
    format!(
        "The client '{url}' is not registered, and no client ID metadata document is let in from there: ask the operator \
         of this server to allow it."
    )
}

fn document_address(flaw: AddressFlaw) -> String {
    format!(
        "The client_id is not registered, and cannot be the URL of a client ID metadata document: it {flaw}."
    )
}

fn document_unreachable(why: NotFetched) -> String {
    format!(
        "The client ID metadata document cannot be fetched now: {why}; try again in {DOCUMENT_PAUSE} seconds."
    )
}

fn unknown_grant_type(sent: &str) -> String {
    format!("This server has no grant type '{sent}': send {DEVICE_CODE_GRANT} or {REFRESH_TOKEN_GRANT}.")
}

fn malformed_scope(sent: &str) -> String {
    format!(
        "The scope '{sent}' has a character that no scope can have: send visible ASCII without quotation marks and \
         backslashes, and a space between scopes."
    )
}

fn scope_not_allowed(asked: &Scope) -> String {
    let asked = shown(&asked.to_string());
    format!("No scope of '{asked}' is allowed, or at a refresh was granted. Spaces separate scopes.")
}

fn malformed_target(sent: &str) -> String {
    format!(
        "The resource '{sent}' is malformed: send an absolute URI without a fragment, of at most {LONGEST} bytes."
    )
}

fn target_not_allowed(sent: &str) -> String {
    format!(
        "The resource '{sent}' is not in the audience of this client, or was not granted: send one that is, or none."
    )
}

fn wrong_digits(left: u64) -> String {
    let tries = if left == 1 { "1 try is" } else { &format!("{left} tries are") };
    format!("These are not the digits that the person sees, so nothing was signed in: {tries} left.")
}

fn too_soon(interval: u64) -> String {
    format!("Polled too soon; from now on, wait {interval} seconds between polls.")
}

fn not_a_form(sent: Option<&str>) -> String {
    match sent {
        Some(sent) => format!("The Content-Type is '{sent}': send application/x-www-form-urlencoded."),
        None => "There is no Content-Type: send application/x-www-form-urlencoded.".to_owned(),
    }
}

fn foreign_page(origin: Option<&str>) -> String {
    match origin {
        Some(origin) => format!(
            "The request comes from a web page of the origin '{origin}', which the client does not list in \
             allowed_origins."
        ),
        None => "The request comes from a web page, by its Sec-Fetch-Site, that sends no Origin to compare with the \
                 client's allowed_origins."
            .to_owned(),
    }
}

/// Returns what a parameter must be, as the end of a sentence.
fn rule(name: &str) -> &'static str {
    match name {
        "acr_values" => "at most 512 bytes of visible ASCII, with spaces between classes",
        "code_challenge" => "the SHA-256 digest of the code_verifier in base64url, 43 characters",
        "code_verifier" => "43 to 128 letters, digits, hyphens, periods, underscores and tildes",
        "initiation_verification_code" => "four decimal digits",
        "initiation_verification_supported" => "true or false",
        "device_identifier" => Identifier::ALLOWED,
        "dpop_jkt" => "the SHA-256 thumbprint of a JWK in base64url, 43 characters",
        "max_age" => "a whole number of seconds",
        "nonce" => "at most 512 bytes",
        _ => "one of those that this server knows",
    }
}

impl Limit {
    /// Returns which limit it is, as the beginning of a sentence.
    fn description(self) -> String {
        match self {
            Self::Requests => "Too many requests for codes by this client from this network".to_owned(),
            Self::FailedAuthentications => {
                "Too many failed client authentications from this network".to_owned()
            }
            Self::FailedAuthenticationsOfCode => {
                "Too many failed client authentications with this device code".to_owned()
            }
            Self::RetiredTokens => "Too many old refresh tokens from this network".to_owned(),
            Self::Codes(width) => {
                format!("Too many pending codes of this client from this network ({width})")
            }
            Self::CodesOfNetwork(width) => {
                format!("Too many pending codes from this network ({width})")
            }
            Self::CodesOfShard => "Too many pending codes in this part of the server".to_owned(),
            Self::Upgrades => "Too many connections by this client from this network".to_owned(),
            Self::SocketsOfCode => "Too many connections with this device code".to_owned(),
            Self::SocketsOfShard => "Too many connections in this part of the server".to_owned(),
            Self::Documents => {
                "The client ID metadata document was just asked for, or many of its host were".to_owned()
            }
            Self::Refreshes => "This authorization was refreshed too often".to_owned(),
        }
    }
}
