//! Invitations: links that let somebody make an account, or get back into one.

use core::time::Duration;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::audit::change::Actor;
use crate::format::{Format, is_false};
use crate::identity::account_key::AccountKey;
use crate::identity::group::Group;
use crate::secret::{Digest, decode, encode, random};
use crate::time::Timestamp;

/// The most accounts that one link can make.
pub const MOST_USES: u32 = 100;
/// How long an invitation that is over stays in the list.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// An invitation as its row stores it.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Invitation {
    pub format: Format<1>,
    /// Random. Events and the admin API name the invitation by it.
    pub id: String,
    /// SHA-256 of the secret in the link.
    pub digest: Digest,
    pub kind: Kind,
    /// Whether it leads into a group of the setting `ADMIN_GROUPS`, so that using it is a warning.
    #[serde(default, skip_serializing_if = "is_false")]
    pub grants_administration: bool,
    pub uses_left: u32,
    pub created_at: Timestamp,
    pub by: Actor,
    pub ends_at: Timestamp,
    /// The attempts that have used it. The same attempt again gets the same answer, and uses nothing more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<String>,
}

/// What an invitation is for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is", try_from = "Written")]
pub enum Kind {
    /// A new account.
    Account {
        /// The username; `None` to let the person choose.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        username: Option<String>,
        /// The groups of the new account. All are local.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        groups: Vec<Group>,
    },
    /// Another passkey or password for an existing account.
    Recovery {
        /// The account.
        account: AccountKey,
    },
    /// A new account for an administrator, on a server that may have none. Its group is the first local one of the
    /// setting `ADMIN_GROUPS`.
    FirstAdministrator,
}

/// A [`Kind`] as records have it: flat. What serde derives for an enum with a tag reads from a copy of all members.
#[derive(Deserialize)]
struct Written {
    is: Is,
    username: Option<String>,
    #[serde(default)]
    groups: Vec<Group>,
    account: Option<AccountKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Is {
    Account,
    Recovery,
    FirstAdministrator,
}

impl TryFrom<Written> for Kind {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { is, username, groups, account } = written;
        match (is, account) {
            (Is::Account, _) => Ok(Self::Account { username, groups }),
            (Is::Recovery, Some(account)) => Ok(Self::Recovery { account }),
            (Is::Recovery, None) => Err("a recovery lacks its account"),
            (Is::FirstAdministrator, _) => Ok(Self::FirstAdministrator),
        }
    }
}

impl Invitation {
    /// Returns whether the link can be used.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.uses_left > 0 && now < self.ends_at
    }

    /// Returns whether the invitation was over so long ago that it is no longer listed.
    pub(super) fn is_history(&self, now: Timestamp) -> bool {
        self.ends_at + KEPT <= now
    }

    /// Returns the invitation after `attempt` has used it; `None` if it cannot be used.
    pub(super) fn spent(&self, attempt: &str, now: Timestamp) -> Option<Self> {
        if now < self.ends_at && self.attempts.iter().any(|known| known == attempt) {
            return Some(self.clone());
        }
        self.is_live(now).then(|| {
            let mut after = Self { uses_left: self.uses_left - 1, ..self.clone() };
            after.attempts.push(attempt.to_owned());
            after
        })
    }

    /// Returns the names of the groups that a new account gets, and `administration` if it becomes an administrator's.
    pub(super) fn granted(&self) -> Vec<String> {
        let groups = match &self.kind {
            Kind::Account { groups, .. } => groups.iter().map(ToString::to_string).collect(),
            Kind::Recovery { .. } | Kind::FirstAdministrator => Vec::new(),
        };
        let administration = self.grants_administration.then(|| "administration".to_owned());
        administration.into_iter().chain(groups).collect()
    }
}

/// Draws the secret of a link: 256 random bits.
#[must_use]
pub fn draw(rng: &mut impl CryptoRng) -> String {
    encode(&random::<32>(rng))
}

/// Returns the digest of a secret; `None` for a text that cannot be one, which is not worth a look into the registry.
#[must_use]
pub fn digest(secret: &str) -> Option<Digest> {
    decode(secret).is_some_and(|bytes| bytes.len() == 32).then(|| Digest::of(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    const AT: Timestamp = Timestamp::from_millis(1_000_000);

    fn invitation(uses_left: u32) -> Invitation {
        Invitation {
            format: Format,
            id: "id".to_owned(),
            digest: Digest::of(b"secret"),
            kind: Kind::Account { username: None, groups: Vec::new() },
            grants_administration: false,
            uses_left,
            created_at: AT,
            by: Actor::Registration,
            ends_at: AT + Duration::from_secs(10),
            attempts: Vec::new(),
        }
    }

    #[test]
    fn each_attempt_uses_a_link_once_and_the_last_use_ends_it() {
        let once = invitation(2).spent("a", AT).expect("two uses are left");
        let again = once.spent("a", AT).expect("the same attempt gets the same answer");
        let twice = again.spent("b", AT).expect("one use is left");

        assert_eq!((once.uses_left, again.uses_left, twice.uses_left), (1, 1, 0));
        assert!(once.is_live(AT) && !twice.is_live(AT));
        assert_eq!(twice.spent("c", AT), None);
        assert_eq!(twice.spent("b", AT).map(|same| same.uses_left), Some(0));
    }

    #[test]
    fn nothing_uses_a_link_that_has_ended() {
        let used = invitation(2).spent("a", AT).unwrap();

        let last = used.ends_at.before(Duration::from_millis(1));
        assert!(used.spent("b", last).is_some() && used.spent("b", used.ends_at).is_none());
        assert_eq!(used.spent("a", used.ends_at), None, "not even the attempt that has used it");
        assert!(!used.is_live(used.ends_at));
    }

    #[test]
    fn only_what_is_written_as_a_secret_is_looked_up() {
        let drawn = draw(&mut ChaCha20Rng::seed_from_u64(1));

        assert_eq!(digest(&drawn), Some(Digest::of(drawn.as_bytes())));
        for other in ["", "secret", &format!("{drawn}="), drawn.get(1..).unwrap_or_default()] {
            assert_eq!(digest(other), None, "{other}");
        }
    }
}
