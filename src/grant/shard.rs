//! What one `GrantShard` answers: commands on rows, one at a time.
//!
//! [`apply`] is synchronous and runs against [`Rows`], so the Durable Object, the native store, and the
//! property tests all run the same rules. Nothing may be awaited between its reads and its writes.

use std::collections::HashMap;

use super::command::{Command, ConsentDecision, Decided, Held, Opened, Reply, Shown};
use super::routing::RowKey;
use super::{Approval, Grant, Hold, Poll, Ready, Redemption, State};
use crate::audit::{Event, What};
use crate::family::{Ending, Family, apply};
use crate::format::Format;
use crate::secret::Digest;
use crate::time::{Timestamp, ceil_seconds};
use crate::token::confirmation::Confirmation;

/// The rows of a shard. Every method is synchronous: see [`apply`].
pub trait Rows {
    /// Why a row could not be read or written.
    type Error;

    /// Reads a grant.
    fn grant(&self, key: RowKey) -> Result<Option<Grant>, Self::Error>;
    /// Writes a grant.
    fn put_grant(&self, key: RowKey, grant: &Grant, now: Timestamp) -> Result<(), Self::Error>;
    /// How many codes are live, and when the first of them ends.
    fn live(&self, now: Timestamp) -> Result<(u64, Option<Timestamp>), Self::Error>;
    /// Reads a family.
    fn family(&self, id: &str) -> Result<Option<Family>, Self::Error>;
    /// Writes a family.
    fn put_family(&self, id: &str, family: &Family) -> Result<(), Self::Error>;
    /// Appends an event to the outbox.
    fn tell(&self, event: &Event) -> Result<(), Self::Error>;
}

/// What a shard keeps in memory only: when each pending grant was last polled.
///
/// Losing it forgives one early poll; storing it would cost a write per poll.
#[derive(Debug, Default)]
pub struct Memory {
    polls: HashMap<RowKey, Timestamp>,
}

impl Memory {
    /// Beyond this many entries, those older than the longest interval are dropped.
    const MOST: usize = 10_000;

    fn note(&mut self, key: RowKey, last: Option<Timestamp>, now: Timestamp) {
        if self.polls.len() >= Self::MOST {
            let oldest = now.before(core::time::Duration::from_secs(super::pace::CAP_SECONDS));
            self.polls.retain(|_, at| *at > oldest);
        }
        if let Some(last) = last {
            self.polls.insert(key, last);
        }
    }
}

/// Answers one command at `now`.
///
/// # Errors
///
/// Those of the rows. Reads come before writes, so a failed read changes nothing.
pub fn apply<R: Rows>(
    rows: &R,
    memory: &mut Memory,
    command: Command,
    now: Timestamp,
) -> Result<Reply, R::Error> {
    match command {
        Command::Open { key, grant, cap } => open(rows, key, &grant, cap, now).map(Reply::Opened),
        Command::Poll { key, secret, reissue, reissue_bound, proven } => {
            let caller = Caller { secret, proven, reissue, reissue_bound };
            poll(rows, memory, key, &caller, now).map(Reply::Polled)
        }
        Command::Redeem { key, secret, attempt, id, family, reissue } => {
            memory.polls.remove(&key);
            let next = Next { attempt: &attempt, id: &id, family: &family };
            redeem(rows, key, &secret, next, reissue, now).map(Reply::Redeemed)
        }
        Command::Hold { key, hold } => held(rows, key, hold, now).map(Reply::Held),
        Command::Decide { key, hold, decision } => {
            decide(rows, key, &hold, decision, now).map(Reply::Decided)
        }
        Command::Refresh { id, secret, genuine, holder } => {
            apply::refresh(rows, &id, &secret, genuine, holder.as_ref(), now).map(Reply::Refreshed)
        }
        Command::Rotate { id, secret, next, ends_at, cnf } => {
            let successor = apply::Successor { current: next, ends_at, cnf };
            apply::rotate(rows, &id, &secret, successor, now).map(Reply::Rotated)
        }
        Command::Family { id, seen } => apply::look(rows, &id, seen.as_deref()).map(Reply::Family),
        Command::Revoke { id, client_id, proof } => {
            apply::revoke(rows, &id, &client_id, proof.as_ref(), now).map(|()| Reply::Revoked)
        }
    }
}

fn open<R: Rows>(rows: &R, key: RowKey, grant: &Grant, cap: u64, now: Timestamp) -> Result<Opened, R::Error> {
    // A row that has ended but was not swept yet is free to be written over.
    if rows.grant(key)?.is_some_and(|other| now < other.ends_at()) {
        return Ok(Opened::Taken);
    }
    let (live, first_end) = rows.live(now)?;
    if live >= cap {
        let wait = first_end.map_or(1, |end| ceil_seconds(end.since(now)).max(1));
        return Ok(Opened::Full(wait));
    }
    rows.put_grant(key, grant, now)?;
    tell(rows, What::DeviceAuthorization, key, grant, now)?;
    Ok(Opened::Live(live + 1))
}

/// What a poll says of whoever sent it.
struct Caller {
    secret: Digest,
    proven: Confirmation,
    reissue: bool,
    reissue_bound: bool,
}

