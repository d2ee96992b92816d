//! Client metadata, read strictly (RFC 7591 §2): a [`Client`], or everything that is wrong.

mod credentials;
pub mod json_members;
mod rules;
pub mod view;

pub(super) use rules::defaults;

use serde_json::{Map, Value};

use super::history::History;
use super::registration::json_members::{Members, is_plain, is_web_address};
use super::rules::About;
use super::{Client, DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT};
use crate::fault::Fault;
use crate::format::Format;
use crate::scope::{OPENID, Scope};
use crate::secret::Digest;
use crate::token::signing_key::Algorithm;

/// How the subjects of accounts begin. No client is called so: a resource server must be able to tell a person from a
/// client (RFC 9700 §4.15).
const SUBJECT: &str = "acct-";
/// What an answer tells beside the metadata. Sent back, it is left aside: who reads, changes and writes need not care.
pub const READ_ONLY: [&str; 5] = [
    "client_id_issued_at",
    "client_secret_expires_at",
    "previous_client_secret_expires_at",
    "changed_at",
    "version",
];

/// What a new client is given unless it brings its own.
pub struct Fresh {
    /// Its identifier.
    pub client_id: String,
    /// The digest of a new secret; kept only if the client authenticates with one.
    pub secret: Digest,
}

/// Reads a client. With `complete` on, a member that is not known is a fault; else it is left aside (RFC 7591 §2).
///
/// # Errors
///
/// All that is wrong.
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

/// Whether `text` may name a client: `VSCHAR` (RFC 6749 §A.1), and fit to stand in a path.
fn is_client_id(text: &str) -> bool {
    let visible = text.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
    let reachable = text.trim() == text && !text.is_empty() && text != "." && text != "..";
    visible && reachable && text.len() <= 128
}

fn client_id(members: &mut Members) -> Option<String> {
    const ALLOWED: &str = "1 to 128 visible ASCII characters, not . or .., without a space at either end";
    let client_id = members.text("client_id", ALLOWED, is_client_id)?;
    if client_id.starts_with(SUBJECT) {
        let why = format!(
            "client_id is {client_id:?}: it must not begin as the subjects of accounts do, with {SUBJECT:?}"
        );
        members.refuse("client_id", why);
    }
    Some(client_id)
}

fn client_name(members: &mut Members) -> String {
    if let Some(name) = plain(members, "client_name", 100) {
        return name;
    }
    // What is there and cannot be used has been told already.
    if !members.is_refused("client_name") {
        members.refuse("client_name", "client_name is missing: it is what people are asked to approve");
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
        owner: plain(members, "owner", 100),
        consent_text: plain(members, "consent_text", 200),
    }
}

fn is_e_mail(text: &str) -> bool {
    let halves = text.split_once('@');
    let whole = |half: &str| !half.is_empty() && !half.contains(['@', ' ']);
    is_plain(text) && text.len() <= 254 && halves.is_some_and(|(name, host)| whole(name) && whole(host))
}

/// What IBM's server calls it. A device grant that was approved once must never approve the next one by itself: whoever
/// can start one could have it approved (RFC 8628 §5.4).
fn consent_prompt(members: &mut Members) {
    const ALLOWED: &str = "\"always\": every code is somebody else's until a person has said otherwise";
    members.text("consent_prompt", ALLOWED, |text| text == "always");
}

/// A text for people, of at most `longest` characters.
fn plain(members: &mut Members, name: &str, longest: usize) -> Option<String> {
    let allowed = format!(
        "a text of 1 to {longest} characters, none of them a control character, without a space at either end"
    );
    members.text(name, &allowed, |text| is_plain(text) && text.chars().count() <= longest)
}

fn web_address(members: &mut Members, name: &str) -> Option<String> {
    const ALLOWED: &str =
        "an https URL of at most 512 characters, without user or fragment (http on loopback only)";
    members.text(name, ALLOWED, is_web_address)
}

/// The device grant is off until it is listed: RFC 7591's default, `authorization_code`, is no grant of this server.
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

fn scope(members: &mut Members) -> Scope {
    const ALLOWED: &str = "scopes with a space between them, each of ASCII without \" and \\";
    let fits = |text: &str| Scope::parse(text).is_some();
    let text = members.text("scope", ALLOWED, fits).unwrap_or_else(|| OPENID.to_owned());
    Scope::parse(&text).unwrap_or_default()
}
