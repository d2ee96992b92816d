//! What happened, for the ledger: one event per transition, written in the transition's own transaction.

pub mod outbox;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::ask::Ask;
use crate::format::Format;
use crate::identity::account::AccountKey;
use crate::secret;
use crate::time::Timestamp;

/// A transition. Holds no code, token or secret, nor anything one could be guessed from.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Event {
    /// Of this record.
    pub format: Format<1>,
    /// What happened.
    pub what: What,
    /// When.
    pub at: Timestamp,
    /// The grant's row key, or the family's.
    pub subject: String,
    /// The client concerned.
    pub client_id: String,
    /// The account concerned, once one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountKey>,
}

/// The transitions there are.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A device asked for a code.
    DeviceAuthorization,
    /// A person opened the consent page.
    ConsentOpened,
    /// A second person, in another browser, had the code too; it is dead.
    Contested,
    /// A person said yes.
    Approved,
    /// A person said no.
    Denied,
    /// A person said that they did not start this.
    Reported,
    /// Nobody decided in time.
    Expired,
    /// The device got its tokens.
    Redeemed,
    /// The device got its tokens anew, because the first answer was lost.
    Reissued,
    /// A spent device code came back; its tokens are revoked.
    DeviceCodeReplayed,
    /// A device code was presented without the key that it is bound to; said once.
    DeviceCodeWithoutKey,
    /// A refresh token was used.
    Refreshed,
    /// A refresh token was used again, because the first answer was lost; the tokens of that answer are not good.
    RefreshedAnew,
    /// A refresh token came back after it was used; its family is revoked.
    RefreshTokenReused,
    /// A client revoked its tokens.
    Revoked,
}

/// An event on its way to the ledger. The same `id` shipped twice is recorded once.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Shipment {
    /// The shard's name and the event's number there: `weur/3/17`.
    pub id: String,
    /// The event, as the shard stored it: the ledger keeps what a newer version wrote.
    pub event: serde_json::Value,
}

/// Records events in a ledger, in their order.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Record {
    /// The events. Those that the ledger has already are skipped.
    pub shipments: Vec<Shipment>,
}

impl Ask for Record {
    type Command = Self;
    type Reply = ();
}

/// The head of a hash chain after one more record: SHA-256 of the head before and the record.
///
/// Base64url. A chain starts at the empty string.
#[must_use]
pub fn link(head: &str, record: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(head.as_bytes());
    hash.update(b"\n");
    hash.update(record.as_bytes());
    secret::encode(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_record_changes_every_head_after_it() {
        let honest = link(&link("", "one"), "two");

        assert_eq!(honest, link(&link("", "one"), "two"));
        assert_ne!(honest, link(&link("", "0ne"), "two"));
        assert_ne!(honest, link(&link("", "two"), "one"));
    }
}
