//! `/authorize`: sends clients that start there on to the device grant.
//!
//! The metadata names this endpoint because strict clients require it. Some clients then try it before the
//! device grant, and wait until somebody cancels. To such a client this endpoint reports
//! `unauthorized_client` (RFC 6749 §4.1.2.1), at an address that cannot belong to anybody else. Everybody
//! else gets a page that says where a sign-in starts.

use core::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::form::Form;
use super::http::Response;
use super::platform::Platform;
use super::server::Context;
use super::verify::refuse_authorization;

/// Longest `state` that is sent back, in bytes. VS Code's has 200 to 300.
const LONGEST_STATE: usize = 2_048;
/// Everything that RFC 3986 §2.3 does not call unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// VS Code copies this into a header without encoding it, so it has no character that needs encoding there.
const DESCRIPTION: &str = "This server signs in devices only. Use the device authorization grant.";

/// Answers `GET /authorize` and `POST /authorize`.
pub(super) async fn answer<P: Platform>(context: Context<'_, P>) -> Response {
    match redirect(context).await {
        Some((location, client_id)) => Response::empty_redirect(location).noting(
            "authorization",
            Some(&client_id),
            "unauthorized_client",
            "redirected",
        ),
        None => refuse_authorization(context),
    }
}

/// Returns where to send the error, and the client that registered that address; `None` to show the page.
async fn redirect<P: Platform>(context: Context<'_, P>) -> Option<(String, String)> {
    let form = match context.request.method.as_str() {
        "POST" => Form::of(context.request),
        _ => Form::parse(context.request.query.as_bytes()),
    };
    let form = form.ok()?;
    let (client_id, uri) = (form.get("client_id")?, form.get("redirect_uri")?);
    // The error can only go into the query.
    let fits = form.get("response_mode").is_none_or(|mode| mode == "query")
        && form.get("state").is_none_or(|state| state.len() <= LONGEST_STATE);
    if !fits || !context.server.platform.within_limit(&context.rate_key("authorize")).await {
        return None;
    }
    let client = context.server.client(client_id, context.now).await.ok()??;
    let trusted = &context.server.settings.trusted_redirects;
    let is_sent = client.enabled && client.may_be_redirected_to(uri, trusted);
    is_sent.then(|| (location(uri, form.get("state"), context.issuer.as_str()), client.client_id.clone()))
}

/// Returns the redirect URI with the error, `state` (RFC 6749 §4.1.2.1) and `iss` (RFC 9207 §2) in its query.
fn location(uri: &str, state: Option<&str>, issuer: &str) -> String {
    let mut location = uri.to_owned();
    location.push(if uri.contains('?') { '&' } else { '?' });
    location.push_str("error=unauthorized_client");
    for (name, value) in [("error_description", Some(DESCRIPTION)), ("state", state), ("iss", Some(issuer))] {
        if let Some(value) = value {
            let _: core::fmt::Result = write!(location, "&{name}={}", utf8_percent_encode(value, ENCODED));
        }
    }
    location
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_state_is_it_stays_one_parameter() {
        let state = "vscode://a/b?nonce=1&error=x#y\r\nset-cookie: a=b\u{e9}";

        let location = location("http://127.0.0.1:1/?a=b", Some(state), "https://login.example.com");

        assert_eq!(
            location,
            "http://127.0.0.1:1/?a=b&error=unauthorized_client\
             &error_description=This%20server%20signs%20in%20devices%20only.%20Use%20the%20device%20authorization%20grant.\
             &state=vscode%3A%2F%2Fa%2Fb%3Fnonce%3D1%26error%3Dx%23y%0D%0Aset-cookie%3A%20a%3Db%C3%A9\
             &iss=https%3A%2F%2Flogin.example.com"
        );
    }
}
