//! What a person decided lately, and which clients have ever had access to the account: one row for each account, for
//! its owner to read.

use serde::{Deserialize, Serialize};

use super::device::{Device, DeviceId};
use crate::format::{Format, is_false};
use crate::provenance::Stage;
use crate::time::Timestamp;

/// The most decisions that are kept.
const MOST_DECISIONS: usize = 20;
/// The most clients that are remembered. If there are more, the ones that came first are new again.
const MOST_CLIENTS: usize = 200;
/// The most countries that are remembered, in the same way.
const MOST_COUNTRIES: usize = 50;
/// Stands for a country that is not known.
const NOWHERE: &str = "XX";

/// The history of an account, as its row stores it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct History {
    pub format: Format<1>,
    /// The newest comes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<PastDecision>,
    /// The newest comes last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<FirstAccess>,
    /// The countries in which devices asked that got access: codes of two letters, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
}

/// The clients whose devices had access to an account, and the countries in which these devices asked.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct Known {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
}

/// A decision about the request of a device.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PastDecision {
    /// Names the decision, so that it is kept once.
    pub id: String,
    /// What the person decided.
    pub verdict: Verdict,
    /// The client's name at that time.
    pub client_name: String,
    /// When the person decided.
    pub at: Timestamp,
    /// The device's request.
    pub started: Stage,
}

/// What a person decided.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it all")]
pub enum Verdict {
    Approved,
    Refused,
    Reported,
}

/// The first time that a device of a client got tokens of the account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct FirstAccess {
    pub client_id: String,
    /// The client's name at that time.
    pub client_name: String,
    pub device: DeviceId,
    /// When the person approved.
    pub approved_at: Timestamp,
    /// The device's request.
    pub started: Stage,
    /// Whether the person has confirmed that they know of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub known: bool,
}

impl History {
    /// Adds a decision, unless it is there already. Returns whether the row must be written.
    pub fn note(&mut self, decision: PastDecision) -> bool {
        let is_new = self.decisions.iter().all(|other| other.id != decision.id);
        if is_new {
            self.decisions.insert(0, decision);
            self.decisions.truncate(MOST_DECISIONS);
        }
        is_new
    }

    /// Adds the client of a device, unless it had access before. Returns whether it is new.
    pub fn admit(&mut self, id: &DeviceId, device: &Device) -> bool {
        if self.clients.iter().any(|known| known.client_id == device.client_id) {
            return false;
        }
        if self.clients.len() >= MOST_CLIENTS {
            self.clients.remove(0);
        }
        self.clients.push(FirstAccess {
            client_id: device.client_id.clone(),
            client_name: device.client_name.clone(),
            device: id.clone(),
            approved_at: device.provenance.approved.at,
            started: device.provenance.started.clone(),
            known: false,
        });
        true
    }

    /// Adds the country in which a device asked. Returns whether it is new.
    pub fn visit(&mut self, device: &Device) -> bool {
        let country = device.provenance.started.spot.country.as_deref().unwrap_or(NOWHERE);
        if self.countries.iter().any(|known| known == country) {
            return false;
        }
        if self.countries.len() >= MOST_COUNTRIES {
            self.countries.remove(0);
        }
        self.countries.push(country.to_owned());
        true
    }

    /// Returns what devices had access before.
    #[must_use]
    pub fn known(self) -> Known {
        let clients = self.clients.into_iter().map(|first| first.client_id).collect();
        Known { clients, countries: self.countries }
    }

    /// Notes that the person knows of the first access of a client. Returns whether the row must be written.
    pub fn confirm(&mut self, client_id: &str) -> bool {
        let new = self.clients.iter_mut().find(|first| first.client_id == client_id && !first.known);
        new.map(|first| first.known = true).is_some()
    }

    /// Returns the first accesses of which the person has not confirmed that they know, the newest first.
    pub fn unconfirmed(&self) -> impl Iterator<Item = &FirstAccess> {
        self.clients.iter().rev().filter(|first| !first.known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::account_key::AccountKey;
    use crate::identity::device::State;
    use crate::network::Network;
    use crate::provenance::Provenance;
    use crate::scope::Scope;

    const AT: Timestamp = Timestamp::from_millis(1_000);

    fn decision(id: usize) -> PastDecision {
        let (id, client_name) = (id.to_string(), "TV".to_owned());
        PastDecision { id, verdict: Verdict::Approved, client_name, at: AT, started: Stage::default() }
    }

    fn admit(history: &mut History, client_id: usize) -> bool {
        history.admit(&DeviceId::from("sid".to_owned()), &device(client_id))
    }

    fn device(client_id: usize) -> Device {
        Device {
            format: Format,
            account: AccountKey::local("alice"),
            client_id: client_id.to_string(),
            client_name: "TV".to_owned(),
            label: None,
            scope: Scope::default(),
            provenance: Provenance::default(),
            network: Network::default(),
            first_used_at: AT,
            last_used_at: AT,
            ends_at: AT,
            state: State::Pending,
        }
    }

    #[test]
    fn a_country_is_new_once_and_the_oldest_are_forgotten() {
        let mut history = History::default();
        let visit = |history: &mut History, country: Option<String>| {
            let mut device = device(1);
            device.provenance.started.spot.country = country;
            history.visit(&device)
        };
        assert!(visit(&mut history, None) && !visit(&mut history, None));
        assert!(visit(&mut history, Some("DE".to_owned())) && !visit(&mut history, Some("DE".to_owned())));
        assert_eq!(history.clone().known().countries, ["XX", "DE"]);
        for number in 10..10 + MOST_COUNTRIES {
            assert!(visit(&mut history, Some(number.to_string())));
        }
        assert_eq!(history.countries.len(), MOST_COUNTRIES);
        assert!(visit(&mut history, Some("DE".to_owned())));
    }

    #[test]
    fn the_newest_decisions_are_kept_once_each() {
        let mut history = History::default();
        for id in 0..30 {
            assert!(history.note(decision(id)));
            assert!(!history.note(decision(id)), "the platform may deliver it twice");
        }

        let ids: Vec<String> = history.decisions.iter().map(|decision| decision.id.clone()).collect();
        assert_eq!(ids, (10..30).rev().map(|id| id.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn a_client_is_new_once_and_until_the_person_knows_of_it() {
        let mut history = History::default();
        assert_eq!([1, 2, 1].map(|client| admit(&mut history, client)), [true, true, false]);

        assert!(history.confirm("1") && !history.confirm("1") && !history.confirm("3"));
        let new: Vec<&str> = history.unconfirmed().map(|first| first.client_id.as_str()).collect();
        assert_eq!(new, ["2"]);
        assert!(!admit(&mut history, 1), "it is still remembered");
    }

    #[test]
    fn a_row_has_an_end_however_many_clients_a_person_lets_in() {
        let mut history = History::default();
        for client in 0..=MOST_CLIENTS {
            assert!(admit(&mut history, client));
        }

        assert_eq!(history.clients.len(), MOST_CLIENTS);
        assert!(admit(&mut history, 0), "the one that came first is forgotten");
    }
}
