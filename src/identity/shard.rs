//! Applies commands to the rows of one `AccountShard`.

use super::account::Account;
use super::account_key::AccountKey;
use super::command::{
    CheckSession, ClaimPointer, Command, EndSession, EndSessions, FindAccount, FindByPointer, Put,
    PutAccount, ReleasePointer, StartSession, Upstream,
};
use super::pointer::{Pointer, Target};
use super::session::Session;
use super::sign_in::How;
use crate::ask::Answer;
use crate::secret::Digest;
use crate::time::Timestamp;

/// The rows of an `AccountShard`.
#[expect(missing_docs, reason = "the names of the methods say what they do")]
pub trait Rows {
    /// Why a row could not be read or written.
    type Error;

    fn account(&self, key: &AccountKey) -> Result<Option<Account>, Self::Error>;
    fn put_account(&self, account: &Account) -> Result<(), Self::Error>;
    fn session(&self, id: &Digest) -> Result<Option<Session>, Self::Error>;
    fn sessions(&self, account: &AccountKey) -> Result<Vec<(Digest, Session)>, Self::Error>;
    fn put_session(&self, id: &Digest, session: &Session) -> Result<(), Self::Error>;
    fn remove_session(&self, id: &Digest) -> Result<(), Self::Error>;
    fn pointer(&self, pointer: &Pointer) -> Result<Option<Target>, Self::Error>;
    fn put_pointer(&self, pointer: &Pointer, target: &Target) -> Result<(), Self::Error>;
    fn remove_pointer(&self, pointer: &Pointer) -> Result<(), Self::Error>;
}

/// Applies one command at `now`.
///
/// # Errors
///
/// A row could not be read or written.
pub fn apply<R: Rows>(rows: &R, command: Command, now: Timestamp) -> Result<Answer, R::Error> {
    Ok(match command {
        Command::FindAccount(ask) => Answer::to::<FindAccount>(&rows.account(&ask.account)?),
        Command::PutAccount(ask) => Answer::to::<PutAccount>(&put(rows, ask)?),
        Command::FindByPointer(ask) => {
            let target = live(rows, &ask.pointer, now)?;
            Answer::to::<FindByPointer>(&target.map(|target| target.account))
        }
        Command::ClaimPointer(ask) => Answer::to::<ClaimPointer>(&claim(rows, ask, now)?),
        Command::ReleasePointer(ask) => {
            release(rows, &ask)?;
            Answer::to::<ReleasePointer>(&())
        }
        Command::StartSession(ask) => Answer::to::<StartSession>(&start(rows, &ask, now)?),
        Command::CheckSession(ask) => Answer::to::<CheckSession>(&check(rows, &ask.id, now)?),
        Command::EndSession(ask) => {
            rows.remove_session(&ask.id)?;
            Answer::to::<EndSession>(&())
        }
        Command::EndSessions(ask) => Answer::to::<EndSessions>(&end_sessions(rows, &ask)?),
    })
}

fn put<R: Rows>(rows: &R, ask: PutAccount) -> Result<Put, R::Error> {
    let PutAccount { mut account, expected } = ask;
    let stored = rows.account(&account.key)?;
    let before = stored.as_ref().map(|stored| stored.version);
    account.version = expected.map_or(1, |version| version + 1);
    // Sign-ins are no changes, so one may have come between.
    account.last_sign_in = account.last_sign_in.max(stored.as_ref().and_then(|stored| stored.last_sign_in));
    if before != expected && stored.as_ref() != Some(&*account) {
        return Ok(Put::Other(stored.map(Box::new)));
    }
    rows.put_account(&account)?;
    if !account.standing.is_active() {
        let sessions = rows.sessions(&account.key)?;
        sessions.iter().try_for_each(|(id, _)| rows.remove_session(id))?;
    }
    Ok(Put::Stored(account))
}

/// Returns what a pointer leads to, unless it has ended.
fn live<R: Rows>(rows: &R, pointer: &Pointer, now: Timestamp) -> Result<Option<Target>, R::Error> {
    let target = rows.pointer(pointer)?;
    Ok(target.filter(|target| target.ends_at.is_none_or(|end| now < end)))
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

fn start<R: Rows>(rows: &R, ask: &StartSession, now: Timestamp) -> Result<bool, R::Error> {
    let account = rows.account(&ask.session.account)?;
    let Some(account) = account.filter(|account| account.standing.is_active()) else { return Ok(false) };
    rows.put_session(&ask.id, &ask.session)?;
    rows.put_account(&Account { last_sign_in: Some(now), ..account })?;
    Ok(true)
}

fn check<R: Rows>(rows: &R, id: &Digest, now: Timestamp) -> Result<Option<(Session, Account)>, R::Error> {
    let Some(session) = rows.session(id)?.filter(|session| now < session.ends_at) else {
        return Ok(None);
    };
    let account = rows.account(&session.account)?;
    Ok(account.map(|account| (session, account)))
}

fn end_sessions<R: Rows>(rows: &R, ask: &EndSessions) -> Result<u64, R::Error> {
    let mut sessions = rows.sessions(&ask.account)?;
    sessions.retain(|(id, session)| {
        ask.except.as_ref() != Some(id) && ask.upstream.as_ref().is_none_or(|upstream| upstream.has(session))
    });
    sessions.iter().try_for_each(|(id, _)| rows.remove_session(id))?;
    Ok(sessions.len() as u64)
}

impl Upstream {
    fn has(&self, session: &Session) -> bool {
        match &session.how {
            How::Upstream { provider, sid } => {
                *provider == self.provider && (self.sid.is_none() || self.sid == *sid)
            }
            How::Password | How::Passkey { .. } | How::Access => false,
        }
    }
}

#[cfg(test)]
mod tests;
