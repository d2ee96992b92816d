//! Why an OAuth endpoint refuses a request, and the error response it sends.

mod kind;
mod text;

use super::http::Response;
use super::platform::{NotFetched, Unavailable};
use crate::audit::policy_record::PolicyRecord;
use crate::client::authentication::ClientRefusal;
use crate::client::document::address::AddressFlaw;
use crate::endpoint::policy::refused::Refused;
use crate::limiter::budgets::DOCUMENT_PAUSE;
use crate::network::Width;
use crate::policy::Point;
use crate::scope::Scope;
use crate::token::dpop::Flaw;

/// A limit that a request exceeds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Limit {
    /// Requests for codes by one client from one network.
    Requests,
    /// Requests from one network whose client authentication failed, or with a client that this isolate does not know.
    FailedAuthentications,
    /// The same with one device code, wherever they come from.
    FailedAuthenticationsOfCode,
    /// Refresh tokens of retired key pairs from one network.
    RetiredTokens,
    /// Pending codes of one client from one network: `LIVE_CODES_PER_CLIENT_AND_NETWORK`. Names the prefix
    /// that is full.
    Codes(Width),
    /// Pending codes of all clients from one network in one shard, which keeps room for other networks. Names
    /// the prefix.
    CodesOfNetwork(Width),
    /// Pending codes in one shard: `LIVE_CODES_PER_SHARD`.
    CodesOfShard,
    /// Upgrades to WebSockets by one client from one network.
    Upgrades,
    /// WebSockets of one device code, one after the other.
    SocketsOfCode,
    /// WebSockets in one shard: `INSTANT_SOCKETS_PER_SHARD`.
    SocketsOfShard,
    /// Fetches of client ID metadata documents.
    Documents,
    /// Refreshes of one family: see [`crate::family::pace`].
    Refreshes,
}

