//! Scopes (RFC 6749 §3.3), and what the standard ones let a client do, in words for people.

use core::fmt;
use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::order;

/// Requests an ID token (OpenID Connect Core §3.1.2.1).
pub const OPENID: &str = "openid";
/// The scope that lets a client see a person's name and username (OpenID Connect Core §5.4).
pub const PROFILE: &str = "profile";
/// The scope that lets a client see a person's email address (OpenID Connect Core §5.4).
pub const EMAIL: &str = "email";
/// Requests a refresh token (OpenID Connect Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// What each standard scope lets a client do, as the consent page says it.
pub const DESCRIPTIONS: &[(&str, &str)] = &[
    (OPENID, "Confirm who you are"),
    (PROFILE, "See your name and username"),
    (EMAIL, "See your email address"),
    (OFFLINE_ACCESS, "Stay signed in on this device until access is removed"),
];

/// A set of scope tokens in alphabetical order, possibly empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scope(BTreeSet<String>);

impl Scope {
    /// Parses space-separated scope tokens; `None` if one has a character that RFC 6749 §3.3 does not allow.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let tokens = text.split(' ').filter(|token| !token.is_empty());
        let are_sound = tokens.clone().all(is_token);
        are_sound.then(|| Self(order::set(tokens.map(str::to_owned))))
    }

    /// Returns whether the set contains `token`.
    #[must_use]
    pub fn has(&self, token: &str) -> bool {
        self.0.contains(token)
    }

    /// Returns whether the set has no tokens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether all tokens are also in `allowed`.
    #[must_use]
    pub fn is_within(&self, allowed: &Self) -> bool {
        self.0.is_subset(&allowed.0)
    }

    /// Returns the tokens that are also in `allowed`.
    #[must_use]
    pub fn narrowed_to(&self, allowed: &Self) -> Self {
        Self(order::set(self.0.intersection(&allowed.0).cloned()))
    }

    /// Returns all tokens except `token`.
    #[must_use]
    pub fn without(&self, token: &str) -> Self {
        Self(order::set(self.0.iter().filter(|other| *other != token).cloned()))
    }

    /// Iterates over the tokens in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`, RFC 6749 §3.3.
fn is_token(token: &str) -> bool {
    token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, token) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("a scope has a character that is not allowed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_ignores_order_and_repetition() {
        let scope = Scope::parse("profile openid  openid").unwrap();

        assert_eq!(scope.to_string(), "openid profile");
        assert_eq!(scope, Scope::parse("openid profile").unwrap());
    }

    #[test]
    fn a_character_outside_the_grammar_is_refused() {
        for text in ["a\"b", "a\\b", "a\tb", "é", "a\0"] {
            assert_eq!(Scope::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn narrowing_keeps_only_allowed_scopes() {
        let asked = Scope::parse("openid admin").unwrap();
        let allowed = Scope::parse("openid email").unwrap();

        assert_eq!(asked.narrowed_to(&allowed).to_string(), "openid");
    }
}
