//! Plays the device: asks for a code, shows it with a QR code, polls as told, prints the tokens' claims.
//!
//! ```text
//! ISSUER=http://127.0.0.1:8787 CLIENT_ID=demo-tv cargo run --example device
//! ```
//!
//! `SCOPE=` and `CLIENT_SECRET=` can be given, too; `API=` is an API to call with the access token, `DPOP=1` binds the
//! tokens to a key. Built on the `oauth2` crate, unmodified: any stock client library does the same with this server.

#![expect(clippy::print_stdout, reason = "the terminal is the device's screen")]

mod api;
mod dpop;

use std::error::Error;
use std::io::{IsTerminal as _, stdout};
use std::{env, thread};

use oauth2::basic::{BasicErrorResponseType, BasicTokenType};
use oauth2::{
    AuthType, Client, ClientId, ClientSecret, DeviceAuthorizationUrl, EndpointNotSet, EndpointSet,
    ExtraTokenFields, RefreshToken, Scope, StandardDeviceAuthorizationResponse, StandardErrorResponse,
    StandardRevocableToken, StandardTokenIntrospectionResponse, StandardTokenResponse, TokenResponse as _,
    TokenUrl, reqwest,
};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde::{Deserialize, Serialize};

use crate::api::{Answer, StepUp};
use crate::dpop::{Http, Key};

/// OpenID Connect adds one member to the token response; the crate asks for its type.
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

/// What the device reads of the server's metadata (RFC 8414).
#[derive(Deserialize)]
struct Metadata {
    device_authorization_endpoint: String,
    token_endpoint: String,
}

fn main() {
    if let Err(error) = run() {
        println!("\n  {error}\n");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let issuer = setting("ISSUER", "http://127.0.0.1:8787");
    let api = env::var("API").ok().filter(|api| !api.is_empty());
    let key = if setting("DPOP", "").is_empty() { None } else { Some(Key::generate()?) };
    let http = Http::new(http_client()?, key);
    let client = discover(&http, &issuer)?;
    let resource = api.as_deref().map(|api| api::resource(&http, api)).transpose()?;

    let tokens = sign_in(&client, &http, resource.as_deref(), &StepUp::default())?;
    print_claims("Access token", tokens.access_token().secret())?;
    if let Some(id_token) = &tokens.extra_fields().id_token {
        print_claims("ID token", id_token)?;
    }
    if let Some(api) = &resource {
        visit(&client, &http, api, &tokens)?;
    }
    match tokens.refresh_token() {
        Some(refresh_token) => refresh(&client, &http, refresh_token),
        None => Ok(()),
    }
}

fn http_client() -> Result<reqwest::blocking::Client, reqwest::Error> {
    reqwest::blocking::Client::builder()
        // Following redirects would let a server send the client's requests elsewhere.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("device-grant-example/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Finds the endpoints through the issuer's metadata.
fn discover(http: &Http, issuer: &str) -> Result<OAuthClient, Box<dyn Error>> {
    let found = http.get(&format!("{issuer}/.well-known/openid-configuration"), None);
    let found = found.map_err(|_| format!("No server answers at {issuer}. Start one with `make dev`."))?;
    let metadata: Metadata =
        serde_json::from_slice(found.body()).map_err(|_| format!("{issuer} has no metadata."))?;
    let client = Client::new(ClientId::new(setting("CLIENT_ID", "demo-tv")))
        .set_device_authorization_url(DeviceAuthorizationUrl::new(metadata.device_authorization_endpoint)?)
        .set_token_uri(TokenUrl::new(metadata.token_endpoint)?);
    Ok(match env::var("CLIENT_SECRET") {
        Ok(secret) => {
            client.set_client_secret(ClientSecret::new(secret)).set_auth_type(AuthType::RequestBody)
        }
        Err(_) => client,
    })
}

/// The whole grant: asks for codes, shows them, and polls until a person has decided.
fn sign_in(
    client: &OAuthClient,
    http: &Http,
    resource: Option<&str>,
    step_up: &StepUp,
) -> Result<Tokens, Box<dyn Error>> {
    let details = start(client, http, resource, step_up)?;
    show(&details)?;
    let tokens = client
        .exchange_device_access_token(&details)
        .request(http, thread::sleep, None)
        .map_err(|error| refusal(&error))?;
    println!("  Signed in.\n");
    Ok(tokens)
}

/// Says which API the tokens are for (RFC 8707 §2), and what that wants of the sign-in (RFC 9470 §4).
fn start(
    client: &OAuthClient,
    http: &Http,
    resource: Option<&str>,
    step_up: &StepUp,
) -> Result<StandardDeviceAuthorizationResponse, Box<dyn Error>> {
    let scopes = setting("SCOPE", "openid profile email offline_access");
    let scopes = scopes.split_whitespace().map(|scope| Scope::new(scope.to_owned()));
    let extras = [
        ("resource", resource),
        ("max_age", step_up.max_age.as_deref()),
        ("acr_values", step_up.acr_values.as_deref()),
    ];
    let mut request = client.exchange_device_code().add_scopes(scopes);
    for (name, value) in extras {
        if let Some(value) = value {
            request = request.add_extra_param(name, value);
        }
    }
    request.request(http).map_err(|error| refusal(&error).into())
}

/// What a device's screen shows (RFC 8628 §3.3, §3.3.1).
fn show(details: &StandardDeviceAuthorizationResponse) -> Result<(), Box<dyn Error>> {
    let address = details.verification_uri().as_str();
    println!("\n  To sign this device in, open\n\n      {address}\n\n  and enter the code\n");
    println!("      {}\n", details.user_code().secret());
    if let Some(complete) = details.verification_uri_complete() {
        let code = QrCode::new(complete.secret())?;
        let picture = code.render::<Dense1x2>().quiet_zone(true).build();
        println!("  or scan this, and compare the code:\n");
        // Black on white, whatever the terminal's own colours are: scanners want dark on light.
        let (paint, plain) = if stdout().is_terminal() { ("\x1b[30;47m", "\x1b[0m") } else { ("", "") };
        for line in picture.lines() {
            println!("      {paint}{line}{plain}");
        }
    }
    println!("\n  Waiting; the code is good for {} minutes.\n", details.expires_in().as_secs().div_ceil(60));
    Ok(())
}

/// Calls the API; where it asks for another sign-in, the person is asked for one, once.
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
            Answer::Said(said) => println!("  {address} says\n    {said}\n"),
            Answer::WantsStepUp(step_up) => {
                return Err(format!("{address} still wants {}.", described(&step_up)).into());
            }
        }
    }
    Ok(())
}

