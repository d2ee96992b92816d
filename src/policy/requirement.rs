//! What rules require of an approval, and what they limit.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::format::is_false;
use crate::identity::demand::Demand;
use crate::scope::Scope;
use crate::time::Timestamp;

/// What an approval needs. Every member that is set must be met.
#[expect(clippy::struct_excessive_bools, reason = "each is a requirement of its own")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Requirements {
    /// The most seconds since the person signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// A sign-in that resists phishing.
    #[serde(skip_serializing_if = "is_false")]
    pub phishing_resistant: bool,
    /// A passkey of this server, used at most a minute ago.
    #[serde(skip_serializing_if = "is_false")]
    pub fresh_passkey: bool,
    /// A device near the person.
    #[serde(skip_serializing_if = "is_false")]
    pub near: bool,
    /// A number that the person sees, entered at the device (RFC 10027 §6.1.16).
    #[serde(skip_serializing_if = "is_false")]
    pub initiation_verification: bool,
    /// A part of the device's identifier, entered by the person (RFC 10027 §6.1.17).
    #[serde(skip_serializing_if = "is_false")]
    pub out_of_band_binding: bool,
}

impl Requirements {
    /// Returns whether nothing is required.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds other requirements. The stricter one wins.
    pub fn join(&mut self, other: &Self) {
        self.max_age = smaller(self.max_age, other.max_age);
        self.phishing_resistant |= other.phishing_resistant;
        self.fresh_passkey |= other.fresh_passkey;
        self.near |= other.near;
        self.initiation_verification |= other.initiation_verification;
        self.out_of_band_binding |= other.out_of_band_binding;
    }

    /// Returns what the sign-in must meet.
    #[must_use]
    pub fn demand(&self) -> Demand {
        Demand {
            max_age: self.max_age,
            acr_values: Vec::new(),
            phishing_resistant: self.phishing_resistant,
            fresh_passkey: self.fresh_passkey,
        }
    }
}

/// What tokens may be at most.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Limits {
    /// Other scopes are not granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Seconds until an access token expires, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<u64>,
    /// Seconds from an approval to the last refresh of its tokens, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_lifetime: Option<u64>,
    /// Whether there is no refresh token.
    #[serde(skip_serializing_if = "is_false")]
    pub no_refresh: bool,
    /// Whether tokens must be bound to a key of the client.
    #[serde(skip_serializing_if = "is_false")]
    pub bound: bool,
}

impl Limits {
    /// Returns whether nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the lifetime of an access token in seconds, where the client and the settings say `seconds`.
    #[must_use]
    pub fn access_token(&self, seconds: u64) -> u64 {
        self.access_token_lifetime.map_or(seconds, |most| seconds.min(most))
    }

    /// Returns until when an approval of `approved_at` can be refreshed, where that would otherwise be `until`.
    #[must_use]
    pub fn refreshable_until(&self, until: Timestamp, approved_at: Timestamp) -> Timestamp {
        let most = self.refresh_token_lifetime.map(Duration::from_secs);
        most.map_or(until, |most| until.min(approved_at + most))
    }

    /// Adds other limits. The stricter one wins.
    pub fn join(&mut self, other: &Self) {
        self.scope = match (self.scope.take(), &other.scope) {
            (Some(scope), Some(other)) if scope.is_within(other) => Some(scope),
            (Some(scope), Some(other)) => Some(scope.narrowed_to(other)),
            (scope, other) => scope.or_else(|| other.clone()),
        };
        self.access_token_lifetime = smaller(self.access_token_lifetime, other.access_token_lifetime);
        self.refresh_token_lifetime = smaller(self.refresh_token_lifetime, other.refresh_token_lifetime);
        self.no_refresh |= other.no_refresh;
        self.bound |= other.bound;
    }
}

/// Returns the smaller one of two maximums; `None` is no maximum.
fn smaller(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_requirement_wins_whichever_comes_first() {
        let one = Requirements { max_age: Some(60), near: true, ..Requirements::default() };
        let other = Requirements { max_age: Some(900), phishing_resistant: true, ..Requirements::default() };
        let both = Requirements {
            max_age: Some(60),
            near: true,
            phishing_resistant: true,
            ..Requirements::default()
        };

        for (mut first, second) in [(one.clone(), &other), (other.clone(), &one)] {
            first.join(second);
            assert_eq!(first, both);
            first.join(&Requirements::default());
            assert_eq!(first, both);
        }
        assert_eq!(both.demand().max_age, Some(60));
        assert!(both.demand().phishing_resistant && !both.demand().fresh_passkey);
    }

    #[test]
    fn the_stricter_limit_wins_whichever_comes_first() {
        let scope = |text| Some(Scope::parse(text).unwrap());
        let one = Limits {
            scope: scope("a b"),
            access_token_lifetime: Some(600),
            bound: true,
            ..Limits::default()
        };
        let other = Limits {
            scope: scope("b c"),
            access_token_lifetime: Some(60),
            no_refresh: true,
            ..Limits::default()
        };

        for (mut first, second) in [(one.clone(), &other), (other.clone(), &one)] {
            first.join(second);
            assert_eq!((first.scope.clone(), first.access_token_lifetime), (scope("b"), Some(60)));
            assert!(first.bound && first.no_refresh);
            let before = first.clone();
            first.join(&Limits::default());
            assert_eq!(first, before);
        }
    }
}
