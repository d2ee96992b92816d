//! Plays the device: asks for a code, shows it with a QR code, polls, and shows the claims of the tokens.
//!
//! ```text
//! ISSUER=http://localhost:8787 CLIENT_ID=demo-tv cargo run --example device
//! ```
//!
//! `make device HELP=1` lists every variable that this example reads. If it fails, it says why and exits with
//! 1. It uses the unmodified `oauth2` crate, because this server works with ordinary OAuth client libraries.

#![expect(clippy::print_stdout, reason = "the terminal is the device's screen")]

mod api;
mod digits;
mod dpop;
mod failure;
mod http;
mod instant;
mod screen;

use std::env;
use std::error::Error;

use device_grant::visible::escaped;
use oauth2::basic::{BasicErrorResponseType, BasicTokenType};
use oauth2::{
    AuthType, Client, ClientId, ClientSecret, DeviceAuthorizationUrl, EndpointNotSet, EndpointSet,
    ExtraTokenFields, RefreshToken, Scope, StandardErrorResponse, StandardRevocableToken,
    StandardTokenIntrospectionResponse, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use serde::{Deserialize, Serialize};

use crate::api::{Answer, StepUp};
use crate::dpop::Key;
use crate::failure::explain;
use crate::http::Http;
use crate::instant::{Codes, Waiting};
use crate::screen::{Countdown, show_claims, show_code};

/// The member that OpenID Connect adds to the token response.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct WithIdToken {
    id_token: Option<String>,
}

impl ExtraTokenFields for WithIdToken {}

type Tokens = StandardTokenResponse<WithIdToken, BasicTokenType>;
type OAuthClient = Client<
    StandardErrorResponse<BasicErrorResponseType>,
    Tokens,
    StandardTokenIntrospectionResponse<WithIdToken, BasicTokenType>,
    StandardRevocableToken,
    StandardErrorResponse<oauth2::RevocationErrorResponseType>,
    EndpointNotSet,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The part of the server's metadata that the device needs (RFC 8414).
#[derive(Deserialize)]
struct Metadata {
    device_authorization_endpoint: String,
    token_endpoint: String,
}

