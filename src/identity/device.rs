//! The devices that people let in: one row for each family of tokens, at the person's account.
//!
//! The row decides whether the family may still be used: each redemption enters it before it spends the approval, and
//! every use of a token reads it. So a block or an end takes effect everywhere at once, whether or not the family can be
//! reached.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::account_key::AccountKey;
use crate::bounds::LONGEST_TOKEN;
use crate::format::Format;
use crate::network::{Network, Prefix};
use crate::provenance::{ApprovalId, Provenance};
use crate::row_key::RowKey;
use crate::scope::Scope;
use crate::time::Timestamp;
use crate::verdict::NOWHERE;

/// A use is written down if the last one that was is at least this old, so at most once an hour.
const STAMP: Duration = Duration::from_secs(3_600);
/// The longest that an access token of the device can outlive its last use.
const LONGEST: Duration = Duration::from_secs(LONGEST_TOKEN);
/// A device that was entered longer ago than this, and has no tokens, lost a race.
const RACE: Duration = Duration::from_secs(60);

/// A device, named by the `sid` of its tokens, which says where their family is.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct DeviceId(String);

impl DeviceId {
    /// Returns the identifier as text, which is a `sid`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for DeviceId {
    fn from(sid: String) -> Self {
        Self(sid)
    }
}

/// A device as its row stores it.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Device {
    pub format: Format<1>,
    pub account: AccountKey,
    pub client_id: String,
    /// The client's name at the redemption.
    pub client_name: String,
    /// The person's own name for the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The granted scope.
    pub scope: Scope,
    pub provenance: Provenance,
    /// Where the code was requested, as live codes are counted.
    pub network: Network,
    pub first_used_at: Timestamp,
    /// The last use that was written down: see [`Device::touch`].
    pub last_used_at: Timestamp,
    /// When no token can be good any more, unless the device uses its refresh token until then. The row can then be
    /// deleted.
    pub ends_at: Timestamp,
    pub state: State,
}

/// Whether a device has tokens.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A redemption is under way, or has ended without anybody looking yet. Tokens, if there are any, are good.
    Pending,
    /// The device got its tokens.
    Confirmed,
    /// The tokens are no longer good, and their family has to be ended.
    Ended,
}

impl Device {
    /// Returns whether tokens of the device are good.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        match self.state {
            State::Pending | State::Confirmed => now < self.ends_at,
            State::Ended => false,
        }
    }

    /// Returns when the row of a device ends whose current refresh token is good until `good_until`. Uses are written down
    /// only once in a while, so there can be one token more.
    #[must_use]
    pub fn end_with(good_until: Timestamp) -> Timestamp {
        good_until + STAMP + LONGEST
    }

    /// Notes that a refresh token of the device was used, so that it has its tokens, of which the next refresh token is good
    /// until `good_until`. Returns whether the row must be written.
    pub fn touch(&mut self, good_until: Timestamp, now: Timestamp) -> bool {
        let is_due = self.state == State::Pending || self.last_used_at + STAMP <= now;
        if is_due {
            (self.state, self.last_used_at) = (State::Confirmed, now);
            self.ends_at = self.ends_at.max(Self::end_with(good_until));
        }
        is_due
    }

    /// Returns whether a device without tokens lost a race, instead of still being in it.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.state == State::Confirmed || self.first_used_at + RACE <= now
    }
}

/// The devices that a command concerns: those that meet every condition.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Selection {
    /// These devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<DeviceId>>,
    /// Devices of this client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Devices that follow from this approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<ApprovalId>,
    /// Devices whose codes were of one of these grants; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<RowKey>,
    /// Devices that asked in this country: two capital letters (ISO 3166-1), `T1` for Tor,
    /// or `XX` for an unknown country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Devices that asked in the network with this AS number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// Devices that were approved then or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Devices that were approved before this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// Devices that asked in one of these networks; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Prefix>,
    /// Devices that asked then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
}

/// When devices asked for their codes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Asked {
    /// The first instant.
    pub from: Timestamp,
    /// The instant after the last one.
    pub to: Timestamp,
    /// Devices that asked then or later count as well.
    pub since: Timestamp,
}

impl Asked {
    fn has(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to || self.since <= at
    }
}

impl Selection {
    /// Returns whether a device meets every condition.
    #[must_use]
    pub fn has(&self, id: &DeviceId, device: &Device) -> bool {
        let Provenance { approval_id, code, started, approved } = &device.provenance;
        self.ids.as_ref().is_none_or(|ids| ids.contains(id))
            && self.client_id.as_ref().is_none_or(|client_id| *client_id == device.client_id)
            && self.approval_id.as_ref().is_none_or(|approval| approval == approval_id)
            && (self.codes.is_empty() || code.is_some_and(|key| self.codes.contains(&key)))
            && self
                .country
                .as_ref()
                .is_none_or(|country| started.spot.country.as_deref().unwrap_or(NOWHERE) == country)
            && self.asn.is_none_or(|asn| started.spot.asn == Some(asn))
            && self.from.is_none_or(|from| from <= approved.at)
            && self.to.is_none_or(|to| approved.at < to)
            && (self.networks.is_empty()
                || self.networks.iter().any(|prefix| device.network.is_within(prefix)))
            && self.asked.is_none_or(|asked| asked.has(started.at))
    }
}
