//! Warnings: the events that somebody should hear about when they happen, in the log and through the
//! [webhook](super::webhook).

use serde::Serialize;

use super::alert::{AlertEvent, AlertKind};
use super::change::{Change, Changed};
use super::sign_in::SignInKind;
use super::{Event, What};
use crate::json;

impl What {
    /// Returns whether the event says that somebody probably tried to deceive a person, or got in whatever the rules say.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        match self {
            Self::BreakGlass
            | Self::Contested
            | Self::EndedCodeEntered
            | Self::Reported
            | Self::VerificationFailed
            | Self::BindingFailed => true,
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
            | Self::ApprovalRefused
            | Self::RedemptionRefused
            | Self::RefreshRefused
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

/// Returns whether an event of this kind goes to those who want only warnings and notices.
#[must_use]
pub fn is_for_webhook(kind: &str) -> bool {
    json::named::<What>(kind).is_some_and(|what| what.is_warning() || what == What::FirstAccess)
        || json::named::<Changed>(kind).is_some_and(Changed::is_warning)
        || json::named::<AlertKind>(kind).is_some_and(AlertKind::is_warning)
}

/// Returns whether there are events of this kind.
#[must_use]
pub fn is_kind(kind: &str) -> bool {
    json::is_name::<What>(kind)
        || json::is_name::<Changed>(kind)
        || json::is_name::<AlertKind>(kind)
        || json::is_name::<SignInKind>(kind)
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

/// Returns the line of the log for an alert that is opened.
#[must_use]
pub fn line_of_alert(event: &AlertEvent) -> Option<String> {
    event.what.is_warning().then(|| written(event.what, event))
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

#[cfg(test)]
mod tests {
    use super::super::change::Actor;
    use super::*;
    use crate::time::Timestamp;
    use serde_json::{Value, json};

    const AT: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn the_webhook_hears_of_warnings_and_of_a_first_access_and_of_nothing_else() {
        let event = |what| Event::of(what, AT, "g".to_owned(), "tv".to_owned());

        for (what, is_warning, is_for_webhook) in [
            (What::BreakGlass, true, true),
            (What::Contested, true, true),
            (What::EndedCodeEntered, true, true),
            (What::Reported, true, true),
            (What::VerificationFailed, true, true),
            (What::BindingFailed, true, true),
            (What::FirstAccess, false, true),
            (What::Approved, false, false),
        ] {
            assert_eq!(line(&event(what)).is_some(), is_warning, "{what:?}");
            assert_eq!(event(what).is_for_webhook(), is_for_webhook, "{what:?}");
        }
    }

    #[test]
    fn whoever_gains_power_over_the_server_is_written_to_the_log_with_the_whole_change() {
        let change = |what| Change::of(what, Some("ci"), Actor::Registration, AT);
        let line =
            |what| line_of_change(&change(what)).map(|line| serde_json::from_str::<Value>(&line).unwrap());

        for what in [
            Changed::AdminTokenCreated,
            Changed::AdministratorInvited,
            Changed::AdministratorAdmitted,
            Changed::PasskeyCopied,
        ] {
            let expected = json!({ "what": "warning", "outcome": what, "event": change(what) });
            assert_eq!(line(what), Some(expected));
        }
        for what in [Changed::AdminTokenRevoked, Changed::ClientCreated, Changed::AccountBlocked] {
            assert_eq!(line(what), None, "{what:?}");
        }
    }

    #[test]
    fn every_way_to_keep_events_from_a_destination_is_a_warning() {
        for what in [
            Changed::DestinationCreated,
            Changed::DestinationChanged,
            Changed::DestinationSecretRotated,
            Changed::DestinationDeleted,
            Changed::DeliveryDiscarded,
        ] {
            assert!(what.is_warning(), "{what:?}");
        }
        assert!(!Changed::DeliveriesResent.is_warning());
    }
}
