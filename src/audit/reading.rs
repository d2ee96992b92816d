//! Reading events out of ledgers, a bounded number at a time.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::policy_record::verdict;
use crate::format::is_false;
use crate::json;
use crate::time::Timestamp;

/// The most events that a ledger looks at for one command.
pub const MOST_LOOKED_AT: u32 = 1_000;

/// Which events are wanted: those that match every member that is given.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Filter {
    /// The first instant.
    pub from: Timestamp,
    /// The instant after the last one.
    pub to: Timestamp,
    /// Finds events of grants and tokens of the client, and changes of the client itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The `sub` of an account. Finds its events, and changes of the account itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The AS number of a network. Finds events with a place in it: of the device, the person, or a redemption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// What came of the policy's decision: one of [`VERDICTS`](super::policy_record::VERDICTS).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Finds only approvals that have the facts by which policy judged them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub with_facts: bool,
}

/// Where an event can have the AS number of a network.
const NETWORKS: [&str; 11] = [
    "/asn",
    "/started/asn",
    "/approved/asn",
    "/comparison/device/asn",
    "/comparison/person/asn",
    "/journey/start/asn",
    "/journey/redemption/asn",
    "/person/asn",
    "/access_request/comparison/device/asn",
    "/access_request/comparison/person/asn",
    "/access_request/person/asn",
];

impl Filter {
    /// Returns whether a record of a ledger, `{"id":…,"event":{…}}`, is wanted.
    #[must_use]
    pub fn matches(&self, record: &Value) -> bool {
        let event = record.get("event").unwrap_or(&Value::Null);
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let at = event.get("at").and_then(Value::as_u64).map(Timestamp::from_millis);
        let is = |wanted: &Option<String>, found: &[Option<&str>]| {
            wanted.as_deref().is_none_or(|wanted| found.contains(&Some(wanted)))
        };
        let what = text("what");
        let asked = |name: &str| event.pointer(&format!("/access_request/{name}")).and_then(Value::as_str);
        let changed =
            |kind: &str| text("subject").filter(|_| what.is_some_and(|what| what.starts_with(kind)));
        at.is_some_and(|at| self.from <= at && at < self.to)
            && is(&self.client_id, &[text("client_id"), changed("client_"), asked("client_id")])
            && is(
                &self.account,
                &[text("account"), text("other_account"), changed("account_"), asked("account")],
            )
            && is(&self.what, &[what])
            && is(&self.outcome, &[text("outcome")])
            && is(&self.policy, &[decided(event)])
            && (!self.with_facts || event.pointer("/policy/facts").is_some())
            && self.asn.is_none_or(|asn| {
                NETWORKS.iter().any(|place| event.pointer(place).and_then(Value::as_u64) == Some(asn.into()))
            })
    }
}

/// Returns what came of the policy's decision; `None` if it was not asked.
fn decided(event: &Value) -> Option<&str> {
    let text = |place: &str| event.pointer(place).and_then(Value::as_str);
    Some(verdict(text("/policy/outcome")?, text("/policy/would/outcome")))
}

/// Reads events of a ledger, oldest first. Looks at no more than [`MOST_LOOKED_AT`], whatever the filter finds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReadEvents {
    /// The number of the last record that was looked at before; 0 to begin.
    pub after: i64,
    /// The most events to return.
    pub limit: u32,
    /// Which events to return.
    pub filter: Filter,
}

