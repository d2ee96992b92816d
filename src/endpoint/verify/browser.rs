//! What ties pages to a browser: the cookie, the CSRF token, and the sealed field that carries a code along.

use core::time::Duration;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::derived_keys::Purpose;
use crate::endpoint::form::Form;
use crate::endpoint::http::{Request, Response, cookie};
use crate::endpoint::own::which::{Own, Visit};
use crate::endpoint::policy::facts::Asked;
use crate::endpoint::server::Context;
use crate::grant::command::Shown;
use crate::grant::routing::Address;
use crate::grant::user_code::UserCode;
use crate::identity::acr;
use crate::identity::demand::{Demands, Facts, Lack};
use crate::identity::session::Browser;
use crate::json;
use crate::scope::Scope;
use crate::secret;
use crate::settings::issuer::Issuer;
use crate::time::Timestamp;
use crate::upstream::authorization::{Choosing, Wanted};
use crate::upstream::provider::Provider;

/// How long a form can be sent, counted from when the page was shown.
const FORM_LIFETIME: Duration = Duration::from_secs(1_800);

/// Lifetime of the cookie in seconds: 30 days.
const COOKIE_SECONDS: u64 = 2_592_000;

/// Carries a code through sign-in and consent, in a hidden field. Sealed, and bound to its browser.
#[derive(Deserialize, Serialize)]
pub(super) struct Transaction {
    /// In canonical form.
    pub user_code: String,
    /// `id` of the [`Browser`] that the form was shown to.
    browser: String,
    /// The form is accepted before this instant.
    ends_at: Timestamp,
    /// Set once the account holds the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldRef>,
    /// The device's side of the request; only in the form of the consent page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// When Turnstile last saw a person at the browser, or when the code proved to be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// Set if the person asked for another account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_account: Option<OtherAccount>,
    /// The page to show after the sign-in, if the person has not entered a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<Visit>,
    /// The secret of the link to come back to, if the sign-in is for an invitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<String>,
}

/// A person who is signed in wants to use another account.
#[derive(Deserialize, Serialize)]
pub(super) struct OtherAccount {
    /// Whom the device expects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// How the provider is asked.
    pub choosing: Choosing,
}

/// The hold that a consent page depends on, with the facts about the grant's request that the next forms
/// need. A request never changes, so the facts stay true.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct HoldRef {
    /// Short name of the keys under which the code was found.
    pub pair: u16,
    /// Tells this hold from those of other sessions.
    pub nonce: String,
    pub client_id: String,
    pub scope: Scope,
    /// When the device started the grant.
    #[serde(default)]
    pub asked_at: Timestamp,
    /// In seconds (OpenID Connect Core §3.1.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// What the last sign-in lacked, if the person has to sign in again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lack: Option<Lack>,
}

impl HoldRef {
    pub(super) fn new(pair: u16, shown: &Shown) -> Self {
        let request = &shown.request;
        Self {
            pair,
            nonce: shown.nonce.clone(),
            client_id: request.client_id.clone(),
            scope: request.scope.clone(),
            asked_at: request.origin.at,
            max_age: request.max_age,
            acr_values: request.acr_values.clone(),
            login_hint: request.login_hint.clone(),
            lack: None,
        }
    }

    /// Returns where the grant of the code is; `None` if the key pair is no longer known.
    pub(super) fn address<P>(&self, context: Context<'_, P>, code: &UserCode) -> Option<Address> {
        let settings = &context.server.settings;
        Some(Address::of(code, &settings.user_code, settings.keyring.named(self.pair)?))
    }

    /// Judges a sign-in by what the request, its client and its scopes demand.
    ///
    /// # Errors
    ///
    /// What the sign-in lacks.
    pub(super) fn judge(&self, facts: Facts<'_>, demands: &Demands, now: Timestamp) -> Result<(), Lack> {
        demands.judge(facts, now)?;
        let is_recent = acr::is_recent(facts.auth_time, self.max_age, self.asked_at, now);
        if is_recent { Ok(()) } else { Err(Lack::Age) }
    }
}

