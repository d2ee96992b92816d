//! Puts what went wrong into words, and says what to do now.

use std::error::Error;
use std::fmt::Display;

use oauth2::{ErrorResponseType, HttpResponse, RequestTokenError, StandardErrorResponse};
use serde::Deserialize;

use crate::{client_id, scopes};

/// An error in JSON (RFC 6749 §5.2).
#[derive(Deserialize)]
struct Said {
    error_description: Option<String>,
}

pub(crate) fn no_server(issuer: &str, error: &dyn Error) -> String {
    // Plain http is only for this machine.
    if issuer.starts_with("http:") {
        format!("No server answers at {issuer}. Start one with `make dev`.")
    } else {
        format!("No server answers at {issuer}. Check ISSUER and the network ({error}).")
    }
}

/// Describes a server that stopped answering and stayed silent until the code expired.
pub(crate) fn server_gone() -> String {
    "The server stopped answering, and the code has expired. Check the server, then run `make device` again."
        .to_owned()
}

pub(crate) fn no_metadata(address: &str, answer: &HttpResponse) -> String {
    let said = quoted(sentence(answer.body()).as_deref());
    format!("{address} returned no usable metadata ({}).{said}", answer.status())
}

pub(crate) fn api_refused(answer: &HttpResponse) -> String {
    let said = quoted(sentence(answer.body()).as_deref());
    format!("The API answered {}.{said}", answer.status())
}

pub(crate) fn explain<E, T>(error: &RequestTokenError<E, StandardErrorResponse<T>>) -> String
where
    E: Error + 'static,
    T: ErrorResponseType + AsRef<str> + Display + 'static,
{
    match error {
        RequestTokenError::ServerResponse(answer) => {
            refusal(answer.error().as_ref(), answer.error_description().map(String::as_str))
        }
        RequestTokenError::Request(error) => {
            format!("The server does not answer ({error}). Run `make device` to try again.")
        }
        RequestTokenError::Parse(error, body) => {
            let said = quoted(sentence(body).as_deref());
            format!("The server did not answer in OAuth's format ({error}).{said}")
        }
        RequestTokenError::Other(reason) => format!("The device cannot use the server's answer ({reason})."),
    }
}

/// Describes what happened after the digits were typed.
pub(crate) fn unverified<E, T>(error: &RequestTokenError<E, StandardErrorResponse<T>>) -> String
where
    E: Error + 'static,
    T: ErrorResponseType + AsRef<str> + Display + 'static,
{
    let is_denial = matches!(error, RequestTokenError::ServerResponse(answer) if answer.error().as_ref() == "access_denied");
    if is_denial {
        "The request has ended, because the digits were wrong three times, or because you ended it. Run `make device` to \
         try again."
            .to_owned()
    } else {
        explain(error)
    }
}

fn refusal(code: &str, description: Option<&str>) -> String {
    let client = client_id();
    let said = quoted(description);
    match code {
        "access_denied" => "You refused the request. Run `make device` to try again.".to_owned(),
        "expired_token" => {
            "The code expired before anybody approved it. Run `make device` for a new one.".to_owned()
        }
        "invalid_client" => format!(
            "The server does not know the client {client}, or does not accept its secret. Check CLIENT_ID \
             and CLIENT_SECRET."
        ),
        "unauthorized_client" => format!(
            "The server does not let the client {client} use this grant. Add the grant to the client's \
             grant_types, or name another client with CLIENT_ID."
        ),
        "invalid_scope" => format!(
            "The server does not accept the scopes \"{}\" from the client {client}. Name others with SCOPE.",
            scopes()
        ),
        "invalid_target" => format!(
            "The server issues no tokens for this API to the client {client}. Add the API's address to the \
             client's audience. `make dev API=1` does so for the demo clients."
        ),
        "temporarily_unavailable" => {
            format!("The server cannot help right now. Run `make device` again in a moment.{said}")
        }
        _ => format!("The server refused the request ({code}).{said}"),
    }
}

fn quoted(said: Option<&str>) -> String {
    said.map(|said| format!(" It says: {said}")).unwrap_or_default()
}

/// Finds the sentence in an error's body: its `error_description`, or the first line if it is plain text.
fn sentence(body: &[u8]) -> Option<String> {
    if let Ok(said) = serde_json::from_slice::<Said>(body) {
        return said.error_description;
    }
    let line = str::from_utf8(body).ok()?.trim().lines().next()?;
    let is_text = !line.starts_with(['<', '{', '[']);
    is_text.then(|| line.chars().take(200).collect())
}
