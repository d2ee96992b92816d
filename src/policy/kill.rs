//! Kill switches: what has started somewhere ends, and nothing more starts there for a while.

use serde::{Deserialize, Serialize};

use super::facts::{Facts, Start};
use super::name::Name;
use super::network::Asn;
use super::place::Country;
use crate::audit::change::Actor;
use crate::format::Format;
use crate::identity::account_key::AccountKey;
use crate::identity::device::{Asked, Selection};
use crate::identity::session::SessionSelection;
use crate::network::Prefix;
use crate::provenance::ApprovalId;
use crate::row_key::RowKey;
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
    /// The keys that a grant has under every key pair that counts, of which it has one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub code: Vec<RowKey>,
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

    /// Returns which devices it ends. Those are the ones whose tokens it [refuses](Self::refuses), of the account that it
    /// names or of all.
    #[must_use]
    pub fn devices(&self) -> Selection {
        let Target { client, approval, code, networks, started, .. } = &self.target;
        Selection {
            client_id: client.clone(),
            approval_id: approval.clone(),
            codes: code.clone(),
            country: self.country(),
            asn: self.asn(),
            networks: networks.clone(),
            asked: started.map(|Started { from, to }| Asked { from, to, since: self.at }),
            ..Selection::default()
        }
    }

    /// Returns which sessions it ends: those that began where, and when, codes were requested. `None` if the target has a
    /// client, an approval, a code or a network, which no session has.
    #[must_use]
    pub fn sessions(&self) -> Option<SessionSelection> {
        let Target { client, approval, code, networks, started, .. } = &self.target;
        let is_known = client.is_none() && approval.is_none() && code.is_empty() && networks.is_empty();
        is_known.then(|| SessionSelection {
            country: self.country(),
            asn: self.asn(),
            from: started.map(|started| started.from),
            to: started.map(|started| started.to),
            ..SessionSelection::default()
        })
    }

    fn country(&self) -> Option<String> {
        self.target.country.map(String::from)
    }

    fn asn(&self) -> Option<u32> {
        self.target.asn.map(|Asn(asn)| asn)
    }

    fn has(&self, facts: &Facts<'_>) -> bool {
        let Target { client, account, approval, code, .. } = &self.target;
        is(client.as_deref(), facts.client)
            && is(account.as_ref(), facts.account)
            && is(approval.as_ref(), facts.approval)
            && (code.is_empty() || facts.code.is_some_and(|key| code.contains(&key)))
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

    /// Returns the names of the members that are set.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let set = [
            ("account", self.account.is_some()),
            ("approval", self.approval.is_some()),
            ("asn", self.asn.is_some()),
            ("client", self.client.is_some()),
            ("code", !self.code.is_empty()),
            ("country", self.country.is_some()),
            ("networks", !self.networks.is_empty()),
            ("started", self.started.is_some()),
        ];
        set.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name.to_owned()).collect()
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
mod tests;
