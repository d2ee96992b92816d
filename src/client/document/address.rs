//! The URLs by which clients name their metadata documents.
//!
//! A URL has exactly one spelling here, so that what is compared with the allow list is what is fetched. A Worker cannot see
//! to which address a name resolves, so names that belong to private networks are refused by their endings.

use core::fmt;

use crate::loopback::is_loopback;

/// Longest URL, in bytes. Every grant and every family stores it as its `client_id`.
pub const LONGEST: usize = 256;
/// Longest name of a host, in bytes (RFC 1035 §2.3.4).
const LONGEST_HOST: usize = 253;
/// Endings of names that mean something else in every network, or nothing in the Internet (RFC 6761, RFC 6762, RFC 7686,
/// RFC 8375, RFC 9476), and those that private networks commonly use.
const PRIVATE: [&str; 15] = [
    "alt",
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "mail",
    "onion",
    "private",
    "test",
];

/// The URL of a client ID metadata document: https, a host of the Internet, and a path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DocumentUrl(String);

/// What is wrong with a URL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the texts say what the variants are")]
pub enum AddressFlaw {
    NotHttps,
    Long,
    Fragment,
    Query,
    User,
    Host,
    Private,
    Port,
    NoPath,
    DotSegment,
    Character,
}

/// Completes a sentence that begins with the name of the URL.
impl fmt::Display for AddressFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttps => f.write_str("does not begin with https://"),
            Self::Long => write!(f, "has more than {LONGEST} characters"),
            Self::Fragment => f.write_str("has a fragment"),
            Self::Query => f.write_str("has a query"),
            Self::User => f.write_str("has a user name"),
            Self::Host => f.write_str(
                "has a host that is not a name in lower case letters, digits, hyphens and periods",
            ),
            Self::Private => f.write_str("has a host that is an IP address, or a name of a private network"),
            Self::Port => f.write_str("has a port that is not a number from 1 to 65535"),
            Self::NoPath => f.write_str("has no path"),
            Self::DotSegment => f.write_str("has a path with the segment . or .."),
            Self::Character => f.write_str("has a character that a path must not have (RFC 3986 §3.3)"),
        }
    }
}

/// Returns whether a `client_id` is meant as the URL of a document.
#[must_use]
pub fn is_meant(client_id: &str) -> bool {
    client_id.starts_with("https://") || client_id.starts_with("http://")
}

impl DocumentUrl {
    /// Parses a URL. `has_loopback` also admits hosts of this machine, over http as well.
    ///
    /// # Errors
    ///
    /// The first flaw of the URL.
    pub fn parse(text: &str, has_loopback: bool) -> Result<Self, AddressFlaw> {
        let secure = text.strip_prefix("https://");
        let plain = || text.strip_prefix("http://").filter(|_| has_loopback);
        let rest = secure.or_else(plain).ok_or(AddressFlaw::NotHttps)?;
        if text.len() > LONGEST {
            return Err(AddressFlaw::Long);
        }
        if text.contains('#') {
            return Err(AddressFlaw::Fragment);
        }
        if text.contains('?') {
            return Err(AddressFlaw::Query);
        }
        let (authority, path) = rest.split_at(rest.find('/').ok_or(AddressFlaw::NoPath)?);
        if secure.is_none() && !is_loopback(authority) {
            return Err(AddressFlaw::NotHttps);
        }
        check_authority(authority, has_loopback)?;
        check_path(path)?;
        Ok(Self(text.to_owned()))
    }

    /// Returns the text, which is also the `client_id`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the host, with the port if there is one.
    #[must_use]
    pub fn host(&self) -> &str {
        host(&self.0)
    }

    /// Returns whether `uri` has the same scheme, host and port.
    #[must_use]
    pub fn is_origin_of(&self, uri: &str) -> bool {
        let scheme = self.0.split(':').next().unwrap_or_default();
        let rest = uri.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://"));
        rest.and_then(|rest| rest.strip_prefix(self.host())).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Returns the host in a URL, with the port if there is one.
#[must_use]
pub fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

/// Checks a host with or without a port.
pub(super) fn check_authority(authority: &str, has_loopback: bool) -> Result<(), AddressFlaw> {
    if authority.contains('@') {
        return Err(AddressFlaw::User);
    }
    if has_loopback && is_loopback(authority) {
        return Ok(());
    }
    if authority.starts_with('[') {
        return Err(AddressFlaw::Private);
    }
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    if !port.is_none_or(is_port) {
        return Err(AddressFlaw::Port);
    }
    check_host(host)
}

fn is_port(port: &str) -> bool {
    port.starts_with(|first: char| matches!(first, '1'..='9')) && port.parse::<u16>().is_ok()
}

/// Checks the name of a host. Browsers read a name whose last label is a number as an IPv4 address.
fn check_host(host: &str) -> Result<(), AddressFlaw> {
    if host.len() > LONGEST_HOST || !host.split('.').all(is_label) {
        return Err(AddressFlaw::Host);
    }
    let Some((_, last)) = host.rsplit_once('.') else { return Err(AddressFlaw::Private) };
    let is_number = last.starts_with(|first: char| first.is_ascii_digit());
    if is_number || PRIVATE.contains(&last) { Err(AddressFlaw::Private) } else { Ok(()) }
}

fn is_label(label: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(sound)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn check_path(path: &str) -> Result<(), AddressFlaw> {
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let mut hex = || bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit());
        let is_sound = if byte == b'%' { hex() && hex() } else { may_stand_in_a_path(byte) };
        if !is_sound {
            return Err(AddressFlaw::Character);
        }
    }
    let is_dots = |segment: &str| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    };
    if path.split('/').any(is_dots) { Err(AddressFlaw::DotSegment) } else { Ok(()) }
}

