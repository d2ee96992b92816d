//! The pages as responses, with their Content-Security-Policy.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::browser;
use super::browser::Stale;
use super::recent::Recent;
use crate::client::Client;
use crate::client::rules::About;
use crate::device_kind::DeviceKind;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::messages::{Html, Messages};
use crate::endpoint::page::{
    CodeShape, ConsentPage, Document, EndForm, EnterPage, Origin, Problem, ProblemPage, ResultPage,
    SignInPage, StartPage,
};
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::grant::Outcome;
use crate::grant::command::Shown;
use crate::grant::user_code::{Shape, UserCode};
use crate::identity::account::Account;
use crate::identity::session::Browser;
use crate::language::Language;
use crate::place::{self, Place};
use crate::scope::{DESCRIPTIONS, EMAIL, OFFLINE_ACCESS, OPENID, PROFILE};
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::resource::host;
use crate::verdict::{Comparison, Doubt, Verdict, Whose, compare};
use crate::web_origin::WebOrigin;

/// Additional sources for the page with the Turnstile widget.
const TURNSTILE: &str =
    "; script-src https://challenges.cloudflare.com; frame-src https://challenges.cloudflare.com";

/// Most characters of a typed code that a page repeats, as many as its field takes.
const LONGEST_TYPED: usize = 64;
/// The `what` of log lines about code entries.
pub(super) const CODE_ENTRY: &str = "code_entry";

/// Builds a page that caches must not store, that no frame can show (RFC 9700 §4.16), and that loads nothing.
pub(super) fn html(language: Language, status: u16, page: &impl Template) -> Response {
    html_that_loads("", language, status, page)
}

/// Builds the same page as [`html`], but lets it load from `sources`.
///
/// The referrer policy is `same-origin`, because with `no-referrer` browsers send `Origin: null` with our own
/// forms.
fn html_that_loads(sources: &str, language: Language, status: u16, page: &impl Template) -> Response {
    match page.render() {
        Ok(body) => {
            let style = style_of(&body);
            let policy = format!(
                "default-src 'none'; style-src 'sha256-{style}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'{sources}"
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

/// Returns the hash of the page's own style sheet. All that others wrote is escaped, so no `<style>` comes before it.
fn style_of(page: &str) -> String {
    let rest = page.split_once("<style>").map_or("", |(_, rest)| rest);
    let style = rest.split_once("</style>").map_or("", |(style, _)| style);
    STANDARD.encode(Digest::of(style.as_bytes()).bytes())
}

/// Builds the page for entering a code, or for confirming the one from a link.
pub(super) async fn enter<P: Platform>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    entry: Entry<'_>,
    problem: Option<Problem>,
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

pub(super) fn sign_in<P: Platform>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    transaction: &str,
    username: &str,
    problem: Option<Problem>,
) -> Response {
    sign_in_page(context, status, browser, (transaction, username, None), problem)
}

/// Builds the sign-in page for a person who is signed in, but not recently enough for the requesting device.
pub(super) fn sign_in_again<P: Platform>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    transaction: &str,
    username: &str,
    problem: Option<Problem>,
) -> Response {
    let again = browser.signed_in(context.now).map(|session| session.name.as_str());
    sign_in_page(context, status, browser, (transaction, username, again), problem)
}

fn sign_in_page<P: Platform>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    (transaction, username, again): (&str, &str, Option<&str>),
    problem: Option<Problem>,
) -> Response {
    let (text, action, csrf) = (context.text(), action(context), browser::csrf(context, browser));
    let page = SignInPage { text, action: &action, csrf: &csrf, transaction, username, again, problem };
    html(text.language, status, &page)
}

/// What the consent page shows in addition to the grant.
pub(super) struct Consent<'a> {
    pub transaction: String,
    pub code: &'a UserCode,
    pub client: Option<&'a Client>,
    pub account: &'a Account,
    /// The requested scopes, with their descriptions.
    pub permissions: Vec<(&'a str, &'a str)>,
    pub problem: Option<Problem>,
}

