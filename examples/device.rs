//! Plays the device: asks for a code, shows it with a QR code, polls as told, prints the tokens' claims.
//!
//! ```text
//! ISSUER=http://127.0.0.1:8787 CLIENT_ID=demo-tv cargo run --example device
//! ```
//!
//! `SCOPE=` and `CLIENT_SECRET=` can be given, too. Built on the `oauth2` crate, unmodified: any stock client
//! library does the same with this server.

#![expect(clippy::print_stdout, reason = "the terminal is the device's screen")]

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
    let http = http_client()?;
    let client = discover(&http, &issuer)?;

    let details = start(&client, &http)?;
    show(&details)?;
    let tokens = client
        .exchange_device_access_token(&details)
        .request(&http, thread::sleep, None)
        .map_err(|error| refusal(&error))?;

    println!("  Signed in.\n");
    print_claims("Access token", tokens.access_token().secret())?;
    if let Some(id_token) = &tokens.extra_fields().id_token {
        print_claims("ID token", id_token)?;
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
fn discover(http: &reqwest::blocking::Client, issuer: &str) -> Result<OAuthClient, Box<dyn Error>> {
    let found = http.get(format!("{issuer}/.well-known/openid-configuration")).send();
    let found = found.map_err(|_| format!("No server answers at {issuer}. Start one with `make dev`."))?;
    let metadata: Metadata = serde_json::from_str(&found.error_for_status()?.text()?)?;
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

fn start(
    client: &OAuthClient,
    http: &reqwest::blocking::Client,
) -> Result<StandardDeviceAuthorizationResponse, Box<dyn Error>> {
    let scopes = setting("SCOPE", "openid profile email offline_access");
    let scopes = scopes.split_whitespace().map(|scope| Scope::new(scope.to_owned()));
    client.exchange_device_code().add_scopes(scopes).request(http).map_err(|error| refusal(&error).into())
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

/// Uses the refresh token once, to show that it works and that another one comes back.
fn refresh(
    client: &OAuthClient,
    http: &reqwest::blocking::Client,
    refresh_token: &RefreshToken,
) -> Result<(), Box<dyn Error>> {
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
