//! Warnings: the events that somebody should hear about when they happen, in the log and through the
//! [webhook](super::webhook).

use serde::Serialize;

use super::change::Change;
use super::{Event, What};

impl What {
    /// Returns whether the event says that somebody probably tried to deceive a person.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        match self {
            Self::Contested | Self::Reported => true,
            Self::DeviceAuthorization
            | Self::ConsentOpened
            | Self::Approved
            | Self::Denied
            | Self::Expired
            | Self::Redeemed
            | Self::RedeemedElsewhere
            | Self::RefusedElsewhere
            | Self::Reissued
            | Self::DeviceCodeReplayed
            | Self::DeviceCodeWithoutKey
            | Self::Refreshed
            | Self::RefreshedAgain
            | Self::RefreshTokenReused
            | Self::Revoked
            | Self::AccessEnded
            | Self::FirstAccess
            | Self::Ended
            | Self::Withdrawn => false,
        }
    }
}

impl Event {
    /// Returns whether the webhook gets the event, as a warning or as a notice that nothing needs to be wrong with.
    #[must_use]
    pub fn is_for_webhook(&self) -> bool {
        self.what.is_warning() || self.what == What::FirstAccess
    }
}

/// Returns the line of the log for an event that is a warning. It has the whole event: time, account, grant, both
/// places and the verdict.
#[must_use]
pub fn line(event: &Event) -> Option<String> {
    event.what.is_warning().then(|| written(event.what, event))
}

/// Returns the line of the log for a change of the registry that is a warning.
#[must_use]
pub fn line_of_change(change: &Change) -> Option<String> {
    change.what.is_warning().then(|| written(change.what, change))
}

fn written(outcome: impl Serialize, event: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Line<'a, O, E> {
        what: &'static str,
        outcome: O,
        event: &'a E,
    }
    let line = Line { what: "warning", outcome, event };
    serde_json::to_string(&line).expect("an event can always be written")
}
