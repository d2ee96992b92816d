//! The browser's cookie and the row of its session.
//!
//! The cookie seals an identifier and a few facts to display. The row of the session in an `AccountShard`
//! decides whether the session is still live. Every POST that changes something checks that row.

use core::time::Duration;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use super::account_key::AccountKey;
use super::demand::Facts;
use super::sign_in::{How, SignIn};
use crate::format::{Format, is_false};
use crate::place::Origin;
use crate::secret::{self, Digest};
use crate::time::Timestamp;
use crate::verdict::NOWHERE;

/// Time from a sign-in to the end of its session.
pub const LIFETIME: Duration = Duration::from_secs(3_600);

/// A session as its row stores it, in the same shard as its account.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Session {
    pub format: Format<1>,
    /// The account's key.
    pub account: AccountKey,
    /// When the person authenticated, which was before the session if a provider had one already.
    pub auth_time: Timestamp,
    /// The methods (RFC 8176).
    pub amr: Vec<String>,
    /// The authentication context class that was met (OpenID Connect Core §2); `None` if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    pub how: How,
    /// Whether the person's machine was managed at the sign-in, as Cloudflare Access knows it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub managed: bool,
    /// When and where the person signed in.
    pub origin: Origin,
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

    /// Signs somebody in, with whether their machine is managed, `origin` being when and where; returns the key and the row of the session. The session
    /// identifier is always a new one, which prevents session fixation.
    pub fn sign_in(
        &mut self,
        (sign_in, managed): (&SignIn, bool),
        origin: Origin,
        rng: &mut impl CryptoRng,
    ) -> (Digest, Session) {
        let session = secret::encode(&secret::random::<32>(rng));
        let digest = Digest::of(session.as_bytes());
        let SignIn { account, auth_time, amr, acr, how } = sign_in;
        let (key, ends_at) = (account.key.clone(), origin.at + LIFETIME);
        self.known = Some(key.clone());
        let name = account.name.clone();
        self.signed_in = Some(SignedIn { session, account: key.clone(), name, ends_at });
        let (auth_time, amr, acr, how) = (*auth_time, amr.clone(), acr.clone(), how.clone());
        let format = Format;
        let session = Session { format, account: key, auth_time, amr, acr, how, managed, origin, ends_at };
        (digest, session)
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

/// The sessions that a command concerns: those that meet every condition.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct SessionSelection {
    /// Sessions that began at the OpenID Provider with this identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Sessions that began in this country: two capital letters (ISO 3166-1), `T1` for Tor,
    /// or `XX` for an unknown country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Sessions that began in the network with this AS number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// Sessions that began then or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Sessions that began before this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

impl SessionSelection {
    /// Returns whether a session meets every condition.
    #[must_use]
    pub fn has(&self, session: &Session) -> bool {
        let Origin { place, at, .. } = &session.origin;
        self.provider.as_ref().is_none_or(|provider| session.how.is_at(provider))
            && self
                .country
                .as_ref()
                .is_none_or(|country| place.country.as_deref().unwrap_or(NOWHERE) == country)
            && self.asn.is_none_or(|asn| place.asn == Some(asn))
            && self.from.is_none_or(|from| from <= *at)
            && self.to.is_none_or(|to| *at < to)
    }
}

impl Session {
    /// Returns what is known about the sign-in.
    #[must_use]
    pub fn facts(&self) -> Facts<'_> {
        Facts { auth_time: self.auth_time, acr: self.acr.as_deref(), how: &self.how }
    }
}

impl SignedIn {
    /// Returns the key of the session's row.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.session.as_bytes())
    }
}
