//! Applies commands to the rows of one `AccountShard`.

use std::collections::BTreeSet;

use super::account::{Account, Standing};
use super::account_key::AccountKey;
use super::command::{
    AccountEvent, BeginRecheck, ClaimPointer, Command, EndListedSessions, EndRecheck, EndSessions,
    FindByPointer, KeepUpstreamToken, NoteRefusedSignIn, Put, PutAccount, ReleasePointer, StartSession,
    Upstream, WalkSessions,
};
use super::history::Known;
use super::pointer::{Pointer, Target};
use super::recheck::{Recheck, Upkeep};
pub use super::rows::Rows;
use super::session::Session;
use super::sign_in::How;
use super::walk::Walked;
use super::{devices, histories};
use crate::ask::{Answer, Ask as _};
use crate::audit::change::{Actor, Change, Changed};
use crate::audit::sign_in::SignInEvent;
use crate::format::Format;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::verdict::Spot;

/// Applies one command at `now`.
///
/// # Errors
///
/// A row could not be read or written.
pub fn apply<R: Rows>(rows: &R, command: Command, now: Timestamp) -> Result<Answer, R::Error> {
    match command {
        Command::FindAccount(ask) => ask.answer(|ask| rows.account(&ask.account)),
        Command::ListAccounts(ask) => {
            ask.answer(|ask| rows.accounts(ask.after.as_ref(), &ask.prefix, ask.limit))
        }
        Command::PutAccount(ask) => ask.answer(|ask| put(rows, ask, now)),
        Command::FindByPointer(ask) => ask.answer(|ask| find_by(rows, &ask, now)),
        Command::FindByPointers(ask) => ask.answer(|ask| find_all_by(rows, &ask.pointers, now)),
        Command::ClaimPointer(ask) => ask.answer(|ask| claim(rows, ask, now)),
        Command::ReleasePointer(ask) => ask.answer(|ask| release(rows, &ask)),
        Command::StartSession(ask) => ask.answer(|ask| start(rows, &ask, now)),
        Command::NoteRefusedSignIn(ask) => ask.answer(|ask| note_refused(rows, ask, now)),
        Command::CheckSession(ask) => ask.answer(|ask| check(rows, &ask.id, now)),
        Command::EndSession(ask) => ask.answer(|ask| rows.remove_session(&ask.id)),
        Command::ListSessions(ask) => ask.answer(|ask| live_sessions(rows, &ask.account, now)),
        Command::EndSessions(ask) => ask.answer(|ask| end_sessions(rows, &ask, now)),
        Command::EnterDevice(ask) => ask.answer(|ask| devices::enter(rows, &ask, now)),
        Command::UseDevice(ask) => ask.answer(|ask| devices::touch(rows, &ask, now)),
        Command::CheckDevice(ask) => ask.answer(|ask| devices::check(rows, &ask.id, now)),
        Command::NoteKill(ask) => ask.answer(|ask| devices::note_kill(rows, &ask)),
        Command::ListDevices(ask) => ask.answer(|ask| devices::list(rows, &ask)),
        Command::SettleDevices(ask) => ask.answer(|ask| devices::settle(rows, &ask, now)),
        Command::NameDevice(ask) => ask.answer(|ask| devices::name(rows, ask, now)),
        Command::EndDevices(ask) => ask.answer(|ask| devices::end(rows, &ask.ids)),
        Command::ForgetDevices(ask) => ask.answer(|ask| devices::forget(rows, &ask.ids)),
        Command::KeepUpstreamToken(ask) => ask.answer(|ask| keep_token(rows, ask, now)),
        Command::BeginRecheck(ask) => ask.answer(|ask| begin_recheck(rows, &ask, now)),
        Command::EndRecheck(ask) => ask.answer(|ask| end_recheck(rows, ask, now)),
        Command::WalkDevices(ask) => ask.answer(|ask| devices::walk(rows, &ask)),
        Command::WalkSessions(ask) => ask.answer(|ask| walk_sessions(rows, &ask, now)),
        Command::EndListedSessions(ask) => ask.answer(|ask| end_listed(rows, &ask, now)),
        Command::NoteDecision(ask) => ask.answer(|ask| histories::note(rows, ask)),
        Command::ReadHistory(ask) => ask.answer(|ask| Ok(rows.history(&ask.account)?.unwrap_or_default())),
        Command::ConfirmAccess(ask) => ask.answer(|ask| histories::confirm(rows, &ask)),
    }
}