/// Why a request is refused, in more detail than the response shows.
///
/// [`Error::code`] maps each reason to a registered error code. Several reasons share a code on purpose: the
/// log stays precise, while the response reveals no more than it must.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Error {
    /// The content type, if there is one, is not `application/x-www-form-urlencoded`. It comes printable here, like
    /// everything that a client sent.
    NotAForm(Option<String>),
    /// The body is larger than [`super::http::MAX_BODY`].
    TooLarge,
    /// The body has a content coding, such as `gzip`.
    ContentCoding(String),
    /// A name or value is not UTF-8 once it is decoded.
    NotUtf8,
    /// A web page wants to start a grant, but the client does not list its origin, which comes printable here. `None`
    /// if the page names no origin.
    ForeignPage(Option<String>),
    /// The parameter was sent more than once.
    Repeated(String),
    /// The named parameter is missing.
    Missing(&'static str),
    /// The named parameter has a malformed value.
    Malformed(&'static str),
    /// The client authenticates in two ways, or there is an access token both in the header and in the body.
    TwoMethods,
    /// The client authentication and `client_id` name different clients.
    TwoClients,
    /// The `Authorization` header is not valid HTTP Basic.
    MalformedAuthorization,
    /// No client has this `client_id`.
    UnknownClient,
    /// No client has this `client_id`, which is the URL of a document that nobody has let in. It comes printable here.
    DocumentNotAllowed(String),
    /// The `client_id` is meant as the URL of a document, but cannot be one.
    DocumentAddress(AddressFlaw),
    /// The client's metadata document cannot be used, and why. The reason comes printable here.
    DocumentFlawed(String),
    /// The client's metadata document cannot be fetched now.
    DocumentUnreachable(NotFetched),
    /// The client did not prove its identity.
    Unproven(ClientRefusal),
    /// The client's tokens are bound to its certificate, but the request came without one.
    NoCertificate,
    /// This server does not support the grant type.
    UnknownGrantType(String),
    /// The client is not allowed to use the grant type, or is disabled.
    GrantNotAllowed,
    /// The scope contains a character that RFC 6749 §3.3 does not allow.
    MalformedScope(String),
    /// A `code_challenge` without `code_challenge_method=S256` (RFC 7636 §4.3).
    ChallengeMethod,
    /// None of the requested scopes is allowed or, at a refresh, was granted. Carries what policy decided if a rule left none.
    ScopeNotAllowed(Scope, Option<Box<PolicyRecord>>),
    /// A `resource` is not an absolute URI without a fragment.
    MalformedTarget(String),
    /// The client is not allowed tokens for a `resource`, or the grant does not include it.
    TargetNotAllowed(String),
    /// The client is not allowed tokens for anything that the grant includes.
    TargetsLost,
    /// The device code has the wrong tag: it was made up, altered, or issued to another client.
    ForgedDeviceCode,
    /// There is no device code in the `Authorization` header.
    NoDeviceCode,
    /// No grant has this device code.
    UnknownDeviceCode,
    /// The device code was redeemed less than [`RACE`](crate::family::renewal::RACE) ago.
    SpentDeviceCode,
    /// The device code was redeemed earlier; its tokens are now revoked.
    ReplayedDeviceCode,
    /// The refresh token has the wrong tag.
    ForgedRefreshToken,
    /// The refresh token names the key pair with this number, which the server neither holds nor lists as retired.
    UnknownKeyPair(u16),
    /// The DPoP proof is not valid.
    BadProof(Flaw),
    /// The DPoP proof has no nonce from this server, or an old one (RFC 9449 §8).
    NonceNeeded,
    /// The client must send a DPoP proof, but did not (RFC 9449 §5.2).
    ProofRequired,
    /// `dpop_jkt` is not the thumbprint of the key of the DPoP proof.
    TwoKeys,
    /// The client did not prove that it has the key that the device code is bound to.
    WithoutKey,
    /// The client did not prove that it has the key that the refresh token is bound to.
    RefreshWithoutKey,
    /// The access token is bound but came as `Bearer`, or came as `DPoP` but is not bound to the proof's key.
    TokenWithoutKey,
    /// The `code_verifier` is missing or wrong, or there was no challenge (RFC 7636 §4.6).
    WrongVerifier,
    /// The refresh token's family has ended.
    DeadRefreshToken,
    /// The refresh token was used before; its family is now revoked.
    ReusedRefreshToken,
    /// Another request used the refresh token first.
    LostRefresh,
    /// A change to the client or the account forbids the refresh.
    RefreshRefused(&'static str),
    /// The token to revoke was issued to another client (RFC 7009 §2.1).
    ForeignToken,
    /// Nobody has decided yet. Carries the polling interval in seconds.
    Pending(u64),
    /// The device polled too soon. Carries the polling interval from now on, in seconds.
    TooSoon(u64),
    /// A person refused the request.
    Denied,
    /// A person reported that they did not start the request.
    Reported,
    /// Two people entered the code.
    Contested,
    /// The code was presented from where its client may not redeem it.
    Elsewhere,
    /// The person who approved ended the access again.
    Withdrawn,
    /// An administrator ended the code.
    Ended,
    /// A change to the client or the account, or what they demand of the sign-in, forbids the redemption.
    RedemptionRefused(&'static str),
    /// The rules forbid the step.
    Policy(Point, Box<Refused>),
    /// The rules allow only tokens that are bound to a key. Carries what policy decided.
    KeyRequired(Option<Box<PolicyRecord>>),
    /// Every completion of the login needs an initiation verification, and the device did not say that it can ask its user
    /// for digits. Carries what policy decided.
    VerificationUnsupported(Option<Box<PolicyRecord>>),
    /// Every completion of the login needs a device that is in the inventory, and it did not say what it is called. Carries
    /// what policy decided.
    IdentifierRequired(Option<Box<PolicyRecord>>),
    /// The person typed wrong characters of the device's identifier three times.
    Misidentified,
    /// A person has approved, and the device has to send the digits that they were shown. Carries the polling interval in
    /// seconds.
    DigitsNeeded(u64),
    /// The device has sent wrong digits, and has this many tries left.
    WrongDigits(u64),
    /// The device has sent wrong digits three times.
    Mistyped,
    /// The device code has expired.
    Expired,
    /// A device wants to wait for a decision that has been made.
    NothingToWaitFor,
    /// Too many live codes, or too many requests. Carries the wait in seconds.
    TooMany(Limit, u64),
    /// Part of the server cannot be reached; nothing has changed.
    Unavailable,
}

impl From<Unavailable> for Error {
    fn from(Unavailable: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl Error {
    /// Returns the registered error code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind().code()
    }

    /// Returns the HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.kind().status()
    }

    /// Returns the `interval` member: seconds that the device must wait between polls from now on.
    const fn interval(&self) -> Option<u64> {
        if let Self::Pending(interval) | Self::TooSoon(interval) | Self::DigitsNeeded(interval) = self {
            Some(*interval)
        } else {
            None
        }
    }

    /// Returns the `tries_left` member: how many wrong digits the device can still send.
    const fn tries_left(&self) -> Option<u64> {
        if let Self::WrongDigits(left) = self { Some(*left) } else { None }
    }

    /// Returns what policy decided, for the log.
    pub(super) fn policy(&self) -> Option<Box<PolicyRecord>> {
        if let Self::Policy(_, refused) = self {
            refused.record.clone()
        } else if let Self::VerificationUnsupported(record)
        | Self::IdentifierRequired(record)
        | Self::KeyRequired(record)
        | Self::ScopeNotAllowed(_, record) = self
        {
            record.clone()
        } else {
            None
        }
    }

    /// Returns the `error_uri` member.
    fn uri(&self) -> Option<&str> {
        if let Self::Policy(_, refused) = self { refused.uri.as_deref() } else { None }
    }

    /// Returns the `Retry-After` header in seconds.
    const fn retry_after(&self) -> Option<u64> {
        if let Self::TooSoon(wait) | Self::TooMany(_, wait) = self {
            Some(*wait)
        } else if matches!(self, Self::Unavailable) {
            Some(5)
        } else if matches!(self, Self::DocumentUnreachable(_)) {
            Some(DOCUMENT_PAUSE)
        } else {
            None
        }
    }

    /// Builds the response. A 401 names the scheme by which clients authenticate (RFC 9110 §15.5.2), even if the
    /// client sent its credentials in the form, where RFC 6749 §5.2 would allow to leave it out.
    #[must_use]
    pub fn response(&self) -> Response {
        let (error, error_description) = (self.code(), self.description());
        let (error_uri, interval, tries_left) = (self.uri(), self.interval(), self.tries_left());
        let body = Body { error, error_description, error_uri, interval, tries_left };
        let mut response = Response::json(self.status(), &body);
        if let Some(seconds) = self.retry_after() {
            response = response.with("retry-after", seconds.to_string());
        }
        if self.status() == 401 {
            response = response.with("www-authenticate", "Basic realm=\"device-grant\"".to_owned());
        }
        response
    }
}

#[derive(serde::Serialize)]
struct Body<'a> {
    error: &'static str,
    error_description: String,
    /// A page for the client's user (RFC 6749 §5.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    error_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tries_left: Option<u64>,
}

/// Most characters that a response repeats of what a client sent.
const MOST_SHOWN: usize = 100;

/// Returns the beginning of what a client sent, as a response may repeat it.
pub(super) fn shown(text: &str) -> String {
    let start: String = text.chars().take(MOST_SHOWN).collect();
    printable(&start)
}

/// Replaces characters that `error_description` must not contain (RFC 6749 §5.2).
pub(super) fn printable(text: &str) -> String {
    let fit = |character| match character {
        '"' | '\\' => '\'',
        ' '..='~' => character,
        _ => '?',
    };
    text.chars().map(fit).collect()
}

#[cfg(test)]
mod tests;
