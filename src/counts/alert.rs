//! Alerts: rows that somebody has to look at, and close.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::detection::Detection;
use super::subject::Subject;
use crate::audit::alert::{AlertEvent, AlertKind};
use crate::audit::change::Actor;
use crate::format::Format;
use crate::policy::kill::{Started, Target};
use crate::policy::network::Asn;
use crate::time::Timestamp;

/// The most events that an alert names.
pub const MOST_EVIDENCE: usize = 20;
/// The most open alerts of a detection. The oldest one makes room for the next.
pub const MOST_OPEN: u32 = 1_000;
/// How long an alert is kept after the last event that it is about: as long as a ledger.
pub const KEPT: Duration = Duration::from_hours(400 * 24);

/// The number of an alert: when it was opened, in milliseconds since 1970, or a later instant if that one is taken.
pub type AlertId = u64;

/// An alert. While it is open, what the same detection finds about the same subject is added to it.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Alert {
    pub format: Format<1>,
    pub id: AlertId,
    pub detection: Detection,
    pub subject: Subject,
    /// When the event happened that reached the threshold.
    pub at: Timestamp,
    /// When the last event happened that was added.
    pub last_at: Timestamp,
    /// How much was found: events or people, as the detection counts.
    pub count: u64,
    /// The identifiers of the first events. Empty if the detection counts what is no event.
    pub evidence: Vec<String>,
    pub state: AlertState,
}

/// Whether somebody still has to look at an alert.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Somebody has to.
    Open,
    /// Somebody has.
    #[expect(missing_docs, reason = "the names say it all")]
    Closed { by: Actor, at: Timestamp },
}

impl Alert {
    /// Returns whether the alert is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, AlertState::Open)
    }

    /// Returns what a kill switch has to end that is on until `until`: what starts in the network that the alert is about, from
    /// the beginning of the detection's window on. `None` if the alert is about no devices that started in a network.
    ///
    /// What starts between a look at the alert and the setting of the kill switch has to end as well, so the interval lasts
    /// until then.
    #[must_use]
    pub fn target(&self, until: Timestamp) -> Option<Target> {
        let Subject { client_id, asn, .. } = &self.subject;
        let from = self.at.before(self.detection.terms().window);
        self.detection.is_about_starts().then(|| Target {
            client: client_id.clone(),
            asn: asn.filter(|asn| *asn != 0).map(Asn),
            started: Some(Started { from, to: until }),
            ..Target::default()
        })
    }

    /// Adds what the detection has found since.
    #[must_use]
    pub fn and(mut self, found: Found) -> Self {
        self.count += found.count;
        self.last_at = self.last_at.max(found.at);
        self.evidence.extend(found.evidence);
        self.evidence.truncate(MOST_EVIDENCE);
        self
    }

    /// Returns the event of a step.
    #[must_use]
    pub fn event(&self, what: AlertKind, by: Option<Actor>, at: Timestamp) -> AlertEvent {
        let Subject { client_id, account, asn } = self.subject.clone();
        AlertEvent {
            format: Format,
            what,
            outcome: what.outcome(),
            at,
            subject: self.id.to_string(),
            detection: self.detection.name().to_owned(),
            client_id,
            account,
            asn,
            count: self.count,
            evidence: self.evidence.clone(),
            by,
        }
    }
}

/// What a detection has found.
#[expect(missing_docs, reason = "as in `Alert`")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    pub at: Timestamp,
    pub count: u64,
    pub evidence: Vec<String>,
}