fn put<R: Rows>(rows: &R, ask: PutAccount, now: Timestamp) -> Result<Put, R::Error> {
    let PutAccount { mut account, expected, event } = ask;
    let stored = rows.account(&account.key)?;
    let before = stored.as_ref().map(|stored| stored.version);
    account.version = expected.map_or(1, |version| version + 1);
    // Sign-ins are no changes, so one may have come between.
    account.last_sign_in = account.last_sign_in.max(stored.as_ref().and_then(|stored| stored.last_sign_in));
    if before != expected {
        let again = stored.as_ref() == Some(&*account);
        return Ok(if again { Put::Stored(account) } else { Put::Other(stored.map(Box::new)) });
    }
    rows.put_account(&account)?;
    if !account.standing.is_active() {
        let sessions = rows.sessions(&account.key)?;
        sessions.iter().try_for_each(|(id, _)| rows.remove_session(id))?;
        devices::end_all(rows, &account.key)?;
    }
    if let Standing::Deleted { .. } = account.standing {
        rows.remove_history(&account.key)?;
        rows.remove_upkeep(&account.key)?;
    }
    if let Some(AccountEvent { what, by, members }) = event {
        rows.tell(&Change { members, ..Change::of(what, Some(account.sub.as_str()), by, now) })?;
    }
    Ok(Put::Stored(account))
}

/// Returns what a pointer leads to, unless it has ended.
fn live<R: Rows>(rows: &R, pointer: &Pointer, now: Timestamp) -> Result<Option<Target>, R::Error> {
    let target = rows.pointer(pointer)?;
    Ok(target.filter(|target| target.ends_at.is_none_or(|end| now < end)))
}

fn find_by<R: Rows>(rows: &R, ask: &FindByPointer, now: Timestamp) -> Result<Option<AccountKey>, R::Error> {
    Ok(live(rows, &ask.pointer, now)?.map(|target| target.account))
}

fn find_all_by<R: Rows>(
    rows: &R,
    pointers: &[Pointer],
    now: Timestamp,
) -> Result<Vec<Option<AccountKey>>, R::Error> {
    pointers.iter().map(|pointer| Ok(live(rows, pointer, now)?.map(|target| target.account))).collect()
}

fn claim<R: Rows>(rows: &R, ask: ClaimPointer, now: Timestamp) -> Result<AccountKey, R::Error> {
    let ClaimPointer { pointer, target } = ask;
    if let Some(other) = live(rows, &pointer, now)?.filter(|other| other.account != target.account) {
        return Ok(other.account);
    }
    rows.put_pointer(&pointer, &target)?;
    Ok(target.account)
}

fn release<R: Rows>(rows: &R, ask: &ReleasePointer) -> Result<(), R::Error> {
    let is_own = rows.pointer(&ask.pointer)?.is_some_and(|target| target.account == ask.account);
    if is_own { rows.remove_pointer(&ask.pointer) } else { Ok(()) }
}

fn start<R: Rows>(rows: &R, ask: &StartSession, now: Timestamp) -> Result<Option<Known>, R::Error> {
    let account = rows.account(&ask.session.account)?;
    let Some(account) = account.filter(|account| account.standing.is_active()) else { return Ok(None) };
    rows.put_session(&ask.id, &ask.session)?;
    let (how, person) = (ask.session.how.name(), Spot::of(&ask.session.origin));
    let event = SignInEvent::signed_in(account.sub.clone(), how, person, now);
    rows.tell_of_sign_in(&SignInEvent { policy: ask.policy.clone(), ..event })?;
    let known = known(rows, &account.key)?;
    rows.put_account(&Account { last_sign_in: Some(now), ..account })?;
    Ok(Some(known))
}

fn note_refused<R: Rows>(rows: &R, ask: NoteRefusedSignIn, now: Timestamp) -> Result<(), R::Error> {
    let NoteRefusedSignIn { account, why, person, policy } = ask;
    let Some(account) = rows.account(&account)? else { return Ok(()) };
    let event = SignInEvent::refused(account.sub, &why, *person, now);
    rows.tell_of_sign_in(&SignInEvent { policy, ..event })
}

/// Returns what devices had access to an account.
fn known<R: Rows>(rows: &R, account: &AccountKey) -> Result<Known, R::Error> {
    Ok(rows.history(account)?.unwrap_or_default().known())
}

fn check<R: Rows>(
    rows: &R,
    id: &Digest,
    now: Timestamp,
) -> Result<Option<(Session, Account, Known)>, R::Error> {
    let Some(session) = rows.session(id)?.filter(|session| now < session.ends_at) else {
        return Ok(None);
    };
    let Some(account) = rows.account(&session.account)? else { return Ok(None) };
    let known = known(rows, &account.key)?;
    Ok(Some((session, account, known)))
}

