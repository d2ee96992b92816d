//! Goes the whole way of a token: signs in, refreshes, introspects, revokes, and finds it dead.
//!
//! ```text
//! CLIENT_ID=demo-printer CLIENT_SECRET=demo-printer-secret cargo run --example tokens
//! ```
//!
//! `ISSUER=` can be given, too. Built on the `oauth2` crate, unmodified. Without a `CLIENT_SECRET` nothing is
//! introspected: that is for clients that can prove who they are (RFC 7662 §2.1).

#![expect(clippy::print_stdout, reason = "the terminal is the device's screen")]

use std::error::Error;
use std::{env, thread};

use oauth2::basic::BasicClient;
use oauth2::http::{Uri, uri};
use oauth2::{
    AccessToken, ClientId, ClientSecret, DeviceAuthorizationUrl, EndpointNotSet, EndpointSet,
    HttpClientError, HttpRequest, HttpResponse, IntrospectionUrl, RefreshToken, RequestTokenError,
    RevocationUrl, Scope, StandardDeviceAuthorizationResponse, SyncHttpClient as _,
    TokenIntrospectionResponse as _, TokenResponse as _, TokenUrl, reqwest,
};
use serde::Deserialize;

type OAuthClient = BasicClient<EndpointNotSet, EndpointSet, EndpointSet, EndpointSet, EndpointSet>;

/// What is read of the server's metadata (RFC 8414).
#[expect(clippy::struct_field_names, reason = "their names in the document")]
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
    let client = discover(&setting("ISSUER", "http://127.0.0.1:8787"))?;
    let proves_itself = env::var("CLIENT_SECRET").is_ok();

    let (access_token, refresh_token) = sign_in(&client)?;
    println!("  Signed in.");
    let refreshed = client.exchange_refresh_token(&refresh_token).request(&send)?;
    println!("  Refreshed.");
    let refresh_token = refreshed.refresh_token().cloned().unwrap_or(refresh_token);
    if proves_itself {
        introspect(&client, &access_token)?;
    }
    client.revoke_token((&refresh_token).into())?.request(&send)?;
    println!("  Revoked.");
    if proves_itself {
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
    let request = HttpRequest::new(Vec::new());
    let (mut parts, body) = request.into_parts();
    parts.uri = format!("{issuer}/.well-known/oauth-authorization-server").parse()?;
    let found: Metadata = serde_json::from_slice(send(HttpRequest::from_parts(parts, body))?.body())?;
    // The crate revokes over https only (RFC 7009 §2); `send` takes it back on this machine.
    let revocation_endpoint = found.revocation_endpoint.replacen("http:", "https:", 1);
    let client = BasicClient::new(ClientId::new(setting("CLIENT_ID", "demo-tv")))
        .set_device_authorization_url(DeviceAuthorizationUrl::new(found.device_authorization_endpoint)?)
        .set_token_uri(TokenUrl::new(found.token_endpoint)?)
        .set_introspection_url(IntrospectionUrl::new(found.introspection_endpoint)?)
        .set_revocation_url(RevocationUrl::new(revocation_endpoint)?);
    Ok(match env::var("CLIENT_SECRET") {
        Ok(secret) => client.set_client_secret(ClientSecret::new(secret)),
        Err(_) => client,
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

/// Sends a request; to this machine in plain text, which has no certificate.
fn send(request: HttpRequest) -> Result<HttpResponse, HttpClientError<reqwest::Error>> {
    let client = reqwest::blocking::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
    let (mut parts, body) = request.into_parts();
    if parts.uri.host() == Some("127.0.0.1") {
        let mut address = parts.uri.into_parts();
        address.scheme = Some(uri::Scheme::HTTP);
        parts.uri = Uri::from_parts(address).map_err(|error| HttpClientError::Other(error.to_string()))?;
    }
    client.map_err(Box::new)?.call(HttpRequest::from_parts(parts, body))
}

fn setting(name: &str, default: &str) -> String {
    env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
}
