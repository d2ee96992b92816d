//! Calls a protected API with the device's access token.

use std::error::Error;

use oauth2::HttpResponse;
use oauth2::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::Tokens;
use crate::dpop::Http;

/// What an API asks of the sign-in before it answers (RFC 9470 §3).
#[derive(Clone, Debug, Default)]
pub(crate) struct StepUp {
    pub(crate) max_age: Option<String>,
    pub(crate) acr_values: Option<String>,
}

/// What an API answers.
pub(crate) enum Answer {
    Said(Value),
    WantsStepUp(StepUp),
}

/// What the API says of itself (RFC 9728 §2).
#[derive(Deserialize)]
struct Metadata {
    resource: String,
}

/// The identifier of an API, to ask for tokens with (RFC 8707); it is the address it was found at (RFC 9728 §3.3).
pub(crate) fn resource(http: &Http, api: &str) -> Result<String, Box<dyn Error>> {
    let found = http.get(&format!("{api}/.well-known/oauth-protected-resource"), None);
    let found = found.map_err(|_| format!("No API answers at {api}. Start one with `make dev API=1`."))?;
    let metadata: Metadata = serde_json::from_slice(found.body())?;
    if metadata.resource == api {
        Ok(metadata.resource)
    } else {
        Err("The API calls itself something else.".into())
    }
}

/// Calls the API once.
pub(crate) fn call(http: &Http, address: &str, tokens: &Tokens) -> Result<Answer, Box<dyn Error>> {
    let answer = http.get(address, Some(tokens))?;
    if answer.status() == StatusCode::OK {
        return Ok(Answer::Said(serde_json::from_slice(answer.body())?));
    }
    if let Some(step_up) = step_up(&answer) {
        return Ok(Answer::WantsStepUp(step_up));
    }
    let body = String::from_utf8_lossy(answer.body());
    Err(format!("The API answered {}: {}", answer.status(), body.trim()).into())
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
