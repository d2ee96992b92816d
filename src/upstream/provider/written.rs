//! Reads the written form of a provider strictly: returns a [`Provider`] or every fault.

use core::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::claim_path::ClaimPath;
use super::issuer::ProviderIssuer;
use super::{ClaimPaths, Provider, ProviderAuthentication, ProviderId, SealedSecret};
use crate::client::SecretBy;
use crate::client::history::History;
use crate::client::registration::json_members::Members;
use crate::fault::Fault;
use crate::format::Format;
use crate::scope::{OPENID, Scope};
use crate::secret::Digest;
use crate::token::signing_key::Algorithm;
use crate::visible;

/// Members that responses add. They are ignored in requests, so that a caller can change a response and send it back.
pub const READ_ONLY: [&str; 8] = [
    "created_at",
    "changed_at",
    "version",
    "redirect_uri",
    "backchannel_logout_uri",
    "security_events_uri",
    "client_secret_changed",
    "warnings",
];

/// The bounds of `recheck_seconds`: a minute to 30 days.
const RECHECK: RangeInclusive<u64> = 60..=2_592_000;
/// The bounds of `order`.
const ORDER: RangeInclusive<u64> = 0..=999;
/// Most entries of a list.
const MOST: usize = 50;
/// Longest text, in characters.
const LONGEST: usize = 255;
/// Longest secret, in characters.
const LONGEST_SECRET: usize = 1_024;
const SECRET: &str = "client_secret";
const METHOD: &str = "token_endpoint_auth_method";
const SIGNING_ALG: &str = "token_endpoint_auth_signing_alg";

/// What a written provider is read with.
pub struct Reading<'a, S> {
    /// The issuer of this server.
    pub own: &'a str,
    /// The provider that the new one replaces. Its secret stays, unless another one is written.
    pub before: Option<&'a Provider>,
    /// Seals a secret: an `FnOnce(&str) -> SealedSecret`.
    pub seal: S,
}

/// Reads a provider. An unknown member is a fault.
///
/// # Errors
///
/// Every fault in the members.
pub fn parse<S: FnOnce(&str) -> SealedSecret>(
    members: Map<String, Value>,
    reading: Reading<'_, S>,
) -> Result<Provider, Vec<Fault>> {
    let mut members = Members::of(members);
    for name in READ_ONLY {
        members.take(name);
    }
    let id = id(&mut members);
    let name = required(&mut members, "name", |members, name| members.visible(name, 50));
    let issuer = required(&mut members, "issuer", |members, name| issuer(members, name, reading.own));
    let client_id = required(&mut members, "client_id", |members, name| {
        members.text(name, "1 to 255 printable ASCII characters", |text| is_credential(text, LONGEST))
    });
    let authentication = authentication(&mut members, reading);
    let alg = members.algorithm("id_token_signed_response_alg").unwrap_or(Algorithm::Rs256);
    let (scope, claims, rules) = (scope(&mut members), claims(&mut members), Rules::read(&mut members));
    let faults = members.finish(true);
    match (id, name, issuer, client_id, authentication, claims) {
        (Some(id), Some(name), Some(issuer), Some(client_id), Some(authentication), Some(claims))
            if faults.is_empty() =>
        {
            Ok(Provider {
                format: Format,
                id,
                name,
                issuer,
                client_id,
                authentication,
                id_token_signed_response_alg: alg,
                scope,
                claims,
                allowed_groups: rules.allowed_groups,
                allowed_email_domains: rules.allowed_email_domains,
                acr_values: rules.acr_values,
                strong_amr: rules.strong_amr,
                strong_acr: rules.strong_acr,
                end_families_on_logout: rules.end_families_on_logout,
                recheck_seconds: rules.recheck_seconds,
                scim_token: rules.scim_token,
                enabled: rules.enabled,
                order: rules.order,
                history: History::default(),
            })
        }
        _ => Err(faults),
    }
}

