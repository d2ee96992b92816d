//! Why a registration is refused, and the response (RFC 7591 §3.2.2).

use serde::Serialize;

use crate::client::registered_by::RegisteredBy;
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::error::printable;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Unavailable;
use crate::fault::Fault;
use crate::network::Width;

/// The `what` of log lines.
pub(super) const WHAT: &str = "registration";

/// What there is too much of.
#[derive(Clone, Copy)]
pub(super) enum Limit {
    /// Wrong initial access tokens from the network.
    Tokens,
    /// Clients from open registration on a prefix of the network.
    OfNetwork(Width),
    /// Clients that registered with an initial access token, or without one.
    InAll(RegisteredBy),
}

impl Limit {
    /// Returns which limit it is, as the beginning of a sentence.
    fn description(self) -> String {
        match self {
            Self::Tokens => "Too many wrong initial access tokens came from this network".to_owned(),
            Self::OfNetwork(width) => {
                format!("Too many clients have registered from this network ({width}) within an hour")
            }
            Self::InAll(by) => {
                let how = if by.is_anyone() { "without" } else { "with" };
                format!("Too many clients have registered {how} a token within an hour")
            }
        }
    }
}

/// Why a registration is refused.
pub(super) enum Error {
    /// The initial access token is missing or wrong (RFC 6750 §3.1).
    Token,
    /// Too much of this. Carries the wait in seconds.
    TooMany(Limit, u64),
    /// The metadata is not valid (RFC 7591 §3.2.2).
    Metadata(Vec<Fault>),
    /// The body is unreadable, the registry refused the client, or part of the server cannot be reached.
    Problem(Problem),
}

impl From<Unavailable> for Error {
    fn from(_: Unavailable) -> Self {
        Self::Problem(Problem::Unavailable)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        if let Problem::Invalid(faults) = problem { Self::Metadata(faults) } else { Self::Problem(problem) }
    }
}

#[derive(Serialize)]
struct Body {
    error: &'static str,
    error_description: String,
}

impl Error {
    /// Builds the response, with its log line.
    pub(super) fn response(&self) -> Response {
        let (status, error, reason, description) = match self {
            Self::Token => {
                (401, "invalid_token", "initial_access_token", "Send the initial access token.".to_owned())
            }
            Self::TooMany(limit, seconds) => {
                let description = format!("{}; try again in {seconds} seconds.", limit.description());
                (429, "temporarily_unavailable", "too_many", description)
            }
            Self::Metadata(faults) => (400, "invalid_client_metadata", "invalid", described(faults)),
            Self::Problem(Problem::Unavailable) => (
                503,
                "temporarily_unavailable",
                "unavailable",
                "Part of the server cannot be reached; nothing has changed, so try again.".to_owned(),
            ),
            // The `client_id` is random, so the only possible conflict is a full registry.
            Self::Problem(Problem::Conflict(_)) => {
                (503, "temporarily_unavailable", "full", "There is no room for more clients.".to_owned())
            }
            Self::Problem(problem @ (Problem::TooLarge(_) | Problem::ContentCoding(_))) => {
                (problem.status(), "invalid_request", problem.name(), problem.detail())
            }
            Self::Problem(problem) => (400, "invalid_client_metadata", problem.name(), problem.detail()),
        };
        let response = Response::json(status, &Body { error, error_description: printable(&description) });
        let response = match self {
            Self::Token => response.with("www-authenticate", "Bearer realm=\"device-grant\"".to_owned()),
            Self::TooMany(_, seconds) => response.with("retry-after", seconds.to_string()),
            Self::Problem(Problem::Unavailable) => response.with("retry-after", "5".to_owned()),
            Self::Problem(Problem::Conflict(_)) => response.with("retry-after", "3600".to_owned()),
            Self::Metadata(_) | Self::Problem(_) => response,
        };
        response.noting(WHAT, None, error, reason)
    }
}

fn described(faults: &[Fault]) -> String {
    faults.iter().map(|fault| fault.detail.as_str()).collect::<Vec<_>>().join("; ")
}
