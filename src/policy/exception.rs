//! Exceptions: who or what is let through, until when, and who answers for it.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::condition::Conditions;
use super::document::Policy;
use super::name::Name;
use crate::audit::change::Actor;
use crate::client::history::History;
use crate::fault::Fault;
use crate::format::Format;
use crate::identity::account_key::AccountKey;
use crate::identity::group::Group;
use crate::time::{Timestamp, rfc3339};

const DAY: Duration = Duration::from_secs(86_400);
/// How long before its end the owner of an exception is reminded: a week, and a day. Where both have passed when the end is set,
/// the owner is reminded halfway.
const REMINDERS: [Duration; 2] = [Duration::from_secs(7 * 86_400), DAY];
/// How long an exception is kept after its end, for administrators to see.
const KEPT: Duration = Duration::from_secs(400 * 86_400);

/// An exception. It lets through what its conditions say, and lifts the rules that it names. What other rules require and
/// limit still holds.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Exception {
    pub format: Format<1>,
    pub id: Name,
    /// At least one condition.
    pub when: Conditions,
    /// The rules that deny, and do not where the exception applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifts: Vec<Name>,
    /// Who answers for it.
    pub owner: String,
    pub reason: String,
    pub ticket: String,
    pub created_by: Actor,
    #[serde(with = "rfc3339")]
    pub expires_at: Timestamp,
    /// Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renewals: Vec<Renewal>,
    pub history: History,
}

/// A later end of an exception.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Renewal {
    pub reason: String,
    pub by: Actor,
    /// The end that it replaced.
    #[serde(with = "rfc3339")]
    pub instead_of: Timestamp,
}

/// What happens to an exception at a certain time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Due {
    /// Its owner is reminded of its end.
    Reminder,
    /// It ends.
    Lapse,
    /// It is forgotten.
    Removal,
}

/// Who wants to renew an exception, until when, and why.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug)]
pub struct RenewalRequest {
    pub reason: String,
    pub by: Actor,
    pub expires_at: Timestamp,
    /// Whether somebody else has to renew it. Admin tokens are nobody's.
    pub is_own: bool,
}

impl Exception {
    /// Returns whether the exception can apply.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Returns whether the exception is wide: for every client, or for everybody.
    #[must_use]
    pub const fn is_wide(&self) -> bool {
        self.when.clients.is_empty() || !self.names_people()
    }

    /// Returns whether the exception is for certain people, and not for everybody.
    #[must_use]
    pub const fn names_people(&self) -> bool {
        !self.when.accounts.is_empty() || !self.when.groups.is_empty()
    }

    /// Returns whether the exception is for this person, among others.
    #[must_use]
    pub fn profits(&self, account: &AccountKey, groups: &[Group]) -> bool {
        let Conditions { accounts, groups: wanted, .. } = &self.when;
        (accounts.is_empty() || accounts.contains(account))
            && (wanted.is_empty() || wanted.iter().any(|group| groups.contains(group)))
    }

    /// Returns what happens first after an instant without anybody doing it, and when. After the removal, that is the removal.
    #[must_use]
    pub fn due_after(&self, instant: Timestamp) -> (Timestamp, Due) {
        let [week, day] = REMINDERS.map(|before| (self.expires_at.before(before), Due::Reminder));
        let removal = (self.expires_at + KEPT, Due::Removal);
        let half = self.halfway().map(|at| (at, Due::Reminder));
        let all = [week, day].into_iter().chain(half).chain([(self.expires_at, Due::Lapse)]);
        all.into_iter().find(|(at, _)| *at > instant).unwrap_or(removal)
    }

    /// Returns the middle between the last change and the end; `None` if they are more than a day apart.
    fn halfway(&self) -> Option<Timestamp> {
        let since = self.history.changed_at?;
        let left = self.expires_at.millis().saturating_sub(since.millis());
        (since + DAY >= self.expires_at).then(|| since + Duration::from_millis(left / 2))
    }

    /// Returns the exception with a later end.
    ///
    /// # Errors
    ///
    /// Somebody else has to renew it, the reason is one that was given before, or the end is not later or too late.
    pub fn renewed(self, ask: RenewalRequest, policy: &Policy, now: Timestamp) -> Result<Self, Vec<Fault>> {
        let faults = self.renewal_faults(&ask, policy, now);
        if !faults.is_empty() {
            return Err(faults);
        }
        let Self { mut renewals, expires_at, history, .. } = self;
        renewals.push(Renewal { reason: ask.reason, by: ask.by, instead_of: expires_at });
        Ok(Self { renewals, expires_at: ask.expires_at, history: history.changed(now), ..self })
    }

    fn renewal_faults(&self, ask: &RenewalRequest, policy: &Policy, now: Timestamp) -> Vec<Fault> {
        let id = &self.id;
        let mut faults = Vec::new();
        if ask.is_own {
            let why = if self.names_people() { "you profit from it" } else { "you own it, or have made it" };
            faults.push(Fault::at("", format!("exception {id}: {why}, so somebody else must renew it")));
        }
        let mut given =
            core::iter::once(&self.reason).chain(self.renewals.iter().map(|renewal| &renewal.reason));
        if given.any(|reason| is_same(reason, &ask.reason)) {
            let detail = format!("exception {id}: reason was given before: write why it is still needed");
            faults.push(Fault::at("reason", detail));
        }
        if ask.expires_at <= self.expires_at {
            let detail =
                format!("exception {id}: expires_at must be after {}, when it ends now", self.expires_at);
            faults.push(Fault::at("expires_at", detail));
        } else {
            let fault = end_fault(ask.expires_at, policy.longest_exception_days, now);
            faults.extend(fault.map(|detail| Fault::at("expires_at", format!("exception {id}: {detail}"))));
        }
        faults
    }
}

