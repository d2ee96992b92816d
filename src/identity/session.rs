//! A browser's cookie, and the session row that decides.
//!
//! The cookie seals an identifier and some facts to show; whether the session still is, the row in
//! `AccountShard` says, and every POST that changes something asks it.

use core::time::Duration;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use super::account::Account;
use crate::format::Format;
use crate::secret::{self, Digest};
use crate::time::Timestamp;

/// How long a session lasts.
pub const LIFETIME: Duration = Duration::from_secs(3_600);

/// A session as its row stores it, beside its account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Session {
    /// Of this record.
    pub format: Format<1>,
    /// The account's key.
    pub account: String,
    /// When the person signed in.
    pub auth_time: Timestamp,
    /// How (RFC 8176).
    pub amr: Vec<String>,
    /// When it ends.
    pub ends_at: Timestamp,
}

/// What the cookie seals.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Browser {
    /// Names the browser's transaction; stays when the account changes.
    pub id: String,
    /// Who is signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in: Option<SignedIn>,
    /// The account that was signed in last, so that strangers' wrong passwords do not keep it waiting here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<String>,
}

/// Who is signed in, as the cookie says.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignedIn {
    /// The session's identifier: 256 random bits.
    pub session: String,
    /// The account's key, which leads to the session's row.
    pub account: String,
    /// The name to greet by.
    pub name: String,
    /// When the session ends.
    pub ends_at: Timestamp,
}

impl Browser {
    /// A browser seen for the first time.
    pub fn new(rng: &mut impl CryptoRng) -> Self {
        Self { id: secret::random_id(rng), signed_in: None, known: None }
    }

    /// Signs `account` in. The session identifier is always a new one (no fixation).
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

    /// Whether the owner of `account` has signed in here before.
    #[must_use]
    pub fn knows(&self, account: &str) -> bool {
        self.known.as_deref() == Some(account)
    }

    /// Who is signed in, unless the session's time is over.
    #[must_use]
    pub fn signed_in(&self, now: Timestamp) -> Option<&SignedIn> {
        self.signed_in.as_ref().filter(|session| now < session.ends_at)
    }

    /// What a CSRF token is bound to besides the browser: the session, or nothing before sign-in.
    #[must_use]
    pub fn session_id(&self) -> &str {
        self.signed_in.as_ref().map_or("", |session| session.session.as_str())
    }
}

impl SignedIn {
    /// The row's key.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.session.as_bytes())
    }
}
