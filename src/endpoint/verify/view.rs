//! The pages as responses, with their Content-Security-Policy.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand_core::CryptoRng;

use super::browser;
use super::browser::Stale;
use super::notice::{NOTICE, Notice};
use super::recent::{KEPT, REQUEST, Recent};
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::messages::{Html, Messages};
use crate::endpoint::own::which::Own;
use crate::endpoint::page::MenuForm;
use crate::endpoint::page::enter::{CodeShape, EnterPage};
use crate::endpoint::page::outcome::{EndForm, NoticePage, ResultPage, SameSource};
use crate::endpoint::page::problem::Problem;
use crate::endpoint::page::sign_in::SignInPage;
use crate::endpoint::passkey::forms::request_form;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::grant::Outcome;
use crate::grant::user_code::{Shape, UserCode};
use crate::grant::verification::Digits;
use crate::identity::demand::Lack;
use crate::identity::session::Browser;
use crate::language::Language;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::upstream::access::NAME;

/// Additional sources for the page with the Turnstile widget.
const TURNSTILE: &str =
    "; script-src https://challenges.cloudflare.com; frame-src https://challenges.cloudflare.com";

/// How the script for passkeys begins, the only script of our own.
const SCRIPT: &str = "<script type=\"module\">";
/// Most characters of a typed code that a page repeats, as many as its field takes.
const LONGEST_TYPED: usize = 64;
/// The `what` of log lines about code entries.
pub(super) const CODE_ENTRY: &str = "code_entry";

/// Builds a page that caches must not store, that no frame can show (RFC 9700 §4.16), and that loads
/// nothing but images of this server.
pub(crate) fn html(language: Language, status: u16, page: &impl Template) -> Response {
    html_that_loads("", language, status, page)
}

/// Builds the same page as [`html`], but lets it load from `sources`.
///
/// The referrer policy is `same-origin`, because with `no-referrer` browsers send `Origin: null` with our own
/// forms.
fn html_that_loads(sources: &str, language: Language, status: u16, page: &impl Template) -> Response {
    match page.render() {
        Ok(body) => {
            let style = hash_within(&body, "<style>", "</style>").unwrap_or_default();
            let script = hash_within(&body, SCRIPT, "</script>");
            let script = script.map(|hash| format!("; script-src 'sha256-{hash}'")).unwrap_or_default();
            let policy = format!(
                "default-src 'none'; style-src 'sha256-{style}'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'{script}{sources}"
            );
            Response::new(status, "text/html; charset=utf-8", body)
                .with("cache-control", "no-store".to_owned())
                .with("content-language", language.tag().to_owned())
                .with("vary", "accept-language, cookie".to_owned())
                .with("content-security-policy", policy)
                .with("x-frame-options", "DENY".to_owned())
                .with("referrer-policy", "same-origin".to_owned())
                .with("cross-origin-opener-policy", "same-origin".to_owned())
        }
        Err(_) => Response::text(503, "This page can’t be shown right now."),
    }
}

/// What the field for the code contains.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    Nothing,
    /// What was typed so far, which might not be a code.
    Typed(&'a str),
    /// A code from a link, or one that was typed but not looked up yet, to compare with that of the device; and the
    /// proof of the link that brought it.
    Compare(&'a UserCode, Option<&'a str>),
}

impl Entry<'_> {
    fn value(self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Typed(typed) => typed.chars().take(LONGEST_TYPED).collect(),
            Self::Compare(code, _) => code.to_string(),
        }
    }

    const fn link(&self) -> Option<&str> {
        match self {
            Self::Nothing | Self::Typed(_) => None,
            Self::Compare(_, link) => *link,
        }
    }
}

/// Returns the hash of the page's own style sheet or script. All that others wrote is escaped, so no such element comes
/// before it.
fn hash_within(page: &str, start: &str, end: &str) -> Option<String> {
    let (content, _) = page.split_once(start)?.1.split_once(end)?;
    Some(STANDARD.encode(Digest::of(content.as_bytes()).bytes()))
}