pub(super) fn consent<P: Platform>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    shown: &Shown,
    consent: Consent<'_>,
) -> Response {
    let now = context.now;
    let text = context.or_in(&shown.request.ui_locales).text();
    let (asked, person) = (&shown.request, context.side());
    let comparison = compare(&asked.side(), &person);
    let page = ConsentPage {
        text,
        action: &action(context),
        csrf: &browser::csrf(context, browser),
        transaction: &consent.transaction,
        user_code: &consent.code.to_string(),
        client_name: consent.client.map_or(&asked.client_id, |client| &client.client_name),
        client_uri: consent.client.and_then(|client| client.client_uri.as_deref()),
        is_unchecked: consent.client.is_some_and(|client| client.registered_by.is_itself()),
        account_name: &consent.account.name,
        account_detail: consent.account.email.as_deref().unwrap_or(&consent.account.username),
        expected: expected(asked.login_hint.as_deref(), consent.account),
        permissions: consent
            .permissions
            .into_iter()
            .map(|(scope, words)| permission(text, scope, words))
            .collect(),
        resources: unusual(text, &asked.resource, consent.client),
        consent_text: consent.client.and_then(|client| client.about.consent_text.as_deref()),
        documents: consent.client.map(|client| documents(text, client)).unwrap_or_default(),
        requested: origin(text, &asked.origin, now),
        here: origin(text, &person.origin, now),
        distance: distance(text, &comparison),
        near: near(text, &asked.origin.place),
        doubt: doubt(text, comparison.verdict),
        comparison: &comparison,
        page: asked.origin.page.as_ref().map(started_by),
        problem: consent.problem,
        expires: text.expires(shown.expires_at.since(now).as_secs() / 60),
    };
    html(text.language, status, &page)
}

/// Returns what the page says about the web page that started a grant.
fn started_by(page: &WebOrigin) -> StartPage<'_> {
    if page.hides_address() { StartPage::Hidden } else { StartPage::At(page.as_str()) }
}

/// Returns the `login_hint` of the device, unless it names the account that is signed in.
fn expected<'a>(hint: Option<&'a str>, account: &Account) -> Option<&'a str> {
    let is = |name: &str, hint: &str| name.to_lowercase() == hint.to_lowercase();
    let hint = hint?;
    let theirs = is(&account.username, hint) || account.email.as_deref().is_some_and(|email| is(email, hint));
    (!theirs).then_some(hint)
}

/// Returns what a scope lets a client do: in the operator's words, unless these are the standard ones.
fn permission(text: Messages<'_>, scope: &str, words: &str) -> Html {
    let is_standard = DESCRIPTIONS.contains(&(scope, words));
    match scope {
        OPENID if is_standard => text.scope_openid(),
        PROFILE if is_standard => text.scope_profile(),
        EMAIL if is_standard => text.scope_email(),
        OFFLINE_ACCESS if is_standard => text.scope_offline_access(),
        _ => Html::isolated(words),
    }
}

/// Returns the hosts of the requested resources, or `None` if the device only asked for its client's default
/// resource.
fn unusual(text: Messages<'_>, resources: &[String], client: Option<&Client>) -> Option<Html> {
    let usual = client.and_then(|client| client.tokens.audience.first());
    let is_usual = resources.iter().all(|resource| Some(resource) == usual);
    (!is_usual).then(|| text.list(resources.iter().map(|resource| Html::uri(host(resource)))))
}

/// Returns the client's documents. Leaves out those that are not on https, because they are never linked to.
fn documents<'a>(text: Messages<'_>, client: &'a Client) -> Vec<Document<'a>> {
    let About { policy_uri, tos_uri, .. } = &client.about;
    [(text.consent_policy(), policy_uri), (text.consent_terms(), tos_uri)]
        .into_iter()
        .filter_map(|(what, uri)| Some((what, uri.as_deref().filter(|uri| uri.starts_with("https://"))?)))
        .map(|(what, uri)| Document { what, uri, host: host(uri) })
        .collect()
}

/// Returns an origin in words.
fn origin(text: Messages<'_>, origin: &place::Origin, now: Timestamp) -> Origin {
    Origin {
        place: place_name(text, &origin.place),
        network: origin.place.network().map_or_else(|| text.unknown_network(), |name| Html::isolated(&name)),
        time: text.when(origin.at, now),
        device: device_name(text, origin.device),
    }
}

/// Returns a name such as `Command line (curl)`.
fn device_name(text: Messages<'_>, device: DeviceKind) -> Html {
    match device {
        DeviceKind::Unknown => text.device_unknown(),
        DeviceKind::Product(product) => Html::isolated(product),
        DeviceKind::Console(product) => text.device_console(product),
        DeviceKind::Television(maker) => text.device_television(maker),
        DeviceKind::TelevisionOrDevice(maker) => text.device_television_or_other(maker),
        DeviceKind::SmartTelevision => text.device_smart_television(),
        DeviceKind::Printer => text.device_printer(),
        DeviceKind::CommandLine(program) => text.device_command_line(program),
        DeviceKind::App(platform) => text.device_app(platform),
        DeviceKind::PhoneOrTablet(platform) => text.device_phone_or_tablet(platform),
        DeviceKind::Computer(platform) => text.device_computer(platform),
        DeviceKind::Example => text.device_example(),
    }
}

