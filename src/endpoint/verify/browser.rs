//! The cookie, the CSRF token, and the sealed field that carries a code from form to form.

use core::time::Duration;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::derived_keys::Purpose;
use crate::endpoint::Context;
use crate::endpoint::form::Form;
use crate::endpoint::http::{Request, Response};
use crate::grant::user_code::UserCode;
use crate::identity::acr;
use crate::identity::session::Browser;
use crate::scope::Scope;
use crate::settings::Issuer;
use crate::time::Timestamp;
use crate::{grant, secret};

/// How long a form may stay open.
const FORM_LIFETIME: Duration = Duration::from_secs(1_800);

/// How long a browser is known, in seconds.
const COOKIE_SECONDS: u64 = 2_592_000;

/// A code on its way through sign-in and consent. Sealed, and bound to its browser.
#[derive(Deserialize, Serialize)]
pub(super) struct Transaction {
    /// The code, canonical.
    pub user_code: String,
    /// Whose it is.
    browser: String,
    /// When the form is too old.
    ends_at: Timestamp,
    /// The consent page's hold, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldRef>,
    /// When a person was seen to be at the browser, or else the code was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
}

/// Which hold a consent page holds.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct HoldRef {
    /// The key pair under which the code was found.
    pub pair: u16,
    /// The hold's nonce.
    pub nonce: String,
    /// The client that asks; a grant's request never changes.
    pub client_id: String,
    /// What it asks for.
    pub scope: Scope,
    /// When it asked.
    #[serde(default)]
    pub asked_at: Timestamp,
    /// How recent a sign-in it wants, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// How strong a sign-in it would like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// Whom it expects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
}

impl HoldRef {
    pub(super) fn new(pair: u16, nonce: String, request: &grant::Request) -> Self {
        Self {
            pair,
            nonce,
            client_id: request.client_id.clone(),
            scope: request.scope.clone(),
            asked_at: request.origin.at,
            max_age: request.max_age,
            acr_values: request.acr_values.clone(),
            login_hint: request.login_hint.clone(),
        }
    }

    /// Whether a sign-in at `auth_time` is recent enough for it.
    pub(super) fn accepts(&self, auth_time: Timestamp, now: Timestamp) -> bool {
        acr::is_recent(auth_time, self.max_age, self.asked_at, now)
    }
}

impl Transaction {
    pub(super) fn new(code: &UserCode, browser: &Browser, hold: Option<HoldRef>, now: Timestamp) -> Self {
        let (user_code, browser) = (code.canonical().to_owned(), browser.id.clone());
        Self { user_code, browser, ends_at: now + FORM_LIFETIME, hold, checked_at: None }
    }

    /// With what is known of the person's presence.
    pub(super) fn checked(self, checked_at: Option<Timestamp>) -> Self {
        Self { checked_at, ..self }
    }

    /// Whether somebody was there not longer ago than `CODE_LIFETIME_SECONDS`: a check is not good for ever.
    pub(super) fn is_checked<P>(&self, context: Context<'_, P>) -> bool {
        let lifetime = Duration::from_secs(context.server.settings.code_lifetime);
        self.checked_at.is_some_and(|at| context.now < at + lifetime)
    }

    /// The hidden field.
    pub(super) fn seal<P>(&self, context: Context<'_, P>, rng: &mut impl CryptoRng) -> String {
        let plain = serde_json::to_vec(self).unwrap_or_default();
        secret::encode(&context.server.settings.keyring.seal(Purpose::Transaction, &plain, rng))
    }

    /// Reads the hidden field; `None` if it is another browser's, too old, or not ours.
    pub(super) fn open<P>(context: Context<'_, P>, form: &Form, browser: &Browser) -> Option<Self> {
        let sealed = secret::decode(form.get("transaction")?)?;
        let plain = context.server.settings.keyring.open(Purpose::Transaction, &sealed)?;
        let transaction: Self = serde_json::from_slice(&plain).ok()?;
        let ours = transaction.browser == browser.id && context.now < transaction.ends_at;
        ours.then_some(transaction)
    }
}

/// The browser of a request, as its cookie says; `None` if it has none of ours.
pub(super) fn read<P>(context: Context<'_, P>) -> Option<Browser> {
    let name = cookie_name(context.issuer);
    let pairs = context.request.cookie.as_deref()?.split(';').map(str::trim);
    let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(other, _)| *other == name)?.1;
    let plain = context.server.settings.keyring.open(Purpose::Cookie, &secret::decode(value)?)?;
    serde_json::from_slice(&plain).ok()
}

/// Sets the cookie. The session in it ends by itself, long before the cookie does.
pub(super) fn remember<P>(
    context: Context<'_, P>,
    response: Response,
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Response {
    let plain = serde_json::to_vec(browser).unwrap_or_default();
    let sealed = secret::encode(&context.server.settings.keyring.seal(Purpose::Cookie, &plain, rng));
    let name = cookie_name(context.issuer);
    let secure = if context.issuer.is_secure() { "; Secure" } else { "" };
    let cookie = format!("{name}={sealed}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}");
    response.with("set-cookie", cookie)
}

/// `__Host-` only where browsers allow it: with `Secure`, so not on a loopback http issuer.
fn cookie_name(issuer: &Issuer) -> &'static str {
    if issuer.is_secure() { "__Host-device-grant" } else { "device-grant" }
}

/// The token that this browser's forms carry. The same for as long as its session is, so that two pages
/// that say the same are the same, byte for byte.
pub(super) fn csrf<P>(context: Context<'_, P>, browser: &Browser) -> String {
    context.server.settings.keyring.current.csrf(&browser.id, browser.session_id())
}

/// Whether a POST comes from a form of ours.
pub(super) fn is_ours<P>(context: Context<'_, P>, form: &Form, browser: &Browser) -> bool {
    let token = form.get("csrf").unwrap_or_default();
    context.server.settings.keyring.is_csrf(token, &browser.id, browser.session_id())
}

/// Whether the browser itself says that a POST comes from elsewhere. `null` and absent say nothing.
pub(super) fn is_foreign(request: &Request, issuer: &Issuer) -> bool {
    let origin = request.origin.as_deref().filter(|origin| *origin != "null");
    origin.is_some_and(|origin| origin != issuer.origin())
        || request.sec_fetch_site.as_deref() == Some("cross-site")
}
