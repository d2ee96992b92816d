//! Applies commands to the rows of one `GrantShard`.
//!
//! [`apply`] works on the trait [`Rows`], so the Durable Object and the in-memory stores of the tests run the
//! same rules. It is synchronous, because nothing may be awaited between its reads and its writes.

use super::command::{
    Command, EndGrant, Miss, NoteRefusal, Open, Opened, PollCode, Redeem, RefuseElsewhere, Refused,
};
use super::memory::Clock;
pub use super::memory::Memory;
use super::poll::{Poll, Ready};
use super::redemption::Redemption;
use super::routing::RowKey;
pub use super::rows::Rows;
use super::rows::{event, tell};
use super::verification::Digits;
use super::{Denial, Grant, Request, State, consent, live, miss, room};
use crate::ask::{Answer, Ask as _};
use crate::audit::{Event, What};
use crate::family::{self, Ending};
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::verdict::compare;

/// Applies one command at `now`.
///
/// # Errors
///
/// A row could not be read or written. A command without a transaction ([`Command::needs_transaction`]) reads
/// all rows before it writes, so a failed read changes nothing.
pub fn apply<R: Rows>(
    rows: &R,
    memory: &mut Memory,
    command: Command,
    now: Timestamp,
) -> Result<Answer, R::Error> {
    if let Some(key) = command.changes() {
        memory.doubt(key);
    }
    match command {
        Command::Open(ask) => ask.answer(|ask| open(rows, memory, &ask, now)),
        Command::PollCode(ask) => ask.answer(|ask| poll(rows, memory, &ask, now)),
        Command::Redeem(ask) => ask.answer(|ask| redeem(rows, &ask, memory.forget(ask.key), now)),
        Command::RefuseElsewhere(ask) => ask.answer(|ask| refuse_elsewhere(rows, memory, ask, now)),
        Command::Miss(ask) => ask.answer(|ask| spend_try(rows, memory, &ask, now)),
        Command::TakeHold(ask) => ask.answer(|ask| consent::take_hold(rows, ask, now)),
        Command::FindRequest(ask) => ask.answer(|ask| consent::find(rows, &ask, now)),
        Command::Decide(ask) => ask.answer(|ask| consent::decide(rows, ask, now)),
        Command::Misidentify(ask) => ask.answer(|ask| consent::misidentify(rows, &ask, now)),
        Command::Withdraw(ask) => ask.answer(|ask| consent::withdraw(rows, &ask, now)),
        Command::PresentToken(ask) => ask.answer(|ask| family::apply::present(rows, &ask, now)),
        Command::RotateToken(ask) => ask.answer(|ask| family::apply::rotate(rows, ask, now)),
        Command::FindFamily(ask) => ask.answer(|ask| family::apply::find(rows, &ask)),
        Command::RevokeFamily(ask) => ask.answer(|ask| family::apply::revoke(rows, &ask, now)),
        Command::LiveFamilies(ask) => ask.answer(|ask| family::apply::live(rows, &ask, now)),
        Command::WalkGrants(ask) => ask.answer(|ask| live::walk(rows, &ask, now)),
        Command::NoteRefusal(ask) => ask.answer(|ask| note_refusal(rows, memory, ask, now)),
        Command::EndGrant(ask) => ask.answer(|ask| end(rows, memory, ask, now)),
        Command::EndFamilies(ask) => ask.answer(|ask| family::apply::end_all(rows, ask, now)),
    }
}

fn end<R: Rows>(
    rows: &R,
    memory: &mut Memory,
    ask: EndGrant,
    now: Timestamp,
) -> Result<Option<Request>, R::Error> {
    memory.forget(ask.key);
    live::end(rows, ask, now)
}

fn open<R: Rows>(rows: &R, memory: &mut Memory, ask: &Open, now: Timestamp) -> Result<Opened, R::Error> {
    let Open { key, grant, caps, policy } = ask;
    // A row that has ended keeps its key until it is swept.
    let Some(codes) = rows.codes_unless_taken(*key, grant.request.network.widest())? else {
        return Ok(Opened::Taken);
    };
    let opened = room::count(rows, (grant, codes), *caps, now)?;
    if matches!(opened, Opened::Live(_)) {
        rows.put_grant(*key, grant, now)?;
        let page = grant.request.origin.page.clone();
        let policy = policy.clone();
        rows.tell(&Event { page, policy, ..event(What::DeviceAuthorization, *key, grant, now) })?;
        memory.start(*key, grant);
    }
    Ok(opened)
}