/// Returns what the page says about a request from near the person. Without a city, the network was the same.
fn near(text: Messages<'_>, there: &Place) -> Html {
    if there.city.is_some() { text.near_place(&place_name(text, there)) } else { text.near_network() }
}

/// Returns why nothing can be said about the places. A page that hides its address has a notice of its own.
fn doubt(text: Messages<'_>, verdict: Verdict) -> Option<Html> {
    let Verdict::Unknown { why, whose } = verdict else { return None };
    let is_mine = whose == Some(Whose::Person);
    match why {
        Doubt::HiddenPage => None,
        Doubt::NotKnown if is_mine => Some(text.doubt_place_person()),
        Doubt::NotKnown => Some(text.doubt_place_device()),
        Doubt::Tor if is_mine => Some(text.doubt_tor_person()),
        Doubt::Tor => Some(text.doubt_tor_device()),
        Doubt::Hosting if is_mine => Some(text.doubt_hosting_person()),
        Doubt::Hosting => Some(text.doubt_hosting_device()),
        Doubt::Contradiction | Doubt::Between => Some(text.doubt_between()),
    }
}

/// Returns how far apart two places are that are not near each other.
fn distance(text: Messages<'_>, comparison: &Comparison) -> Option<Html> {
    match comparison.verdict {
        Verdict::Near => None,
        Verdict::Far | Verdict::Unknown { .. } => {
            Some(text.far_distance(&text.number(u64::from(comparison.kilometers?))))
        }
    }
}

/// Returns a name such as `Lyon, Auvergne-Rhône-Alpes, France`, or as much of it as is known.
fn place_name(text: Messages<'_>, place: &Place) -> Html {
    let areas = place.areas().into_iter().map(|area| Html::isolated(&area));
    let country = place.country.as_deref().and_then(|code| text.country(code));
    let inside = |place: Html, area: Html| text.place_in_area(&place, &area);
    areas.chain(country).reduce(inside).unwrap_or_else(|| text.unknown_place())
}

/// Builds the result page, which sends the person back to the device (RFC 8628 §3.3). If `kept`, it says first that
/// the button that was pressed changed nothing.
pub(super) fn result<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    recent: &Recent,
    kept: bool,
) -> Response {
    let Some(seen) = &recent.result else { return over(context) };
    let text = context.or_in(&seen.ui_locales).text();
    let (action, csrf) = (action(context), browser::csrf(context, browser));
    let can_end = seen.outcome == Outcome::Approved
        && context.now < recent.ends_at
        && browser.signed_in(context.now).is_some();
    let page = ResultPage {
        text,
        outcome: seen.outcome,
        time: text.clock(seen.at),
        client_name: &seen.client_name,
        kept,
        end: can_end.then_some(EndForm { action: &action, csrf: &csrf, request: &recent.nonce }),
    };
    html(text.language, 200, &page)
}

/// Builds a page that only says what happened, with a link to start again.
pub(super) fn problem<P: Platform>(
    context: Context<'_, P>,
    status: u16,
    title: Html,
    explanation: Html,
) -> Response {
    let (text, back) = (context.text(), action(context));
    html(text.language, status, &ProblemPage { text, title, explanation, back: Some(&back) })
}

/// Builds the page for a window whose request another session has opened since.
pub(super) fn elsewhere<P: Platform>(context: Context<'_, P>, status: u16) -> Response {
    let text = context.text();
    problem(context, status, text.elsewhere_title(), text.elsewhere_text())
}

/// Builds the page for a request of which this browser knows nothing, or that ended without it.
pub(super) fn over<P: Platform>(context: Context<'_, P>) -> Response {
    let text = context.text();
    problem(context, 409, text.over_title(), text.over_text())
}

/// Builds the page for a request that nobody answered in time.
pub(super) fn expired<P: Platform>(context: Context<'_, P>, at: Timestamp) -> Response {
    let text = context.text();
    problem(context, 409, text.request_expired_title(), text.request_expired_text(&text.clock(at)))
}

/// Builds the page that says that something cannot be reached. The grant has not changed.
pub(super) fn unavailable<P: Platform>(context: Context<'_, P>) -> Response {
    let text = context.text();
    let page = problem(context, 503, text.unavailable_title(), text.unavailable_text());
    page.with("retry-after", "5".to_owned())
}

/// Returns the path that forms post to.
pub(super) fn action<P>(context: Context<'_, P>) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_whom_the_device_expects_only_if_that_is_somebody_else() {
        let alice = crate::identity::demo::accounts().remove(0);

        assert_eq!(expected(Some("bob@example.com"), &alice), Some("bob@example.com"));
        for hint in [None, Some("Alice"), Some("alice@EXAMPLE.com")] {
            assert_eq!(expected(hint, &alice), None, "{hint:?}");
        }
    }
}
