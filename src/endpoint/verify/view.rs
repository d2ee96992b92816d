//! Pages as responses: what is shown, and under which policy.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{browser, turnstile};
use crate::endpoint::http::Response;
use crate::endpoint::page::{
    CodeShape, ConsentPage, EnterPage, Origin, Outcome, Problem, ProblemPage, ResultPage, STYLE, SignInPage,
};
use crate::endpoint::{Context, Platform};
use crate::grant::command::Shown;
use crate::grant::user_code::{Shape, UserCode};
use crate::identity::account::Account;
use crate::identity::session::Browser;
use crate::place::{self, device_kind};
use crate::secret::Digest;
use crate::time::Timestamp;

/// What the page with the Turnstile widget may load, over what all pages may.
const TURNSTILE: &str =
    "; script-src https://challenges.cloudflare.com; frame-src https://challenges.cloudflare.com";

/// A page that no cache keeps, no frame shows, and that loads nothing (RFC 9700 §4.16).
pub(super) fn html(status: u16, page: &impl Template) -> Response {
    html_that_loads("", status, page)
}

/// `same-origin`, because under `no-referrer` browsers send `Origin: null` with our own forms.
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
        Err(_) => Response::text(503, "This page cannot be shown now."),
    }
}

/// The page on which a code is entered, or one from a link is confirmed.
pub(super) async fn enter<P: Platform>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    code: Option<&UserCode>,
    problem: Option<Problem<'_>>,
) -> Response {
    let shape = &context.server.settings.user_code;
    let site_key = turnstile::asked(context).await.map(|turnstile| turnstile.site_key.as_str());
    let user_code = code.map(UserCode::to_string).unwrap_or_default();
    let page = EnterPage {
        action: &action(context),
        csrf: &browser::csrf(context, browser),
        signed_in_as: browser.signed_in(context.now).map(|session| session.name.as_str()),
        user_code: &user_code,
        shape: CodeShape { digits: shape.is_digits(), example: &example(shape) },
        site_key,
        problem,
    };
    html_that_loads(if site_key.is_some() { TURNSTILE } else { "" }, status, &page)
}

/// `XXXX-XXXX`.
fn example(shape: &Shape) -> String {
    UserCode::example(shape).to_string()
}

/// The page on which a person signs in.
pub(super) fn sign_in<P>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    transaction: &str,
    username: &str,
    problem: Option<Problem<'_>>,
) -> Response {
    let (action, csrf) = (action(context), browser::csrf(context, browser));
    html(status, &SignInPage { action: &action, csrf: &csrf, transaction, username, problem })
}

/// What the consent page shows besides the grant.
pub(super) struct Consent<'a> {
    pub transaction: String,
    pub code: &'a UserCode,
    pub client_name: &'a str,
    pub client_uri: Option<&'a str>,
    pub account: &'a Account,
    pub permissions: Vec<&'a str>,
    pub problem: Option<Problem<'a>>,
}

/// The page on which a person decides.
pub(super) fn consent<P>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    shown: &Shown,
    consent: Consent<'_>,
) -> Response {
    let Context { request, now, .. } = context;
    let here = place::Origin {
        place: request.place.clone(),
        device: device_kind(request.user_agent.as_deref()),
        at: now,
    };
    let requested = Words::of(&shown.request.origin, now);
    let here = Words::of(&here, now);
    let page = ConsentPage {
        action: &action(context),
        csrf: &browser::csrf(context, browser),
        transaction: &consent.transaction,
        user_code: &consent.code.to_string(),
        client_name: consent.client_name,
        client_uri: consent.client_uri,
        account_name: &consent.account.name,
        account_detail: consent.account.email.as_deref().unwrap_or(&consent.account.username),
        permissions: consent.permissions,
        requested: requested.lend(),
        here: here.lend(),
        problem: consent.problem,
        minutes_left: shown.expires_at.since(now).as_secs() / 60,
    };
    html(status, &page)
}

/// An origin in words.
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

/// `2 minutes ago, 14:03 UTC`.
fn ago(at: Timestamp, now: Timestamp) -> String {
    let clock = at.clock();
    match now.since(at).as_secs() {
        0..=9 => format!("Just now, {clock} UTC"),
        seconds @ 10..=59 => format!("{seconds} seconds ago, {clock} UTC"),
        60..=119 => format!("1 minute ago, {clock} UTC"),
        seconds => format!("{} minutes ago, {clock} UTC", seconds / 60),
    }
}

/// `45 seconds`, `2 minutes`.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0 | 1 => "1 second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

/// What became of it, and that the rest is on the device (RFC 8628 §3.3).
pub(super) fn result(outcome: Outcome, client_name: &str) -> Response {
    html(200, &ResultPage { outcome, client_name })
}

/// A page that cannot go on.
pub(super) fn problem<P>(context: Context<'_, P>, status: u16, title: &str, text: &str) -> Response {
    let back = action(context);
    html(status, &ProblemPage { title, text, back: Some(&back) })
}

/// An older window of a request that was opened again.
pub(super) fn elsewhere<P>(context: Context<'_, P>, status: u16) -> Response {
    let text =
        "This request was opened again, in another tab or window. Decide there; this page no longer counts.";
    problem(context, status, "Opened elsewhere", text)
}

/// Something could not be reached. The grant is as it was.
pub(super) fn unavailable<P>(context: Context<'_, P>) -> Response {
    let text = "Part of the service cannot be reached. Nothing has changed; please try again in a moment.";
    problem(context, 503, "Please try again", text).with("retry-after", "5".to_owned())
}

/// The path that forms post to.
fn action<P>(context: Context<'_, P>) -> String {
    format!("{}/device", context.issuer.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_named_in_words() {
        assert_eq!(span(1), "1 second");
        assert_eq!(span(45), "45 seconds");
        assert_eq!(span(300), "5 minutes");
        assert_eq!(span(241), "5 minutes", "never too short");
    }

    #[test]
    fn how_long_ago_is_told_in_words() {
        let at = Timestamp::from_millis(1_763_733_780_000);
        let later = |seconds| at + core::time::Duration::from_secs(seconds);

        assert_eq!(ago(at, at), "Just now, 14:03 UTC");
        assert_eq!(ago(at, later(75)), "1 minute ago, 14:03 UTC");
        assert_eq!(ago(at, later(240)), "4 minutes ago, 14:03 UTC");
    }
}
