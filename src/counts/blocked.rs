//! Who was refused by policy, and who would have been: a row for each client, group, country, network and account.

use serde::{Deserialize, Serialize};

use super::sighting::{Judged, Sighting};
use crate::time::Timestamp;

/// The most days that a report can be about.
pub const MOST_DAYS: u32 = 30;
/// The most rows of a kind. What comes later counts as [`OTHER`](super::OTHER).
pub const MOST_ROWS: u32 = 1_000;
/// The same for clients that nobody registered: anybody can make them up.
pub const MOST_UNKNOWN: u32 = 100;
/// The most people of a row that are counted.
pub const MOST_PEOPLE: usize = 100;
/// The most clients, groups and causes that a row names.
const MOST_NAMES: usize = 20;
/// The most rules that a row names.
const MOST_RULES: usize = 50;

/// By what the rows are told apart.
#[expect(missing_docs, reason = "the names of the other members say it all")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    Client,
    /// Clients that nobody registered.
    UnknownClient,
    /// Groups of the people whose approvals were judged.
    Group,
    /// Where the device asked.
    Country,
    /// The AS number of the device's network.
    Network,
    /// The `sub` of accounts.
    Account,
}

impl By {
    /// All of them, with their names.
    pub const ALL: [(&str, Self); 6] = [
        ("client", Self::Client),
        ("unknown_client", Self::UnknownClient),
        ("group", Self::Group),
        ("country", Self::Country),
        ("network", Self::Network),
        ("account", Self::Account),
    ];

    /// Returns the name, as rows have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::UnknownClient => "unknown_client",
            Self::Group => "group",
            Self::Country => "country",
            Self::Network => "network",
            Self::Account => "account",
        }
    }

    /// Returns the most rows.
    #[must_use]
    pub const fn most(self) -> u32 {
        match self {
            Self::UnknownClient => MOST_UNKNOWN,
            Self::Client | Self::Group | Self::Country | Self::Network | Self::Account => MOST_ROWS,
        }
    }
}

/// A step that policy refused, or would have refused.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    pub at: Timestamp,
    /// Such as `approval`.
    pub point: String,
    /// Whether it was refused; otherwise it would have been, if everything that only reports were enforced.
    pub is_refused: bool,
    /// What decided, such as `rule staff-cli`.
    pub decided_by: String,
    /// The rules that applied.
    pub matched: Vec<String>,
    /// Empty if the client was not known yet.
    pub client_id: String,
    pub is_registered: bool,
    pub account: Option<String>,
    pub groups: Vec<String>,
    pub country: Option<String>,
    pub asn: Option<u32>,
    pub times: u64,
}

impl Step {
    /// Returns the step of an event; `None` if policy refused nothing, and would not have.
    #[must_use]
    pub fn of(seen: &Sighting) -> Option<Self> {
        let (judged, policy) = seen.judged()?;
        let (is_refused, decided_by) = match judged {
            Judged::Refused(by) => (true, by),
            Judged::WouldBeRefused(by) => (false, by),
            Judged::Allowed => return None,
        };
        Some(Self {
            at: seen.at,
            point: policy.point.clone(),
            is_refused,
            decided_by: decided_by.to_owned(),
            matched: policy.matched.clone(),
            client_id: seen.client_id.clone(),
            is_registered: true,
            account: seen.account.clone(),
            groups: policy.facts.as_ref().map(|facts| facts.groups.clone()).unwrap_or_default(),
            country: seen.device.country.clone(),
            asn: seen.device.asn,
            times: 1,
        })
    }

    /// Returns the rows that count the step.
    #[must_use]
    pub fn rows(&self) -> Vec<(By, String)> {
        let client = if self.is_registered { By::Client } else { By::UnknownClient };
        let clients = Some((client, self.client_id.clone())).filter(|(_, client)| !client.is_empty());
        let groups = self.groups.iter().map(|group| (By::Group, group.clone()));
        // At a sign-in, nobody knows yet what device it is for.
        let has_device = clients.is_some();
        let country = self.country.clone().unwrap_or_else(|| "XX".to_owned());
        let country = has_device.then_some((By::Country, country));
        let network = self.asn.map(|asn| (By::Network, asn.to_string()));
        let account = self.account.clone().map(|account| (By::Account, account));
        clients.into_iter().chain(groups).chain(country).chain(network).chain(account).collect()
    }
}

/// A row, as it is stored.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Blocked {
    /// By day and point, of the last [`MOST_DAYS`].
    pub steps: Vec<Steps>,
    /// The `sub` of each person, and the last day, of the last [`MOST_DAYS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<(String, u32)>,
    /// When more people came than [`MOST_PEOPLE`]; 0 for never.
    #[serde(default)]
    pub more_people: u32,
    /// The clients, the groups of the people, and what decided: each with the last day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<(String, u32)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<(String, u32)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decided_by: Vec<(String, u32)>,
    /// The rules that applied, each with the last day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<(String, u32)>,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// How often something happened on a day, at a point.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Steps {
    pub day: u32,
    pub point: String,
    pub refused: u64,
    pub would_refuse: u64,
}