fn main() {
    if let Err(error) = run() {
        println!("\n  {}\n", escaped(&error.to_string()));
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let key = setting("DPOP").map(|_| Key::generate()).transpose()?;
    let http = Http::new(key);
    let client = discover(&http)?;
    let api = setting("API").map(|api| api::resource(&http, &api)).transpose()?;

    let tokens = sign_in(&client, &http, api.as_deref(), &StepUp::default())?;
    show_claims("Access token", tokens.access_token().secret())?;
    if let Some(id_token) = &tokens.extra_fields().id_token {
        show_claims("ID token", id_token)?;
    }
    if let Some(api) = &api {
        visit(&client, &http, api, &tokens)?;
    }
    match tokens.refresh_token() {
        Some(refresh_token) => refresh(&client, &http, refresh_token),
        None => Ok(()),
    }
}

/// Finds the endpoints in the issuer's metadata.
fn discover(http: &Http) -> Result<OAuthClient, Box<dyn Error>> {
    let issuer = setting("ISSUER").unwrap_or_else(|| "http://localhost:8787".to_owned());
    let address = format!("{issuer}/.well-known/openid-configuration");
    let found = http.get(&address, None).map_err(|error| failure::no_server(&issuer, &*error))?;
    let metadata: Metadata =
        serde_json::from_slice(found.body()).map_err(|_| failure::no_metadata(&address, &found))?;
    let client = Client::new(ClientId::new(client_id()))
        .set_device_authorization_url(DeviceAuthorizationUrl::new(metadata.device_authorization_endpoint)?)
        .set_token_uri(TokenUrl::new(metadata.token_endpoint)?);
    Ok(match setting("CLIENT_SECRET") {
        Some(secret) => {
            client.set_client_secret(ClientSecret::new(secret)).set_auth_type(AuthType::RequestBody)
        }
        None => client,
    })
}

/// Runs the whole grant: asks for codes, shows them, and polls until a person decides or the code expires.
fn sign_in(
    client: &OAuthClient,
    http: &Http,
    resource: Option<&str>,
    step_up: &StepUp,
) -> Result<Tokens, Box<dyn Error>> {
    let details = start(client, http, resource, step_up)?;
    show_code(&details)?;
    let waiting = Waiting::start(&details, http, client.token_uri().url());
    let countdown = Countdown::start(details.expires_in());
    let sleep = |interval| countdown.sleep(interval, &waiting, http.answered());
    let mut typed = None;
    let tokens = loop {
        let mut request = client.exchange_device_access_token(&details);
        if let Some(typed) = &typed {
            request = request.add_extra_param("initiation_verification_code", typed);
        }
        let outcome = request.request(http, sleep, None);
        countdown.clear();
        match outcome {
            Ok(tokens) => break tokens,
            Err(_) if !http.answered() => return Err(failure::server_gone().into()),
            Err(error) => match digits::ask(&error)? {
                Some(digits) => typed = Some(digits),
                None if typed.is_some() => return Err(failure::unverified(&error).into()),
                None => return Err(explain(&error).into()),
            },
        }
    };
    let how = if waiting.was_told() {
        "The server told the device at once."
    } else {
        "The device found out by polling."
    };
    println!("  Signed in. {how}\n");
    Ok(tokens)
}

/// Asks for codes. Names the API that the tokens are for (RFC 8707 §2) and what it requires of the sign-in
/// (RFC 9470 §4).
fn start(
    client: &OAuthClient,
    http: &Http,
    resource: Option<&str>,
    step_up: &StepUp,
) -> Result<Codes, Box<dyn Error>> {
    let scopes = scopes();
    let scopes = scopes.split_whitespace().map(|scope| Scope::new(scope.to_owned()));
    let serial = setting("SERIAL");
    let extras = [
        ("resource", resource),
        ("initiation_verification_supported", Some("true")),
        ("device_identifier", serial.as_deref()),
        ("max_age", step_up.max_age.as_deref()),
        ("acr_values", step_up.acr_values.as_deref()),
    ];
    let mut request = client.exchange_device_code().add_scopes(scopes);
    for (name, value) in extras {
        if let Some(value) = value {
            request = request.add_extra_param(name, value);
        }
    }
    request.request(http).map_err(|error| explain(&error).into())
}

/// Calls both routes of the API. If a route wants another sign-in (RFC 9470), starts one and calls it again.
fn visit(client: &OAuthClient, http: &Http, api: &str, tokens: &Tokens) -> Result<(), Box<dyn Error>> {
    let mut tokens = tokens.clone();
    for path in ["/hello", "/payments"] {
        let address = format!("{api}{path}");
        let mut answer = api::call(http, &address, &tokens)?;
        if let Answer::WantsStepUp(step_up) = &answer {
            println!("  {address} wants {}.", described(step_up));
            tokens = sign_in(client, http, Some(api), step_up)?;
            answer = api::call(http, &address, &tokens)?;
        }
        match answer {
            Answer::Said(said) => println!("  {address} says\n    {}\n", escaped(&said.to_string())),
            Answer::WantsStepUp(step_up) => {
                return Err(format!("{address} still wants {}.", described(&step_up)).into());
            }
        }
    }
    Ok(())
}

fn described(step_up: &StepUp) -> String {
    let age = step_up.max_age.as_ref().map(|age| format!("in the last {age} seconds"));
    let acr = step_up.acr_values.as_ref().map(|acr| format!("with acr_values {acr}"));
    let words = [age, acr].into_iter().flatten().collect::<Vec<_>>();
    escaped(&format!("a sign-in {}", words.join(", ")))
}

/// Uses the refresh token once, to show that it works and whether the server replaces it.
fn refresh(client: &OAuthClient, http: &Http, refresh_token: &RefreshToken) -> Result<(), Box<dyn Error>> {
    let tokens =
        client.exchange_refresh_token(refresh_token).request(http).map_err(|error| explain(&error))?;
    let rotated = tokens.refresh_token().is_some_and(|next| next.secret() != refresh_token.secret());
    let rotated = if rotated { " and a new refresh token" } else { "; the refresh token stays the same" };
    println!("  Refreshed: the server sent a new access token{rotated}.\n");
    Ok(())
}

fn client_id() -> String {
    setting("CLIENT_ID").unwrap_or_else(|| "demo-tv".to_owned())
}

fn scopes() -> String {
    setting("SCOPE").unwrap_or_else(|| "openid profile email offline_access".to_owned())
}

/// Returns the value of an environment variable. An empty one counts as missing: make exports it that way.
fn setting(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
