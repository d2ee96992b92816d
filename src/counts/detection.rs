//! The detections: what looks like an attack, and from which number on. `docs/detections.md` explains each of them.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::sighting::{Distance, Sighting};
use super::subject::Subject;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What looks like an attack.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Detection {
    /// Many codes of a client for devices in one network.
    CodeBurst,
    /// People approve devices in one network of servers.
    HostingNetwork,
    /// A person approves many devices.
    ManyDevices,
    /// Many people approve devices in one network that is not near them.
    Campaign,
    /// A person approves a device far away, or behind Tor.
    FarApproval,
    /// A device collects its tokens elsewhere than it asked for the code, or is refused them for that.
    RedeemedElsewhere,
    /// People in one network enter many wrong codes.
    WrongCodes,
    /// An account gets tokens for a device for the first time.
    FirstSignIn,
    /// A client is used again after a long pause.
    DormantClient,
    /// A person approves at an hour or in a country that is unusual for the account.
    UnusualHabit,
    /// A redeemed code or a rotated refresh token comes back.
    Replay,
    /// People report requests for a client.
    Reports,
}

/// What a threshold counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Counts {
    /// Each event.
    Events,
    /// Each account once.
    People,
}

/// When a detection reaches its threshold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Terms {
    /// The name in rows, events and documents.
    pub name: &'static str,
    /// How many events or people lead to an alert.
    pub threshold: u64,
    /// Within which time.
    pub window: Duration,
    /// What is counted.
    pub counts: Counts,
}

impl Detection {
    /// All detections.
    pub const ALL: [Self; 12] = [
        Self::CodeBurst,
        Self::HostingNetwork,
        Self::ManyDevices,
        Self::Campaign,
        Self::FarApproval,
        Self::RedeemedElsewhere,
        Self::WrongCodes,
        Self::FirstSignIn,
        Self::DormantClient,
        Self::UnusualHabit,
        Self::Replay,
        Self::Reports,
    ];

    /// Returns the terms: the one table of thresholds.
    #[must_use]
    pub const fn terms(self) -> Terms {
        use Counts::{Events, People};
        let (name, threshold, seconds, counts) = match self {
            Self::CodeBurst => ("code_burst", 100, 10 * MINUTE, Events),
            Self::HostingNetwork => ("hosting_network", 3, DAY, People),
            Self::ManyDevices => ("many_devices", 5, HOUR, Events),
            Self::Campaign => ("campaign", 5, DAY, People),
            Self::FarApproval => ("far_approval", 1, DAY, Events),
            Self::RedeemedElsewhere => ("redeemed_elsewhere", 1, DAY, Events),
            Self::WrongCodes => ("wrong_codes", 50, 10 * MINUTE, Events),
            Self::FirstSignIn => ("first_sign_in", 1, 400 * DAY, Events),
            Self::DormantClient => ("dormant_client", 1, 25 * DAY, Events),
            Self::UnusualHabit => ("unusual_habit", 1, 400 * DAY, Events),
            Self::Replay => ("replay", 1, DAY, Events),
            Self::Reports => ("reports", 2, DAY, People),
        };
        Terms { name, threshold, window: Duration::from_secs(seconds), counts }
    }

    /// Returns the name in rows, events and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.terms().name
    }

    /// Returns whom an alert about this event would be about; `None` if the detection does not count it. Those that depend on
    /// what an account or a client did before are asked only if they should be: see [`Past`].
    #[must_use]
    pub fn subject(self, seen: &Sighting, past: Past) -> Option<Subject> {
        let is_approval = seen.kind == Kind::Approved;
        let (is_far, not_near) = match seen.distance {
            Distance::Far | Distance::Tor => (true, true),
            Distance::Hosting => (false, true),
            Distance::Near | Distance::Unknown => (false, false),
        };
        let counts = match self {
            Self::CodeBurst => seen.kind == Kind::Started,
            Self::HostingNetwork => is_approval && seen.distance == Distance::Hosting,
            Self::ManyDevices => is_approval,
            Self::Campaign => is_approval && not_near,
            Self::FarApproval => is_approval && is_far,
            Self::RedeemedElsewhere => seen.is_elsewhere,
            Self::WrongCodes => seen.kind == Kind::WrongCode,
            Self::FirstSignIn => past.is_first,
            Self::DormantClient => past.was_dormant,
            Self::UnusualHabit => past.is_unusual,
            Self::Replay => seen.kind == Kind::Replayed,
            Self::Reports => seen.kind == Kind::Reported,
        };
        counts.then(|| self.about(seen)).flatten()
    }

    /// Returns whether an alert is about the network of the devices that started, which a kill switch can stop.
    #[must_use]
    pub const fn is_about_starts(self) -> bool {
        match self {
            Self::CodeBurst | Self::HostingNetwork | Self::Campaign => true,
            Self::ManyDevices
            | Self::FarApproval
            | Self::RedeemedElsewhere
            | Self::WrongCodes
            | Self::FirstSignIn
            | Self::DormantClient
            | Self::UnusualHabit
            | Self::Replay
            | Self::Reports => false,
        }
    }

    fn about(self, seen: &Sighting) -> Option<Subject> {
        let client = || Some(Subject { client_id: Some(seen.client_id.clone()), ..Subject::default() });
        let account = || Some(Subject { account: Some(seen.account.clone()?), ..Subject::default() });
        let network = || Some(Subject { asn: Some(seen.device.asn?), ..Subject::default() });
        match self {
            Self::CodeBurst => Some(Subject { asn: seen.device.asn, ..client()? }),
            Self::HostingNetwork | Self::Campaign | Self::WrongCodes => network(),
            Self::ManyDevices
            | Self::FarApproval
            | Self::RedeemedElsewhere
            | Self::FirstSignIn
            | Self::UnusualHabit => account(),
            Self::DormantClient | Self::Replay | Self::Reports => client(),
        }
    }
}

/// How an event differs from what the account or the client did before.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Past {
    /// The account gets its first tokens.
    pub is_first: bool,
    /// The client was not used for as long as [`Detection::DormantClient`] says.
    pub was_dormant: bool,
    /// Hour or country is unusual for the account.
    pub is_unusual: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_detection_is_written_as_it_is_named() {
        for detection in Detection::ALL {
            assert_eq!(serde_json::to_value(detection).unwrap(), detection.name());
        }
    }
}