fn live_sessions<R: Rows>(
    rows: &R,
    account: &AccountKey,
    now: Timestamp,
) -> Result<Vec<(Digest, Session)>, R::Error> {
    let mut sessions = rows.sessions(account)?;
    sessions.retain(|(_, session)| now < session.ends_at);
    Ok(sessions)
}

fn walk_sessions<R: Rows>(
    rows: &R,
    ask: &WalkSessions,
    now: Timestamp,
) -> Result<Walked<Digest, Session>, R::Error> {
    let mut walked = Walked::begin();
    rows.each_session(ask.account.as_ref(), ask.after.as_ref(), |id, session| {
        let is_wanted = now < session.ends_at && ask.selection.has(&session);
        walked.see(id, Some(session).filter(|_| is_wanted), ask.bounds)
    })?;
    Ok(walked)
}

fn end_sessions<R: Rows>(rows: &R, ask: &EndSessions, now: Timestamp) -> Result<u64, R::Error> {
    let mut sessions = rows.sessions(&ask.account)?;
    sessions.retain(|(id, session)| {
        ask.except.as_ref() != Some(id)
            && ask.upstream.as_ref().is_none_or(|upstream| upstream.has(session))
            && ask.begun_by.is_none_or(|end| session.origin.at <= end)
    });
    sessions.iter().try_for_each(|(id, _)| rows.remove_session(id))?;
    if !sessions.is_empty() {
        tell_signed_out(rows, &ask.account, &ask.by, now)?;
    }
    Ok(sessions.len() as u64)
}

fn end_listed<R: Rows>(rows: &R, ask: &EndListedSessions, now: Timestamp) -> Result<(), R::Error> {
    let mut owners = BTreeSet::new();
    for id in &ask.ids {
        if let Some(session) = rows.session(id)? {
            rows.remove_session(id)?;
            owners.insert(session.account);
        }
    }
    owners.iter().try_for_each(|owner| tell_signed_out(rows, owner, &ask.by, now))
}

/// Writes the event that somebody ended sessions of an account.
fn tell_signed_out<R: Rows>(
    rows: &R,
    account: &AccountKey,
    by: &Actor,
    now: Timestamp,
) -> Result<(), R::Error> {
    let Some(account) = rows.account(account)? else { return Ok(()) };
    rows.tell(&Change::of(Changed::AccountSignedOut, Some(account.sub.as_str()), by.clone(), now))
}

fn keep_token<R: Rows>(rows: &R, ask: KeepUpstreamToken, now: Timestamp) -> Result<(), R::Error> {
    let KeepUpstreamToken { account, token, ends_at } = ask;
    let before = rows.upkeep(&account)?;
    let Some(token) = token else {
        // The person is there again, and the old token is not good.
        let has_left = before.is_some_and(|upkeep| upkeep.left_at.is_some());
        return if has_left { rows.remove_upkeep(&account) } else { Ok(()) };
    };
    let (serial, ends) = before.map_or((0, ends_at), |upkeep| (upkeep.serial, upkeep.ends_at));
    rows.put_upkeep(&Upkeep {
        format: Format,
        account,
        token,
        serial: serial + 1,
        answered_at: now,
        leased_until: None,
        quiet_until: None,
        in_doubt: false,
        left_at: None,
        ends_at: ends.max(ends_at),
    })
}

fn begin_recheck<R: Rows>(rows: &R, ask: &BeginRecheck, now: Timestamp) -> Result<Recheck, R::Error> {
    recheck(rows, &ask.account, |upkeep| upkeep.begin(ask.every, now))
}

fn end_recheck<R: Rows>(rows: &R, ask: EndRecheck, now: Timestamp) -> Result<Recheck, R::Error> {
    let EndRecheck { account, every, serial, reply } = ask;
    recheck(rows, &account, |upkeep| upkeep.end(serial, reply, every, now))
}

/// Judges a leaver check, and writes what it changed. Without a token there is nothing to check.
fn recheck<R: Rows>(
    rows: &R,
    account: &AccountKey,
    judge: impl FnOnce(&mut Upkeep) -> Recheck,
) -> Result<Recheck, R::Error> {
    let Some(before) = rows.upkeep(account)? else { return Ok(Recheck::Good) };
    let mut upkeep = before.clone();
    let verdict = judge(&mut upkeep);
    if upkeep != before {
        rows.put_upkeep(&upkeep)?;
    }
    Ok(verdict)
}

impl Upstream {
    fn has(&self, session: &Session) -> bool {
        match &session.how {
            How::Upstream { provider, sid, .. } => {
                // A session of which the provider did not name its own may be the one.
                *provider == self.provider && (self.sid.is_none() || sid.is_none() || self.sid == *sid)
            }
            How::Password | How::Passkey { .. } | How::Access => false,
        }
    }
}

#[cfg(test)]
mod tests;
