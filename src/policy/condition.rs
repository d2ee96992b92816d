//! The conditions of rules and exceptions.
//!
//! A condition is true, false or, while its facts are not known yet, undecided (`None`). A condition that lists values is
//! true if the fact is one of them; without values, it is no condition.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::facts::{Facts, First, FirstTimes, Groups, Nearness, SideFacts, SignInFacts};
use super::name::Name;
use super::network::Asn;
use super::place::{Country, Region};
use super::window::Window;
use crate::device_kind::DeviceClass;
use crate::identity::account_key::AccountKey;
use crate::identity::group::Group;
use crate::scope::Scope;

/// Conditions, all of which must be true.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Conditions {
    /// Identifiers of clients. `https://tool.example.org/*` stands for all clients whose metadata documents are at that host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<String>,
    /// Scopes, one of which the request has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Scopes besides which the request has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only_scopes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AccountKey>,
    /// Groups, one of which the person is in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verdict: Vec<Nearness>,
    /// What happens for the first time: any of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<First>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_device: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_page: Option<bool>,
    #[serde(skip_serializing_if = "SideConditions::is_empty")]
    pub device: SideConditions,
    #[serde(skip_serializing_if = "SideConditions::is_empty")]
    pub person: SideConditions,
    #[serde(skip_serializing_if = "SignInConditions::is_empty")]
    pub sign_in: SignInConditions,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Window>,
}

/// Conditions on one of the two requests.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct SideConditions {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<Country>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<Region>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asns: Vec<Asn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosting: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<DeviceClass>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed: Option<bool>,
}

/// Conditions on how the person signed in.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct SignInConditions {
    /// The most seconds since the sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acr: Vec<String>,
    /// Methods, one of which was used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phishing_resistant: Option<bool>,
}

impl Conditions {
    /// Returns whether there is no condition.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether all conditions are true; `None` if that is undecided. Those that decide most often come first, and
    /// those that compare many texts last; the order changes nothing else.
    #[must_use]
    pub fn hold(&self, facts: &Facts<'_>) -> Option<bool> {
        All::default()
            .and(|| given(!self.clients.is_empty(), facts.client, |client| self.names_client(client)))
            .and(|| one_of(&self.verdict, facts.nearness.as_ref()))
            .and(|| is(self.same_device, facts.same_device))
            .and(|| is(self.web_page, facts.web_page))
            .and(|| self.first_time(facts.first))
            .and(|| self.device.hold(facts.device.as_ref()))
            .and(|| self.person.hold(facts.person.as_ref()))
            .and(|| self.time.as_ref().map_or(Some(true), |window| window.holds(facts.time)))
            .and(|| self.sign_in.hold(facts.sign_in.as_ref()))
            .and(|| self.scope(facts.scope))
            .and(|| one_of(&self.accounts, facts.account))
            .and(|| member(&self.groups, facts.groups))
            .truth()
    }

    /// Returns whether a client is one of those that the conditions name; false if they name none.
    #[must_use]
    pub fn names_client(&self, client_id: &str) -> bool {
        let has_host = client_id.starts_with("https://");
        self.clients.iter().any(|named| named == client_id || has_host && is_at(named, client_id))
    }

    fn first_time(&self, times: Option<FirstTimes>) -> Option<bool> {
        given(!self.first.is_empty(), times, |times| self.first.iter().any(|one| times.has(*one)))
    }

    fn scope(&self, scope: Option<&Scope>) -> Option<bool> {
        let has_one = |scope: &Scope| self.scopes.iter().any(|token| scope.has(token));
        let has_no_other =
            |scope: &Scope| scope.iter().all(|token| self.only_scopes.iter().any(|only| only == token));
        All::default()
            .and(|| given(!self.scopes.is_empty(), scope, has_one))
            .and(|| given(!self.only_scopes.is_empty(), scope, has_no_other))
            .truth()
    }
}