/// `pchar` or a slash (RFC 3986 §3.3), without `%`.
fn may_stand_in_a_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaw(text: &str) -> Option<AddressFlaw> {
        DocumentUrl::parse(text, false).err()
    }

    #[test]
    fn a_client_id_url_is_https_with_a_path() {
        for good in [
            "https://vscode.dev/oauth/client-metadata.json",
            "https://app.example.com/",
            "https://app.example.com:8443/a/b;c=1,2/@x/%C3%A9",
            "https://xn--bcher-kva.example/client",
            "https://a.example/..a/.b/c..",
        ] {
            assert_eq!(flaw(good), None, "{good}");
        }
        let long = format!("https://a.example/{}", "x".repeat(LONGEST));
        for (bad, why) in [
            ("http://a.example/x", AddressFlaw::NotHttps),
            ("HTTPS://a.example/x", AddressFlaw::NotHttps),
            ("https:/a.example/x", AddressFlaw::NotHttps),
            ("ftp://a.example/x", AddressFlaw::NotHttps),
            ("a.example/x", AddressFlaw::NotHttps),
            (&long, AddressFlaw::Long),
            ("https://a.example/x#y", AddressFlaw::Fragment),
            ("https://a.example/x?y", AddressFlaw::Query),
            ("https://a.example/x?", AddressFlaw::Query),
            ("https://me@a.example/x", AddressFlaw::User),
            ("https://me:pw@a.example/x", AddressFlaw::User),
            ("https://A.example/x", AddressFlaw::Host),
            ("https://a.example./x", AddressFlaw::Host),
            ("https://a..example/x", AddressFlaw::Host),
            ("https://a_b.example/x", AddressFlaw::Host),
            ("https://-a.example/x", AddressFlaw::Host),
            ("https://é.example/x", AddressFlaw::Host),
            ("https://a.example\\@b.example/x", AddressFlaw::User),
            ("https://a.example\\b/x", AddressFlaw::Host),
            ("https:///x", AddressFlaw::Host),
            ("https://a.example:/x", AddressFlaw::Port),
            ("https://a.example:0/x", AddressFlaw::Port),
            ("https://a.example:080/x", AddressFlaw::Port),
            ("https://a.example:65536/x", AddressFlaw::Port),
            ("https://a.example", AddressFlaw::NoPath),
            ("https://a.example/./x", AddressFlaw::DotSegment),
            ("https://a.example/x/..", AddressFlaw::DotSegment),
            ("https://a.example/x/%2e%2E/y", AddressFlaw::DotSegment),
            ("https://a.example/.%2e", AddressFlaw::DotSegment),
            ("https://a.example/a b", AddressFlaw::Character),
            ("https://a.example/a\\b", AddressFlaw::Character),
            ("https://a.example/é", AddressFlaw::Character),
            ("https://a.example/%zz", AddressFlaw::Character),
            ("https://a.example/%2", AddressFlaw::Character),
        ] {
            assert_eq!(flaw(bad), Some(why), "{bad}");
        }
    }

    #[test]
    fn no_document_is_fetched_from_a_special_use_address() {
        for host in [
            "127.0.0.1",
            "10.1.2.3",
            "169.254.169.254",
            "8.8.8.8",
            "2130706433",
            "127.1",
            "0x7f.0.0.0x1",
            "[::1]",
            "[fd00::1]",
            "localhost",
            "intranet",
            "a.localhost",
            "metadata.google.internal",
            "printer.local",
            "nas.home.arpa",
            "1.0.0.127.in-addr.arpa",
            "a.test",
            "a.invalid",
            "x.onion",
            "dc.corp",
        ] {
            for port in ["", ":8443"] {
                assert_eq!(
                    flaw(&format!("https://{host}{port}/x")),
                    Some(AddressFlaw::Private),
                    "{host}{port}"
                );
            }
        }
    }

    #[test]
    fn in_development_a_document_may_be_on_this_machine() {
        for local in ["http://127.0.0.1:4600/x", "http://localhost/x", "https://[::1]:1/x"] {
            assert!(DocumentUrl::parse(local, true).is_ok(), "{local}");
        }
        assert_eq!(DocumentUrl::parse("http://a.example/x", true).err(), Some(AddressFlaw::NotHttps));
        assert_eq!(DocumentUrl::parse("https://10.0.0.1/x", true).err(), Some(AddressFlaw::Private));
    }

    #[test]
    fn keys_are_at_the_origin_of_the_document_or_elsewhere() {
        let url = DocumentUrl::parse("https://a.example/client", false).unwrap();

        assert_eq!(url.host(), "a.example");
        assert!(url.is_origin_of("https://a.example/jwks.json"));
        for other in [
            "https://a.example:8443/jwks.json",
            "http://a.example/jwks.json",
            "https://a.example.evil.example/jwks.json",
            "https://a.example",
            "https://b.example/jwks.json",
        ] {
            assert!(!url.is_origin_of(other), "{other}");
        }
    }
}
