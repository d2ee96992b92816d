//! Origins of web pages, as browsers send them in `Origin` (RFC 6454 §6.2).

use core::fmt;
use core::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

/// Longest origin, in bytes: the longest host name, a scheme and a port.
const LONGEST: usize = 300;
/// The `Origin` of a page that hides its address, such as one in a sandboxed frame.
const NULL: &str = "null";

/// An origin exactly as a browser serializes it: `https://app.example`, `capacitor://localhost`, `file://` or `null`.
///
/// Equal origins have equal texts, so an `Origin` header is compared byte by byte.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebOrigin(String);

/// Why a text is not an origin. Displayed, it ends a sentence that begins "each entry must be".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the texts say what each one is")]
pub enum OriginFlaw {
    TooLong,
    NoScheme,
    Wildcard,
    UpperCase,
    UserName,
    Slash,
    Path,
    NoHost,
    Host,
    Port,
    DefaultPort,
}

impl fmt::Display for OriginFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "an origin of at most 300 characters",
            Self::NoScheme => "an origin with its scheme, such as https://app.example, or null",
            Self::Wildcard => "one exact origin: * is not supported",
            Self::UpperCase => "an origin in lower case, as browsers send it",
            Self::UserName => "an origin without a user name",
            Self::Slash => "an origin without a slash at its end",
            Self::Path => "an origin without path, query and fragment, such as https://app.example",
            Self::NoHost => "an origin with a host, such as https://app.example",
            Self::Host => {
                "an origin whose host is an ASCII name or an IP address (write xn-- for other scripts)"
            }
            Self::Port => "an origin with a port from 1 to 65535, without leading zeros, or without a port",
            Self::DefaultPort => "an origin without the default port of its scheme, as browsers send it",
        })
    }
}

impl WebOrigin {
    /// Reads an origin, which must be written as browsers write it.
    pub fn parse(text: &str) -> Result<Self, OriginFlaw> {
        if text.len() > LONGEST {
            return Err(OriginFlaw::TooLong);
        }
        if text.contains('*') {
            return Err(OriginFlaw::Wildcard);
        }
        if text != NULL {
            let (scheme, authority) = text.split_once("://").ok_or(OriginFlaw::NoScheme)?;
            check_scheme(scheme)?;
            check_authority(scheme, authority)?;
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the text that browsers send.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this is `null`, which a page of any site can send.
    #[must_use]
    pub fn hides_address(&self) -> bool {
        self.0 == NULL
    }
}

impl TryFrom<String> for WebOrigin {
    type Error = OriginFlaw;

    fn try_from(text: String) -> Result<Self, OriginFlaw> {
        Self::parse(&text)
    }
}

impl From<WebOrigin> for String {
    fn from(origin: WebOrigin) -> Self {
        origin.0
    }
}

fn check_scheme(scheme: &str) -> Result<(), OriginFlaw> {
    if scheme.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(OriginFlaw::UpperCase);
    }
    let begins_well = scheme.starts_with(|first: char| first.is_ascii_lowercase());
    let is_sound = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
    if begins_well && is_sound { Ok(()) } else { Err(OriginFlaw::NoScheme) }
}

fn check_authority(scheme: &str, authority: &str) -> Result<(), OriginFlaw> {
    if let Some((_, rest)) = authority.split_once(['/', '?', '#', '\\']) {
        let ends_in_slash = rest.is_empty() && authority.ends_with('/');
        return Err(if ends_in_slash { OriginFlaw::Slash } else { OriginFlaw::Path });
    }
    if authority.contains('@') {
        return Err(OriginFlaw::UserName);
    }
    // Pages in files have no host. Some web views send `file://` for them, where browsers send `null`.
    if scheme == "file" && authority.is_empty() {
        return Ok(());
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    check_host(host)?;
    port.map_or(Ok(()), |port| check_port(scheme, port))
}

fn check_host(host: &str) -> Result<(), OriginFlaw> {
    if host.is_empty() {
        return Err(OriginFlaw::NoHost);
    }
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(OriginFlaw::UpperCase);
    }
    let is_known = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address),
        None => host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)),
    };
    if is_known { Ok(()) } else { Err(OriginFlaw::Host) }
}

fn check_port(scheme: &str, port: &str) -> Result<(), OriginFlaw> {
    let number = port.parse::<u16>().ok().filter(|number| *number > 0 && number.to_string() == port);
    match (scheme, number) {
        (_, None) => Err(OriginFlaw::Port),
        ("https", Some(443)) | ("http", Some(80)) => Err(OriginFlaw::DefaultPort),
        (_, Some(_)) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for good in [
            "https://app.example",
            "https://app.example:8443",
            "http://localhost",
            "http://127.0.0.1:3000",
            "http://[::1]",
            "http://[::1]:3000",
            "https://xn--bcher-kva.example",
            "capacitor://localhost",
            "chrome-extension://abcdefghijklmnop",
            "file://",
            "null",
        ] {
            assert_eq!(WebOrigin::parse(good).as_ref().map(WebOrigin::as_str), Ok(good));
        }
        for (bad, flaw) in [
            ("", OriginFlaw::NoScheme),
            ("app.example", OriginFlaw::NoScheme),
            ("://app.example", OriginFlaw::NoScheme),
            ("https:app.example", OriginFlaw::NoScheme),
            ("Null", OriginFlaw::NoScheme),
            ("*", OriginFlaw::Wildcard),
            ("https://*.example", OriginFlaw::Wildcard),
            ("HTTPS://app.example", OriginFlaw::UpperCase),
            ("https://App.example", OriginFlaw::UpperCase),
            ("https://me@app.example", OriginFlaw::UserName),
            ("https://app.example/", OriginFlaw::Slash),
            ("file:///", OriginFlaw::Slash),
            ("https://app.example/a", OriginFlaw::Path),
            ("https://app.example/a/", OriginFlaw::Path),
            ("https://app.example?a", OriginFlaw::Path),
            ("https://", OriginFlaw::NoHost),
            ("https://:8443", OriginFlaw::NoHost),
            ("https://bücher.example", OriginFlaw::Host),
            ("https://a b", OriginFlaw::Host),
            ("https://a, https://b", OriginFlaw::Path),
            ("https://[::01]", OriginFlaw::Host),
            ("https://[::1", OriginFlaw::Host),
            ("https://app.example:", OriginFlaw::Port),
            ("https://app.example:0", OriginFlaw::Port),
            ("https://app.example:08443", OriginFlaw::Port),
            ("https://app.example:65536", OriginFlaw::Port),
            ("https://app.example:443", OriginFlaw::DefaultPort),
            ("http://app.example:80", OriginFlaw::DefaultPort),
        ] {
            assert_eq!(WebOrigin::parse(bad), Err(flaw), "{bad}");
        }
        let long = |length: usize| WebOrigin::parse(&format!("https://{}", "a".repeat(length - 8)));
        assert_eq!((long(LONGEST).err(), long(LONGEST + 1)), (None, Err(OriginFlaw::TooLong)));
    }

    #[test]
    fn only_null_hides_its_address() {
        let hides = |text| WebOrigin::parse(text).map(|origin| origin.hides_address());

        assert_eq!((hides("null"), hides("file://")), (Ok(true), Ok(false)));
    }
}
