//! The issuer identifier.

use crate::loopback::{is_loopback, without_port};

/// An issuer identifier (RFC 8414 §2): `https://host`, optionally with a port and a path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Issuer {
    text: String,
    host: usize,
    path: usize,
}

impl Issuer {
    /// Parses an issuer: an https URL, or http on a loopback address, with its host and port in normal form,
    /// and without a query, fragment, user or trailing slash. Returns `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
        let path = rest.strip_prefix(authority)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:[]".contains(&byte);
        let well_formed = !authority.is_empty() && rest.bytes().all(plain) && !path.ends_with('/');
        let secure = scheme == "https" || scheme == "http" && is_loopback(authority);
        let canonical = is_canonical(scheme, authority);
        let host = scheme.len() + "://".len();
        (well_formed && secure && canonical).then(|| Self {
            text: text.to_owned(),
            host,
            path: host + authority.len(),
        })
    }

    /// Returns the identifier itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns scheme, host and port as in the `Origin` header.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.text.get(..self.path).unwrap_or_default()
    }

    /// Returns host and port as in the `Host` header.
    #[must_use]
    pub fn host(&self) -> &str {
        self.text.get(self.host..self.path).unwrap_or_default()
    }

    /// Returns the host without its port.
    #[must_use]
    pub fn hostname(&self) -> &str {
        without_port(self.host())
    }

    /// Returns the path that precedes the path of every endpoint. It is empty or starts with a slash.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text.get(self.path..).unwrap_or_default()
    }

    /// Returns whether the scheme is https.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.text.starts_with("https:")
    }
}

/// Returns whether `authority` is in normal form: in lower case, with a host, and without the scheme's
/// default port.
fn is_canonical(scheme: &str, authority: &str) -> bool {
    let own_port = if scheme == "https" { ":443" } else { ":80" };
    let lower = authority.bytes().all(|byte| !byte.is_ascii_uppercase());
    lower && !authority.ends_with(own_port) && !authority.ends_with(':') && !authority.starts_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_https_or_loopback() {
        for good in [
            "https://login.example.com",
            "https://a.example:8443/auth",
            "http://127.0.0.1:8787",
            "http://localhost",
            "http://[::1]:1",
        ] {
            assert!(Issuer::parse(good).is_some(), "{good}");
        }
        for bad in [
            "http://login.example.com",
            "https://",
            "https://a.example/",
            "https://a.example/?q",
            "https://a.example#f",
            "https://user@a.example",
            "login.example.com",
            "https://A.example",
            "http://127.0.0.1.example.com",
            "https://a.example:443",
            "https://:8443",
            "http://localhost:80",
        ] {
            assert!(Issuer::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_parts_of_an_issuer() {
        let issuer = Issuer::parse("https://a.example:8443/auth").unwrap();

        assert_eq!(
            (issuer.origin(), issuer.host(), issuer.path()),
            ("https://a.example:8443", "a.example:8443", "/auth")
        );
        assert_eq!(issuer.hostname(), "a.example");
        assert_eq!(Issuer::parse("http://[::1]").unwrap().hostname(), "[::1]");
    }
}