impl Blocked {
    /// Counts a step.
    pub fn add(&mut self, step: &Step) {
        let today = day(step.at);
        let is_empty = self.steps.is_empty() && self.first_at == Timestamp::default();
        self.first_at = if is_empty { step.at } else { self.first_at.min(step.at) };
        self.last_at = self.last_at.max(step.at);
        self.forget(day(self.last_at));
        self.count(today, step);
        if let Some(account) = &step.account {
            let is_counted = note(&mut self.people, account, today, MOST_PEOPLE);
            self.more_people = if is_counted { self.more_people } else { self.more_people.max(today) };
        }
        note(&mut self.clients, &step.client_id, today, MOST_NAMES);
        note(&mut self.decided_by, &step.decided_by, today, MOST_NAMES);
        for group in &step.groups {
            note(&mut self.groups, group, today, MOST_NAMES);
        }
        for rule in &step.matched {
            note(&mut self.matched, rule, today, MOST_RULES);
        }
    }

    fn count(&mut self, day: u32, step: &Step) {
        let is_of = |steps: &Steps| steps.day == day && steps.point == step.point;
        let place = self.steps.iter().position(is_of).unwrap_or_else(|| {
            self.steps.push(Steps { day, point: step.point.clone(), refused: 0, would_refuse: 0 });
            self.steps.len() - 1
        });
        if let Some(steps) = self.steps.get_mut(place) {
            let count = if step.is_refused { &mut steps.refused } else { &mut steps.would_refuse };
            *count += step.times;
        }
    }

    /// Forgets what is older than a report can be.
    fn forget(&mut self, today: u32) {
        let first = today.saturating_sub(MOST_DAYS - 1);
        self.steps.retain(|steps| steps.day >= first);
        self.forget_names(first);
    }

    fn forget_names(&mut self, first: u32) {
        let Self { people, clients, groups, decided_by, matched, .. } = self;
        for list in [people, clients, groups, decided_by, matched] {
            list.retain(|(_, day)| *day >= first);
        }
    }

    /// Returns what happened from a day on; `None` if nothing did.
    #[must_use]
    pub fn since(mut self, first: u32) -> Option<Self> {
        self.steps.retain(|steps| steps.day >= first);
        self.forget_names(first);
        self.more_people = if self.more_people >= first { self.more_people } else { 0 };
        (!self.steps.is_empty()).then_some(self)
    }
}

/// Returns the day of an instant, counted from 1970.
fn day(at: Timestamp) -> u32 {
    u32::try_from(at.seconds() / 86_400).unwrap_or(u32::MAX)
}

/// Notes a name with its last day. Returns whether there was room.
fn note(list: &mut Vec<(String, u32)>, name: &str, day: u32, most: usize) -> bool {
    if name.is_empty() {
        return true;
    }
    if let Some((_, last)) = list.iter_mut().find(|(known, _)| known == name) {
        *last = day.max(*last);
        return true;
    }
    let has_room = list.len() < most;
    if has_room {
        list.push((name.to_owned(), day));
    }
    has_room
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    const NOW: Timestamp = Timestamp::from_millis(1_795_262_400_000);

    fn step(days: u64, account: &str) -> Step {
        Step {
            at: NOW + Duration::from_secs(days * 86_400),
            point: "approval".to_owned(),
            is_refused: false,
            decided_by: "rule abroad".to_owned(),
            matched: vec!["abroad".to_owned()],
            client_id: "tv".to_owned(),
            is_registered: true,
            account: Some(account.to_owned()),
            groups: vec!["local:staff".to_owned()],
            country: None,
            asn: Some(64_500),
            times: 1,
        }
    }

    #[test]
    fn a_row_forgets_days_that_no_report_is_about_but_never_when_it_began() {
        let mut row = Blocked::default();
        row.add(&step(0, "a"));
        row.add(&step(29, "b"));
        assert_eq!((row.steps.len(), row.people.len()), (2, 2));

        row.add(&step(30, "b"));

        assert_eq!((row.steps.len(), row.people.len(), row.first_at), (2, 1, NOW));
    }

    #[test]
    fn a_report_counts_the_people_and_names_of_its_days_only() {
        let mut row = Blocked::default();
        row.add(&step(0, "a"));
        row.add(&Step { is_refused: true, decided_by: "default".to_owned(), ..step(5, "b") });

        let late = row.clone().since(day(NOW) + 5).expect("a row");

        assert_eq!((late.people.len(), late.decided_by.len()), (1, 1));
        assert_eq!(
            late.steps.iter().map(|steps| (steps.refused, steps.would_refuse)).collect::<Vec<_>>(),
            [(1, 0)]
        );
        assert_eq!(row.since(day(NOW) + 6), None);
    }

    #[test]
    fn a_row_counts_a_bounded_number_of_people_and_says_that_there_were_more() {
        let mut row = Blocked::default();
        for number in 0..=MOST_PEOPLE {
            assert_eq!(row.more_people, 0);
            row.add(&step(0, &number.to_string()));
        }

        assert_eq!((row.people.len(), row.more_people), (MOST_PEOPLE, day(NOW)));
    }

    #[test]
    fn a_step_is_in_a_row_of_each_kind_and_a_sign_in_only_in_that_of_the_account() {
        let kinds = |step: Step| step.rows().into_iter().map(|(by, _)| by).collect::<Vec<_>>();

        assert_eq!(kinds(step(0, "a")), [By::Client, By::Group, By::Country, By::Network, By::Account]);
        let sign_in = Step { client_id: String::new(), groups: Vec::new(), asn: None, ..step(0, "a") };
        assert_eq!(kinds(sign_in), [By::Account]);
        assert_eq!(kinds(Step { is_registered: false, ..step(0, "a") }).first(), Some(&By::UnknownClient));
    }

    #[test]
    fn each_kind_is_written_as_it_is_named() {
        for (name, by) in By::ALL {
            assert_eq!((serde_json::to_value(by).unwrap(), by.name()), (name.into(), name));
        }
    }
}
