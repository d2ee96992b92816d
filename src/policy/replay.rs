//! Approvals of the past, which can be judged again by another policy.

use core::time::Duration;

use serde::Deserialize;

use super::Point;
use super::facts::{Facts, First, FirstTimes, Groups, SideFacts, SignInFacts, Start};
use super::name::Name;
use super::place::Country;
use super::window::Span;
use crate::audit::facts_record::{FactsRecord, SideRecord};
use crate::audit::policy_record::PolicyRecord;
use crate::identity::account_key::AccountKey;
use crate::identity::group::Group;
use crate::json;
use crate::network::Network;
use crate::provenance::{ApprovalId, Stage};
use crate::row_key::RowKey;
use crate::scope::Scope;
use crate::time::Timestamp;
use crate::verdict::{Comparison, Doubt, Spot, Verdict, Whose};

/// What the platform says instead of a country about an exit of the Tor network.
const TOR: &str = "T1";

/// An approval, allowed or refused, as its event has it.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug)]
pub struct Past {
    /// The identifier of the event, such as `weur/3/17`.
    pub id: String,
    pub at: Timestamp,
    pub client_id: String,
    /// The `sub` of the account; `None` if the event names nobody.
    pub account: Option<String>,
    /// What policy decided then.
    pub decision: PolicyRecord,
    /// Whether the person approved; otherwise, the approval was refused.
    pub is_approved: bool,
    facts: FactsRecord,
    comparison: Comparison,
    started: Stage,
    approval: Option<ApprovalId>,
    code: Option<RowKey>,
    scope: Scope,
    groups: Vec<Group>,
    /// The networks of device and person.
    networks: [Vec<Name>; 2],
    /// No event has the addresses of a device, nor what is counted by them.
    network: Network,
}

#[derive(Deserialize)]
struct Record {
    id: String,
    event: Event,
}

#[derive(Deserialize)]
struct Event {
    what: String,
    at: Timestamp,
    /// The key of the grant.
    subject: Option<RowKey>,
    client_id: String,
    account: Option<String>,
    comparison: Comparison,
    started: Stage,
    approval_id: Option<ApprovalId>,
    policy: PolicyRecord,
}

impl Past {
    /// Reads a record of a ledger; `None` if it is not about an approval that policy judged, or if it lacks the facts, as
    /// those of older versions do.
    #[must_use]
    pub fn of(record: &str) -> Option<Self> {
        let Record { id, event } = json::read(record).ok()?;
        let Event { what, at, subject, client_id, account, comparison, started, approval_id, mut policy } =
            event;
        let facts = *policy.facts.take()?;
        let names = |side: &SideRecord| side.networks.iter().filter_map(|name| Name::parse(name)).collect();
        Some(Self {
            id,
            at,
            client_id,
            account,
            decision: policy,
            is_approved: what == "approved",
            comparison,
            started,
            approval: approval_id,
            code: subject,
            scope: Scope::parse(&facts.scope).unwrap_or_default(),
            groups: facts.groups.iter().filter_map(|group| Group::parse(group)).collect(),
            networks: [names(&facts.device), names(&facts.person)],
            network: Network::default(),
            facts,
        })
    }

    /// Returns the facts. `account` is the key of the account, or any key that no rule names: the event has only the `sub`.
    #[must_use]
    pub fn facts<'a>(&'a self, account: Option<&'a AccountKey>) -> Facts<'a> {
        let [device, person] = self.sides();
        let FactsRecord { more_groups, sign_in, same_device, web_page, can_verify, identified, .. } =
            &self.facts;
        let groups =
            if *more_groups { Groups::at_least(&self.groups) } else { Groups::exactly(&self.groups) };
        Facts {
            client: Some(&self.client_id),
            scope: Some(&self.scope),
            account,
            groups: Some(groups),
            sign_in: sign_in.as_ref().map(|facts| SignInFacts {
                age: Duration::from_secs(facts.age),
                acr: facts.acr.as_deref(),
                amr: &facts.amr,
                resists_phishing: facts.phishing_resistant,
            }),
            device: Some(device),
            person: Some(person),
            nearness: Some(self.comparison.verdict.into()),
            same_device: Some(*same_device),
            first: Some(self.first()),
            web_page: Some(*web_page),
            can_verify: Some(*can_verify),
            is_bound: Some(*identified),
            start: Some(Start {
                at: self.started.at,
                country: device.country,
                asn: device.asn,
                network: &self.network,
            }),
            approval: self.approval.as_ref(),
            code: self.code,
            ..Facts::unknown(Point::Approval, Span::at(self.at))
        }
    }

    fn sides(&self) -> [SideFacts<'_>; 2] {
        let Comparison { device, person, verdict, .. } = &self.comparison;
        let whose = match verdict {
            Verdict::Unknown { why: Doubt::Tor, whose } => *whose,
            Verdict::Near | Verdict::Far | Verdict::Unknown { .. } => None,
        };
        let is_device = matches!(whose, Some(Whose::Device | Whose::Both));
        let is_person = matches!(whose, Some(Whose::Person | Whose::Both));
        let [of_device, of_person] = &self.networks;
        [
            side(device, of_device, self.facts.device.managed, is_device),
            side(person, of_person, self.facts.person.managed, is_person),
        ]
    }

    fn first(&self) -> FirstTimes {
        let has = |wanted: First| {
            First::ALL
                .iter()
                .any(|(word, first)| *first == wanted && self.facts.first.iter().any(|known| known == word))
        };
        FirstTimes { person: has(First::Person), client: has(First::Client), place: has(First::Place) }
    }
}

/// Returns the facts of a side. The place in an older event has no country for Tor; the verdict says that it was Tor.
fn side<'a>(spot: &'a Spot, networks: &'a [Name], managed: bool, is_tor: bool) -> SideFacts<'a> {
    let facts = SideFacts::recorded(spot, networks, managed);
    if is_tor { SideFacts { country: Country::of(Some(TOR)), ..facts } } else { facts }
}
