//! Finds, creates, replaces, renews and ends exceptions.

use serde::{Deserialize, Serialize};

use super::taken::revise;
use crate::audit::change::{Actor, Change, Changed, OfException};
use crate::client::history::{Expected, History};
use crate::fault::Fault;
use crate::format::is_false;
use crate::identity::account::Account;
use crate::identity::account_key::AccountKey;
use crate::identity::group::Group;
use crate::policy::document::Policy;
use crate::policy::exception::{Exception, RenewalRequest};
use crate::policy::governance::MOST_EXCEPTIONS;
use crate::policy::name::Name;
use crate::registry::rows::Rows;
use crate::time::Timestamp;

/// The most exceptions that are kept, those that have lapsed among them.
pub const MOST_KEPT: usize = 10 * MOST_EXCEPTIONS;
/// What the event of a wide exception says that it grants.
const WIDE: &str = "wide";

/// Lists at most `limit` exceptions whose identifiers come after `after`, in the order of the identifiers. Also those that
/// have lapsed.
#[expect(missing_docs, reason = "the type's comment says what they are")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListExceptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Name>,
    pub limit: u32,
}

/// Reads an exception.
#[expect(missing_docs, reason = "the name says what it is")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FindException {
    pub id: Name,
}

/// Adds an exception.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CreateException {
    pub exception: Box<Exception>,
    /// If true, nothing is written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    pub by: Actor,
}

/// Replaces the exception with the same identifier. One that is the same as before stays as it is.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReplaceException {
    pub exception: Box<Exception>,
    /// The version that the exception must still have.
    pub expected: Expected,
    /// If true, nothing is written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    pub by: Actor,
}

/// Gives an exception a later end.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RenewException {
    pub id: Name,
    /// The version that the exception must still have.
    pub expected: Expected,
    pub reason: String,
    pub expires_at: Timestamp,
    /// The person who renews; `None` for the holder of an admin token, which is nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
    /// If true, nothing is written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    pub by: Actor,
}

/// A person, as an exception names people.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Person {
    pub account: AccountKey,
    pub groups: Vec<Group>,
    /// How an exception might call the person as its owner: username, full name and e-mail address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

impl From<&Account> for Person {
    fn from(account: &Account) -> Self {
        let names = [Some(account.username.clone()), Some(account.name.clone()), account.email.clone()];
        let names = names.into_iter().flatten().collect();
        Self { account: account.key.clone(), groups: account.groups.clone(), names }
    }
}

impl Person {
    /// Returns whether the owner of an exception is this person.
    fn is_called(&self, owner: &str) -> bool {
        let names = self.names.iter().map(String::as_str).chain([self.account.as_str()]);
        names.into_iter().any(|name| name.eq_ignore_ascii_case(owner))
    }
}

/// Ends an exception now.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EndException {
    pub id: Name,
    /// The version that the exception must still have.
    pub expected: Expected,
    pub by: Actor,
}

/// Why a change of exceptions is refused.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionRefusal {
    /// There is no such exception.
    Missing,
    /// An exception with this identifier exists already. It might have lapsed.
    Exists,
    /// The exception does not have the expected version.
    Stale,
    /// There is no room for another live exception.
    Full,
    /// The exception has ended already.
    Over,
    /// The renewal is not possible.
    Faulty(Vec<Fault>),
}

/// The exception after a change, or why the change is refused. The outer error means that a row could not be read or written.
type Outcome<R> = Result<Result<Exception, ExceptionRefusal>, <R as Rows>::Error>;

pub(crate) fn create<R: Rows>(rows: &R, ask: CreateException, now: Timestamp) -> Outcome<R> {
    let CreateException { exception, dry_run, by } = ask;
    let exception = Exception { history: History::beginning(now), ..*exception };
    let added = if dry_run { check(rows, &exception, now)? } else { add(rows, &exception, by, now)? };
    Ok(added.map(|()| exception))
}

/// Stores a new exception.
pub(super) fn add<R: Rows>(
    rows: &R,
    exception: &Exception,
    by: Actor,
    now: Timestamp,
) -> Result<Result<(), ExceptionRefusal>, R::Error> {
    if let Err(refusal) = check(rows, exception, now)? {
        return Ok(Err(refusal));
    }
    keep(rows, exception, now)?;
    tell(rows, Changed::ExceptionCreated, exception, Vec::new(), by, now)?;
    Ok(Ok(()))
}

/// Checks whether a new exception can be stored.
pub(super) fn check<R: Rows>(
    rows: &R,
    exception: &Exception,
    now: Timestamp,
) -> Result<Result<(), ExceptionRefusal>, R::Error> {
    if rows.exception(&exception.id)?.is_some() {
        return Ok(Err(ExceptionRefusal::Exists));
    }
    let is_full = !has_room(rows, &exception.id, now)? || rows.exception_count()? >= MOST_KEPT;
    Ok(if is_full { Err(ExceptionRefusal::Full) } else { Ok(()) })
}