/// Compares without case, white space and the full stop at the end.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace([' ', '.'], "");
    plain(one) == plain(other)
}

/// Returns what is wrong with the end of an exception that begins or goes on now.
#[must_use]
pub fn end_fault(expires_at: Timestamp, longest_days: u64, now: Timestamp) -> Option<String> {
    let latest = now + Duration::from_secs(longest_days.saturating_mul(DAY.as_secs()));
    if expires_at <= now {
        return Some(format!("expires_at is {expires_at}: it must be in the future"));
    }
    let too_late = || {
        format!(
            "expires_at is {expires_at}: it must be {latest} or earlier, because longest_exception_days is {longest_days}"
        )
    };
    (expires_at > latest).then(too_late)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn days(days: u64) -> Timestamp {
        NOW + Duration::from_secs(days * 86_400)
    }

    fn exception() -> Exception {
        let when = Conditions {
            clients: vec!["cli".to_owned()],
            accounts: vec![AccountKey::local("bob")],
            ..Conditions::default()
        };
        Exception {
            format: Format,
            id: Name::parse("bob").unwrap(),
            when,
            lifts: Vec::new(),
            owner: "alice".to_owned(),
            reason: "The build machine has no browser.".to_owned(),
            ticket: "SEC-1".to_owned(),
            created_by: Actor::Operator("9f86d081".to_owned()),
            expires_at: days(30),
            renewals: Vec::new(),
            history: History::beginning(NOW),
        }
    }

    fn renew(
        exception: Exception,
        reason: &str,
        expires_at: Timestamp,
        is_own: bool,
    ) -> Result<Exception, Vec<Fault>> {
        let by = Actor::Operator("9f86d081".to_owned());
        let ask = RenewalRequest { reason: reason.to_owned(), by, expires_at, is_own };
        exception.renewed(ask, &Policy::without_document(false), NOW)
    }

    #[test]
    fn an_exception_lapses_at_its_end() {
        assert!(exception().is_live(days(29)) && !exception().is_live(days(30)));
    }

    #[test]
    fn the_owner_is_reminded_a_week_and_a_day_before_the_end_and_the_record_outlives_it() {
        let due = |day| exception().due_after(days(day));

        assert_eq!(due(0), (days(23), Due::Reminder));
        assert_eq!(due(23), (days(29), Due::Reminder));
        assert_eq!(due(29), (days(30), Due::Lapse));
        assert_eq!(due(30), (days(430), Due::Removal));
        assert_eq!(due(500), (days(430), Due::Removal));
    }

    #[test]
    fn the_owner_of_a_short_exception_is_reminded_once_halfway() {
        let hours = |hours: u64| NOW + Duration::from_secs(hours * 3_600);
        for (end, reminder) in [(2, 1), (24, 12), (25, 1), (48, 24)] {
            let exception = Exception { expires_at: hours(end), ..exception() };

            assert_eq!(exception.due_after(NOW), (hours(reminder), Due::Reminder), "{end} hours");
            assert_eq!(exception.due_after(hours(reminder)), (hours(end), Due::Lapse));
        }
        let ended = Exception { expires_at: NOW, ..exception() };
        assert_eq!(ended.due_after(NOW).1, Due::Removal);
    }

    #[test]
    fn a_renewal_needs_another_reason_another_person_and_an_end_within_the_longest_life() {
        let renewed = renew(exception(), "The browser comes in May", days(90), false).unwrap();
        assert_eq!((renewed.expires_at, renewed.renewals[0].instead_of), (days(90), days(30)));
        assert_eq!(renewed.history.version, 2);

        for (exception, reason, end, is_own, pointer) in [
            (exception(), "new", days(90), true, "/"),
            (exception(), " the build machine has no browser", days(90), false, "/reason"),
            (renewed, "The browser comes in May", days(90) + DAY, false, "/reason"),
            (exception(), "new", days(30), false, "/expires_at"),
            (exception(), "new", days(91), false, "/expires_at"),
        ] {
            let faults = renew(exception, reason, end, is_own).unwrap_err();
            assert!(faults.iter().any(|fault| fault.pointer == pointer), "{faults:?}");
            assert!(faults.iter().all(|fault| fault.detail.starts_with("exception bob: ")), "{faults:?}");
        }
    }

    #[test]
    fn an_exception_is_wide_unless_it_names_clients_and_people() {
        let with = |change: fn(&mut Conditions)| {
            let mut exception = exception();
            change(&mut exception.when);
            exception.is_wide()
        };

        assert!(!with(|_| ()));
        assert!(with(|when| when.clients.clear()) && with(|when| when.accounts.clear()));
        assert!(!with(
            |when| (when.accounts, when.groups) = (Vec::new(), vec![Group::parse("local:a").unwrap()])
        ));
    }

    #[test]
    fn those_profit_whom_the_exception_names() {
        let (alice, bob) = (AccountKey::local("alice"), AccountKey::local("bob"));
        let staff = [Group::parse("local:staff").unwrap()];
        let mut of_staff = exception();
        of_staff.when.accounts.clear();
        of_staff.when.groups = staff.to_vec();

        assert!(exception().profits(&bob, &[]) && !exception().profits(&alice, &staff));
        assert!(of_staff.profits(&alice, &staff) && !of_staff.profits(&alice, &[]));
    }
}
