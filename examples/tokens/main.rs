//! Follows tokens through their life: signs in, refreshes, introspects and revokes, and shows that the tokens
//! no longer work.
//!
//! ```text
//! CLIENT_ID=demo-printer CLIENT_SECRET=demo-printer-secret cargo run --example tokens
//! ```
//!
//! `ISSUER=` names another server. Without `CLIENT_SECRET` the example leaves out introspection, which is
//! only for clients that authenticate (RFC 7662 §2.1). It is built on the unmodified `oauth2` crate.

#![expect(clippy::print_stdout, reason = "the terminal is the device's screen")]

use std::error::Error;
use std::time::Duration;
use std::{env, thread};

use oauth2::basic::BasicClient;
use oauth2::http::{self, Uri, uri};
use oauth2::{
    AccessToken, ClientId, ClientSecret, DeviceAuthorizationUrl, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IntrospectionUrl, RefreshToken, RequestTokenError, RevocationUrl, Scope,
    StandardDeviceAuthorizationResponse, TokenIntrospectionResponse as _, TokenResponse as _, TokenUrl,
};
use serde::Deserialize;
use ureq::Agent;

type OAuthClient = BasicClient<EndpointNotSet, EndpointSet, EndpointSet, EndpointSet, EndpointSet>;

/// The part of the server's metadata that the example needs (RFC 8414).
#[expect(clippy::struct_field_names, reason = "RFC 8414 gives them these names")]
#[derive(Deserialize)]
struct Metadata {
    device_authorization_endpoint: String,
    token_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
}

fn main() {
    if let Err(error) = run() {
        println!("\n  {error}\n");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let issuer = setting("ISSUER").unwrap_or_else(|| "http://localhost:8787".to_owned());
    let client = discover(&issuer)?;
    let authenticates = setting("CLIENT_SECRET").is_some();

    let (access_token, refresh_token) = sign_in(&client)?;
    println!("  Signed in.");
    let refreshed = client.exchange_refresh_token(&refresh_token).request(&send)?;
    println!("  Refreshed.");
    let refresh_token = refreshed.refresh_token().cloned().unwrap_or(refresh_token);
    if authenticates {
        introspect(&client, &access_token)?;
    }
    client.revoke_token((&refresh_token).into())?.request(&send)?;
    println!("  Revoked.");
    if authenticates {
        introspect(&client, refreshed.access_token())?;
    }
    match client.exchange_refresh_token(&refresh_token).request(&send) {
        Err(RequestTokenError::ServerResponse(answer)) => {
            println!("  The refresh token is refused: {}", answer.error().as_ref());
            Ok(())
        }
        Err(error) => Err(error.into()),
        Ok(_) => Err("The refresh token still works.".into()),
    }
}

fn discover(issuer: &str) -> Result<OAuthClient, Box<dyn Error>> {
    let mut request = HttpRequest::new(Vec::new());
    *request.uri_mut() = format!("{issuer}/.well-known/oauth-authorization-server").parse()?;
    let found: Metadata = serde_json::from_slice(send(request)?.body())?;
    // The crate revokes only over https (RFC 7009 §2). `send` changes it back to http on this machine.
    let revocation_endpoint = found.revocation_endpoint.replacen("http:", "https:", 1);
    let client_id = setting("CLIENT_ID").unwrap_or_else(|| "demo-tv".to_owned());
    let client = BasicClient::new(ClientId::new(client_id))
        .set_device_authorization_url(DeviceAuthorizationUrl::new(found.device_authorization_endpoint)?)
        .set_token_uri(TokenUrl::new(found.token_endpoint)?)
        .set_introspection_url(IntrospectionUrl::new(found.introspection_endpoint)?)
        .set_revocation_url(RevocationUrl::new(revocation_endpoint)?);
    Ok(match setting("CLIENT_SECRET") {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret)),
        None => client,
    })
}

fn sign_in(client: &OAuthClient) -> Result<(AccessToken, RefreshToken), Box<dyn Error>> {
    let scopes = ["openid", "offline_access"].map(|scope| Scope::new(scope.to_owned()));
    let details: StandardDeviceAuthorizationResponse =
        client.exchange_device_code().add_scopes(scopes).request(&send)?;
    println!("\n  Open {} and enter the code\n", details.verification_uri().as_str());
    println!("      {}\n", details.user_code().secret());
    let tokens = client.exchange_device_access_token(&details).request(&send, thread::sleep, None)?;
    let refresh_token = tokens.refresh_token().ok_or("There is no refresh token.")?;
    Ok((tokens.access_token().clone(), refresh_token.clone()))
}

fn introspect(client: &OAuthClient, token: &AccessToken) -> Result<(), Box<dyn Error>> {
    let active = client.introspect(token).request(&send)?.active();
    println!("  The access token is {}.", if active { "active" } else { "not active" });
    Ok(())
}

/// Sends a request, over plain http if it goes to this machine, which has no certificate.
fn send(request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let (mut parts, body) = request.into_parts();
    if matches!(parts.uri.host(), Some("localhost" | "127.0.0.1")) {
        let mut address = parts.uri.into_parts();
        address.scheme = Some(uri::Scheme::HTTP);
        parts.uri = Uri::from_parts(address).map_err(http::Error::from)?;
    }
    let (parts, mut body) = agent().run(HttpRequest::from_parts(parts, body))?.into_parts();
    Ok(HttpResponse::from_parts(parts, body.read_to_vec()?))
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(30)))
        // `authorization_pending` comes with status 400, and is an answer like any other.
        .http_status_as_error(false)
        // A redirect could make the client send its secret and its tokens to another server.
        .max_redirects(0);
    config.build().into()
}

/// Returns the value of an environment variable. An empty one counts as missing.
fn setting(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
