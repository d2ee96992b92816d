//! What the answer of a receiver means.

use serde::Deserialize;

use super::delivery::Outcome;
use crate::json;

/// The errors of RFC 8935 §2.4 after which another try can succeed: a receiver may yet learn the key, and an operator may set
/// the right `Authorization`.
const PASSING: [&str; 3] = ["access_denied", "authentication_failed", "invalid_key"];
/// The errors after which it cannot.
const LASTING: [&str; 3] = ["invalid_audience", "invalid_issuer", "invalid_request"];

/// Returns what the status of a webhook's receiver means.
#[must_use]
pub fn of_webhook(status: u16) -> Outcome {
    match status {
        200..=299 => Outcome::Delivered,
        _ => Outcome::Again(format!("status {status}")),
    }
}

/// Returns what the answer to a pushed token means (RFC 8935 §2.3 and §2.4). Of the body, only an error that is known is
/// repeated.
#[must_use]
pub fn of_push(status: u16, body: &str) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        err: String,
    }
    match status {
        200..=299 => Outcome::Delivered,
        400 => match json::read::<Body>(body) {
            Ok(Body { err }) if PASSING.contains(&err.as_str()) => {
                Outcome::Again(format!("status 400, {err}"))
            }
            Ok(Body { err }) if LASTING.contains(&err.as_str()) => {
                Outcome::Refused(format!("status 400, {err}"))
            }
            Ok(_) => Outcome::Refused("status 400, an error that RFC 8935 does not have".to_owned()),
            Err(_) => Outcome::Again("status 400".to_owned()),
        },
        _ => Outcome::Again(format!("status {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_is_refused_for_good_only_by_an_error_that_another_try_meets_again() {
        let again = |text: &str| Outcome::Again(text.to_owned());
        let refused = |text: &str| Outcome::Refused(text.to_owned());
        for (status, body, outcome) in [
            (202, "", Outcome::Delivered),
            (200, "", Outcome::Delivered),
            (
                400,
                r#"{"err":"invalid_audience","description":"secret"}"#,
                refused("status 400, invalid_audience"),
            ),
            (400, r#"{"err":"invalid_key"}"#, again("status 400, invalid_key")),
            (400, r#"{"err":"my secret"}"#, refused("status 400, an error that RFC 8935 does not have")),
            (400, "Bad request", again("status 400")),
            (401, "", again("status 401")),
            (302, "", again("status 302")),
        ] {
            assert_eq!(of_push(status, body), outcome, "{status} {body}");
        }
        assert_eq!(of_webhook(204), Outcome::Delivered);
        assert_eq!(of_webhook(410), again("status 410"));
    }
}
