//! Requests for access: who is refused and asks to be let through, and what became of that.
//!
//! ```text
//!             grant
//!   Open ------------> Granted    (an exception lets the person through until its end)
//!    | \  refuse
//!    |  `------------> Refused
//!    |  7 days
//!    `---------------> Lapsed
//! ```
//!
//! See `docs/decisions/0071-asking-for-access.md`.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::condition::Conditions;
use super::document::Policy;
use super::exception::Exception;
use super::name::Name;
use crate::audit::change::Actor;
use crate::client::history::History;
use crate::format::Format;
use crate::identity::account_key::AccountKey;
use crate::scope::Scope;
use crate::sub::Sub;
use crate::time::Timestamp;
use crate::verdict::{Comparison, Spot};

/// How long a request waits for an answer.
pub const PATIENCE: Duration = Duration::from_secs(7 * 86_400);
/// How long a request is kept after its end, for administrators to see.
const KEPT: Duration = Duration::from_secs(400 * 86_400);
/// The most scopes that an exception names. A request for more is granted for every scope.
const MOST_SCOPES: usize = 50;

/// A request for access, as its row stores it.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccessRequest {
    pub format: Format<1>,
    /// Begins with the time, so that requests are in the order in which they were made.
    pub id: Name,
    pub asker: Asker,
    pub client_id: String,
    /// The name of the client when the person asked.
    pub client_name: String,
    /// What the device requested; empty if that is not known.
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
    /// In the person's words.
    pub reason: String,
    /// The rules that deny it; empty if it is only that no rule allows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied_by: Vec<Name>,
    pub places: Places,
    pub asked_at: Timestamp,
    pub state: State,
}

/// The person who asks.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Asker {
    pub account: AccountKey,
    pub sub: Sub,
    /// What the person is called.
    pub name: String,
}

/// Where a request was made.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Places {
    /// In front of a device's code: where the device and the person were, and how near to each other.
    Code(Comparison),
    /// Without a code: where the person was.
    Person(Spot),
}

/// What has become of a request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has answered it.
    Open,
    /// An exception lets the person through.
    Granted(Grant),
    /// An administrator said no.
    Refused(Refusal),
    /// Nobody answered it in time.
    Lapsed {
        /// When it lapsed.
        at: Timestamp,
    },
}

/// The answer of an administrator who lets the person through.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Grant {
    pub by: Actor,
    pub at: Timestamp,
    /// The end of the exception when it was made.
    pub until: Timestamp,
    pub exception: Name,
}

/// The answer of an administrator who does not.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Refusal {
    pub by: Actor,
    pub at: Timestamp,
    /// What the person reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A state without its details, as lists are filtered by it.
#[expect(missing_docs, reason = "the names are those of `State`")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Open,
    Granted,
    Refused,
    Lapsed,
}

impl Standing {
    /// Every state, with the word for it.
    pub const ALL: [(&str, Self); 4] = [
        ("open", Self::Open),
        ("granted", Self::Granted),
        ("refused", Self::Refused),
        ("lapsed", Self::Lapsed),
    ];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Lapsed => "lapsed",
        }
    }
}

/// On which terms an administrator lets a person through: what every exception has.
#[expect(missing_docs, reason = "the fields are those of `Exception`")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Terms {
    pub owner: String,
    /// `None` for the reason that the person gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `None` for the request itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    pub expires_at: Timestamp,
}

/// Returns the identifier of a request that is made now: the time in milliseconds and 32 random bits, both in hex.
///
/// # Panics
///
/// Never: hex digits are a name.
#[must_use]
pub fn id_of(now: Timestamp, random: u32) -> Name {
    Name::parse(&format!("{:012x}{random:08x}", now.millis())).expect("hex digits are a name")
}

impl State {
    /// Returns the state without its details.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        match self {
            Self::Open => Standing::Open,
            Self::Granted(_) => Standing::Granted,
            Self::Refused(_) => Standing::Refused,
            Self::Lapsed { .. } => Standing::Lapsed,
        }
    }
}

impl Places {
    /// Returns where the person was.
    #[must_use]
    pub const fn person(&self) -> &Spot {
        match self {
            Self::Code(comparison) => &comparison.person,
            Self::Person(spot) => spot,
        }
    }
}