pub(crate) fn replace<R: Rows>(rows: &R, ask: ReplaceException, now: Timestamp) -> Outcome<R> {
    let ReplaceException { exception, expected, dry_run, by } = ask;
    let before = match find(rows, &exception.id, &expected)? {
        Ok(before) => before,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let members = changed(&before, &exception);
    if members.is_empty() {
        return Ok(Ok(before));
    }
    let exception = Exception { history: before.history.changed(now), ..*exception };
    if !dry_run {
        keep(rows, &exception, now)?;
        tell(rows, Changed::ExceptionChanged, &exception, members, by, now)?;
    }
    Ok(Ok(exception))
}

pub(crate) fn renew<R: Rows>(rows: &R, ask: RenewException, now: Timestamp) -> Outcome<R> {
    let before = match find(rows, &ask.id, &ask.expected)? {
        Ok(before) => before,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let is_own = ask.person.is_some_and(|person| is_own(&before, &person, &ask.by));
    let by = ask.by.clone();
    let request = RenewalRequest { reason: ask.reason, by: ask.by, expires_at: ask.expires_at, is_own };
    let policy = rows.policy(None)?.map_or_else(|| Policy::without_document(false), |found| found.policy);
    let exception = match before.renewed(request, &policy, now) {
        Ok(exception) => exception,
        Err(faults) => return Ok(Err(ExceptionRefusal::Faulty(faults))),
    };
    if !has_room(rows, &exception.id, now)? {
        return Ok(Err(ExceptionRefusal::Full));
    }
    if !ask.dry_run {
        keep(rows, &exception, now)?;
        tell(rows, Changed::ExceptionRenewed, &exception, Vec::new(), by, now)?;
    }
    Ok(Ok(exception))
}

/// Returns whether somebody other than this person has to renew an exception: it names the person, or it is for everybody, and
/// the person owns it or has made it.
fn is_own(exception: &Exception, person: &Person, by: &Actor) -> bool {
    if exception.names_people() {
        exception.profits(&person.account, &person.groups)
    } else {
        exception.created_by == *by || person.is_called(&exception.owner)
    }
}

pub(crate) fn end<R: Rows>(rows: &R, ask: EndException, now: Timestamp) -> Outcome<R> {
    let before = match find(rows, &ask.id, &ask.expected)? {
        Ok(before) => before,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if !before.is_live(now) {
        return Ok(Err(ExceptionRefusal::Over));
    }
    let exception = Exception { expires_at: now, history: before.history.changed(now), ..before };
    keep(rows, &exception, now)?;
    tell(rows, Changed::ExceptionEnded, &exception, Vec::new(), ask.by, now)?;
    Ok(Ok(exception))
}

fn find<R: Rows>(rows: &R, id: &Name, expected: &Expected) -> Outcome<R> {
    Ok(match rows.exception(id)? {
        None => Err(ExceptionRefusal::Missing),
        Some(exception) if expected.holds(&exception.history) => Ok(exception),
        Some(_) => Err(ExceptionRefusal::Stale),
    })
}

/// Returns whether this exception can be live, besides all others.
fn has_room<R: Rows>(rows: &R, id: &Name, now: Timestamp) -> Result<bool, R::Error> {
    let live = rows.live_exceptions(now)?;
    Ok(live.iter().filter(|exception| exception.id != *id).count() < MOST_EXCEPTIONS)
}

/// Writes an exception, which Workers then see.
fn keep<R: Rows>(rows: &R, exception: &Exception, now: Timestamp) -> Result<(), R::Error> {
    let (due, _) = exception.due_after(now);
    rows.put_exception(exception, due)?;
    revise(rows)
}

/// Returns the names of the members that differ.
fn changed(before: &Exception, after: &Exception) -> Vec<String> {
    let differs = [
        ("expires_at", before.expires_at != after.expires_at),
        ("lifts", before.lifts != after.lifts),
        ("owner", before.owner != after.owner),
        ("reason", before.reason != after.reason),
        ("ticket", before.ticket != after.ticket),
        ("when", before.when != after.when),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect()
}

/// Reports a change of an exception, or what happens to it at its time.
pub(super) fn tell<R: Rows>(
    rows: &R,
    what: Changed,
    exception: &Exception,
    members: Vec<String>,
    by: Actor,
    now: Timestamp,
) -> Result<(), R::Error> {
    let granted = if exception.is_wide() { vec![WIDE.to_owned()] } else { Vec::new() };
    let of = OfException { owner: exception.owner.clone(), expires_at: exception.expires_at };
    let change = Change::of(what, Some(exception.id.as_str()), by, now);
    rows.tell(&Change { members, granted, exception: Some(of), ..change })
}
