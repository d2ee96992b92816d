//! The pages as responses, with their Content-Security-Policy.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::browser;
use crate::client::Client;
use crate::client::rules::{About, UserCodeType};
use crate::endpoint::http::Response;
use crate::endpoint::page::{
    CodeShape, ConsentPage, Document, EnterPage, Origin, Outcome, Problem, ProblemPage, ResultPage, STYLE,
    SignInPage, StartPage,
};
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::grant::command::Shown;
use crate::grant::user_code::{Shape, UserCode};
use crate::identity::account::Account;
use crate::identity::session::Browser;
use crate::place;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::resource::host;
use crate::verdict::compare;
use crate::web_origin::WebOrigin;

/// Additional sources for the page with the Turnstile widget.
const TURNSTILE: &str =
    "; script-src https://challenges.cloudflare.com; frame-src https://challenges.cloudflare.com";

/// The `what` of log lines about code entries.
pub(super) const CODE_ENTRY: &str = "code_entry";

/// Builds a page that caches must not store, that no frame can show (RFC 9700 §4.16), and that loads nothing.
pub(super) fn html(status: u16, page: &impl Template) -> Response {
    html_that_loads("", status, page)
}

/// Builds the same page as [`html`], but lets it load from `sources`.
///
/// The referrer policy is `same-origin`, because with `no-referrer` browsers send `Origin: null` with our own
/// forms.
fn html_that_loads(sources: &str, status: u16, page: &impl Template) -> Response {
    let style = STANDARD.encode(Digest::of(STYLE.as_bytes()).bytes());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'{sources}"
    );
    match page.render() {
        Ok(body) => Response::new(status, "text/html; charset=utf-8", body)
            .with("cache-control", "no-store".to_owned())
            .with("content-security-policy", policy)
            .with("x-frame-options", "DENY".to_owned())
            .with("referrer-policy", "same-origin".to_owned())
            .with("cross-origin-opener-policy", "same-origin".to_owned()),
        Err(_) => Response::text(503, "This page can’t be shown right now."),
    }
}

/// Builds the page for entering a code, or for confirming the one from a link.
pub(super) async fn enter<P: Platform>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    code: Option<&UserCode>,
    problem: Option<Problem<'_>>,
) -> Response {
    let shape = &context.server.settings.user_code;
    let site_key = context.turnstile().await.map(|turnstile| turnstile.site_key.as_str());
    let user_code = code.map(UserCode::to_string).unwrap_or_default();
    let digits = digits_example(context, shape).await;
    let page = EnterPage {
        action: &action(context),
        csrf: &browser::csrf(context, browser),
        signed_in_as: browser.signed_in(context.now).map(|session| session.name.as_str()),
        user_code: &user_code,
        shape: CodeShape {
            digits: shape.is_digits(),
            example: &example(shape),
            digits_example: digits.as_deref(),
        },
        site_key,
        problem,
    };
    html_that_loads(if site_key.is_some() { TURNSTILE } else { "" }, status, &page)
}

/// Returns an example such as `0000-0000-0000` if some clients, but not all, have codes of digits.
async fn digits_example<P: Platform>(context: Context<'_, P>, shape: &Shape) -> Option<String> {
    let snapshot = context.server.whole_snapshot(context.now).await.ok()??;
    let some = snapshot.clients.iter().any(|client| client.codes.user_code_type == UserCodeType::Digits);
    (some && !shape.is_digits()).then(|| example(&shape.in_digits()))
}

/// Returns an example such as `XXXX-XXXX`.
fn example(shape: &Shape) -> String {
    UserCode::example(shape).to_string()
}

pub(super) fn sign_in<P>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    transaction: &str,
    username: &str,
    problem: Option<Problem<'_>>,
) -> Response {
    let (action, csrf) = (action(context), browser::csrf(context, browser));
    html(status, &SignInPage { action: &action, csrf: &csrf, transaction, username, again: None, problem })
}

/// Builds the sign-in page for a person who is signed in, but not recently enough for the requesting device.
pub(super) fn sign_in_again<P>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    transaction: &str,
    username: &str,
    problem: Option<Problem<'_>>,
) -> Response {
    let (action, csrf) = (action(context), browser::csrf(context, browser));
    let again = browser.signed_in(context.now).map(|session| session.name.as_str());
    html(status, &SignInPage { action: &action, csrf: &csrf, transaction, username, again, problem })
}

/// What the consent page shows in addition to the grant.
pub(super) struct Consent<'a> {
    pub transaction: String,
    pub code: &'a UserCode,
    pub client: Option<&'a Client>,
    pub account: &'a Account,
    pub permissions: Vec<&'a str>,
    pub problem: Option<Problem<'a>>,
}

