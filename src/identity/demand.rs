//! What a client or a scope demands of the sign-in behind an approval (compare RFC 9470).

use core::time::Duration;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::sign_in::How;
use crate::format::is_false;
use crate::scope::Scope;
use crate::time::Timestamp;

/// How old a sign-in may be that counts as a fresh passkey.
pub const FRESH: Duration = Duration::from_secs(60);

/// A demand. Every member that is set must be met.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Demand {
    /// Seconds since the person signed in, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// Authentication context classes, one of which the sign-in must meet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// Whether the sign-in must resist phishing: a passkey, or what a provider's entry counts as strong.
    #[serde(skip_serializing_if = "is_false")]
    pub phishing_resistant: bool,
    /// Whether it must be a passkey of this server, used at most [`FRESH`] ago.
    #[serde(skip_serializing_if = "is_false")]
    pub fresh_passkey: bool,
}

/// Why a sign-in does not meet a demand, the hardest to mend first.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// It is not a passkey of at most [`FRESH`].
    FreshPasskey,
    /// It does not resist phishing.
    PhishingResistance,
    /// It meets none of the classes.
    Class,
    /// It is too old.
    Age,
}

/// What is known about a sign-in, when it is used and later.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the fields are named after those of the session")]
pub struct Facts<'a> {
    pub auth_time: Timestamp,
    pub acr: Option<&'a str>,
    pub how: &'a How,
}

impl Lack {
    /// Returns the reason as the log states it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FreshPasskey => "fresh_passkey",
            Self::PhishingResistance => "phishing_resistant",
            Self::Class => "acr_values",
            Self::Age => "max_age",
        }
    }
}

impl Demand {
    /// Returns whether nothing is demanded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Judges a sign-in that is used at `at`, which is when the person approves.
    ///
    /// # Errors
    ///
    /// What the sign-in lacks.
    pub fn judge(&self, facts: Facts<'_>, at: Timestamp) -> Result<(), Lack> {
        let age = at.since(facts.auth_time);
        let is_passkey = matches!(facts.how, How::Passkey { .. });
        let meets = |acr: &String| facts.acr == Some(acr);
        if self.fresh_passkey && !(is_passkey && age <= FRESH) {
            Err(Lack::FreshPasskey)
        } else if self.phishing_resistant && !facts.how.resists_phishing() {
            Err(Lack::PhishingResistance)
        } else if !self.acr_values.is_empty() && !self.acr_values.iter().any(meets) {
            Err(Lack::Class)
        } else if self.max_age.is_some_and(|most| age > Duration::from_secs(most)) {
            Err(Lack::Age)
        } else {
            Ok(())
        }
    }
}

/// What a client and the scopes that it asks for demand of one sign-in, which must meet every one of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Demands(Vec<Demand>);

impl Demands {
    /// Returns what a client demands, and what the scopes do that are in `scope`.
    #[must_use]
    pub fn of(client: &Demand, scopes: &BTreeMap<String, Demand>, scope: &Scope) -> Self {
        let of_scopes = scope.iter().filter_map(|token| scopes.get(token));
        Self(core::iter::once(client).chain(of_scopes).filter(|demand| !demand.is_empty()).cloned().collect())
    }

    /// Adds a demand.
    #[must_use]
    pub fn and(mut self, demand: Demand) -> Self {
        self.0.extend(Some(demand).filter(|demand| !demand.is_empty()));
        self
    }

    /// Judges a sign-in as [`Demand::judge`] does.
    ///
    /// # Errors
    ///
    /// What is hardest to mend of what the sign-in lacks.
    pub fn judge(&self, facts: Facts<'_>, at: Timestamp) -> Result<(), Lack> {
        self.0.iter().filter_map(|demand| demand.judge(facts, at).err()).min().map_or(Ok(()), Err)
    }

