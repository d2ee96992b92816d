//! The messages between a Worker and an `AccountShard`.

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::account_key::AccountKey;
use super::pointer::{Pointer, Target};
use super::session::Session;
use crate::ask::commands;
use crate::secret::Digest;

commands! {
    /// Every command that an `AccountShard` answers.
    #[derive(PartialEq)]
    pub enum Command {
        FindAccount => Option<Account>,
        PutAccount => Put,
        FindByPointer => Option<AccountKey>,
        ClaimPointer => AccountKey,
        ReleasePointer => (),
        StartSession => bool,
        CheckSession => Option<(Session, Account)>,
        EndSession => (),
        EndSessions => u64,
    }
}

/// Reads an account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct FindAccount {
    pub account: AccountKey,
}

/// Stores an account, if its row is as expected, or has the same account already because the platform delivered the
/// command twice. If the account may not be used any more, all its sessions end.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PutAccount {
    /// The new account. The shard sets its version.
    pub account: Box<Account>,
    /// The version of the stored account that the change is based on; `None` if the account must not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
}

/// Reads the account that a pointer leads to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct FindByPointer {
    pub pointer: Pointer,
}

/// Stores a pointer, unless it leads to another account already. The reply is the account that it leads to then.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct ClaimPointer {
    pub pointer: Pointer,
    pub target: Target,
}

/// Removes a pointer, if it leads to this account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct ReleasePointer {
    pub pointer: Pointer,
    pub account: AccountKey,
}

/// Starts a session, unless its account may not be used. `id` is the digest of its identifier. The reply says whether the
/// session was started.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct StartSession {
    pub id: Digest,
    pub session: Box<Session>,
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

/// Ends the sessions of an account. The reply is their number.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EndSessions {
    /// The account's key.
    pub account: AccountKey,
    /// The sessions that end; `None` for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream>,
    /// Digest of the identifier of a session that goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<Digest>,
}

/// Sessions that began at an OpenID Provider.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Upstream {
    /// The identifier of the provider.
    pub provider: String,
    /// The session there; `None` for all of the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}

/// The result of [`PutAccount`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Put {
    /// The account is stored as it stands here.
    Stored(Box<Account>),
    /// The row was not as expected, and stays. This is what it has.
    Other(Option<Box<Account>>),
}
