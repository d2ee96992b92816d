//! The keys of accounts: where an account comes from, and its name there.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::source::is_provider;
use crate::sharding::AccountShard;

/// Longest subject of another server, in bytes (OpenID Connect Core §2).
const LONGEST_SUBJECT: usize = 255;
/// Longest user name, in bytes.
const LONGEST_USERNAME: usize = 256;

/// An account's row key, in one of three forms:
///
/// * `local:<username>`, in lower case;
/// * `oidc:<provider>:<subject>`, of an OpenID Provider;
/// * `access:<subject>`, of Cloudflare Access.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct AccountKey(String);

impl AccountKey {
    /// Returns the key of the account that signs in here as `username`. Surrounding white space and case do
    /// not matter.
    #[must_use]
    pub fn local(username: &str) -> Self {
        Self(format!("local:{}", username.trim().to_lowercase()))
    }

    /// Returns the key of an account at an OpenID Provider; `None` if the provider's identifier or the subject has the
    /// wrong form.
    #[must_use]
    pub fn oidc(provider: &str, subject: &str) -> Option<Self> {
        (is_provider(provider) && is_subject(subject)).then(|| Self(format!("oidc:{provider}:{subject}")))
    }

    /// Returns the key of an account of Cloudflare Access; `None` if the subject has the wrong form.
    #[must_use]
    pub fn access(subject: &str) -> Option<Self> {
        is_subject(subject).then(|| Self(format!("access:{subject}")))
    }

    /// Reads a key. Returns `None` for text of another form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (source, name) = text.split_once(':')?;
        match source {
            "local" => {
                let key = Self::local(name);
                let is_sized = (1..=LONGEST_USERNAME).contains(&name.len());
                (is_sized && is_plain(name) && key.0 == text).then_some(key)
            }
            "oidc" => name.split_once(':').and_then(|(provider, subject)| Self::oidc(provider, subject)),
            "access" => Self::access(name),
            _ => None,
        }
    }

    /// Returns the OpenID Provider that the account comes from, if it comes from one.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        self.0.strip_prefix("oidc:")?.split_once(':').map(|(provider, _)| provider)
    }

    /// Returns whether the account is known by what Cloudflare Access says.
    #[must_use]
    pub fn is_at_access(&self) -> bool {
        self.0.starts_with("access:")
    }

    /// Returns the account's `sub` at its provider, or at Cloudflare Access; `None` for an account of this server.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        let at_provider = || self.0.strip_prefix("oidc:")?.split_once(':').map(|(_, subject)| subject);
        self.0.strip_prefix("access:").or_else(at_provider)
    }

    /// Returns the key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the shard that has the account, with its sessions and devices.
    #[must_use]
    pub fn shard(&self) -> AccountShard {
        AccountShard::of(&self.0)
    }
}

fn is_subject(subject: &str) -> bool {
    (1..=LONGEST_SUBJECT).contains(&subject.len()) && is_plain(subject)
}

fn is_plain(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_as_it_was_written() {
        let keys = [
            AccountKey::local(" Alice "),
            AccountKey::oidc("corp", "auth0|a:b").unwrap(),
            AccountKey::access("7").unwrap(),
        ];

        assert_eq!(
            keys.each_ref().map(AccountKey::as_str),
            ["local:alice", "oidc:corp:auth0|a:b", "access:7"]
        );
        for key in keys {
            assert_eq!(AccountKey::parse(key.as_str()), Some(key));
        }
    }

    #[test]
    fn no_two_accounts_share_a_key() {
        for text in
            ["", "alice", "local:", "local:Alice", "local: alice", "oidc:corp", "oidc:corp:", "saml:a"]
        {
            assert_eq!(AccountKey::parse(text), None, "{text}");
        }
        for (provider, subject) in [
            ("corp:a", "b"),
            ("Corp", "b"),
            ("-corp", "b"),
            ("local", "b"),
            ("corp", ""),
            ("corp", "a\nb"),
            ("corp", &"x".repeat(256)),
            (&"c".repeat(33), "b"),
        ] {
            assert_eq!(AccountKey::oidc(provider, subject), None, "{provider} {subject}");
        }
        assert!(AccountKey::oidc(&"c".repeat(32), &"x".repeat(255)).is_some());
    }

    #[test]
    fn a_key_says_which_provider_it_comes_from() {
        let parts = |text| {
            AccountKey::parse(text)
                .map(|key| (key.provider().map(str::to_owned), key.subject().map(str::to_owned)))
        };
        let text = |text: &str| Some(text.to_owned());

        assert_eq!(parts("oidc:corp:a:b"), Some((text("corp"), text("a:b"))));
        assert_eq!(parts("access:a"), Some((None, text("a"))));
        assert_eq!(parts("local:oidc"), Some((None, None)));
    }
}