/// Builds the page for entering a code, or for confirming the one from a link.
pub(super) async fn enter<P: Platform>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    entry: Entry<'_>,
    problem: Option<Problem<'_>>,
) -> Response {
    let shape = &context.server.settings.user_code;
    let site_key = context.turnstile().await.map(|turnstile| turnstile.site_key.as_str());
    let digits = digits_example(context, shape).await;
    let text = context.text();
    let page = EnterPage {
        text,
        action: &action(context),
        csrf: &browser::csrf(context, browser),
        signed_in_as: browser.signed_in(context.now).map(|session| session.name.as_str()),
        user_code: &entry.value(),
        compare: matches!(entry, Entry::Compare(..)),
        link: entry.link(),
        shape: CodeShape {
            digits: shape.is_digits(),
            example: &example(shape),
            digits_example: digits.as_deref(),
        },
        site_key,
        problem,
    };
    html_that_loads(if site_key.is_some() { TURNSTILE } else { "" }, text.language, status, &page)
}

/// Builds the page for entering a code, for a person whose form could not be used.
pub(super) async fn stale<P: Platform>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    stale: Stale,
    form: &Form,
) -> Response {
    let typed = form.get("user_code").unwrap_or_default();
    let (problem, typed) = match &stale {
        Stale::Missing | Stale::NotOurs => (Problem::NotOurs, typed),
        Stale::OtherBrowser => (Problem::OtherBrowser, typed),
        Stale::TooOld(user_code) => (Problem::TooOld, user_code.as_str()),
    };
    enter(context, status, browser, Entry::Typed(typed), Some(problem)).await
}

/// Builds the page for a link whose code has expired: it costs no try and calls no object.
pub(super) async fn link_expired<P: Platform>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    end: Timestamp,
) -> Response {
    let page = enter(context, status, browser, Entry::Nothing, Some(Problem::LinkExpired { end })).await;
    page.noting(CODE_ENTRY, None, "expired", "link")
}

/// Returns an example such as `0000-0000-0000` if some clients, but not all, have codes of digits.
async fn digits_example<P: Platform>(context: Context<'_, P>, shape: &Shape) -> Option<String> {
    let snapshot = context.server.snapshot(context.now).await.ok()??;
    (snapshot.has_digit_codes() && !shape.is_digits()).then(|| example(&shape.in_digits()))
}

/// Returns an example such as `XXXX-XXXX`.
fn example(shape: &Shape) -> String {
    UserCode::example(shape).to_string()
}

/// Builds the sign-in page, which begins a ceremony.
pub(super) async fn sign_in<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    page: &SignInForm<'_>,
    (status, problem): (u16, Option<Problem<'_>>),
    rng: &mut impl CryptoRng,
) -> Response {
    let (text, action, csrf) = (context.text(), action(context), browser::csrf(context, browser));
    let signed_in_as = browser.signed_in(context.now).map(|session| session.name.as_str());
    // If the providers cannot be read now, the page has none, and everything else on it works.
    let outline = context.server.outline(context.now).await.ok();
    let page = SignInPage {
        text,
        action: &action,
        csrf: &csrf,
        transaction: Some(page.transaction),
        lead: text.sign_in_lead(),
        username: page.username,
        again: signed_in_as.zip(page.again).map(|(name, lack)| again(text, name, lack)),
        providers: outline.as_ref().map_or(&[], |outline| &outline.providers),
        access: context.server.settings.access.as_ref().map(|_| NAME),
        passkey: request_form(context, browser, rng),
        passwords: context.server.settings.passwords,
        problem,
    };
    html(text.language, status, &page)
}

/// What the sign-in page shows.
pub(super) struct SignInForm<'a> {
    /// Sealed.
    pub transaction: &'a str,
    /// What the field for the username contains.
    pub username: &'a str,
    /// What the sign-in of the person lacks; `None` if nobody is signed in.
    pub again: Option<Lack>,
}

