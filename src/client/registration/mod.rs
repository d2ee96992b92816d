//! Reads client metadata strictly (RFC 7591 §2): returns a [`Client`] or every fault.

mod credentials;
pub mod demand;
pub mod json_members;
pub mod lenient;
pub(crate) mod rules;
pub mod view;

use serde_json::{Map, Value};

pub(super) use rules::defaults;

use super::history::History;
use super::redirect_uri;
use super::redirect_uri::is_redirect_uri;
use super::registered_by::RegisteredBy;
use super::registration::json_members::{Members, is_web_address};
use super::rules::About;
use super::{Client, DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT};
use crate::fault::Fault;
use crate::format::Format;
use crate::scope::{OPENID, Scope};
use crate::secret::Digest;
use crate::token::signing_key::Algorithm;
use crate::visible;

/// Prefix of the subjects of accounts. Client identifiers must not start with it, so that a resource server
/// can tell people from clients (RFC 9700 §4.15).
const SUBJECT: &str = "acct-";
/// Members that responses add to the metadata. They are ignored in requests, so that a caller can change a
/// response and send it back.
pub const READ_ONLY: [&str; 8] = [
    "client_id_issued_at",
    "client_secret_expires_at",
    "previous_client_secret_expires_at",
    "changed_at",
    "version",
    "registered_by",
    "last_used_at",
    "warnings",
];

/// Generated values for a new client.
pub struct Fresh {
    /// Used unless the metadata contains a `client_id`.
    pub client_id: String,
    /// Digest of a new secret, used only if the client authenticates with a secret.
    pub secret: Digest,
}

/// Reads a client. If `complete`, an unknown member is a fault; otherwise it is ignored (RFC 7591 §2).
///
/// # Errors
///
/// Every fault in the metadata.
pub fn parse(members: Map<String, Value>, fresh: Fresh, complete: bool) -> Result<Client, Vec<Fault>> {
    let members = &mut Members::of(members);
    for name in READ_ONLY {
        members.take(name);
    }
    consent_prompt(members);
    let keys = credentials::keys(members);
    let client = Client {
        format: Format,
        client_id: client_id(members).unwrap_or(fresh.client_id),
        client_name: client_name(members),
        client_uri: web_address(members, "client_uri"),
        grant_types: grant_types(members),
        scope: scope(members),
        authentication: credentials::authentication(members, &keys, fresh.secret),
        id_token_signed_response_alg: members
            .algorithm("id_token_signed_response_alg")
            .unwrap_or(Algorithm::Rs256),
        access_token_signed_response_alg: members
            .algorithm("access_token_signed_response_alg")
            .unwrap_or(Algorithm::Es256),
        enabled: members.flag("enabled", true),
        redirect_uris: redirect_uris(members),
        registered_by: RegisteredBy::Operator,
        used_at: None,
        logo: None,
        about: about(members),
        keys,
        codes: rules::codes(members),
        tokens: rules::tokens(members),
        history: History::default(),
    };
    let members = core::mem::replace(members, Members::of(Map::new()));
    let faults = members.finish(complete);
    if faults.is_empty() { Ok(client) } else { Err(faults) }
}

/// Returns whether `text` is a valid client identifier: `VSCHAR` (RFC 6749 §A.1), and usable in a URL path.
fn is_client_id(text: &str) -> bool {
    let visible = text.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
    let reachable = text.trim() == text && !text.is_empty() && text != "." && text != "..";
    visible && reachable && text.len() <= 128
}

fn client_id(members: &mut Members) -> Option<String> {
    const ALLOWED: &str =
        "1 to 128 printable ASCII characters, not . or .., without leading or trailing space";
    let client_id = members.text("client_id", ALLOWED, is_client_id)?;
    if client_id.starts_with(SUBJECT) {
        let why = format!(
            "client_id is {client_id:?}: it must not start with {SUBJECT:?}, as the subjects of accounts do"
        );
        members.refuse("client_id", why);
    }
    Some(client_id)
}

fn client_name(members: &mut Members) -> String {
    if let Some(name) = members.visible("client_name", 100) {
        return name;
    }
    // An invalid name is a fault already.
    if !members.is_refused("client_name") {
        members
            .refuse("client_name", "client_name is missing: people are asked to approve the client by name");
    }
    String::new()
}

fn about(members: &mut Members) -> About {
    const ADDRESS: &str = "an e-mail address";
    About {
        logo_uri: web_address(members, "logo_uri"),
        policy_uri: web_address(members, "policy_uri"),
        tos_uri: web_address(members, "tos_uri"),
        contacts: members.texts("contacts", 10, ADDRESS, is_e_mail).unwrap_or_default(),
        owner: members.visible("owner", 100),
        consent_text: members.visible("consent_text", 200),
    }
}

fn is_e_mail(text: &str) -> bool {
    let halves = text.split_once('@');
    let whole = |half: &str| !half.is_empty() && !half.contains(['@', ' ']);
    visible::check(text).is_ok()
        && text.len() <= 254
        && halves.is_some_and(|(name, host)| whole(name) && whole(host))
}

/// Checks `consent_prompt`, which is the name that IBM's server uses. Only `always` is allowed: if an
/// approval also covered later grants, anybody could start a grant and have it approved without the person
/// (RFC 8628 §5.4).
fn consent_prompt(members: &mut Members) {
    const ALLOWED: &str = "\"always\": anybody can request a code, so a person must approve every one";
    members.text("consent_prompt", ALLOWED, |text| text == "always");
}

fn web_address(members: &mut Members, name: &str) -> Option<String> {
    const ALLOWED: &str =
        "an https URL of at most 512 characters without user name or fragment (http on loopback only)";
    members.text(name, ALLOWED, is_web_address)
}

/// Reads the allowed grants; there are none by default. This server does not support RFC 7591's default,
/// `authorization_code`, and even the device grant must be listed.
fn grant_types(members: &mut Members) -> Vec<String> {
    let allowed = format!("{DEVICE_CODE_GRANT} or {REFRESH_TOKEN_GRANT}");
    let known = |grant: &str| grant == DEVICE_CODE_GRANT || grant == REFRESH_TOKEN_GRANT;
    let grants = members.texts("grant_types", 2, &allowed, known).unwrap_or_default();
    let has = |name: &str| grants.iter().any(|grant| grant == name);
    if has(REFRESH_TOKEN_GRANT) && !has(DEVICE_CODE_GRANT) {
        let why = format!(
            "grant_types has {REFRESH_TOKEN_GRANT} without {DEVICE_CODE_GRANT}: there would be nothing to refresh"
        );
        members.refuse("grant_types", why);
    }
    grants
}

fn redirect_uris(members: &mut Members) -> Vec<String> {
    const ALLOWED: &str =
        "an https URL of at most 512 characters without user name or fragment (http on loopback only)";
    members.texts("redirect_uris", redirect_uri::MOST, ALLOWED, is_redirect_uri).unwrap_or_default()
}

fn scope(members: &mut Members) -> Scope {
    const ALLOWED: &str = "space-separated scopes of visible ASCII characters other than \" and \\";
    let fits = |text: &str| Scope::parse(text).is_some();
    let text = members.text("scope", ALLOWED, fits).unwrap_or_else(|| OPENID.to_owned());
    Scope::parse(&text).unwrap_or_default()
}
