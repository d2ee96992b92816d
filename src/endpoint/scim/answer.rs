//! The answers of SCIM, and its errors (RFC 7644 §3.12).

use serde_json::{Value, json};

use crate::endpoint::http::Response;
use crate::endpoint::platform::Unavailable;
use crate::scim::Refusal;

/// The `what` of log lines.
pub(super) const WHAT: &str = "scim";

/// An answer, and what to log about it.
pub(super) struct Answer {
    pub(super) response: Response,
    pub(super) outcome: &'static str,
}

/// Why there is no answer.
pub(super) enum Problem {
    Refused(Refusal),
    Unauthorized,
    Wait(u64),
    Unavailable,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Unavailable> for Problem {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

/// Returns the error of a request that is refused.
pub(crate) fn refuse(refusal: &Refusal) -> Response {
    let kind = refusal.kind();
    let response = error(refusal.status(), kind, &refusal.to_string());
    let response = match refusal.allowed() {
        Some(methods) => response.with("allow", methods.to_owned()),
        None => response,
    };
    response.noting(WHAT, None, "refused", kind.unwrap_or("absent"))
}

pub(super) fn refused(problem: &Problem) -> Response {
    match problem {
        Problem::Refused(refusal) => refuse(refusal),
        Problem::Unauthorized => {
            error(401, None, "Send Authorization: Bearer with the SCIM token of the provider.")
                .with("www-authenticate", "Bearer realm=\"device-grant-scim\"".to_owned())
                .noting(WHAT, None, "refused", "unauthorized")
        }
        Problem::Wait(seconds) => {
            let detail =
                format!("Too many wrong tokens came from this network; try again in {seconds} seconds.");
            let response = error(429, None, &detail).with("retry-after", seconds.to_string());
            response.noting(WHAT, None, "wait", "budget")
        }
        Problem::Unavailable => error(503, None, "Part of the server cannot be reached; try again.")
            .with("retry-after", "5".to_owned())
            .noting(WHAT, None, "unavailable", "unavailable"),
    }
}

fn error(status: u16, kind: Option<&str>, detail: &str) -> Response {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": status.to_string(),
        "detail": detail,
    });
    if let (Some(kind), Some(body)) = (kind, body.as_object_mut()) {
        body.insert("scimType".to_owned(), kind.into());
    }
    scim(status, &body)
}

pub(super) fn scim(status: u16, body: &Value) -> Response {
    Response::json(status, body).with_only("content-type", "application/scim+json".to_owned())
}
