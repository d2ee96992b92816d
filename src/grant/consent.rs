//! Applies the commands of the consent page: who has it open, what became of the request, and what was decided.

use super::command::{
    ConsentDecision, Decide, Decided, FindRequest, Held, Misidentified, Misidentify, Settled, Shown,
    Standing, TakeHold, Withdraw,
};
use super::rows::{Rows, event};
use super::{Approval, Decision, Denial, Grant, Hold, Outcome, State, room};
use crate::audit::{Event, What};
use crate::family::{self, Ending};
use crate::provenance::{ApprovalId, Stage};
use crate::time::Timestamp;
use crate::verdict::compare;

pub(super) fn take_hold<R: Rows>(rows: &R, ask: TakeHold, now: Timestamp) -> Result<Held, R::Error> {
    let key = ask.key;
    let absent = |rows: &R| room::number(rows, now).map(Held::Absent);
    let Some(mut grant) = rows.grant(key)? else { return absent(rows) };
    if !grant.is_open(now) {
        tell_of_second(rows, &ask, &grant, now)?;
        return absent(rows);
    }
    let TakeHold { hold, person, .. } = ask;
    let account = Some(hold.sub.clone());
    let before = grant.holder().map(|holder| holder.sub.clone());
    // Showing the page to the same person again changes nothing.
    let again = grant.was_shown_to(&hold);
    let yours = grant.hold(hold, now);
    if !again {
        rows.put_grant(key, &grant, now)?;
        let (what, other_account) =
            if yours { (What::ConsentOpened, None) } else { (What::Contested, before) };
        if !yours {
            room::release(rows, &grant, now)?;
        }
        let comparison = Some(compare(&grant.request.side(), &person));
        rows.tell(&Event { account, other_account, comparison, ..event(what, key, &grant, now) })?;
    }
    match shown(grant) {
        Some(shown) if yours => Ok(Held::Yours(Box::new(shown))),
        Some(_) | None => absent(rows),
    }
}

/// Tells that a person enters a code that is not open any more, if another one had it, in another browser. Somebody may have
/// sent it to both.
fn tell_of_second<R: Rows>(rows: &R, ask: &TakeHold, grant: &Grant, now: Timestamp) -> Result<(), R::Error> {
    let TakeHold { key, hold, person } = ask;
    let first = grant.decision.as_ref().map(|decision| &decision.hold).or_else(|| grant.holder());
    let Some(first) = first.filter(|first| first.account != hold.account && first.browser != hold.browser)
    else {
        return Ok(());
    };
    let (account, other_account) = (Some(hold.sub.clone()), Some(first.sub.clone()));
    let comparison = Some(compare(&grant.request.side(), person));
    let told = event(What::EndedCodeEntered, *key, grant, now);
    rows.tell(&Event { account, other_account, comparison, ..told })
}

/// Returns what the consent page of a held grant shows.
fn shown(grant: Grant) -> Option<Shown> {
    let nonce = grant.holder()?.nonce.clone();
    Some(Shown { request: grant.request, nonce, expires_at: grant.expires_at })
}

pub(super) fn find<R: Rows>(rows: &R, ask: &FindRequest, now: Timestamp) -> Result<Standing, R::Error> {
    let Some(grant) = rows.grant(ask.key)? else { return Ok(Standing::Over) };
    if let Some(settled) = settled(&grant, &ask.hold, now) {
        return Ok(Standing::Settled(Box::new(settled)));
    }
    let is_open = grant.is_open(now);
    if !grant.is_held_by(&ask.hold) {
        return Ok(if is_open { Standing::Elsewhere } else { Standing::Over });
    }
    let expires_at = grant.expires_at;
    Ok(match shown(grant) {
        Some(shown) if is_open => Standing::Open(Box::new(shown)),
        Some(_) | None => Standing::Expired(expires_at),
    })
}

/// Returns what was decided on the page with this hold.
fn settled(grant: &Grant, hold: &Hold, now: Timestamp) -> Option<Settled> {
    let &Decision { outcome, at, .. } = grant.decided_on(hold)?;
    let (outcome, digits) = (grant.outcome(outcome, now), grant.digits(now).cloned());
    Some(Settled { request: grant.request.clone(), outcome, at, ends_at: grant.ends_at(), digits })
}

