//! Stores requests for access, answers them, and lets them lapse. Whoever is let through gets an exception in the same
//! transaction.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::exceptions::{self, Person};
use crate::alarm::BATCH;
use crate::audit::change::{Actor, Change, Changed, OfAccessRequest};
use crate::fault::Fault;
use crate::format::is_false;
use crate::identity::account_key::AccountKey;
use crate::policy::access_request::{AccessRequest, Grant, Places, Refusal, Standing, State, Terms};
use crate::policy::document::Policy;
use crate::policy::exception::{Exception, end_fault};
use crate::policy::name::Name;
use crate::registry::rows::Rows;
use crate::sub::Sub;
use crate::time::Timestamp;

/// The most open requests of a person.
pub const MOST_OPEN_OF_PERSON: usize = 3;
/// The most requests of a person in a week, open or not.
pub const MOST_IN_WEEK: usize = 10;
/// The most open requests of all people.
pub const MOST_OPEN: usize = 1_000;
/// The most requests that are kept. The oldest that is over makes room for a new one.
pub const MOST_KEPT: usize = 5_000;
/// The most requests of a person that are read.
pub const MOST_READ: u32 = 20;

const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// Stores a request. Who has an open request for the same client gets that one as the reply, and nothing is stored.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what it is")]
pub struct AskForAccess {
    pub request: Box<AccessRequest>,
}

/// Lists at most `limit` requests in this state, or in any, whose identifiers come after `after`, oldest first.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct ListAccessRequests {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Standing>,
    pub limit: u32,
}

/// Reads a request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct FindAccessRequest {
    pub id: Name,
}

/// Reads the last [`MOST_READ`] requests of a person, newest first. One that was granted has the end that its exception has
/// now: exceptions are renewed, and ended early.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct FindOwnAccessRequests {
    pub account: AccountKey,
    /// Requests of an earlier account with the same key are somebody else's.
    pub sub: Sub,
}

/// Lets the person through who made a request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct GrantAccess {
    pub id: Name,
    pub terms: Terms,
    /// The person who answers, who must not be the one who asks; `None` for the holder of an admin token, which is nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
    /// If true, nothing is written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    pub by: Actor,
}

/// Tells the person who made a request that the answer is no.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct RefuseAccess {
    pub id: Name,
    /// What the person reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// If true, nothing is written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
    pub by: Actor,
}

/// Why a request is not stored.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AskRefusal {
    /// The person has [`MOST_OPEN_OF_PERSON`] open requests.
    TooManyOpen,
    /// The person has made [`MOST_IN_WEEK`] requests in a week.
    TooManyInWeek,
    /// There is no room for another open request.
    Full,
}

/// Why a request is not answered.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerRefusal {
    /// There is no such request.
    Missing,
    /// It was answered already, or has lapsed.
    Over(Standing),
    /// The answer comes from the person who asks.
    Own,
    /// There is no room for another live exception.
    Full,
    /// The terms are not good.
    Faulty(Vec<Fault>),
}

/// The request after an answer, and the exception that it led to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct AccessGranted {
    pub request: AccessRequest,
    pub exception: Exception,
}

/// The outer error means that a row could not be read or written.
type Outcome<R, T, E> = Result<Result<T, E>, <R as Rows>::Error>;

pub(crate) fn ask<R: Rows>(
    rows: &R,
    ask: AskForAccess,
    now: Timestamp,
) -> Outcome<R, AccessRequest, AskRefusal> {
    let request = AccessRequest { asked_at: now, state: State::Open, ..*ask.request };
    let own = own(rows, &request.asker.account, &request.asker.sub)?;
    let open: Vec<&AccessRequest> = own.iter().filter(|other| other.is_open(now)).collect();
    if let Some(same) = open.iter().find(|other| other.client_id == request.client_id) {
        return Ok(Ok((*same).clone()));
    }
    if open.len() >= MOST_OPEN_OF_PERSON {
        return Ok(Err(AskRefusal::TooManyOpen));
    }
    if own.iter().filter(|other| now < other.asked_at + WEEK).count() >= MOST_IN_WEEK {
        return Ok(Err(AskRefusal::TooManyInWeek));
    }
    if rows.open_access_requests()? >= MOST_OPEN {
        return Ok(Err(AskRefusal::Full));
    }
    if rows.access_request_count()? >= MOST_KEPT {
        rows.forget_answered_request()?;
    }
    rows.put_access_request(&request)?;
    tell(rows, Changed::AccessRequested, &request, Actor::Account(request.asker.sub.clone()), now)?;
    Ok(Ok(request))
}

/// Answers [`FindOwnAccessRequests`].
pub(crate) fn find_own<R: Rows>(
    rows: &R,
    ask: &FindOwnAccessRequests,
) -> Result<Vec<AccessRequest>, R::Error> {
    let mut own = own(rows, &ask.account, &ask.sub)?;
    for request in &mut own {
        if let State::Granted(grant) = &mut request.state
            && let Some(exception) = rows.exception(&grant.exception)?
        {
            grant.until = exception.expires_at;
        }
    }
    Ok(own)
}

