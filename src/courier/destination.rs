//! A server that gets events.

use core::fmt;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::filter::Filter;
use crate::audit::webhook::Secret;
use crate::client::history::History;
use crate::derived_keys::{Keyring, Purpose};
use crate::format::Format;
use crate::policy::name::Name;
use crate::secret;
use crate::time::Timestamp;

/// The most destinations.
pub const MOST_DESTINATIONS: usize = 20;

/// A destination as its row stores it.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Destination {
    pub format: Format<1>,
    pub id: Name,
    /// On https, or in development on http on this machine.
    pub url: String,
    pub receiver: Receiver,
    pub filter: Filter,
    /// Whether it gets events. While it does not, none are kept for it.
    pub enabled: bool,
    pub history: History,
}

/// What the receiver understands.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    /// Standard Webhooks.
    Webhook {
        /// One, or two after a rotation. A delivery has a signature by each.
        secrets: Vec<Sealed>,
    },
    /// Security event tokens, pushed as RFC 8935 says.
    SharedSignals {
        /// The `iss` of the tokens.
        issuer: String,
        /// Their `aud`.
        audience: String,
        /// The `Authorization` header of each push, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authorization: Option<Sealed>,
    },
}

/// A secret that is sealed with a key derived from `MASTER_KEY` ([`Purpose::DestinationSecret`]): base64url.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl Sealed {
    /// Seals a secret.
    pub fn seal(secret: &str, keyring: &Keyring, rng: &mut impl CryptoRng) -> Self {
        Self(secret::encode(&keyring.seal(Purpose::DestinationSecret, secret.as_bytes(), rng)))
    }

    /// Returns the secret; `None` if the server no longer has the key.
    #[must_use]
    pub fn open(&self, keyring: &Keyring) -> Option<String> {
        String::from_utf8(keyring.open(Purpose::DestinationSecret, &secret::decode(&self.0)?)?).ok()
    }
}

/// Even sealed, a secret does not belong in a log.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

impl Receiver {
    /// Returns the name of the kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::SharedSignals { .. } => "shared_signals",
        }
    }

    /// Opens the secrets of a webhook; `None` if the server no longer has the key of one.
    #[must_use]
    pub fn open(secrets: &[Sealed], keyring: &Keyring) -> Option<Vec<Secret>> {
        secrets.iter().map(|sealed| Secret::parse(&sealed.open(keyring)?)).collect()
    }
}

impl Destination {
    /// Returns the name of the courier: the identifier and when the destination was created, so that one that was deleted
    /// and created again has another courier.
    #[must_use]
    pub fn courier(&self) -> String {
        format!("{}/{}", self.id, self.created_at().millis())
    }

    /// Returns when it was created. Older events are not delivered.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.history.created_at.unwrap_or_default()
    }

    /// Returns the members to show, with their defaults and without secrets. Dates are in seconds since 1970.
    #[must_use]
    pub fn view(&self) -> Map<String, Value> {
        let Filter { what, outcomes, clients, warnings } = &self.filter;
        let view = json!({
            "id": self.id, "kind": self.receiver.kind(), "url": self.url, "enabled": self.enabled, "what": what,
            "outcomes": outcomes, "clients": clients, "warnings": warnings, "version": self.history.version,
            "created_at": self.history.created_at.map(Timestamp::seconds),
            "changed_at": self.history.changed_at.map(Timestamp::seconds),
        });
        let Value::Object(mut view) = view else { return Map::new() };
        match &self.receiver {
            Receiver::Webhook { secrets } => {
                view.insert("secrets".to_owned(), secrets.len().into());
            }
            Receiver::SharedSignals { audience, authorization, .. } => {
                view.insert("audience".to_owned(), audience.as_str().into());
                view.insert("has_authorization".to_owned(), authorization.is_some().into());
            }
        }
        view
    }
}