pub(super) fn consent<P>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    shown: &Shown,
    consent: Consent<'_>,
) -> Response {
    let now = context.now;
    let (asked, person) = (&shown.request, context.side());
    let comparison = compare(&asked.side(), &person);
    let requested = Words::of(&asked.origin, now);
    let here = Words::of(&person.origin, now);
    let page = ConsentPage {
        action: &action(context),
        csrf: &browser::csrf(context, browser),
        transaction: &consent.transaction,
        user_code: &consent.code.to_string(),
        client_name: consent.client.map_or(&asked.client_id, |client| &client.client_name),
        client_uri: consent.client.and_then(|client| client.client_uri.as_deref()),
        is_unchecked: consent.client.is_some_and(|client| client.registered_by.is_anyone()),
        account_name: &consent.account.name,
        account_detail: consent.account.email.as_deref().unwrap_or(&consent.account.username),
        expected: expected(asked.login_hint.as_deref(), consent.account),
        permissions: consent.permissions,
        resources: unusual(&asked.resource, consent.client),
        consent_text: consent.client.and_then(|client| client.about.consent_text.as_deref()),
        documents: consent.client.map(documents).unwrap_or_default(),
        requested: requested.lend(),
        here: here.lend(),
        comparison: &comparison,
        page: asked.origin.page.as_ref().map(started_by),
        problem: consent.problem,
        minutes_left: shown.expires_at.since(now).as_secs() / 60,
    };
    html(status, &page)
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

/// Returns the hosts of the requested resources, or none if the device only asked for its client's default
/// resource.
fn unusual<'a>(resources: &'a [String], client: Option<&Client>) -> Vec<&'a str> {
    let usual = client.and_then(|client| client.tokens.audience.first());
    let is_usual = resources.iter().all(|resource| Some(resource) == usual);
    if is_usual { Vec::new() } else { resources.iter().map(|resource| host(resource)).collect() }
}

/// Returns the client's documents. Leaves out those that are not on https, because they are never linked to.
fn documents(client: &Client) -> Vec<Document<'_>> {
    let About { policy_uri, tos_uri, .. } = &client.about;
    [("privacy policy", policy_uri), ("terms of service", tos_uri)]
        .into_iter()
        .filter_map(|(what, uri)| Some((what, uri.as_deref().filter(|uri| uri.starts_with("https://"))?)))
        .map(|(what, uri)| Document { what, uri, host: host(uri) })
        .collect()
}

/// The texts of an origin, which [`Origin`] borrows.
struct Words {
    place: String,
    network: String,
    time: String,
    device: String,
}

impl Words {
    fn of(origin: &place::Origin, now: Timestamp) -> Self {
        Self {
            place: origin.place.name(),
            network: origin.place.network(),
            time: ago(origin.at, now),
            device: origin.device.clone(),
        }
    }

    fn lend(&self) -> Origin<'_> {
        Origin { place: &self.place, network: &self.network, time: &self.time, device: &self.device }
    }
}

/// Returns a text such as `2 minutes ago, 14:03 UTC`.
fn ago(at: Timestamp, now: Timestamp) -> String {
    let clock = at.clock();
    match now.since(at).as_secs() {
        0..=9 => format!("Just now, {clock} UTC"),
        seconds @ 10..=59 => format!("{seconds} seconds ago, {clock} UTC"),
        60..=119 => format!("1 minute ago, {clock} UTC"),
        seconds => format!("{} minutes ago, {clock} UTC", seconds / 60),
    }
}

/// Returns a text such as `45 seconds` or `2 minutes`, rounded up.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0 | 1 => "1 second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

/// Builds the result page, which sends the person back to the device (RFC 8628 §3.3).
pub(super) fn result(outcome: Outcome, client_name: &str) -> Response {
    html(200, &ResultPage { outcome, client_name })
}

/// Builds a page that only says what happened, with a link to start again.
pub(super) fn problem<P>(context: Context<'_, P>, status: u16, title: &str, text: &str) -> Response {
    let back = action(context);
    html(status, &ProblemPage { title, text, back: Some(&back) })
}

/// Builds the page for an older window of a request that was opened again.
pub(super) fn elsewhere<P>(context: Context<'_, P>, status: u16) -> Response {
    let text =
        "This request was opened again in another tab or window. Decide there; this page is no longer valid.";
    problem(context, status, "Opened elsewhere", text)
}

/// Builds the page that says that something cannot be reached. The grant has not changed.
pub(super) fn unavailable<P>(context: Context<'_, P>) -> Response {
    let text = "Part of the service can’t be reached. Nothing has changed. Please try again in a moment.";
    problem(context, 503, "Please try again", text).with("retry-after", "5".to_owned())
}

/// Returns the path that forms post to.
fn action<P>(context: Context<'_, P>) -> String {
    format!("{}/device", context.issuer.path())
}

/// Builds the page for entering a code, with the time to wait before the next try.
pub(super) async fn wait<P: Platform>(context: Context<'_, P>, browser: &Browser, seconds: u64) -> Response {
    let time = span(seconds);
    let page = enter(context, 429, browser, None, Some(Problem::Wait { time: &time })).await;
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

    #[test]
    fn only_documents_on_https_are_linked_to() {
        let mut client = crate::client::demo::clients().remove(0);
        client.about.policy_uri = Some("https://example.com/privacy".to_owned());
        client.about.tos_uri = Some("javascript:alert(1)".to_owned());

        let host = "example.com";
        let policy = Document { what: "privacy policy", uri: "https://example.com/privacy", host };
        assert_eq!(documents(&client), [policy]);
    }

    #[test]
    fn a_wait_is_rounded_up_and_has_a_unit() {
        assert_eq!(span(1), "1 second");
        assert_eq!(span(45), "45 seconds");
        assert_eq!(span(300), "5 minutes");
        assert_eq!(span(241), "5 minutes", "never too short");
    }

    #[test]
    fn an_age_is_shown_with_a_unit_and_the_time_of_day() {
        let at = Timestamp::from_millis(1_763_733_780_000);
        let later = |seconds| at + core::time::Duration::from_secs(seconds);

        assert_eq!(ago(at, at), "Just now, 14:03 UTC");
        assert_eq!(ago(at, later(75)), "1 minute ago, 14:03 UTC");
        assert_eq!(ago(at, later(240)), "4 minutes ago, 14:03 UTC");
    }
}