/// Returns the last requests of a person, newest first.
fn own<R: Rows>(rows: &R, account: &AccountKey, sub: &Sub) -> Result<Vec<AccessRequest>, R::Error> {
    let mut own = rows.access_requests_of(account, MOST_READ)?;
    own.retain(|request| request.asker.sub == *sub);
    Ok(own)
}

pub(crate) fn grant<R: Rows>(
    rows: &R,
    ask: GrantAccess,
    now: Timestamp,
) -> Outcome<R, AccessGranted, AnswerRefusal> {
    let GrantAccess { id, terms, person, dry_run, by } = ask;
    let request = match open(rows, &id, now)? {
        Ok(request) => request,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let policy = rows.policy(None)?.map_or_else(|| Policy::without_document(false), |found| found.policy);
    if let Some(detail) = end_fault(terms.expires_at, policy.longest_exception_days, now) {
        return Ok(Err(AnswerRefusal::Faulty(vec![Fault::at("expires_at", detail)])));
    }
    let exception = request.exception(terms, &policy, by.clone(), now);
    if is_own(&request, &exception, person.as_ref(), &by) {
        return Ok(Err(AnswerRefusal::Own));
    }
    let (until, name) = (exception.expires_at, exception.id.clone());
    let added = if dry_run {
        exceptions::check(rows, &exception, now)?
    } else {
        exceptions::add(rows, &exception, by.clone(), now)?
    };
    if added.is_err() {
        return Ok(Err(AnswerRefusal::Full));
    }
    let grant = Grant { by: by.clone(), at: now, until, exception: name };
    let Some(request) = request.granted(grant) else {
        return Ok(Err(AnswerRefusal::Over(Standing::Lapsed)));
    };
    if !dry_run {
        rows.put_access_request(&request)?;
        tell(rows, Changed::AccessGranted, &request, by, now)?;
    }
    Ok(Ok(AccessGranted { request, exception }))
}

/// Returns whether the person who answers is the one who asks: who would profit from the exception.
fn is_own(request: &AccessRequest, exception: &Exception, person: Option<&Person>, by: &Actor) -> bool {
    person.is_some_and(|person| exception.profits(&person.account, &person.groups))
        || matches!(by, Actor::Account(sub) if *sub == request.asker.sub)
}

pub(crate) fn refuse<R: Rows>(
    rows: &R,
    ask: RefuseAccess,
    now: Timestamp,
) -> Outcome<R, AccessRequest, AnswerRefusal> {
    let RefuseAccess { id, message, dry_run, by } = ask;
    let request = match open(rows, &id, now)? {
        Ok(request) => request,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let refusal = Refusal { by: by.clone(), at: now, message };
    let Some(request) = request.refused(refusal) else {
        return Ok(Err(AnswerRefusal::Over(Standing::Lapsed)));
    };
    if !dry_run {
        rows.put_access_request(&request)?;
        tell(rows, Changed::AccessRefused, &request, by, now)?;
    }
    Ok(Ok(request))
}

fn open<R: Rows>(rows: &R, id: &Name, now: Timestamp) -> Outcome<R, AccessRequest, AnswerRefusal> {
    let Some(request) = rows.access_request(id)? else { return Ok(Err(AnswerRefusal::Missing)) };
    let standing = request.standing(now);
    Ok(if standing == Standing::Open { Ok(request) } else { Err(AnswerRefusal::Over(standing)) })
}

/// Lets requests lapse that nobody has answered, and forgets those that were over long ago: one batch. What Workers apply
/// does not change.
///
/// # Errors
///
/// A row could not be read or written.
pub fn attend<R: Rows>(rows: &R, now: Timestamp) -> Result<(), R::Error> {
    for request in rows.due_access_requests(now, BATCH)? {
        let id = request.id.clone();
        match request.lapsed(now) {
            Some(lapsed) => {
                rows.put_access_request(&lapsed)?;
                tell(rows, Changed::AccessRequestLapsed, &lapsed, Actor::Server, now)?;
            }
            None => rows.remove_access_request(&id)?,
        }
    }
    Ok(())
}

fn tell<R: Rows>(
    rows: &R,
    what: Changed,
    request: &AccessRequest,
    by: Actor,
    now: Timestamp,
) -> Result<(), R::Error> {
    let (comparison, person) = match &request.places {
        Places::Code(comparison) => (Some(comparison.clone()), None),
        Places::Person(spot) => (None, Some(spot.clone())),
    };
    let (until, exception) = match &request.state {
        State::Granted(grant) => (Some(grant.until), Some(grant.exception.to_string())),
        State::Open | State::Refused(_) | State::Lapsed { .. } => (None, None),
    };
    let of = OfAccessRequest {
        account: request.asker.sub.clone(),
        client_id: request.client_id.clone(),
        denied_by: request.denied_by.iter().map(Name::to_string).collect(),
        comparison,
        person,
        until,
        exception,
    };
    let change = Change::of(what, Some(request.id.as_str()), by, now);
    rows.tell(&Change { access_request: Some(Box::new(of)), ..change })
}