/// The result of [`ReadEvents`].
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct EventPage {
    /// The wanted records, as the ledger stores them: `{"id":"weur/3/17","event":{…}}`.
    pub records: Vec<Value>,
    /// The number of the last record that was looked at; `None` if that is the last one of the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

impl EventPage {
    /// Picks the wanted records among `rows`, which are the first [`MOST_LOOKED_AT`] plus one that follow
    /// [`ReadEvents::after`]. A row that does not parse is left out.
    #[must_use]
    pub fn of(ask: &ReadEvents, rows: &[(i64, String)]) -> Self {
        let mut page = Self::default();
        for (looked_at, (number, record)) in (0..).zip(rows) {
            if looked_at == MOST_LOOKED_AT || page.records.len() as u64 == u64::from(ask.limit) {
                page.next = Some(*number - 1);
                break;
            }
            page.records.extend(json::read(record).ok().filter(|record| ask.filter.matches(record)));
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn everything() -> Filter {
        Filter { to: Timestamp::from_millis(u64::MAX), ..Filter::default() }
    }

    fn rows(count: i64) -> Vec<(i64, String)> {
        (1..=count)
            .map(|n| (n, format!(r#"{{"id":"weur/3/{n}","event":{{"at":{n},"what":"approved"}}}}"#)))
            .collect()
    }

    #[test]
    fn every_member_of_a_filter_has_to_match() {
        let text = |text: &str| Some(text.to_owned());
        let event = json!({ "event": {
            "at": 5, "what": "contested", "outcome": "refused", "client_id": "tv", "account": "a", "other_account": "b",
            "started": { "asn": 64_500 },
            "policy": { "outcome": "allow", "would": { "outcome": "refuse" } },
        } });
        let from = |millis| Timestamp::from_millis(millis);
        for (filter, expected) in [
            (everything(), true),
            (Filter { from: from(5), to: from(6), ..everything() }, true),
            (Filter { from: from(6), ..everything() }, false),
            (Filter { to: from(5), ..everything() }, false),
            (
                Filter { client_id: text("tv"), account: text("b"), what: text("contested"), ..everything() },
                true,
            ),
            (Filter { client_id: text("tv2"), ..everything() }, false),
            (Filter { account: text("c"), ..everything() }, false),
            (Filter { what: text("reported"), ..everything() }, false),
            (Filter { outcome: text("refused"), ..everything() }, true),
            (Filter { outcome: text("granted"), ..everything() }, false),
            (Filter { asn: Some(64_500), ..everything() }, true),
            (Filter { policy: text("would_refuse"), ..everything() }, true),
            (Filter { policy: text("allow"), ..everything() }, false),
            (Filter { with_facts: true, ..everything() }, false),
            (Filter { asn: Some(64_501), ..everything() }, false),
        ] {
            assert_eq!(filter.matches(&event), expected, "{filter:?}");
        }
        let of_tv = Filter { client_id: text("tv"), ..everything() };
        assert!(of_tv.matches(&json!({ "event": { "at": 5, "what": "client_changed", "subject": "tv" } })));
        assert!(!of_tv.matches(&json!({ "event": { "at": 5, "what": "scope_described", "subject": "tv" } })));
        let with_facts = json!({ "event": { "at": 5, "policy": { "outcome": "allow", "facts": {} } } });
        for filter in
            [Filter { with_facts: true, ..everything() }, Filter { policy: text("allow"), ..everything() }]
        {
            assert!(filter.matches(&with_facts), "{filter:?}");
        }
        assert!(!everything().matches(&json!({})), "a record without a time");
    }

    #[test]
    fn a_network_is_found_at_every_place_that_an_event_can_have() {
        for place in NETWORKS {
            let names: Vec<&str> = place.split('/').skip(1).collect();
            let inner = names.iter().rev().fold(json!(7), |inner, name| json!({ *name: inner }));
            let mut event = json!({ "event": inner });
            event["event"]["at"] = json!(5);
            assert!(Filter { asn: Some(7), ..everything() }.matches(&event), "{place}");
            assert!(!Filter { asn: Some(8), ..everything() }.matches(&event), "{place}");
        }
    }

    #[test]
    fn pages_follow_each_other_without_a_gap() {
        let all = rows(25);
        let (mut after, mut seen) = (0, Vec::new());
        loop {
            let left = all.iter().filter(|(number, _)| *number > after).cloned().collect::<Vec<_>>();
            let page = EventPage::of(&ReadEvents { after, limit: 10, filter: everything() }, &left);
            assert!(page.records.len() <= 10);
            seen.extend(page.records.iter().map(|record| record["event"]["at"].as_i64().unwrap()));
            let Some(next) = page.next else { break };
            after = next;
        }

        assert_eq!(seen, (1..=25).collect::<Vec<_>>());
    }

    #[test]
    fn a_filter_that_finds_nothing_looks_at_a_bounded_number() {
        let filter = Filter { what: Some("reported".to_owned()), ..everything() };
        let most = i64::from(MOST_LOOKED_AT);
        let ask = ReadEvents { after: 0, limit: 10, filter };

        let page = EventPage::of(&ask, &rows(most + 1));

        assert_eq!(page, EventPage { records: Vec::new(), next: Some(most) });
        assert_eq!(EventPage::of(&ask, &rows(most)).next, None, "those were all");
        assert_eq!(EventPage::of(&ask, &[(1, "{".to_owned())]), EventPage::default());
    }
}