fn poll<R: Rows>(rows: &R, memory: &mut Memory, ask: &PollCode, now: Timestamp) -> Result<Poll, R::Error> {
    if let Some(poll) = memory.answer(ask, now) {
        return Ok(poll);
    }
    let (key, secret) = (ask.key, &ask.secret);
    let Some(grant) = rows.grant(key)? else { return Ok(Poll::Unknown) };
    // This check comes first, so that a code without its key slows nothing down, ends nothing and reveals
    // nothing.
    if grant.lacks_key(secret, &ask.proven) {
        return without_key(rows, key, grant, now);
    }
    if (ask.reissue || ask.reissue_bound && !grant.request.cnf.is_empty())
        && grant.secret == *secret
        && let Some(ready) = reissuable(rows, &grant, now)?
    {
        return Ok(Poll::Ready(Box::new(ready)));
    }
    let clock = Clock { key, by_header: ask.by_header };
    judge(rows, memory, clock, (secret, ask.digits.as_ref()), grant, now)
}

/// Judges the code, paces the device, and ends the family of a code that is replayed.
fn judge<R: Rows>(
    rows: &R,
    memory: &mut Memory,
    clock: Clock,
    presented: (&Digest, Option<&Digits>),
    mut grant: Grant,
    now: Timestamp,
) -> Result<Poll, R::Error> {
    let (key, interval) = (clock.key, grant.interval);
    let mut last = memory.last(clock);
    let poll = grant.poll(presented, &mut last, now);
    if let Poll::Pending(_) | Poll::DigitsNeeded(_) | Poll::TooSoon(_) = poll {
        memory.note(clock, &grant, now);
    }
    if grant.interval != interval {
        // It holds for the polls on the other clock, too.
        memory.doubt(key);
        rows.put_grant(key, &grant, now)?;
    }
    if poll == Poll::Replayed
        && let Some(id) = grant.replay()
    {
        // The grant is written last: if a write fails, the next replay repeats every write.
        family::apply::end(rows, id, Ending::DeviceCodeReplayed)?;
        tell(rows, What::DeviceCodeReplayed, key, &grant, now)?;
        rows.put_grant(key, &grant, now)?;
    }
    Ok(poll)
}

/// Reports only the first poll without the key, so that nobody can fill the outbox with a code that they
/// cannot use.
fn without_key<R: Rows>(rows: &R, key: RowKey, grant: Grant, now: Timestamp) -> Result<Poll, R::Error> {
    if !grant.without_key {
        tell(rows, What::DeviceCodeWithoutKey, key, &grant, now)?;
        rows.put_grant(key, &Grant { without_key: true, ..grant }, now)?;
    }
    Ok(Poll::WithoutKey)
}

fn refuse_elsewhere<R: Rows>(
    rows: &R,
    memory: &mut Memory,
    ask: RefuseElsewhere,
    now: Timestamp,
) -> Result<Poll, R::Error> {
    let RefuseElsewhere { key, secret, journey } = ask;
    let Some(mut grant) = rows.grant(key)? else { return Ok(Poll::Unknown) };
    let Some(lost) = grant.refuse_elsewhere(&secret, now) else {
        // A code that was approved is never paced again, so either clock will do.
        return judge(rows, memory, Clock { key, by_header: false }, (&secret, None), grant, now);
    };
    rows.put_grant(key, &grant, now)?;
    room::release(rows, &grant, now)?;
    let (how, account) = (Denial::Elsewhere, Some(lost.sub));
    rows.tell(&Event { account, journey: Some(journey), ..event(how.event(), key, &grant, now) })?;
    Ok(Poll::Denied(how))
}

