//! Named admin tokens: who holds one, what it opens, and until when.

use core::time::Duration;
use std::collections::BTreeSet;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::audit::change::Actor;
use crate::format::Format;
use crate::secret::{Digest, decode, encode, random};
use crate::time::Timestamp;

/// The beginning of every token, by which scanners for leaked secrets recognize one.
const PREFIX: &str = "dgat_";
/// How exact [`AdminToken::last_used_at`] is: a use within this time of the last one writes nothing.
const COARSE: Duration = Duration::from_secs(3_600);
/// How long a token that has ended stays in the list.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// A part of the admin API.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminScope {
    /// Reading everything but the events.
    Read,
    /// Reading the events, the state of their outboxes, and the alerts, and closing alerts.
    Events,
    /// Changing clients, and the scopes that they can have.
    Clients,
    /// Changing accounts and inviting people, except into administration.
    People,
    /// Changing identity providers.
    Providers,
    /// Changing policy.
    Policy,
    /// Rotating, importing and retiring signing keys.
    Keys,
    /// Making and revoking admin tokens, and granting administration.
    Tokens,
}

impl AdminScope {
    /// All scopes.
    pub const ALL: [Self; 8] = [
        Self::Read,
        Self::Events,
        Self::Clients,
        Self::People,
        Self::Providers,
        Self::Policy,
        Self::Keys,
        Self::Tokens,
    ];

    /// Returns the name in requests, answers and events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Events => "events",
            Self::Clients => "clients",
            Self::People => "people",
            Self::Providers => "providers",
            Self::Policy => "policy",
            Self::Keys => "keys",
            Self::Tokens => "tokens",
        }
    }

    /// Parses a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// A named admin token as its row stores it.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AdminToken {
    pub format: Format<1>,
    /// The name that the operator chose, such as `ci`.
    pub id: String,
    /// SHA-256 of the token.
    pub digest: Digest,
    /// The person or team that holds the token.
    pub owner: String,
    pub scopes: BTreeSet<AdminScope>,
    pub created_at: Timestamp,
    pub created_by: Actor,
    pub ends_at: Timestamp,
    /// To about an hour; `None` if the token was never used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

impl AdminToken {
    /// Returns whether the token has ended.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.ends_at <= now
    }

    /// Returns whether the token ended so long ago that it is no longer listed.
    pub(super) fn is_history(&self, now: Timestamp) -> bool {
        self.ends_at + KEPT <= now
    }

    /// Returns the token with a use at `now`; `None` if the last use that was written down is recent.
    pub(super) fn used(&self, now: Timestamp) -> Option<Self> {
        let is_recent = self.last_used_at.is_some_and(|last| now.since(last) < COARSE);
        (!is_recent).then(|| Self { last_used_at: Some(now), ..self.clone() })
    }

    /// Returns what the token opens.
    #[must_use]
    pub fn rights(&self) -> Rights {
        Rights::Token { scopes: self.scopes.clone(), ends_at: self.ends_at }
    }
}

/// What a caller of the admin API may do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Rights {
    /// Everything, without end: the caller has the token of the setting `ADMIN_TOKEN_SHA256`, or is an administrator at the console.
    Setting,
    /// What a named token opens.
    #[expect(missing_docs, reason = "as in `AdminToken`")]
    Token { scopes: BTreeSet<AdminScope>, ends_at: Timestamp },
}

/// Why a token would open more than the one that makes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Excess {
    /// The maker does not have this scope.
    Scope(AdminScope),
    /// The maker ends earlier.
    End(Timestamp),
}

impl Rights {
    /// Returns whether the caller has `scope`.
    #[must_use]
    pub fn has(&self, scope: AdminScope) -> bool {
        match self {
            Self::Setting => true,
            Self::Token { scopes, .. } => scopes.contains(&scope),
        }
    }

    /// Checks that a new token has no scope that the caller lacks, and ends no later than the caller.
    ///
    /// # Errors
    ///
    /// The first [`Excess`].
    pub fn may_make(&self, scopes: &BTreeSet<AdminScope>, ends_at: Timestamp) -> Result<(), Excess> {
        match self {
            Self::Setting => Ok(()),
            Self::Token { scopes: own, ends_at: own_end } => match scopes.difference(own).next() {
                Some(scope) => Err(Excess::Scope(*scope)),
                None if ends_at > *own_end => Err(Excess::End(*own_end)),
                None => Ok(()),
            },
        }
    }
}

/// Draws a token: 256 random bits behind `dgat_`.
#[must_use]
pub fn draw(rng: &mut impl CryptoRng) -> String {
    format!("{PREFIX}{}", encode(&random::<32>(rng)))
}

/// Returns whether `text` is written as a token, so that it is worth a look into the registry.
#[must_use]
pub fn is_token(text: &str) -> bool {
    text.strip_prefix(PREFIX).and_then(decode).is_some_and(|bytes| bytes.len() == 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    const AT: Timestamp = Timestamp::from_millis(1_000_000);

    fn token(scopes: &[AdminScope]) -> AdminToken {
        AdminToken {
            format: Format,
            id: "ci".to_owned(),
            digest: Digest::of(b"token"),
            owner: "Team".to_owned(),
            scopes: scopes.iter().copied().collect(),
            created_at: AT,
            created_by: Actor::Registration,
            ends_at: AT + Duration::from_secs(10),
            last_used_at: None,
        }
    }

    #[test]
    fn every_scope_is_written_as_it_is_named() {
        for scope in AdminScope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.name());
            assert_eq!(AdminScope::parse(scope.name()), Some(scope));
        }
        assert_eq!(AdminScope::parse("Read"), None);
    }

    #[test]
    fn a_token_makes_no_token_with_more_scopes_or_a_later_end() {
        let maker = token(&[AdminScope::Tokens, AdminScope::Read]);
        let make = |scopes: &[AdminScope], seconds| {
            let scopes = scopes.iter().copied().collect();
            maker.rights().may_make(&scopes, AT + Duration::from_secs(seconds))
        };

        assert_eq!(make(&[AdminScope::Read], 10), Ok(()));
        assert_eq!(make(&[AdminScope::Tokens, AdminScope::Read], 10), Ok(()));
        assert_eq!(make(&[AdminScope::Read, AdminScope::Keys], 10), Err(Excess::Scope(AdminScope::Keys)));
        assert_eq!(make(&[AdminScope::Read], 11), Err(Excess::End(maker.ends_at)));
        assert_eq!(Rights::Setting.may_make(&BTreeSet::from(AdminScope::ALL), AT), Ok(()));
    }

    #[test]
    fn a_use_is_written_down_once_an_hour() {
        let fresh = token(&[AdminScope::Read]);
        let used = fresh.used(AT).expect("the first use is written down");

        assert_eq!(used.last_used_at, Some(AT));
        assert_eq!(used.used((AT + COARSE).before(Duration::from_millis(1))), None);
        assert_eq!(used.used(AT + COARSE).and_then(|token| token.last_used_at), Some(AT + COARSE));
    }

    #[test]
    fn only_what_is_written_as_a_token_is_looked_up() {
        let drawn = draw(&mut ChaCha20Rng::seed_from_u64(1));

        assert!(is_token(&drawn) && drawn.starts_with(PREFIX));
        for other in
            ["", "dgat_", "development-admin-token", &drawn.replace("dgat_", ""), &format!("{drawn}A")]
        {
            assert!(!is_token(other), "{other}");
        }
    }
}
