//! What one `AccountShard` answers.

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::session::Session;
use crate::secret::Digest;
use crate::time::Timestamp;

/// Asks an account's shard for something.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The account, as it is now.
    Find {
        /// Its key.
        account: String,
    },
    /// Stores an account that is not there yet.
    Seed {
        /// The account.
        account: Box<Account>,
    },
    /// Starts a session.
    SignIn {
        /// The digest of its identifier.
        id: Digest,
        /// The session.
        session: Session,
    },
    /// Whether a session still is.
    Check {
        /// The digest of its identifier.
        id: Digest,
    },
    /// Ends a session.
    SignOut {
        /// The digest of its identifier.
        id: Digest,
    },
}

/// What the shard answers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To `Find` and `Seed`.
    Account(Option<Box<Account>>),
    /// To `Check`: the session and its account, as they are now.
    Session(Option<Box<(Session, Account)>>),
    /// To `SignIn` and `SignOut`.
    Done,
}

/// The rows of an account's shard.
pub trait Rows {
    /// Why a row could not be read or written.
    type Error;

    /// Reads an account.
    fn account(&self, key: &str) -> Result<Option<Account>, Self::Error>;
    /// Writes an account.
    fn put_account(&self, account: &Account) -> Result<(), Self::Error>;
    /// Reads a session.
    fn session(&self, id: &Digest) -> Result<Option<Session>, Self::Error>;
    /// Writes a session.
    fn put_session(&self, id: &Digest, session: &Session) -> Result<(), Self::Error>;
    /// Removes a session.
    fn remove_session(&self, id: &Digest) -> Result<(), Self::Error>;
}

/// Answers one command at `now`.
///
/// # Errors
///
/// Those of the rows.
pub fn apply<R: Rows>(rows: &R, command: Command, now: Timestamp) -> Result<Reply, R::Error> {
    match command {
        Command::Find { account } => Ok(Reply::Account(rows.account(&account)?.map(Box::new))),
        Command::Seed { account } => {
            if rows.account(&account.key)?.is_none() {
                rows.put_account(&account)?;
            }
            Ok(Reply::Account(rows.account(&account.key)?.map(Box::new)))
        }
        Command::SignIn { id, session } => rows.put_session(&id, &session).map(|()| Reply::Done),
        Command::Check { id } => check(rows, &id, now),
        Command::SignOut { id } => rows.remove_session(&id).map(|()| Reply::Done),
    }
}

fn check<R: Rows>(rows: &R, id: &Digest, now: Timestamp) -> Result<Reply, R::Error> {
    let Some(session) = rows.session(id)?.filter(|session| now < session.ends_at) else {
        return Ok(Reply::Session(None));
    };
    let account = rows.account(&session.account)?;
    Ok(Reply::Session(account.map(|account| Box::new((session, account)))))
}