/// Takes a member that must be there.
fn required<T>(
    members: &mut Members,
    name: &str,
    take: impl FnOnce(&mut Members, &str) -> Option<T>,
) -> Option<T> {
    let value = take(members, name);
    if value.is_none() && !members.is_refused(name) {
        members.refuse(name, format!("{name} is missing"));
    }
    value
}

fn id(members: &mut Members) -> Option<ProviderId> {
    const ALLOWED: &str = "1 to 32 lower-case letters, digits and hyphens, without a hyphen at the beginning, and \
                           not local or access";
    let text = required(members, "id", |members, name| {
        members.text(name, ALLOWED, |text| ProviderId::parse(text).is_some())
    });
    text.as_deref().and_then(ProviderId::parse)
}

fn issuer(members: &mut Members, name: &str, own: &str) -> Option<ProviderIssuer> {
    let text = members.text(name, "the issuer identifier of the provider", |_| true)?;
    match ProviderIssuer::parse(&text, own) {
        Ok(issuer) => Some(issuer),
        Err(flaw) => members.refuse_value(name, &text.into(), &flaw.to_string()),
    }
}

#[derive(Clone, Copy)]
enum Method {
    Secret(SecretBy),
    PrivateKeyJwt,
}

const METHODS: &[(&str, Method)] = &[
    ("client_secret_basic", Method::Secret(SecretBy::Basic)),
    ("client_secret_post", Method::Secret(SecretBy::Post)),
    ("private_key_jwt", Method::PrivateKeyJwt),
];

fn authentication<S: FnOnce(&str) -> SealedSecret>(
    members: &mut Members,
    reading: Reading<'_, S>,
) -> Option<ProviderAuthentication> {
    let method = members.choice(METHOD, METHODS).unwrap_or(Method::Secret(SecretBy::Basic));
    match method {
        Method::Secret(by) => {
            if members.take(SIGNING_ALG).is_some() {
                members.refuse(SIGNING_ALG, format!("{SIGNING_ALG} is for private_key_jwt only"));
            }
            let sealed = secret(members, reading)?;
            Some(ProviderAuthentication::Secret { by, sealed })
        }
        Method::PrivateKeyJwt => {
            if members.take(SECRET).is_some() {
                let why = "client_secret is for client_secret_basic and client_secret_post only: private_key_jwt uses \
                           the keys at /jwks.json";
                members.refuse(SECRET, why);
            }
            let alg = members.algorithm(SIGNING_ALG).unwrap_or(Algorithm::Es256);
            Some(ProviderAuthentication::PrivateKeyJwt { alg })
        }
    }
}

/// Reads and seals the secret. No fault quotes it.
fn secret<S: FnOnce(&str) -> SealedSecret>(
    members: &mut Members,
    reading: Reading<'_, S>,
) -> Option<SealedSecret> {
    const ALLOWED: &str =
        "client_secret must be 1 to 1024 printable ASCII characters without spaces at either end";
    let Some(value) = members.take(SECRET) else {
        let kept = reading.before.and_then(|before| before.authentication.secret());
        if kept.is_none() {
            members.refuse(SECRET, "client_secret is missing: send the secret that the provider issued");
        }
        return kept.cloned();
    };
    let secret = value.as_str().filter(|text| is_credential(text, LONGEST_SECRET));
    if secret.is_none() {
        members.refuse(SECRET, ALLOWED);
    }
    secret.map(reading.seal)
}

/// `VSCHAR` (RFC 6749 §A.1, §A.2), without what was copied by accident.
fn is_credential(text: &str, longest: usize) -> bool {
    let visible = text.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
    visible && text.trim() == text && (1..=longest).contains(&text.len())
}

fn scope(members: &mut Members) -> Scope {
    const ALLOWED: &str = "space-separated scopes of visible ASCII characters other than \" and \\";
    const DEFAULT: &str = "openid profile email";
    let fits = |text: &str| text.len() <= LONGEST && Scope::parse(text).is_some();
    let text = members.text("scope", ALLOWED, fits).unwrap_or_else(|| DEFAULT.to_owned());
    let scope = Scope::parse(&text).unwrap_or_default();
    if !scope.has(OPENID) {
        members.refuse("scope", "scope lacks openid: without it, the provider sends no ID token");
    }
    scope
}

