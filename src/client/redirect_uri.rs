//! The redirect URIs of a client (RFC 7591 §2), and to which of them the authorization endpoint answers.
//!
//! That endpoint only ever sends an error. It sends the error to a loopback address, or to an address that an
//! operator trusts, and only if the client registered it. Everything else would make this server an open
//! redirector (RFC 9700 §4.11.2).

use super::Client;
use super::registration::json_members::is_web_address;

/// The most redirect URIs of a client.
pub const MOST: usize = 10;

/// Returns whether `text` can be registered: an https URL, or http on loopback. Schemes of apps are not among
/// them, because nothing is ever sent there.
#[must_use]
pub fn is_redirect_uri(text: &str) -> bool {
    is_web_address(text)
}

impl Client {
    /// Returns whether the authorization endpoint may send an error to `uri`. The client must have registered
    /// it, character for character, except for the port of a loopback address (RFC 8252 §7.3). Addresses
    /// other than loopback must also be among `trusted`.
    #[must_use]
    pub fn may_be_redirected_to(&self, uri: &str, trusted: &[String]) -> bool {
        if !is_redirect_uri(uri) {
            return false;
        }
        if let Some(address) = without_loopback_port(uri) {
            return self.redirect_uris.iter().any(|one| without_loopback_port(one) == Some(address));
        }
        let is = |one: &String| one == uri;
        uri.starts_with("https://") && self.redirect_uris.iter().any(is) && trusted.iter().any(is)
    }
}

/// Splits an http URL on a loopback IP address into its host and all that follows the port; `None` for any
/// other URL. `localhost` is not among them: who answers to a name depends on the resolver (RFC 8252 §8.3).
fn without_loopback_port(uri: &str) -> Option<(&'static str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let (host, rest) = ["127.0.0.1", "[::1]"]
        .into_iter()
        .find_map(|host| rest.strip_prefix(host).map(|rest| (host, rest)))?;
    let rest = match rest.strip_prefix(':') {
        Some(port) => port.trim_start_matches(|digit: char| digit.is_ascii_digit()),
        None => rest,
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::demo;

    fn list(uris: &[&str]) -> Vec<String> {
        uris.iter().map(|uri| (*uri).to_owned()).collect()
    }

    #[test]
    fn an_error_goes_only_to_registered_loopback_addresses_and_to_trusted_ones() {
        let registered = [
            "https://vscode.dev/redirect",
            "https://app.example/cb",
            "http://127.0.0.1/",
            "http://[::1]:1/cb?x=1",
            "http://localhost/",
        ];
        let client = Client { redirect_uris: list(&registered), ..demo::clients().remove(0) };
        let trusted = list(&["https://vscode.dev/redirect", "https://other.example/"]);

        for good in [
            "https://vscode.dev/redirect",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/",
            "http://127.0.0.1:65535/",
            "http://[::1]:8080/cb?x=1",
            "http://[::1]/cb?x=1",
        ] {
            assert!(client.may_be_redirected_to(good, &trusted), "{good}");
        }
        for bad in [
            "",
            "https://app.example/cb",
            "https://other.example/",
            "https://vscode.dev/redirect/",
            "https://vscode.dev/redirect?url=https://evil.example",
            "https://vscode.dev:443/redirect",
            "https://VSCODE.dev/redirect",
            "https://vscode.dev.evil.example/redirect",
            "https://127.0.0.1/",
            "http://127.0.0.1",
            "http://127.0.0.1:1",
            "http://127.0.0.1:1/other",
            "http://127.0.0.1:1/?x=1",
            "http://127.0.0.1:/",
            "http://127.0.0.1:65536/",
            "http://127.0.0.1:80@evil.example/",
            "http://127.0.0.1.evil.example/",
            "http://127.0.0.1:1.evil.example/",
            "http://127.0.0.2/",
            "http://127.0.0.1\\@evil.example/",
            "http://127.0.0.1/\r\nset-cookie: a=b",
            "http://127.0.0.1/#a",
            "http://[::1]/cb",
            "http://[::2]/cb?x=1",
            "http://localhost/",
            "http://localhost:1/",
            "javascript:alert(1)",
            "vscode://vscode.dev/redirect",
            "//vscode.dev/redirect",
        ] {
            assert!(!client.may_be_redirected_to(bad, &trusted), "{bad}");
        }
    }

    #[test]
    fn a_client_that_registered_nothing_is_sent_nowhere() {
        let client = demo::clients().remove(0);

        assert!(!client.may_be_redirected_to("http://127.0.0.1/", &[]));
        assert!(!client.may_be_redirected_to("https://a.example/", &list(&["https://a.example/"])));
    }
}