impl HoldRef {
    /// Returns the classes that a provider is asked for: its strong ones first, if that is what the last sign-in lacked.
    fn classes(&self, provider: &Provider) -> Vec<String> {
        let strong =
            if self.lack == Some(Lack::PhishingResistance) { provider.strong_acr.as_slice() } else { &[] };
        strong.iter().chain(&self.acr_values).cloned().collect()
    }
}

impl Transaction {
    pub(super) fn new(code: &UserCode, browser: &Browser, hold: Option<HoldRef>, now: Timestamp) -> Self {
        Self { user_code: code.canonical().to_owned(), hold, ..Self::without_code(browser, now) }
    }

    /// Returns the transaction of somebody who signs in to see a page of their own.
    pub(super) fn for_own<P>(context: Context<'_, P>, own: Own, browser: &Browser) -> Self {
        Self { own: Some(Visit::of(context, own, browser)), ..Self::without_code(browser, context.now) }
    }

    /// Returns the transaction of somebody who signs in to use an invitation.
    pub(super) fn for_invitation(secret: &str, browser: &Browser, now: Timestamp) -> Self {
        Self { invitation: Some(secret.to_owned()), ..Self::without_code(browser, now) }
    }

    fn without_code(browser: &Browser, now: Timestamp) -> Self {
        Self {
            user_code: String::new(),
            browser: browser.id.clone(),
            ends_at: now + FORM_LIFETIME,
            hold: None,
            asked: None,
            checked_at: None,
            other_account: None,
            own: None,
            invitation: None,
        }
    }

    /// Sets `checked_at`.
    pub(super) fn checked(self, checked_at: Option<Timestamp>) -> Self {
        Self { checked_at, ..self }
    }

    /// Sets `asked`.
    pub(super) fn asked_by(self, asked: Asked) -> Self {
        Self { asked: Some(asked), ..self }
    }

    /// Sets `other_account`.
    pub(super) fn for_other_account(self, login_hint: Option<String>) -> Self {
        Self { other_account: Some(OtherAccount { login_hint, choosing: Choosing::Select }), ..self }
    }

    /// Returns the same transaction for a form that is shown `now`.
    pub(super) fn renewed(self, now: Timestamp) -> Self {
        Self { ends_at: now + FORM_LIFETIME, ..self }
    }