    /// Returns the classes that are demanded, for a provider to choose from.
    pub fn classes(&self) -> impl Iterator<Item = &String> {
        self.0.iter().flat_map(|demand| &demand.acr_values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::credential_id::CredentialId;

    const AT: Timestamp = Timestamp::from_millis(1_000_000);

    fn judged(demand: &Demand, how: &How, acr: Option<&str>, age: u64) -> Result<(), Lack> {
        let auth_time = AT.before(Duration::from_secs(age));
        demand.judge(Facts { auth_time, acr, how }, AT)
    }

    #[test]
    fn each_demand_is_met_by_what_it_names_and_nothing_less() {
        let passkey = How::Passkey { credential: CredentialId::new(&[7]).unwrap() };
        let at_corp = |strong| How::Upstream { provider: "corp".to_owned(), sid: None, strong };
        let upstream = at_corp(false);
        let fresh = Demand { fresh_passkey: true, ..Demand::default() };
        assert_eq!(judged(&fresh, &passkey, None, 60), Ok(()));
        assert_eq!(judged(&fresh, &passkey, None, 61), Err(Lack::FreshPasskey));
        assert_eq!(judged(&fresh, &How::Password, None, 0), Err(Lack::FreshPasskey));
        assert_eq!(
            judged(&fresh, &at_corp(true), None, 0),
            Err(Lack::FreshPasskey),
            "not a passkey of this server"
        );

        let resistant = Demand { phishing_resistant: true, ..Demand::default() };
        assert_eq!(judged(&resistant, &passkey, None, 9_999), Ok(()));
        assert_eq!(judged(&resistant, &at_corp(true), None, 9_999), Ok(()));
        for how in [&How::Password, &upstream, &How::Access] {
            assert_eq!(judged(&resistant, how, Some("phr"), 0), Err(Lack::PhishingResistance), "{how:?}");
        }

        let class = Demand { acr_values: vec!["a".to_owned(), "b".to_owned()], ..Demand::default() };
        assert_eq!(judged(&class, &upstream, Some("b"), 0), Ok(()));
        assert_eq!(judged(&class, &upstream, Some("c"), 0), Err(Lack::Class));
        assert_eq!(judged(&class, &upstream, None, 0), Err(Lack::Class));

        let young = Demand { max_age: Some(10), ..Demand::default() };
        assert_eq!(judged(&young, &How::Password, None, 10), Ok(()));
        assert_eq!(judged(&young, &How::Password, None, 11), Err(Lack::Age));
    }

    #[test]
    fn nothing_is_demanded_by_default_and_everything_at_once_must_be_met() {
        assert!(Demand::default().is_empty());
        assert_eq!(judged(&Demand::default(), &How::Password, None, 9_999), Ok(()));
        let all = Demand { max_age: Some(600), phishing_resistant: true, ..Demand::default() };
        let passkey = How::Passkey { credential: CredentialId::new(&[7]).unwrap() };
        assert!(!all.is_empty());
        assert_eq!(judged(&all, &passkey, None, 601), Err(Lack::Age));
        assert_eq!(judged(&all, &How::Password, None, 1), Err(Lack::PhishingResistance));
    }

    #[test]
    fn every_demand_of_the_client_and_of_its_scopes_must_be_met_and_the_hardest_is_named() {
        let client = Demand { max_age: Some(600), ..Demand::default() };
        let scopes = BTreeMap::from([
            ("pay".to_owned(), Demand { phishing_resistant: true, ..Demand::default() }),
            ("read".to_owned(), Demand { acr_values: vec!["a".to_owned()], ..Demand::default() }),
        ]);
        let judged = |scope: &str, how: &How, age| {
            let auth_time = AT.before(Duration::from_secs(age));
            let demands = Demands::of(&client, &scopes, &Scope::parse(scope).unwrap());
            demands.judge(Facts { auth_time, acr: None, how }, AT)
        };
        let passkey = How::Passkey { credential: CredentialId::new(&[7]).unwrap() };

        assert_eq!(judged("openid", &How::Password, 600), Ok(()));
        assert_eq!(judged("openid", &How::Password, 601), Err(Lack::Age));
        assert_eq!(judged("openid pay read", &How::Password, 601), Err(Lack::PhishingResistance));
        assert_eq!(judged("pay", &passkey, 600), Ok(()));
        assert_eq!(judged("pay read", &passkey, 600), Err(Lack::Class));
    }
}