impl AccessRequest {
    /// Returns whether the request waits for an answer.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.standing(now) == Standing::Open
    }

    /// Returns what has become of the request. One that nobody answered in time has lapsed even if that was not noted yet.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        match self.state {
            State::Open if self.asked_at + PATIENCE <= now => Standing::Lapsed,
            State::Open | State::Granted(_) | State::Refused(_) | State::Lapsed { .. } => {
                self.state.standing()
            }
        }
    }

    /// Returns the answer that lets the person through, until its end.
    #[must_use]
    pub fn live_grant(&self, now: Timestamp) -> Option<&Grant> {
        match &self.state {
            State::Granted(grant) => Some(grant).filter(|grant| now < grant.until),
            State::Open | State::Refused(_) | State::Lapsed { .. } => None,
        }
    }

    /// Returns when something happens without anybody doing it: an open request lapses, another one is forgotten.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        match &self.state {
            State::Open => self.asked_at + PATIENCE,
            State::Granted(grant) => grant.until.max(grant.at) + KEPT,
            State::Refused(refusal) => refusal.at + KEPT,
            State::Lapsed { at } => *at + KEPT,
        }
    }

    /// Returns the request after this answer; `None` if it is not open.
    #[must_use]
    pub fn granted(self, grant: Grant) -> Option<Self> {
        self.is_open(grant.at).then_some(Self { state: State::Granted(grant), ..self })
    }

    /// Returns the request after this answer; `None` if it is not open.
    #[must_use]
    pub fn refused(self, refusal: Refusal) -> Option<Self> {
        self.is_open(refusal.at).then_some(Self { state: State::Refused(refusal), ..self })
    }

    /// Returns the request once nobody has answered it in time; `None` if it is over already, or the time has not come.
    #[must_use]
    pub fn lapsed(self, now: Timestamp) -> Option<Self> {
        match self.state {
            State::Open if !self.is_open(now) => Some(Self { state: State::Lapsed { at: now }, ..self }),
            State::Open | State::Granted(_) | State::Refused(_) | State::Lapsed { .. } => None,
        }
    }

    /// Returns the exception that lets the person through with this client, for the scopes that the device requested. It
    /// lifts the rules that denied the login and still do.
    ///
    /// # Panics
    ///
    /// Never: a request's identifier is short.
    #[must_use]
    pub fn exception(&self, terms: Terms, policy: &Policy, by: Actor, now: Timestamp) -> Exception {
        let when = Conditions {
            clients: vec![self.client_id.clone()],
            accounts: vec![self.asker.account.clone()],
            only_scopes: self.only_scopes(),
            ..Conditions::default()
        };
        let id = Name::parse(&format!("access-{}", self.id)).expect("the identifier of a request is short");
        Exception {
            format: Format,
            id,
            when,
            lifts: self.denied_by.iter().filter(|rule| policy.denies(rule)).cloned().collect(),
            owner: terms.owner,
            reason: terms.reason.unwrap_or_else(|| self.reason.clone()),
            ticket: terms.ticket.unwrap_or_else(|| self.ticket()),
            created_by: by,
            expires_at: terms.expires_at,
            renewals: Vec::new(),
            history: History::beginning(now),
        }
    }

    /// Returns the scopes that the exception is for; none if it is for every scope.
    fn only_scopes(&self) -> Vec<String> {
        let scopes: Vec<String> = self.scope.iter().map(str::to_owned).collect();
        if scopes.len() > MOST_SCOPES { Vec::new() } else { scopes }
    }

    /// Returns a sentence for each point that an administrator should know who grants the request.
    #[must_use]
    pub fn warnings(&self, policy: &Policy) -> Vec<String> {
        let idle = self.denied_by.iter().filter(|rule| !policy.denies(rule));
        let mut warnings: Vec<String> =
            idle.map(|rule| format!("rule {rule} denies nothing any more")).collect();
        if self.only_scopes().is_empty() {
            warnings.push("the exception is for every scope of the client".to_owned());
        }
        if let Places::Person(_) = self.places {
            warnings.push("the person asked without a code: where the device is, is not known".to_owned());
        }
        warnings
    }

    /// Returns what an exception names where no ticket is given.
    fn ticket(&self) -> String {
        format!("access request {}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Verdict;

    const AT: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn days(days: u64) -> Timestamp {
        AT + Duration::from_secs(days * 86_400)
    }

    fn request() -> AccessRequest {
        AccessRequest {
            format: Format,
            id: id_of(AT, 7),
            asker: Asker {
                account: AccountKey::local("bob"),
                sub: Sub::from("sub-bob"),
                name: "Bob".to_owned(),
            },
            client_id: "cli".to_owned(),
            client_name: "Photo CLI".to_owned(),
            scope: Scope::parse("openid deploy").unwrap(),
            reason: "I release on Friday.".to_owned(),
            denied_by: vec![Name::parse("abroad").unwrap(), Name::parse("gone").unwrap()],
            places: Places::Person(Spot::default()),
            asked_at: AT,
            state: State::Open,
        }
    }

    fn grant(at: Timestamp) -> Grant {
        let exception = Name::parse("access-1").unwrap();
        Grant { by: Actor::Operator("9f86d081".to_owned()), at, until: days(10), exception }
    }

    fn no(at: Timestamp) -> Refusal {
        Refusal { by: Actor::Operator("9f86d081".to_owned()), at, message: None }
    }

    #[test]
    fn an_open_request_is_answered_once_within_a_week_and_lapses_afterwards() {
        let last = days(7).before(Duration::from_millis(1));
        let granted = request().granted(grant(last)).expect("the week is not over");
        let refused = request().refused(no(last)).expect("the week is not over");

        assert!(request().lapsed(last).is_none() && request().is_open(last));
        assert!(request().granted(grant(days(7))).is_none() && request().refused(no(days(7))).is_none());
        let lapsed = request().lapsed(days(7)).expect("the week is over");
        assert_eq!(
            (request().standing(days(7)), lapsed.standing(days(7))),
            (Standing::Lapsed, Standing::Lapsed)
        );
        for over in [granted, refused, lapsed] {
            assert!(over.clone().granted(grant(last)).is_none(), "{over:?}");
            assert!(over.clone().refused(no(last)).is_none(), "{over:?}");
            assert!(over.clone().lapsed(days(20)).is_none(), "{over:?}");
        }
    }

    #[test]
    fn a_request_is_kept_for_400_days_after_its_end() {
        assert_eq!(request().due(), days(7));
        assert_eq!(
            request().granted(grant(days(1))).unwrap().due(),
            days(410),
            "after that of the exception"
        );
        assert_eq!(request().refused(no(days(1))).unwrap().due(), days(401));
        assert_eq!(request().lapsed(days(7)).unwrap().due(), days(407));
    }

    #[test]
    fn the_exception_is_narrow_and_lifts_only_rules_that_still_deny() {
        let rules = serde_json::json!({ "default": "enforced", "rules": [
            { "id": "abroad", "description": "A", "effect": "deny" },
        ]});
        let serde_json::Value::Object(members) = rules else { panic!("it is an object") };
        let policy = super::super::written::parse(members, AT).unwrap();
        let terms = Terms { owner: "alice".to_owned(), reason: None, ticket: None, expires_at: days(2) };

        let exception = request().exception(terms, &policy, Actor::Registration, AT);

        assert!(!exception.is_wide());
        assert!(exception.profits(&AccountKey::local("bob"), &[]));
        assert!(!exception.profits(&AccountKey::local("alice"), &[]));
        assert_eq!(exception.when.clients, ["cli"]);
        assert_eq!(exception.when.only_scopes, ["deploy", "openid"]);
        assert_eq!(exception.lifts, [Name::parse("abroad").unwrap()]);
        assert_eq!(exception.id.as_str(), format!("access-{}", request().id));
        assert_eq!((exception.reason.as_str(), exception.expires_at), ("I release on Friday.", days(2)));
        assert_eq!(exception.ticket, format!("access request {}", request().id));
    }

    #[test]
    fn an_exception_for_every_scope_and_a_device_at_an_unknown_place_are_warned_of() {
        let policy = Policy::without_document(false);
        let (every, unseen) = ("for every scope of the client", "asked without a code");
        let has = |request: &AccessRequest, text| {
            request.warnings(&policy).iter().any(|warning| warning.contains(text))
        };

        let without_code = AccessRequest { scope: Scope::default(), ..request() };
        assert!(has(&without_code, every) && has(&without_code, unseen));
        let many: Vec<String> = (0..=MOST_SCOPES).map(|number| format!("s{number}")).collect();
        let many = AccessRequest { scope: Scope::parse(&many.join(" ")).unwrap(), ..request() };
        assert!(has(&many, every));
        let (device, person) = (Spot::default(), Spot::default());
        let places = Places::Code(Comparison { verdict: Verdict::Far, kilometers: None, device, person });
        let narrow = AccessRequest { places, denied_by: Vec::new(), ..request() };
        assert_eq!(narrow.warnings(&policy), [""; 0]);
    }

    #[test]
    fn identifiers_are_in_the_order_of_time() {
        assert!(id_of(AT, u32::MAX) < id_of(days(1), 0));
        assert_ne!(id_of(AT, 1), id_of(AT, 2));
    }
}