pub(super) fn decide<R: Rows>(rows: &R, ask: Decide, now: Timestamp) -> Result<Decided, R::Error> {
    let Decide { key, hold, person, decision, policy } = ask;
    let Some(mut grant) = rows.grant(key)? else { return Ok(Decided::Over) };
    if let Some(settled) = settled(&grant, &hold, now) {
        return Ok(Decided::Before(Box::new(settled)));
    }
    if !grant.is_open(now) {
        return Ok(Decided::Over);
    }
    if !grant.is_held_by(&hold) {
        return Ok(Decided::Elsewhere);
    }
    let (what, outcome, approval_id) = record(&mut grant, decision, now);
    let account = Some(hold.sub.clone());
    let comparison = Some(compare(&grant.request.side(), &person));
    let (at, ends_at) = (now, grant.ends_at());
    grant.decision = Some(Decision { hold, outcome, at, approval_id });
    rows.put_grant(key, &grant, now)?;
    if matches!(grant.state, State::Denied { .. }) {
        room::release(rows, &grant, now)?;
    }
    let is_broken = policy.as_ref().is_some_and(|record| record.is_by_break_glass());
    let told = Event { account, comparison, policy, ..event(what, key, &grant, now) };
    rows.tell(&told)?;
    if is_broken {
        let policy = told.policy.as_ref().map(|record| Box::new(record.without_facts()));
        rows.tell(&Event { what: What::BreakGlass, policy, ..told })?;
    }
    let digits = grant.digits(now).cloned();
    Ok(Decided::Done(Box::new(Settled { request: grant.request, outcome, at, ends_at, digits })))
}

/// Changes the state of an open grant.
fn record(
    grant: &mut Grant,
    decision: ConsentDecision,
    now: Timestamp,
) -> (What, Outcome, Option<ApprovalId>) {
    match decision {
        ConsentDecision::Approve(approval) => {
            let id = approval.id.clone();
            grant.approve(approved_at(*approval, now), now);
            (What::Approved, Outcome::Approved, Some(id))
        }
        ConsentDecision::Verify(approval, digits) => {
            let id = approval.id.clone();
            grant.approve_with(approved_at(*approval, now), digits, now);
            (What::Approved, Outcome::Approved, Some(id))
        }
        ConsentDecision::Deny(how) => {
            grant.deny(how, now);
            let is_report = how == Denial::Reported;
            (how.event(), if is_report { Outcome::Reported } else { Outcome::Denied }, None)
        }
    }
}

fn approved_at(approval: Approval, now: Timestamp) -> Approval {
    Approval { stage: Stage { at: now, ..approval.stage }, ..approval }
}

/// Spends a try at the identifier of the device.
pub(super) fn misidentify<R: Rows>(
    rows: &R,
    ask: &Misidentify,
    now: Timestamp,
) -> Result<Misidentified, R::Error> {
    let Some(mut grant) = rows.grant(ask.key)? else { return Ok(Misidentified::Over) };
    if let Some(settled) = settled(&grant, &ask.hold, now).filter(|_| is_misidentified(&grant)) {
        return Ok(Misidentified::Denied(Box::new(settled)));
    }
    let Some(left) = grant.misidentify(&ask.hold, now) else { return Ok(Misidentified::Over) };
    rows.put_grant(ask.key, &grant, now)?;
    let Some(settled) = settled(&grant, &ask.hold, now) else { return Ok(Misidentified::Left(left)) };
    room::release(rows, &grant, now)?;
    let (account, comparison) =
        (Some(ask.hold.sub.clone()), Some(compare(&grant.request.side(), &ask.person)));
    rows.tell(&Event { account, comparison, ..event(What::BindingFailed, ask.key, &grant, now) })?;
    Ok(Misidentified::Denied(Box::new(settled)))
}

const fn is_misidentified(grant: &Grant) -> bool {
    matches!(grant.state, State::Denied { how: Denial::Misidentified })
}

/// Ends the access that the person approved, with all tokens that it led to.
pub(super) fn withdraw<R: Rows>(rows: &R, ask: &Withdraw, now: Timestamp) -> Result<Decided, R::Error> {
    let Some(mut grant) = rows.grant(ask.key)? else { return Ok(Decided::Over) };
    let Some(before) = settled(&grant, &ask.hold, now) else { return Ok(Decided::Over) };
    let Some(family) = grant.withdraw(now) else { return Ok(Decided::Before(Box::new(before))) };
    match family {
        Some(family) => family::apply::end(rows, family, Ending::Withdrawn)?,
        None => room::release(rows, &grant, now)?,
    }
    rows.put_grant(ask.key, &grant, now)?;
    let account = Some(ask.hold.sub.clone());
    rows.tell(&Event { account, ..event(What::Withdrawn, ask.key, &grant, now) })?;
    Ok(Decided::Done(Box::new(Settled { outcome: Outcome::Withdrawn, at: now, digits: None, ..before })))
}