/// Returns why the person has to sign in again.
fn again(text: Messages<'_>, name: &str, lack: Lack) -> Html {
    match lack {
        Lack::Age => text.sign_in_again_lead(name),
        Lack::FreshPasskey => text.sign_in_passkey_lead(name),
        Lack::PhishingResistance | Lack::Class => text.sign_in_strong_lead(name),
    }
}

/// Builds the result page, which sends the person back to the device (RFC 8628 §3.3). If `kept`, it says first that
/// the button that was pressed changed nothing. `same_source` are the names of devices that came from where a reported
/// request did, and `digits` what the person types at the device.
pub(super) fn result<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    recent: &Recent,
    (kept, digits): (bool, Option<&Digits>),
    same_source: Option<Vec<String>>,
) -> Response {
    let Some(seen) = &recent.result else { return over(context) };
    let text = context.or_in(&seen.ui_locales).text();
    let (action, csrf) = (action(context), browser::csrf(context, browser));
    let can_end = seen.outcome == Outcome::Approved
        && context.now < recent.ends_at
        && browser.signed_in(context.now).is_some();
    let form = EndForm { action: &action, csrf: &csrf, request: &recent.nonce };
    let fields: &[(&str, &str)] = &[(REQUEST, &recent.nonce), (KEPT, "yes")];
    let page = ResultPage {
        text,
        outcome: seen.outcome,
        time: text.clock(seen.at),
        ended_now: text.ended_now(seen.minutes, &text.clock(seen.at)),
        client_name: &seen.client_name,
        verifying: seen.verifying,
        digits: digits.map(Digits::shown),
        again: &format!("{action}?{REQUEST}={}", recent.nonce),
        kept,
        end: can_end.then_some(form),
        same_source: same_source.map(|names| SameSource {
            words: text.reported_source(names.len() as u64),
            names: text.list(names.iter().map(|name| Html::isolated(name))),
            form,
        }),
        ended: seen.ended.map(|count| text.devices_ended(count)),
        account: Html::link(&Own::Account.path(context), &text.account_title()),
        menu: MenuForm { action: &action, fields: if kept { fields } else { fields.split_at(1).0 } },
    };
    html(text.language, 200, &page)
}

/// Builds a page that only says what happened, with a link to start again where that can help.
pub(crate) fn notice<P: Platform>(context: Context<'_, P>, status: u16, notice: Notice) -> Response {
    let (text, action, name) = (context.text(), action(context), notice.name());
    let (title, explanation) = notice.words(text);
    let page = NoticePage {
        text,
        title,
        explanation,
        is_good: notice == Notice::Ready,
        back: notice.leads_on().then_some(action.as_str()),
        menu: MenuForm { action: &action, fields: &[(NOTICE, &name)] },
    };
    html(text.language, status, &page)
}

/// Builds the page for a request of which this browser knows nothing, or that ended without it.
pub(super) fn over<P: Platform>(context: Context<'_, P>) -> Response {
    notice(context, 409, Notice::Over)
}

/// Builds the page that says that something cannot be reached. The grant has not changed.
pub(crate) fn unavailable<P: Platform>(context: Context<'_, P>) -> Response {
    notice(context, 503, Notice::Unavailable).with("retry-after", "5".to_owned())
}

/// Returns the path that forms post to.
pub(crate) fn action<P>(context: Context<'_, P>) -> String {
    format!("{}/device", context.issuer.path())
}

/// Builds the page for entering a code, with the time to wait before the next try.
pub(super) async fn wait<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    code: &UserCode,
    seconds: u64,
) -> Response {
    let typed = code.to_string();
    let page = enter(context, 429, browser, Entry::Typed(&typed), Some(Problem::Wait { seconds })).await;
    page.with("retry-after", seconds.to_string()).noting(CODE_ENTRY, None, "wait", "budget")
}