/// Claims that a person can change, or that another person can get later.
const REASSIGNED: [&str; 6] = ["email", "preferred_username", "upn", "name", "nickname", "phone_number"];

fn claims(members: &mut Members) -> Option<ClaimPaths> {
    let mut paths = match members.take("claims") {
        None => Members::of(Map::new()),
        Some(Value::Object(paths)) => Members::of(paths),
        Some(value) => return members.refuse_value("claims", &value, "an object with the paths of claims"),
    };
    let subject = claim(&mut paths, "subject", "sub");
    if subject.as_ref().is_some_and(|path| REASSIGNED.contains(&path.as_str())) {
        let why = "subject must be a claim that identifies one person for ever, such as sub: names and addresses can \
                   go to somebody else";
        paths.refuse("subject", why);
    }
    let read = (
        claim(&mut paths, "name", "name"),
        claim(&mut paths, "email", "email"),
        claim(&mut paths, "username", "preferred_username"),
        claim(&mut paths, "groups", "groups"),
    );
    let faults = paths.finish(true).into_iter();
    members.refuse_all(faults.map(|fault| fault.within("claims")).collect());
    let (name, email, username, groups) = read;
    Some(ClaimPaths { subject: subject?, name: name?, email: email?, username: username?, groups: groups? })
}

fn claim(paths: &mut Members, name: &str, default: &str) -> Option<ClaimPath> {
    const ALLOWED: &str =
        "the name of a claim, or a JSON pointer to a nested one such as /realm_access/roles (RFC 6901)";
    let fits = |text: &str| ClaimPath::parse(text).is_some();
    ClaimPath::parse(paths.text(name, ALLOWED, fits).as_deref().unwrap_or(default))
}

/// The members that say who may sign in, what is strong, and when access ends.
struct Rules {
    allowed_groups: Vec<String>,
    allowed_email_domains: Vec<String>,
    acr_values: Vec<String>,
    strong_amr: Vec<String>,
    strong_acr: Vec<String>,
    end_families_on_logout: bool,
    recheck_seconds: Option<u64>,
    scim_token: Option<Digest>,
    enabled: bool,
    order: u64,
}

impl Rules {
    fn read(members: &mut Members) -> Self {
        const GROUP: &str = "the name of a group, of 1 to 255 visible characters";
        const DOMAIN: &str = "a domain in lower case without @, such as example.com";
        const HEX: &str = "the SHA-256 of a token: 64 hexadecimal digits in lower case";
        const WORD: &str = "1 to 255 visible ASCII characters without spaces";
        Self {
            allowed_groups: list(members, "allowed_groups", GROUP, is_group),
            allowed_email_domains: list(members, "allowed_email_domains", DOMAIN, is_domain),
            acr_values: list(members, "acr_values", WORD, is_word),
            strong_amr: list(members, "strong_amr", WORD, is_word),
            strong_acr: list(members, "strong_acr", WORD, is_word),
            end_families_on_logout: members.flag("end_families_on_logout", false),
            recheck_seconds: members.number("recheck_seconds", RECHECK),
            scim_token: members.text("scim_token_sha256", HEX, is_digest).as_deref().and_then(Digest::parse),
            enabled: members.flag("enabled", true),
            order: members.number("order", ORDER).unwrap_or_default(),
        }
    }
}

fn list(members: &mut Members, name: &str, allowed: &str, fits: impl Fn(&str) -> bool) -> Vec<String> {
    members.texts(name, MOST, allowed, fits).unwrap_or_default()
}

fn is_group(text: &str) -> bool {
    text.chars().count() <= LONGEST && visible::check(text).is_ok()
}

fn is_digest(text: &str) -> bool {
    Digest::parse(text).is_some_and(|digest| digest.hex() == text)
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic()) && (1..=LONGEST).contains(&text.len())
}

fn is_domain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(plain);
    text.contains('.') && text.len() <= 253 && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests;