impl SideConditions {
    /// Returns whether there is no condition.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn hold(&self, side: Option<&SideFacts<'_>>) -> Option<bool> {
        let in_region =
            |side: &SideFacts<'_>| self.regions.iter().any(|one| one.is(side.country, side.region));
        let in_network = |side: &SideFacts<'_>| self.networks.iter().any(|name| side.networks.contains(name));
        let in_system = |side: &SideFacts<'_>| side.asn.is_some_and(|asn| self.asns.contains(&Asn(asn)));
        All::default()
            .and(|| one_of(&self.countries, side.map(|side| &side.country)))
            .and(|| given(!self.regions.is_empty(), side, in_region))
            .and(|| given(!self.networks.is_empty(), side, in_network))
            .and(|| given(!self.asns.is_empty(), side, in_system))
            .and(|| is(self.hosting, side.map(|side| side.hosting)))
            .and(|| one_of(&self.kinds, side.map(|side| &side.class)))
            .and(|| is(self.managed, side.map(|side| side.managed)))
            .truth()
    }
}

impl SignInConditions {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn hold(&self, sign_in: Option<&SignInFacts<'_>>) -> Option<bool> {
        let is_young =
            |facts: &SignInFacts<'_>| self.max_age.is_none_or(|most| facts.age <= Duration::from_secs(most));
        let has_class =
            |facts: &SignInFacts<'_>| facts.acr.is_some_and(|acr| self.acr.iter().any(|one| one == acr));
        let has_method = |facts: &SignInFacts<'_>| self.amr.iter().any(|one| facts.amr.contains(one));
        All::default()
            .and(|| given(self.max_age.is_some(), sign_in, is_young))
            .and(|| given(!self.acr.is_empty(), sign_in, has_class))
            .and(|| given(!self.amr.is_empty(), sign_in, has_method))
            .and(|| is(self.phishing_resistant, sign_in.map(|facts| facts.resists_phishing)))
            .truth()
    }
}

/// What follows from conditions that must all be true. One that is false decides, even if others are undecided.
struct All(Option<bool>);

impl Default for All {
    fn default() -> Self {
        Self(Some(true))
    }
}

impl All {
    fn and(self, truth: impl FnOnce() -> Option<bool>) -> Self {
        if self.0 == Some(false) {
            return self;
        }
        match truth() {
            Some(true) => self,
            Some(false) => Self(Some(false)),
            None => Self(None),
        }
    }

    const fn truth(self) -> Option<bool> {
        self.0
    }
}

fn is_at(named: &str, client_id: &str) -> bool {
    host(named).is_some() && client_id.starts_with(named.trim_end_matches('*'))
}

/// Returns the host in a text such as `https://tool.example.org/*`, which stands for all clients at that host.
#[must_use]
pub fn host(named: &str) -> Option<&str> {
    let host = named.strip_prefix("https://")?.strip_suffix("/*")?;
    let fits =
        |symbol: u8| symbol.is_ascii_lowercase() || symbol.is_ascii_digit() || b".-:".contains(&symbol);
    (!host.is_empty() && host.bytes().all(fits)).then_some(host)
}

/// Returns whether a fact is one of the wanted values.
fn one_of<W: PartialEq<F>, F: ?Sized>(wanted: &[W], fact: Option<&F>) -> Option<bool> {
    given(!wanted.is_empty(), fact, |fact| wanted.iter().any(|one| one == fact))
}

/// Returns whether a fact has the wanted value.
fn is(wanted: Option<bool>, fact: Option<bool>) -> Option<bool> {
    wanted.map_or(Some(true), |wanted| fact.map(|fact| fact == wanted))
}

/// Judges a fact, if there is a condition.
fn given<F>(is_condition: bool, fact: Option<F>, judge: impl FnOnce(F) -> bool) -> Option<bool> {
    if is_condition { fact.map(judge) } else { Some(true) }
}

/// Returns whether a person is in one of the wanted groups.
fn member(wanted: &[Group], groups: Option<Groups<'_>>) -> Option<bool> {
    if wanted.is_empty() { Some(true) } else { groups?.any_of(wanted) }
}

#[cfg(test)]
mod tests;