/// Spends a try at the digits of a verification.
fn spend_try<R: Rows>(rows: &R, memory: &mut Memory, ask: &Miss, now: Timestamp) -> Result<Poll, R::Error> {
    let Miss { key, secret, digits } = ask;
    let Some(mut grant) = rows.grant(*key)? else { return Ok(Poll::Unknown) };
    let Some(miss) = grant.miss(secret, digits, now) else {
        let clock = Clock { key: *key, by_header: false };
        return judge(rows, memory, clock, (secret, Some(digits)), grant, now);
    };
    rows.put_grant(*key, &grant, now)?;
    match miss {
        miss::Miss::Left(left) => Ok(Poll::WrongDigits(left)),
        miss::Miss::Last(lost) => {
            room::release(rows, &grant, now)?;
            let (how, provenance) = (Denial::Mistyped, lost.provenance(*key, &grant.request));
            let told = event(how.event(), *key, &grant, now).following(&provenance);
            rows.tell(&Event { account: Some(lost.sub), ..told })?;
            Ok(Poll::Denied(how))
        }
    }
}

fn note_refusal<R: Rows>(
    rows: &R,
    memory: &mut Memory,
    ask: NoteRefusal,
    now: Timestamp,
) -> Result<(), R::Error> {
    let about = match ask.of {
        Refused::Approval(key) => rows.grant(key)?.map(|grant| {
            let account = grant.holder().map(|holder| holder.sub.clone());
            let comparison = ask.person.as_ref().map(|person| compare(&grant.request.side(), person));
            Event { account, comparison, ..event(What::ApprovalRefused, key, &grant, now) }
        }),
        Refused::Redemption(key) => rows.grant(key)?.map(|grant| {
            let account = grant.decision.as_ref().map(|decision| decision.hold.sub.clone());
            Event { account, ..event(What::RedemptionRefused, key, &grant, now) }
        }),
        Refused::Refresh(id) => rows.family(id)?.map(|family| family.event(What::RefreshRefused, id, now)),
    };
    match about {
        Some(event) if memory.refuse(&ask) => {
            rows.tell(&Event { reason: Some(ask.why), policy: ask.policy, ..event })
        }
        Some(_) | None => Ok(()),
    }
}

fn reissuable<R: Rows>(rows: &R, grant: &Grant, now: Timestamp) -> Result<Option<Ready>, R::Error> {
    let State::Redeemed { family, .. } = &grant.state else { return Ok(None) };
    Ok(grant.reissuable(rows.family(*family)?.as_ref(), now))
}

fn redeem<R: Rows>(rows: &R, ask: &Redeem, polls: u64, now: Timestamp) -> Result<Redemption, R::Error> {
    let Some(mut grant) = rows.grant(ask.key)? else { return Ok(Redemption::Lost) };
    let presented = (&ask.secret, ask.digits.as_ref());
    let redemption = grant.redeem(presented, &ask.attempt, ask.id, now);
    match redemption {
        Redemption::Won => {
            room::release(rows, &grant, now)?;
            spent(rows, ask, &grant, (What::Redeemed, Some(polls)), now)?;
        }
        Redemption::Lost
            if ask.reissue && grant.secret == ask.secret && reissuable(rows, &grant, now)?.is_some() =>
        {
            if let Some(lost) = grant.reissue(&ask.attempt, ask.id, now) {
                family::apply::end(rows, lost, Ending::Reissued)?;
            }
            spent(rows, ask, &grant, (What::Reissued, None), now)?;
            return Ok(Redemption::Won);
        }
        Redemption::Again | Redemption::Lost => {}
    }
    Ok(redemption)
}

/// Stores a redeemed grant, the family of its tokens, and the event.
fn spent<R: Rows>(
    rows: &R,
    ask: &Redeem,
    grant: &Grant,
    (what, polls): (What, Option<u64>),
    now: Timestamp,
) -> Result<(), R::Error> {
    rows.put_grant(ask.key, grant, now)?;
    rows.put_family(ask.id, &ask.family)?;
    let account = Some(ask.family.sub.clone());
    let event = |what| event(what, ask.key, grant, now).following(&ask.family.provenance);
    let policy = ask.policy.clone();
    rows.tell(&Event { account: account.clone(), polls, policy, ..event(what) })?;
    if let Some(journey) = ask.journey.clone() {
        rows.tell(&Event { account, journey: Some(journey), ..event(What::RedeemedElsewhere) })?;
    }
    Ok(())
}
