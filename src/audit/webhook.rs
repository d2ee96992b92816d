//! The webhook, which gets each [warning](super::warning) at least once, signed as Standard Webhooks says.
//!
//! An object keeps a warning in a table of its own, besides the outbox, until the receiver has answered with a status
//! 2xx. So a receiver that fails, or is slow, delays no ledger.

use core::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand_core::CryptoRng;
use sha2::Sha256;

use super::alert::AlertKind;
use super::change::Changed;
use crate::json;
use crate::secret;
use crate::time::Timestamp;

/// After a failure, a delivery is tried again after the age of its event, so after twice the time at each failure,
/// within these bounds.
const SHORTEST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);
/// A delivery that has failed for this long is given up: three days.
pub const GIVE_UP: Duration = Duration::from_secs(259_200);
/// An alarm starts no delivery after this time.
const ROUND: Duration = Duration::from_secs(20);
/// The most deliveries in one alarm. They are calls like those that ship events, and the platform's free plan allows 50
/// of both.
const MOST_IN_ROUND: u32 = 10;
/// The most deliveries that an object keeps. Further warnings are only events and log lines.
pub const MOST_WAITING: usize = 1_000;

/// Where warnings are delivered, and the secrets that sign them.
#[derive(Clone)]
pub struct Webhook {
    /// On https, or in development on http on this machine.
    pub url: String,
    /// One, or two while the receiver changes it. A delivery has a signature by each.
    pub secrets: Vec<Secret>,
}

/// A secret that sender and receiver share: 24 to 64 bytes.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Draws a secret of 32 bytes. Returns also its text, for the receiver.
    pub fn draw(rng: &mut impl CryptoRng) -> (Self, String) {
        let bytes = secret::random::<32>(rng);
        (Self(bytes.to_vec()), format!("whsec_{}", STANDARD.encode(bytes)))
    }

    /// Parses `whsec_` and the base64 of 24 to 64 bytes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix("whsec_")?).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    fn sign(&self, content: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(content.as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// A warning that waits for its delivery.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Delivery {
    /// The identifier of the event, such as `weur/3/17`. Each attempt has the same, so that the receiver can tell a
    /// repetition.
    pub id: String,
    /// When the event happened.
    pub at: Timestamp,
    /// The event as JSON, as in the ledger.
    pub event: String,
}

impl Delivery {
    /// Returns the body: kind, time, and the event as `GET /admin/api/events` returns it.
    #[must_use]
    pub fn body(&self) -> String {
        let event: serde_json::Value = json::read(&self.event).unwrap_or_default();
        let kind = event.get("what").and_then(serde_json::Value::as_str).unwrap_or("unknown");
        let of = if json::is_name::<Changed>(kind) {
            "registry"
        } else if json::is_name::<AlertKind>(kind) {
            "counts"
        } else {
            "grant"
        };
        serde_json::json!({
            "type": format!("{of}.{kind}"),
            "timestamp": self.at.to_string(),
            "data": { "id": self.id, "event": event },
        })
        .to_string()
    }

    /// Returns the headers of Standard Webhooks for an attempt at `now` to deliver `body`.
    #[must_use]
    pub fn headers(&self, secrets: &[Secret], body: &str, now: Timestamp) -> [(&'static str, String); 3] {
        let (id, timestamp) = (self.id.as_str(), now.seconds());
        let content = format!("{id}.{timestamp}.{body}");
        let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(&content)).collect();
        [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signatures.join(" ")),
        ]
    }

    /// Returns when to try again after a failure at `now`; `None` to give up.
    #[must_use]
    pub fn retry_at(&self, now: Timestamp) -> Option<Timestamp> {
        retry_at(self.at, now)
    }
}

/// Returns when to try again what has been tried `since` then and has failed at `now`; `None` to give up.
#[must_use]
pub fn retry_at(since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let age = now.since(since);
    (age < GIVE_UP).then(|| now + age.clamp(SHORTEST_WAIT, LONGEST_WAIT))
}

/// What one alarm delivers.
#[derive(Debug)]
pub struct Round {
    began: Timestamp,
    left: u32,
    has_failed: bool,
}

impl Round {
    /// Begins a round.
    #[must_use]
    pub const fn begin(now: Timestamp) -> Self {
        Self::of(MOST_IN_ROUND, now)
    }

    /// Begins a round of at most `most` deliveries.
    #[must_use]
    pub const fn of(most: u32, now: Timestamp) -> Self {
        Self { began: now, left: most, has_failed: false }
    }

    /// Returns whether to start one more delivery. After a failure, the others would probably fail as well.
    pub fn goes_on(&mut self, now: Timestamp) -> bool {
        let goes_on = !self.has_failed && self.left > 0 && now < self.began + ROUND;
        self.left -= u32::from(goes_on);
        goes_on
    }

    /// Notes that a delivery failed at `now`. Returns the earliest instant for the deliveries that are due.
    pub fn failed(&mut self, now: Timestamp) -> Timestamp {
        self.has_failed = true;
        now + SHORTEST_WAIT
    }
}

#[cfg(test)]
mod tests;
