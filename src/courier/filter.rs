//! Which events a destination gets.

use serde::{Deserialize, Serialize};

use crate::audit::warning::is_for_webhook;
use crate::format::is_false;
use crate::json;
use crate::time::Timestamp;

/// Conditions that an event must all meet. An empty list is met by every event.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Filter {
    /// Kinds of events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub what: Vec<String>,
    /// Outcomes, such as `refused`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<String>,
    /// Clients by `client_id`. An event without a client meets no list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<String>,
    /// Whether only warnings and notices are wanted: the events that `EVENTS_WEBHOOK` gets.
    #[serde(default, skip_serializing_if = "is_false")]
    pub warnings: bool,
}

/// What a filter looks at in the record of a ledger.
#[derive(Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) event: Head,
}

#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) what: String,
    pub(super) at: Timestamp,
    outcome: Option<String>,
    client_id: Option<String>,
}

impl Record {
    /// Reads a record; `None` for what is no event.
    pub(super) fn read(record: &str) -> Option<Self> {
        json::read(record).ok()
    }
}

impl Filter {
    pub(super) fn matches(&self, event: &Head) -> bool {
        let meets = |list: &[String], value: Option<&String>| {
            list.is_empty() || value.is_some_and(|value| list.contains(value))
        };
        meets(&self.what, Some(&event.what))
            && meets(&self.outcomes, event.outcome.as_ref())
            && meets(&self.clients, event.client_id.as_ref())
            && (!self.warnings || is_for_webhook(&event.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(what: &str, outcome: &str, client_id: Option<&str>) -> Head {
        let client_id = client_id.map(str::to_owned);
        Head { what: what.to_owned(), at: Timestamp::default(), outcome: Some(outcome.to_owned()), client_id }
    }

    #[test]
    fn an_event_must_meet_every_condition() {
        let list = |text: &str| vec![text.to_owned()];
        let all =
            Filter { what: list("denied"), outcomes: list("refused"), clients: list("tv"), warnings: false };

        assert!(Filter::default().matches(&head("client_created", "changed", None)));
        assert!(all.matches(&head("denied", "refused", Some("tv"))));
        for other in [
            head("approved", "refused", Some("tv")),
            head("denied", "granted", Some("tv")),
            head("denied", "refused", Some("cli")),
            head("denied", "refused", None),
        ] {
            assert!(!all.matches(&other));
        }
    }

    #[test]
    fn warnings_are_what_the_webhook_of_the_settings_gets() {
        let warnings = Filter { warnings: true, ..Filter::default() };
        for (what, is_wanted) in [
            ("reported", true),
            ("first_access", true),
            ("kill_switch_set", true),
            ("alert_opened", true),
            ("alert_closed", false),
            ("approved", false),
            ("signed_in", false),
        ] {
            assert_eq!(warnings.matches(&head(what, "noted", None)), is_wanted, "{what}");
        }
    }
}
