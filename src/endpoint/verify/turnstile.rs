//! Turnstile: each code must come with proof that a person is at the browser, either always or while codes
//! are being guessed.
//!
//! The proof is a token. It is verified before an attempt is taken and the code is looked up. Verification
//! spends the token, so everything else that can fail comes first.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::view;
use super::view::Entry;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::grant::user_code::UserCode;
use crate::identity::session::Browser;
use crate::json;
use crate::settings::Turnstile;
use crate::time::Timestamp;

/// The action that the widget puts into its tokens. Must match `data-action` in `templates/enter.html`.
const ACTION: &str = "device_code";
/// The form field in which the widget sends its token.
const FIELD: &str = "cf-turnstile-response";
/// Length of the longest possible token, in bytes.
const LONGEST_TOKEN: usize = 2_048;

/// Why a token is refused. The code that came with it is not looked up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TurnstileRefusal {
    Missing,
    /// The text is not a token.
    Invalid,
    /// The token was used before, or is more than five minutes old.
    Spent,
    /// The token comes from a page on another host.
    OtherHost,
    /// The token was made for another action.
    OtherAction,
}

/// Why a token could not be verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Failure {
    /// There was no answer from siteverify.
    Unreachable,
    Unreadable,
    /// The configured secret key does not belong to a widget.
    SecretKey,
    /// Siteverify reported another error.
    Error,
}

/// The answer of siteverify.
#[derive(Deserialize)]
struct Verdict {
    success: bool,
    hostname: Option<String>,
    action: Option<String>,
    #[serde(default, rename = "error-codes")]
    error_codes: Vec<String>,
}

/// Verifies the token that came with `code`, if a token is needed at the moment. Returns the time of the
/// check, or `None` if no token was needed. The error is the page to show.
pub(super) async fn pass<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
    code: &UserCode,
) -> Result<Option<Timestamp>, Response> {
    let Some(turnstile) = context.turnstile().await else { return Ok(None) };
    let token = match token(form) {
        Ok(token) => token,
        Err(refusal) => return Err(ask_again(context, 400, browser, code, refusal).await),
    };
    // Every form costs a request to Cloudflare.
    if !context.server.platform.within_limit(&context.rate_key("turnstile")).await {
        return Err(view::wait(context, browser, code, 60).await);
    }
    match verify(context, turnstile, token).await {
        Ok(Ok(())) => Ok(Some(context.now)),
        Ok(Err(refusal)) => Err(ask_again(context, 400, browser, code, refusal).await),
        Err(failure) => {
            Err(view::unavailable(context).noting(view::CODE_ENTRY, None, "unavailable", failure.reason()))
        }
    }
}

/// Shows the page again, with the code filled in and a new widget.
pub(super) async fn ask_again<P: Platform>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    code: &UserCode,
    refusal: TurnstileRefusal,
) -> Response {
    let page =
        view::enter(context, status, browser, Entry::Compare(code, None), Some(refusal.problem())).await;
    page.noting(view::CODE_ENTRY, None, "unchecked", refusal.reason())
}

fn token(form: &Form) -> Result<&str, TurnstileRefusal> {
    match form.get(FIELD) {
        None => Err(TurnstileRefusal::Missing),
        Some(token) if token.len() > LONGEST_TOKEN => Err(TurnstileRefusal::Invalid),
        Some(token) => Ok(token),
    }
}

/// Asks siteverify. Does not send the person's IP address, which may differ between this server and the
/// widget.
async fn verify<P: Platform>(
    context: Context<'_, P>,
    turnstile: &Turnstile,
    token: &str,
) -> Result<Result<(), TurnstileRefusal>, Failure> {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let form = format!("secret={}&response={}", encode(&turnstile.secret_key), encode(token));
    let answer = context.server.platform.post_form(&turnstile.siteverify_url, &form).await;
    let answer = answer.map_err(|_| Failure::Unreachable)?;
    let verdict: Verdict = json::read(&answer).map_err(|_| Failure::Unreadable)?;
    if verdict.success && turnstile.is_for_tests() {
        return Ok(Ok(()));
    }
    verdict.judge(context.issuer.hostname())
}

impl Verdict {
    fn judge(&self, hostname: &str) -> Result<Result<(), TurnstileRefusal>, Failure> {
        let says = |code: &str| self.error_codes.iter().any(|other| other == code);
        if self.success {
            return Ok(match (self.hostname.as_deref(), self.action.as_deref()) {
                (Some(host), Some(ACTION)) if host == hostname => Ok(()),
                (Some(host), _) if host == hostname => Err(TurnstileRefusal::OtherAction),
                (Some(_) | None, _) => Err(TurnstileRefusal::OtherHost),
            });
        }
        if says("timeout-or-duplicate") {
            Ok(Err(TurnstileRefusal::Spent))
        } else if says("invalid-input-response") || says("missing-input-response") {
            Ok(Err(TurnstileRefusal::Invalid))
        } else if says("invalid-input-secret") || says("missing-input-secret") {
            Err(Failure::SecretKey)
        } else {
            Err(Failure::Error)
        }
    }
}

impl TurnstileRefusal {
    const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "turnstile_missing",
            Self::Invalid => "turnstile_invalid",
            Self::Spent => "turnstile_spent",
            Self::OtherHost => "turnstile_other_host",
            Self::OtherAction => "turnstile_other_action",
        }
    }

    const fn problem(self) -> Problem<'static> {
        match self {
            Self::Missing => Problem::Unchecked,
            Self::Invalid | Self::Spent | Self::OtherHost | Self::OtherAction => Problem::CheckFailed,
        }
    }
}

impl Failure {
    const fn reason(self) -> &'static str {
        match self {
            Self::Unreachable => "turnstile_unreachable",
            Self::Unreadable => "turnstile_unreadable",
            Self::SecretKey => "turnstile_secret_key",
            Self::Error => "turnstile_error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(answer: &str) -> Result<Result<(), TurnstileRefusal>, Failure> {
        serde_json::from_str::<Verdict>(answer).expect("the answer is a verdict").judge("login.example.com")
    }

    #[test]
    fn a_token_counts_for_this_host_and_this_action_only() {
        for (answer, expected) in [
            (r#"{"success":true,"hostname":"login.example.com","action":"device_code"}"#, Ok(())),
            (
                r#"{"success":true,"hostname":"login.example.com","action":"login"}"#,
                Err(TurnstileRefusal::OtherAction),
            ),
            (r#"{"success":true,"hostname":"login.example.com"}"#, Err(TurnstileRefusal::OtherAction)),
            (
                r#"{"success":true,"hostname":"example.com","action":"device_code"}"#,
                Err(TurnstileRefusal::OtherHost),
            ),
            (r#"{"success":true,"action":"device_code","error-codes":[]}"#, Err(TurnstileRefusal::OtherHost)),
        ] {
            assert_eq!(judge(answer), Ok(expected), "{answer}");
        }
    }

    #[test]
    fn errors_of_the_token_are_told_apart_from_errors_of_the_configuration() {
        let failed = |code: &str| judge(&format!(r#"{{"success":false,"error-codes":["{code}"]}}"#));

        assert_eq!(failed("timeout-or-duplicate"), Ok(Err(TurnstileRefusal::Spent)));
        assert_eq!(failed("invalid-input-response"), Ok(Err(TurnstileRefusal::Invalid)));
        assert_eq!(failed("invalid-input-secret"), Err(Failure::SecretKey));
        assert_eq!(failed("internal-error"), Err(Failure::Error));
        assert_eq!(judge(r#"{"success":false}"#), Err(Failure::Error));
    }
}