fn poll<R: Rows>(
    rows: &R,
    memory: &mut Memory,
    key: RowKey,
    caller: &Caller,
    now: Timestamp,
) -> Result<Poll, R::Error> {
    let Some(mut grant) = rows.grant(key)? else { return Ok(Poll::Unknown) };
    let secret = &caller.secret;
    // First of all: without the key a code paces nothing, ends nothing, and shows nothing.
    if grant.lacks_key(secret, &caller.proven) {
        return without_key(rows, key, grant, now);
    }
    if (caller.reissue || caller.reissue_bound && !grant.request.cnf.is_empty())
        && grant.secret == *secret
        && let Some(ready) = reissuable(rows, &grant, now)?
    {
        return Ok(Poll::Ready(Box::new(ready)));
    }
    let interval = grant.interval;
    let mut last = memory.polls.get(&key).copied();
    let poll = grant.poll(secret, &mut last, now);
    memory.note(key, last, now);
    if grant.interval != interval {
        rows.put_grant(key, &grant, now)?;
    }
    if poll == Poll::Replayed
        && let Some(id) = grant.replay().map(str::to_owned)
    {
        // The mark comes last: should a write fail, the next replay does it all again.
        apply::end(rows, &id, Ending::DeviceCodeReplayed)?;
        tell(rows, What::DeviceCodeReplayed, key, &grant, now)?;
        rows.put_grant(key, &grant, now)?;
    }
    Ok(poll)
}

/// The first time it is an event, so that nobody fills the outbox with a code they cannot use.
fn without_key<R: Rows>(rows: &R, key: RowKey, grant: Grant, now: Timestamp) -> Result<Poll, R::Error> {
    if !grant.without_key {
        tell(rows, What::DeviceCodeWithoutKey, key, &grant, now)?;
        rows.put_grant(key, &Grant { without_key: true, ..grant }, now)?;
    }
    Ok(Poll::WithoutKey)
}

fn reissuable<R: Rows>(rows: &R, grant: &Grant, now: Timestamp) -> Result<Option<Ready>, R::Error> {
    let State::Redeemed { family, .. } = &grant.state else { return Ok(None) };
    Ok(grant.reissuable(rows.family(family)?.as_ref(), now))
}

/// What a redemption is to be followed by.
#[derive(Clone, Copy)]
struct Next<'a> {
    attempt: &'a str,
    id: &'a str,
    family: &'a Family,
}

fn redeem<R: Rows>(
    rows: &R,
    key: RowKey,
    secret: &Digest,
    next: Next<'_>,
    reissue: bool,
    now: Timestamp,
) -> Result<Redemption, R::Error> {
    let Some(mut grant) = rows.grant(key)? else { return Ok(Redemption::Lost) };
    let redemption = grant.redeem(secret, next.attempt, next.id, now);
    match redemption {
        Redemption::Won => follow(rows, key, &grant, next, What::Redeemed, now)?,
        Redemption::Lost
            if reissue && grant.secret == *secret && reissuable(rows, &grant, now)?.is_some() =>
        {
            if let Some(lost) = grant.reissue(next.attempt, next.id, now) {
                apply::end(rows, &lost, Ending::Reissued)?;
            }
            follow(rows, key, &grant, next, What::Reissued, now)?;
            return Ok(Redemption::Won);
        }
        Redemption::Again | Redemption::Lost => {}
    }
    Ok(redemption)
}

fn follow<R: Rows>(
    rows: &R,
    key: RowKey,
    grant: &Grant,
    next: Next<'_>,
    what: What,
    now: Timestamp,
) -> Result<(), R::Error> {
    rows.put_grant(key, grant, now)?;
    rows.put_family(next.id, next.family)?;
    rows.tell(&Event { account: Some(next.family.account.clone()), ..event(what, key, grant, now) })
}

fn held<R: Rows>(rows: &R, key: RowKey, hold: Hold, now: Timestamp) -> Result<Held, R::Error> {
    let absent = |rows: &R| rows.live(now).map(|(live, _)| Held::Absent(live));
    let Some(mut grant) = rows.grant(key)? else { return absent(rows) };
    if !grant.is_open(now) {
        return absent(rows);
    }
    let account = hold.account.clone();
    // A page that is shown again to the same person is no news.
    let again = grant.was_shown_to(&hold);
    let yours = grant.hold(hold, now);
    rows.put_grant(key, &grant, now)?;
    let what = if yours { What::ConsentOpened } else { What::Contested };
    if !again {
        rows.tell(&Event { account: Some(account), ..event(what, key, &grant, now) })?;
    }
    if !yours {
        return absent(rows);
    }
    let Grant { request, expires_at, .. } = grant;
    Ok(Held::Yours(Box::new(Shown { request, expires_at })))
}

fn decide<R: Rows>(
    rows: &R,
    key: RowKey,
    hold: &Hold,
    decision: ConsentDecision,
    now: Timestamp,
) -> Result<Decided, R::Error> {
    let Some(mut grant) = rows.grant(key)? else { return Ok(Decided::Over) };
    if !grant.is_open(now) {
        return Ok(Decided::Over);
    }
    if !grant.is_held_by(hold) {
        return Ok(Decided::Elsewhere);
    }
    let what = match decision {
        ConsentDecision::Approve(approval) => {
            grant.approve(Approval { at: now, ..approval }, now);
            What::Approved
        }
        ConsentDecision::Deny(how) => {
            grant.deny(how, now);
            What::of(how)
        }
    };
    rows.put_grant(key, &grant, now)?;
    rows.tell(&Event { account: Some(hold.account.clone()), ..event(what, key, &grant, now) })?;
    Ok(Decided::Done(Box::new(grant.request)))
}

fn tell<R: Rows>(rows: &R, what: What, key: RowKey, grant: &Grant, now: Timestamp) -> Result<(), R::Error> {
    rows.tell(&event(what, key, grant, now))
}

/// The event of a transition; it names the grant by its row key, never by a code.
#[must_use]
pub fn event(what: What, key: RowKey, grant: &Grant, now: Timestamp) -> Event {
    Event {
        format: Format,
        what,
        at: now,
        subject: key.to_string(),
        client_id: grant.request.client_id.clone(),
        account: None,
    }
}
