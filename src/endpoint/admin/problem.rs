//! Why the admin API refuses a request, as problem details (RFC 9457).

use serde::Serialize;

use crate::endpoint::http::Response;
use crate::endpoint::platform::Unavailable;
use crate::fault::Fault;
use crate::registry::admin_token::AdminScope;
use crate::settings::issuer::Issuer;

/// Why a request is refused. The `type` of each problem points to the response of that name in the OpenAPI
/// document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Problem {
    /// The admin token is missing, wrong or has ended.
    Unauthorized,
    /// The admin token has none of these scopes.
    Forbidden(Vec<AdminScope>),
    /// Too many wrong admin tokens came from this network. Carries the wait in seconds.
    TooMany(u64),
    /// Nothing exists at this address.
    NotFound,
    /// The address does not support the method. Carries the methods that it supports.
    MethodNotAllowed(&'static [&'static str]),
    /// The body is larger than this number of bytes.
    TooLarge(usize),
    /// The content type, if there is one, is not JSON. It comes printable here.
    NotJson(Option<String>),
    /// The body has this content coding, which comes printable here.
    ContentCoding(String),
    /// The body is not a JSON object. Carries the detail.
    Malformed(String),
    /// Members of the body, or parameters, are invalid.
    Invalid(Vec<Fault>),
    /// The current state does not allow the change. Carries the detail.
    Conflict(String),
    /// The change needs `If-Match` (RFC 6585 §3).
    PreconditionRequired,
    /// The current `ETag` does not match `If-Match` (RFC 9110 §15.5.13).
    PreconditionFailed,
    /// Part of the server cannot be reached.
    Unavailable,
}

impl From<Unavailable> for Problem {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

/// RFC 9457 §3.1.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Fault],
}

impl Problem {
    /// Returns the name in the OpenAPI document and in the log.
    #[must_use]
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::TooMany(_) => "too_many",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::TooLarge(_) => "too_large",
            Self::NotJson(_) => "not_json",
            Self::ContentCoding(_) => "content_coding",
            Self::Malformed(_) => "malformed",
            Self::Invalid(_) => "invalid",
            Self::Conflict(_) => "conflict",
            Self::PreconditionRequired => "precondition_required",
            Self::PreconditionFailed => "precondition_failed",
            Self::Unavailable => "unavailable",
        }
    }

    pub(crate) const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Unauthorized => 401,
            Self::Forbidden(_) => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed(_) => 405,
            Self::Conflict(_) => 409,
            Self::PreconditionFailed => 412,
            Self::TooLarge(_) => 413,
            Self::NotJson(_) | Self::ContentCoding(_) => 415,
            Self::Invalid(_) => 422,
            Self::PreconditionRequired => 428,
            Self::TooMany(_) => 429,
            Self::Unavailable => 503,
        }
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::Unauthorized => "The admin token is missing, wrong or has ended",
            Self::Forbidden(_) => "The admin token does not have the scope",
            Self::TooMany(_) => "Too many wrong admin tokens",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed(_) => "This address does not support that method",
            Self::TooLarge(_) => "The body is too large",
            Self::NotJson(_) => "The body must be JSON",
            Self::ContentCoding(_) => "The body has a content coding",
            Self::Malformed(_) => "The body cannot be read",
            Self::Invalid(_) => "Part of the request is invalid",
            Self::Conflict(_) => "The request conflicts with the current state",
            Self::PreconditionRequired => "This change needs If-Match",
            Self::PreconditionFailed => "Somebody changed it in the meantime",
            Self::Unavailable => "Part of the server cannot be reached",
        }
    }

    /// Returns what to do now, or what exactly was wrong.
    #[must_use]
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Unauthorized => "Send Authorization: Bearer with an admin token.".to_owned(),
            Self::Forbidden(scopes) => {
                format!("This needs an admin token with the scope {}.", names(scopes, " or "))
            }
            Self::TooMany(seconds) => {
                format!("Too many wrong admin tokens came from this network; try again in {seconds} seconds.")
            }
            Self::NotFound => "Nothing exists at this address.".to_owned(),
            Self::MethodNotAllowed(allowed) => format!("Use {}.", allowed.join(", ")),
            Self::TooLarge(most) => format!("The body is larger than {most} bytes."),
            Self::NotJson(Some(sent)) => {
                format!("The Content-Type is '{sent}': send application/json.")
            }
            Self::NotJson(None) => "There is no Content-Type: send application/json.".to_owned(),
            Self::ContentCoding(sent) => {
                format!("The body has the content coding '{sent}': send it without one.")
            }
            Self::Malformed(detail) | Self::Conflict(detail) => detail.clone(),
            Self::Invalid(faults) if faults.len() == 1 => "See the entry in errors.".to_owned(),
            Self::Invalid(faults) => format!("See the {} entries in errors.", faults.len()),
            Self::PreconditionRequired => {
                "Send If-Match with the ETag of the version to change, or * for any version.".to_owned()
            }
            Self::PreconditionFailed => "Read it again: its ETag no longer matches If-Match.".to_owned(),
            Self::Unavailable => "Nothing has changed; try again.".to_owned(),
        }
    }

    /// Returns what was wrong with which members or parameters.
    pub(crate) fn errors(&self) -> &[Fault] {
        if let Self::Invalid(faults) = self { faults } else { &[] }
    }

    #[must_use]
    pub(crate) fn response(&self, issuer: &Issuer) -> Response {
        let kind =
            format!("{}/admin/api/openapi.json#/components/responses/{}", issuer.as_str(), self.name());
        let (title, status, detail) = (self.title(), self.status(), self.detail());
        let body = Body { kind, title, status, detail, errors: self.errors() };
        let response =
            Response::json(status, &body).with_only("content-type", "application/problem+json".to_owned());
        match self {
            Self::Unauthorized => {
                response.with("www-authenticate", "Bearer realm=\"device-grant-admin\"".to_owned())
            }
            // RFC 6750 §3.1.
            Self::Forbidden(scopes) => response.with(
                "www-authenticate",
                format!(
                    "Bearer realm=\"device-grant-admin\", error=\"insufficient_scope\", scope=\"{}\"",
                    names(scopes, " ")
                ),
            ),
            Self::TooMany(seconds) => response.with("retry-after", seconds.to_string()),
            Self::MethodNotAllowed(allowed) => response.with("allow", allowed.join(", ")),
            Self::Unavailable => response.with("retry-after", "5".to_owned()),
            Self::NotFound
            | Self::TooLarge(_)
            | Self::NotJson(_)
            | Self::ContentCoding(_)
            | Self::Malformed(_)
            | Self::Invalid(_)
            | Self::Conflict(_)
            | Self::PreconditionRequired
            | Self::PreconditionFailed => response,
        }
    }
}

fn names(scopes: &[AdminScope], between: &str) -> String {
    scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(between)
}