    /// Asks for another account in the other way, if a provider may have refused the first one.
    pub(super) fn choosing_by_login(&mut self) -> bool {
        match &mut self.other_account {
            Some(other) if other.choosing == Choosing::Select => {
                other.choosing = Choosing::Login;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Returns what a provider is asked for. What the device, its client and its scopes want is passed on only after the
    /// code was looked up.
    pub(super) fn wanted(&self, provider: &Provider) -> Wanted {
        match (&self.hold, &self.other_account) {
            (Some(hold), _) => Wanted {
                max_age: hold.max_age.or_else(|| (hold.lack == Some(Lack::Age)).then_some(0)),
                acr_values: hold.classes(provider),
                login_hint: hold.login_hint.clone(),
                other_account: None,
            },
            (None, Some(other)) => {
                let (login_hint, other_account) = (other.login_hint.clone(), Some(other.choosing));
                Wanted { login_hint, other_account, ..Wanted::default() }
            }
            (None, None) => {
                Wanted { max_age: self.own.as_ref().and_then(|own| own.max_age), ..Wanted::default() }
            }
        }
    }

    /// Returns whether the last check was less than `CODE_LIFETIME_SECONDS` ago.
    pub(super) fn is_checked<P>(&self, context: Context<'_, P>) -> bool {
        let lifetime = Duration::from_secs(context.server.settings.code_lifetime);
        self.checked_at.is_some_and(|at| context.now < at + lifetime)
    }

    /// Returns the value of the hidden field.
    pub(super) fn seal<P>(&self, context: Context<'_, P>, rng: &mut impl CryptoRng) -> String {
        let plain = serde_json::to_vec(self).expect("a transaction has text keys and no fallible serializer");
        secret::encode(&context.server.settings.keyring.seal(Purpose::Transaction, &plain, rng))
    }

    /// Reads the hidden field.
    ///
    /// # Errors
    ///
    /// Why the field is not good in this browser now.
    pub(super) fn open<P>(context: Context<'_, P>, form: &Form, browser: &Browser) -> Result<Self, Stale> {
        let sealed = form.get("transaction").ok_or(Stale::Missing)?;
        let open = || {
            let plain =
                context.server.settings.keyring.open(Purpose::Transaction, &secret::decode(sealed)?)?;
            json::read_bytes::<Self>(&plain).ok()
        };
        let transaction = open().ok_or(Stale::NotOurs)?;
        if transaction.browser != browser.id {
            Err(Stale::OtherBrowser)
        } else if transaction.ends_at <= context.now {
            Err(Stale::TooOld(transaction.user_code))
        } else {
            Ok(transaction)
        }
    }
}

/// Why the hidden field of a form is not good.
pub(super) enum Stale {
    /// The form has none.
    Missing,
    /// This server did not seal it, or no longer has the keys.
    NotOurs,
    /// It was shown to another browser.
    OtherBrowser,
    /// It was shown too long ago. Carries the code.
    TooOld(String),
}

/// Reads the cookie. `None` if the browser sent no cookie that this server sealed.
pub(crate) fn read<P>(context: Context<'_, P>) -> Option<Browser> {
    let value = cookie(context.request, cookie_name(context.issuer))?;
    let plain = context.server.settings.keyring.open(Purpose::Cookie, &secret::decode(value)?)?;
    json::read_bytes(&plain).ok()
}

/// Returns whether the browser sent the cookie, whatever is in it.
pub(crate) fn has_cookie<P>(context: Context<'_, P>) -> bool {
    cookie(context.request, cookie_name(context.issuer)).is_some()
}

/// Sets the cookie. The session in it ends long before the cookie expires.
pub(crate) fn remember<P>(
    context: Context<'_, P>,
    response: Response,
    browser: &Browser,
    rng: &mut impl CryptoRng,
) -> Response {
    let plain = serde_json::to_vec(browser).expect("a browser has text keys and no fallible serializer");
    let sealed = secret::encode(&context.server.settings.keyring.seal(Purpose::Cookie, &plain, rng));
    set_cookie(context, response, cookie_name(context.issuer), &sealed, COOKIE_SECONDS)
}

/// Sets a cookie that only this host gets back, and no script can read.
pub(super) fn set_cookie<P>(
    context: Context<'_, P>,
    response: Response,
    name: &str,
    value: &str,
    seconds: u64,
) -> Response {
    let secure = if context.issuer.is_secure() { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    response.with("set-cookie", cookie)
}

/// Returns the name of the cookie. The `__Host-` prefix needs `Secure`, which an http issuer on a loopback
/// address cannot use.
fn cookie_name(issuer: &Issuer) -> &'static str {
    if issuer.is_secure() { "__Host-device-grant" } else { "device-grant" }
}

/// Returns the CSRF token of this browser's forms. It changes only with the session, so that pages that say
/// the same are identical, byte for byte.
pub(crate) fn csrf<P>(context: Context<'_, P>, browser: &Browser) -> String {
    context.server.settings.keyring.current.csrf(&browser.id, browser.session_id())
}

/// Returns whether the form has the CSRF token of this browser and its session.
pub(crate) fn is_ours<P>(context: Context<'_, P>, form: &Form, browser: &Browser) -> bool {
    let token = form.get("csrf").unwrap_or_default();
    context.server.settings.keyring.is_csrf(token, &browser.id, browser.session_id())
}

/// Returns whether the browser says that the form was sent from another site. Absent headers, and an `Origin`
/// of `null`, say nothing.
pub(crate) fn is_foreign(request: &Request, issuer: &Issuer) -> bool {
    let origin = request.origin.as_deref().filter(|origin| *origin != "null");
    origin.is_some_and(|origin| origin != issuer.origin())
        || request.sec_fetch_site.as_deref() == Some("cross-site")
}
