//! Writes down the facts of an approval.

use core::time::Duration;

use super::facts::{Facts, First, Groups, SideFacts, SignInFacts};
use super::name::Name;
use crate::audit::facts_record::{FactsRecord, SideRecord, SignInRecord};
use crate::scope::Scope;

/// The most groups that are written down. An account can have 200, each with a name of up to 128 characters.
pub const MOST_GROUPS: usize = 50;

/// Returns what the event of an approval says about its facts.
#[must_use]
pub fn record(facts: &Facts<'_>) -> FactsRecord {
    let groups = facts.groups.unwrap_or_else(|| Groups::at_least(&[]));
    let first = |(word, first): (&str, First)| {
        facts.first.is_some_and(|times| times.has(first)).then(|| word.to_owned())
    };
    FactsRecord {
        scope: facts.scope.map(Scope::to_string).unwrap_or_default(),
        groups: groups.list().iter().take(MOST_GROUPS).map(|group| group.as_str().to_owned()).collect(),
        more_groups: !groups.is_complete() || groups.list().len() > MOST_GROUPS,
        sign_in: facts.sign_in.map(of_sign_in),
        first: First::ALL.into_iter().filter_map(first).collect(),
        same_device: facts.same_device.unwrap_or_default(),
        web_page: facts.web_page.unwrap_or_default(),
        can_verify: facts.can_verify.unwrap_or_default(),
        identified: facts.is_bound.unwrap_or_default(),
        device: facts.device.map(of_side).unwrap_or_default(),
        person: facts.person.map(of_side).unwrap_or_default(),
    }
}

/// Rules compare the age with whole seconds, so a part of a second counts as a whole one.
fn of_sign_in(facts: SignInFacts<'_>) -> SignInRecord {
    let rest = facts.age > Duration::from_secs(facts.age.as_secs());
    SignInRecord {
        age: facts.age.as_secs() + u64::from(rest),
        acr: facts.acr.map(str::to_owned),
        amr: facts.amr.to_vec(),
        phishing_resistant: facts.resists_phishing,
    }
}

fn of_side(facts: SideFacts<'_>) -> SideRecord {
    SideRecord { networks: facts.networks.iter().map(Name::to_string).collect(), managed: facts.managed }
}
