//! The browser's cookie and the row of its session.
//!
//! The cookie seals an identifier and a few facts to display. The row of the session in an `AccountShard`
//! decides whether the session is still live. Every POST that changes something checks that row.

use core::time::Duration;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use super::account::{Account, AccountKey};
use crate::format::Format;
use crate::secret::{self, Digest};
use crate::time::Timestamp;

/// Time from a sign-in to the end of its session.
pub const LIFETIME: Duration = Duration::from_secs(3_600);

/// A session as its row stores it, in the same shard as its account.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Session {
    pub format: Format<1>,
    /// The account's key.
    pub account: AccountKey,
    /// When the person signed in.
    pub auth_time: Timestamp,
    /// How the person signed in (RFC 8176).
    pub amr: Vec<String>,
    pub ends_at: Timestamp,
}

/// The content of the cookie.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Browser {
    /// Identifies the browser. Forms are bound to it; it stays the same when the account changes.
    pub id: String,
    /// `None` if nobody is signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in: Option<SignedIn>,
    /// The account that signed in last. Its sign-ins in this browser have a separate budget, so that
    /// strangers' wrong passwords do not make its owner wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<AccountKey>,
}

/// Who is signed in according to the cookie.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignedIn {
    /// The session's identifier: 256 random bits, base64url.
    pub session: String,
    /// The account's key, which leads to the session's row.
    pub account: AccountKey,
    /// The full name, for greeting the person.
    pub name: String,
    /// When the session ends.
    pub ends_at: Timestamp,
}

impl Browser {
    /// Creates the cookie of a browser that has none.
    pub fn new(rng: &mut impl CryptoRng) -> Self {
        Self { id: secret::random_id(rng), signed_in: None, known: None }
    }

    /// Signs `account` in; returns the key and the row of the session. The session identifier is always a new
    /// one, which prevents session fixation.
    pub fn sign_in(
        &mut self,
        account: &Account,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> (Digest, Session) {
        let session = secret::encode(&secret::random::<32>(rng));
        let digest = Digest::of(session.as_bytes());
        let ends_at = now + LIFETIME;
        let (key, name) = (account.key.clone(), account.name.clone());
        self.known = Some(key.clone());
        self.signed_in = Some(SignedIn { session, account: key.clone(), name, ends_at });
        let amr = vec!["pwd".to_owned()];
        (digest, Session { format: Format, account: key, auth_time: now, amr, ends_at })
    }

    /// Returns whether `account` is the one that signed in last in this browser.
    #[must_use]
    pub fn knows(&self, account: &AccountKey) -> bool {
        self.known.as_ref() == Some(account)
    }

    /// Returns who is signed in, unless the session has ended.
    #[must_use]
    pub fn signed_in(&self, now: Timestamp) -> Option<&SignedIn> {
        self.signed_in.as_ref().filter(|session| now < session.ends_at)
    }

    /// Returns what a CSRF token is bound to besides the browser: the session identifier, or an empty string
    /// before sign-in.
    #[must_use]
    pub fn session_id(&self) -> &str {
        self.signed_in.as_ref().map_or("", |session| session.session.as_str())
    }
}

impl SignedIn {
    /// Returns the key of the session's row.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.session.as_bytes())
    }
}
