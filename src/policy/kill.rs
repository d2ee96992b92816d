//! Kill switches: what has started somewhere ends, and nothing more starts there for a while.

use serde::{Deserialize, Serialize};

use super::facts::{Facts, Start};
use super::name::Name;
use super::network::Asn;
use super::place::Country;
use crate::audit::change::Actor;
use crate::format::Format;
use crate::identity::account_key::AccountKey;
use crate::network::Prefix;
use crate::provenance::ApprovalId;
use crate::time::{Timestamp, rfc3339};

/// A kill switch, as it is stored.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct KillSwitch {
    pub format: Format<1>,
    pub id: Name,
    pub target: Target,
    /// Until then, what meets the target is refused. What it has ended stays ended.
    #[serde(with = "rfc3339")]
    pub until: Timestamp,
    pub reason: String,
    pub by: Actor,
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
}

/// What a kill switch ends: what meets every member that is set, of which there is at least one.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Target {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalId>,
    /// Where the code was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asn: Option<Asn>,
    /// Prefixes of the address that requested the code, under the pseudonyms of every key pair that counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Prefix>,
    /// When the code was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Started>,
}

/// The interval in which codes were requested. Codes that are requested later, while the kill switch is on, count as well.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Started {
    #[serde(with = "rfc3339")]
    pub from: Timestamp,
    /// The instant after the last one.
    #[serde(with = "rfc3339")]
    pub to: Timestamp,
}

impl KillSwitch {
    /// Returns whether the kill switch still refuses anything.
    #[must_use]
    pub fn is_on(&self, now: Timestamp) -> bool {
        now < self.until
    }

    /// Returns whether it certainly refuses the step.
    #[must_use]
    pub fn refuses(&self, facts: &Facts<'_>) -> bool {
        self.is_on(facts.time.from) && !self.target.is_empty() && self.has(facts)
    }

    fn has(&self, facts: &Facts<'_>) -> bool {
        let Target { client, account, approval, .. } = &self.target;
        is(client.as_deref(), facts.client)
            && is(account.as_ref(), facts.account)
            && is(approval.as_ref(), facts.approval)
            && (self.target.is_anywhere() || facts.start.is_some_and(|start| self.is_from(start)))
    }

    fn is_from(&self, start: Start<'_>) -> bool {
        let Target { country, asn, networks, started, .. } = &self.target;
        let is_later = self.at <= start.at;
        is(country.as_ref(), Some(&start.country))
            && is(asn.map(|Asn(asn)| asn).as_ref(), start.asn.as_ref())
            && (networks.is_empty() || networks.iter().any(|prefix| start.network.is_within(prefix)))
            && started.is_none_or(|Started { from, to }| from <= start.at && start.at < to || is_later)
    }
}

impl Target {
    /// Returns whether nothing is selected, which would be everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether the request for the code does not matter.
    const fn is_anywhere(&self) -> bool {
        self.country.is_none() && self.asn.is_none() && self.networks.is_empty() && self.started.is_none()
    }
}

fn is<T: PartialEq + ?Sized>(wanted: Option<&T>, fact: Option<&T>) -> bool {
    wanted.is_none() || wanted == fact
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;
    use crate::policy::Point;
    use crate::policy::window::Span;

    const AT: Timestamp = Timestamp::from_millis(1_000_000);
    const UNTIL: Timestamp = Timestamp::from_millis(2_000_000);

    fn network(address: &str) -> Network {
        Network::of(Some(address), |prefix| prefix.replace(['/', '.'], "_"))
    }

    fn switch(target: Target) -> KillSwitch {
        let by = Actor::Operator("9f86d081".to_owned());
        let (id, reason) = (Name::parse("a").unwrap(), "a campaign".to_owned());
        KillSwitch { format: Format, id, target, until: UNTIL, reason, by, at: AT }
    }

    fn refuses(target: Target, started_at: u64, now: Timestamp) -> bool {
        let (network, bob, approval) =
            (network("192.0.2.7"), AccountKey::local("bob"), ApprovalId::from("x"));
        let at = Timestamp::from_millis(started_at);
        let start = Start { at, country: Country::of(Some("NG")), asn: Some(64_500), network: &network };
        let facts = Facts {
            client: Some("cli"),
            account: Some(&bob),
            approval: Some(&approval),
            start: Some(start),
            ..Facts::unknown(Point::Refresh, Span::at(now))
        };
        switch(target).refuses(&facts)
    }

    #[test]
    fn everything_that_is_selected_must_be_met() {
        let client = |text: &str| Target { client: Some(text.to_owned()), ..Target::default() };
        let from = |code: &str| Target { country: Some(Country::of(Some(code))), ..client("cli") };
        let prefixes = |address: &str| network(address).prefixes().cloned().collect::<Vec<_>>();
        let in_network = |networks| Target { networks, ..Target::default() };
        for (target, expected) in [
            (Target::default(), false),
            (client("cli"), true),
            (client("tv"), false),
            (from("NG"), true),
            (from("FR"), false),
            (Target { country: Some(Country::of(Some("NG"))), ..client("tv") }, false),
            (Target { account: Some(AccountKey::local("bob")), ..Target::default() }, true),
            (Target { account: Some(AccountKey::local("eve")), ..Target::default() }, false),
            (Target { asn: Some(Asn(64_500)), ..Target::default() }, true),
            (Target { asn: Some(Asn(64_501)), ..Target::default() }, false),
            (Target { approval: Some(ApprovalId::from("x")), ..Target::default() }, true),
            (Target { approval: Some(ApprovalId::from("y")), ..Target::default() }, false),
            (in_network(prefixes("192.0.2.99").split_off(1)), false),
            (in_network(vec![prefixes("198.51.100.1").remove(0), prefixes("192.0.2.99").remove(0)]), true),
        ] {
            assert_eq!(refuses(target.clone(), 500_000, AT), expected, "{target:?}");
        }
    }

    #[test]
    fn a_window_is_of_the_past_and_what_starts_later_is_refused_until_the_end() {
        let (from, to) = (Timestamp::from_millis(400_000), Timestamp::from_millis(600_000));
        let target = || Target { started: Some(Started { from, to }), ..Target::default() };

        for (started_at, expected) in [
            (399_999, false),
            (400_000, true),
            (599_999, true),
            (600_000, false),
            (999_999, false),
            (1_000_000, true),
        ] {
            assert_eq!(refuses(target(), started_at, AT), expected, "{started_at}");
        }
        assert!(refuses(target(), 500_000, Timestamp::from_millis(1_999_999)));
        assert!(!refuses(target(), 500_000, UNTIL));
    }

    #[test]
    fn what_is_not_known_yet_is_not_met() {
        let bob = Target { account: Some(AccountKey::local("bob")), ..Target::default() };
        let start = Facts::unknown(Point::DeviceAuthorization, Span::at(AT));

        assert!(!switch(bob).refuses(&start));
        let nigeria = Target { country: Some(Country::of(Some("NG"))), ..Target::default() };
        assert!(!switch(nigeria).refuses(&start));
    }
}