fn described(step_up: &StepUp) -> String {
    let age = step_up.max_age.as_ref().map(|age| format!("in the last {age} seconds"));
    let acr = step_up.acr_values.as_ref().map(|acr| format!("of the kind {acr}"));
    let words = [age, acr].into_iter().flatten().collect::<Vec<_>>();
    format!("a sign-in {}", words.join(", "))
}

/// Uses the refresh token once, to show that it works and that another one comes back.
fn refresh(client: &OAuthClient, http: &Http, refresh_token: &RefreshToken) -> Result<(), Box<dyn Error>> {
    let tokens =
        client.exchange_refresh_token(refresh_token).request(http).map_err(|error| refusal(&error))?;
    let rotated = tokens.refresh_token().is_some_and(|next| next.secret() != refresh_token.secret());
    let rotated = if rotated { "a new refresh token came with it" } else { "the refresh token stays" };
    println!("  Refreshed: a new access token, and {rotated}.\n");
    Ok(())
}

/// The claims, as the server wrote them. A real client verifies the signature before it believes them.
fn print_claims(name: &str, token: &str) -> Result<(), Box<dyn Error>> {
    let payload = token.split('.').nth(1).and_then(device_grant::secret::decode).ok_or("not a JWT")?;
    let claims: serde_json::Value = serde_json::from_slice(&payload)?;
    println!("  {name}");
    for line in serde_json::to_string_pretty(&claims)?.lines() {
        println!("    {line}");
    }
    println!();
    Ok(())
}

/// What the server said, in a sentence.
fn refusal<E, R>(error: &oauth2::RequestTokenError<E, R>) -> String
where
    E: Error + 'static,
    R: oauth2::ErrorResponse + std::fmt::Display + 'static,
{
    if let oauth2::RequestTokenError::ServerResponse(answer) = error {
        return format!("The server answered {answer}");
    }
    format!("The request failed: {error}")
}

fn setting(name: &str, default: &str) -> String {
    env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
}
