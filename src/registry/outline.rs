//! The part of the registry that is small and that nearly every request needs: scopes, claim mappings, the names of
//! OpenID Providers, public keys, and governance.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::governance::taken;
use super::key_schedule::KeySchedule;
use super::rows::Rows;
use crate::client::document::entry::Entry;
use crate::format::Format;
use crate::identity::demand::Demand;
use crate::order;
use crate::policy::governance::Governance;
use crate::scope::DESCRIPTIONS;
use crate::time::Timestamp;
use crate::token::mapping::Rules;
use crate::token::signing_key::PublicKey;
use crate::upstream::provider::{Offer, offers};

/// What the registry publishes, without its clients.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Outline {
    pub format: Format<1>,
    /// When the registry took the outline, by the clock of its object. Orders the copies that KV returns.
    pub taken_at: Timestamp,
    /// Every scope, with a description of what it lets a client do.
    pub scopes: BTreeMap<String, String>,
    /// Claim mappings by scope, of the scopes that have one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scope_claims: BTreeMap<String, Rules>,
    /// What scopes demand of a sign-in, of those that demand something.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scope_demands: BTreeMap<String, Demand>,
    /// The enabled providers, in the order of the sign-in page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<Offer>,
    /// The allow list of client ID metadata documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Entry>,
    /// Every key that verifies tokens now or will sign them.
    pub keys: Vec<PublicKey>,
    /// Policy, exceptions and kill switches.
    #[serde(with = "shared")]
    pub governance: Rc<Governance>,
}

/// Writes and reads what an `Rc` has, which serde does only with a feature that all crates then share.
mod shared {
    use std::rc::Rc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(value: &Rc<T>, to: S) -> Result<S::Ok, S::Error> {
        T::serialize(value, to)
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Rc<T>, D::Error> {
        T::deserialize(from).map(Rc::new)
    }
}

impl Outline {
    /// Takes the outline of the registry.
    ///
    /// # Errors
    ///
    /// A row could not be read.
    pub fn take<R: Rows>(rows: &R, now: Timestamp) -> Result<Self, R::Error> {
        let keys = KeySchedule::new(&rows.keys()?).published(now);
        let (scopes, scope_claims) = (rows.scopes()?, rows.scope_claims()?);
        let scope_demands = rows.scope_demands()?;
        let providers = offers(rows.providers()?);
        let governance = Rc::new(taken::take(rows, now)?);
        let (documents, taken_at) = (rows.documents()?, now);
        Ok(Self {
            format: Format,
            taken_at,
            scopes,
            scope_claims,
            scope_demands,
            providers,
            documents,
            keys,
            governance,
        })
    }
}

/// Returns the scopes of a new registry, with their descriptions.
#[must_use]
pub fn standard_scopes() -> BTreeMap<String, String> {
    let pair = |(name, words): &(&str, &str)| ((*name).to_owned(), (*words).to_owned());
    order::map(DESCRIPTIONS.iter().map(pair))
}
