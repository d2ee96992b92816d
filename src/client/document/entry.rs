//! The allow list of client ID metadata documents: which URLs an operator lets in, and with what scopes and audience.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::address::{AddressFlaw, DocumentUrl, check_authority};
use crate::format::{Format, is_true};
use crate::scope::Scope;

/// The most entries. Every isolate keeps all of them in memory.
pub const MOST_ENTRIES: usize = 100;

/// What an entry lets in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Admitted {
    /// The document at exactly this URL.
    Url(DocumentUrl),
    /// Every document of this host: a name, with the port if URLs have one.
    Host(String),
}

impl Admitted {
    /// Parses a URL or a host. `has_loopback` also admits hosts of this machine.
    ///
    /// # Errors
    ///
    /// The first flaw of the URL or the host.
    pub fn parse(text: &str, has_loopback: bool) -> Result<Self, AddressFlaw> {
        if text.contains('/') {
            return DocumentUrl::parse(text, has_loopback).map(Self::Url);
        }
        check_authority(text, has_loopback)?;
        Ok(Self::Host(text.to_owned()))
    }

    /// Returns the text that identifies the entry.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Url(url) => url.as_str(),
            Self::Host(host) => host,
        }
    }

    fn is_host_of(&self, url: &DocumentUrl) -> bool {
        matches!(self, Self::Host(host) if host == url.host())
    }
}

impl Serialize for Admitted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Admitted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text, true).map_err(|_| de::Error::custom("an entry is neither a URL nor a host"))
    }
}

/// An entry of the allow list.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Entry {
    pub format: Format<1>,
    pub entry: Admitted,
    /// The scopes that a grant may have, whatever the document says.
    pub scope: Scope,
    /// As [`TokenRules::audience`](crate::client::rules::TokenRules::audience).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// If false, its clients are as disabled ones.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub enabled: bool,
}

const fn yes() -> bool {
    true
}

/// Returns the entry that lets a document in: that of its URL, or else that of its host.
#[must_use]
pub fn find<'a>(entries: &'a [Entry], url: &DocumentUrl) -> Option<&'a Entry> {
    let exact = entries.iter().find(|entry| entry.entry.as_str() == url.as_str());
    exact.or_else(|| entries.iter().find(|entry| entry.entry.is_host_of(url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str, scope: &str) -> Entry {
        Entry {
            format: Format,
            entry: Admitted::parse(text, false).unwrap(),
            scope: Scope::parse(scope).unwrap(),
            audience: Vec::new(),
            enabled: true,
        }
    }

    #[test]
    fn an_exact_url_comes_before_its_host_and_nothing_else_is_let_in() {
        let entries = [entry("a.example", "email"), entry("https://a.example/one", "openid")];
        let scope = |text: &str| {
            let url = DocumentUrl::parse(text, false).unwrap();
            find(&entries, &url).map(|entry| entry.scope.to_string())
        };

        assert_eq!(scope("https://a.example/one").as_deref(), Some("openid"));
        for other in ["https://a.example/two", "https://a.example/one/", "https://a.example/"] {
            assert_eq!(scope(other).as_deref(), Some("email"), "{other}");
        }
        for foreign in
            ["https://a.example:8443/one", "https://b.a.example/one", "https://a.example.evil.com/one"]
        {
            assert_eq!(scope(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn an_entry_is_a_url_or_a_host() {
        for good in ["vscode.dev", "a.example:8443", "https://vscode.dev/oauth/client-metadata.json"] {
            assert_eq!(Admitted::parse(good, false).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "*",
            "*.example.com",
            "localhost",
            "10.0.0.1",
            "https://vscode.dev",
            "A.example",
            "a.example/",
        ] {
            assert!(Admitted::parse(bad, false).is_err(), "{bad}");
        }
    }
}
