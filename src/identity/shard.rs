//! The messages between a Worker and an `AccountShard`, and how they are applied to its rows.

use serde::{Deserialize, Serialize};

use super::account::{Account, AccountKey};
use super::session::Session;
use crate::ask::{Answer, commands};
use crate::secret::Digest;
use crate::time::Timestamp;

commands! {
    /// Every command that an `AccountShard` answers.
    #[derive(PartialEq)]
    pub enum Command {
        FindAccount => Option<Account>,
        SeedAccount => Option<Account>,
        StartSession => (),
        CheckSession => Option<(Session, Account)>,
        EndSession => (),
    }
}

/// Reads an account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct FindAccount {
    pub account: AccountKey,
}

/// Stores an account, if its key is free. The reply is the account that has the key then.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct SeedAccount {
    pub account: Box<Account>,
}

/// Starts a session. `id` is the digest of its identifier.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct StartSession {
    pub id: Digest,
    pub session: Session,
}

/// Reads a live session and its account, both as they are now. `id` is the digest of the session identifier.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what it is")]
pub struct CheckSession {
    pub id: Digest,
}

/// Ends a session. `id` is the digest of its identifier.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what it is")]
pub struct EndSession {
    pub id: Digest,
}

/// The rows of an `AccountShard`.
#[expect(missing_docs, reason = "the names of the methods say what they do")]
pub trait Rows {
    /// Why a row could not be read or written.
    type Error;

    fn account(&self, key: &AccountKey) -> Result<Option<Account>, Self::Error>;
    fn put_account(&self, account: &Account) -> Result<(), Self::Error>;
    fn session(&self, id: &Digest) -> Result<Option<Session>, Self::Error>;
    fn put_session(&self, id: &Digest, session: &Session) -> Result<(), Self::Error>;
    fn remove_session(&self, id: &Digest) -> Result<(), Self::Error>;
}

/// Applies one command at `now`.
///
/// # Errors
///
/// A row could not be read or written.
pub fn apply<R: Rows>(rows: &R, command: Command, now: Timestamp) -> Result<Answer, R::Error> {
    Ok(match command {
        Command::FindAccount(ask) => Answer::to::<FindAccount>(&rows.account(&ask.account)?),
        Command::SeedAccount(ask) => Answer::to::<SeedAccount>(&seed(rows, &ask.account)?),
        Command::StartSession(ask) => {
            rows.put_session(&ask.id, &ask.session)?;
            Answer::to::<StartSession>(&())
        }
        Command::CheckSession(ask) => Answer::to::<CheckSession>(&check(rows, &ask.id, now)?),
        Command::EndSession(ask) => {
            rows.remove_session(&ask.id)?;
            Answer::to::<EndSession>(&())
        }
    })
}

fn seed<R: Rows>(rows: &R, account: &Account) -> Result<Option<Account>, R::Error> {
    if rows.account(&account.key)?.is_none() {
        rows.put_account(account)?;
    }
    rows.account(&account.key)
}

fn check<R: Rows>(rows: &R, id: &Digest, now: Timestamp) -> Result<Option<(Session, Account)>, R::Error> {
    let Some(session) = rows.session(id)?.filter(|session| now < session.ends_at) else {
        return Ok(None);
    };
    let account = rows.account(&session.account)?;
    Ok(account.map(|account| (session, account)))
}
