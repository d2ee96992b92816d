//! Calls a protected API with the device's access token.

use std::error::Error;

use oauth2::HttpResponse;
use oauth2::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::Tokens;
use crate::failure;
use crate::http::Http;

/// What an API requires of the sign-in before it answers (RFC 9470 §3).
#[derive(Clone, Debug, Default)]
pub(crate) struct StepUp {
    pub(crate) max_age: Option<String>,
    pub(crate) acr_values: Option<String>,
}

pub(crate) enum Answer {
    Said(Value),
    WantsStepUp(StepUp),
}

/// The part of the API's metadata that the device needs (RFC 9728 §2).
#[derive(Deserialize)]
struct Metadata {
    resource: String,
}

/// Returns the API's identifier, which the device names when it asks for tokens (RFC 8707). If it is not the
/// API's address, the device must not use the metadata (RFC 9728 §3.3).
pub(crate) fn resource(http: &Http, api: &str) -> Result<String, Box<dyn Error>> {
    let address = format!("{api}/.well-known/oauth-protected-resource");
    let found = http.get(&address, None);
    let found = found.map_err(|_| format!("No API answers at {api}. Start one with `make dev API=1`."))?;
    let Metadata { resource } =
        serde_json::from_slice(found.body()).map_err(|_| failure::no_metadata(&address, &found))?;
    if resource == api {
        Ok(resource)
    } else {
        Err(format!("The API at {api} calls itself {resource}. Use that address: API={resource}").into())
    }
}

/// Calls the API once with the access token.
pub(crate) fn call(http: &Http, address: &str, tokens: &Tokens) -> Result<Answer, Box<dyn Error>> {
    let answer = http.get(address, Some(tokens))?;
    if answer.status() == StatusCode::OK {
        return Ok(Answer::Said(serde_json::from_slice(answer.body())?));
    }
    if let Some(step_up) = step_up(&answer) {
        return Ok(Answer::WantsStepUp(step_up));
    }
    Err(failure::api_refused(&answer).into())
}

fn step_up(answer: &HttpResponse) -> Option<StepUp> {
    let challenge = answer.headers().get("www-authenticate")?.to_str().ok()?;
    let parameter = |name| {
        let (_, value) = challenge.split_once(&format!(" {name}=\""))?;
        value.split('"').next().map(str::to_owned)
    };
    let wanted = parameter("error").is_some_and(|error| error == "insufficient_user_authentication");
    wanted.then(|| StepUp { max_age: parameter("max_age"), acr_values: parameter("acr_values") })
}
