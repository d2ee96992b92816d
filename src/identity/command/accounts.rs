//! Commands about accounts, and the pointers that lead to them.

use serde::{Deserialize, Serialize};

use crate::audit::change::{Actor, Changed};
use crate::identity::account::Account;
use crate::identity::account_key::AccountKey;
use crate::identity::pointer::{Pointer, Target};

/// Reads an account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct FindAccount {
    pub account: AccountKey,
}

/// Stores an account, if its row is as expected, or has the same account already because the platform delivered the
/// command twice. If the account may not be used any more, all its sessions and devices end.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PutAccount {
    /// The new account. The shard sets its version.
    pub account: Box<Account>,
    /// The version of the stored account that the change is based on; `None` if the account must not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
    /// What the ledger hears about it; `None` for a demo account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<AccountEvent>,
}

/// What happened to an account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct AccountEvent {
    pub what: Changed,
    pub by: Actor,
    /// The members that differ from before, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
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

/// Reads accounts in the order of their keys.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListAccounts {
    /// Only accounts after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<AccountKey>,
    /// Only accounts whose key begins with this text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// The most accounts to return.
    pub limit: u32,
}

/// Reads the account that a pointer leads to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct FindByPointer {
    pub pointer: Pointer,
}

/// Reads the accounts that several pointers lead to, in their order.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct FindByPointers {
    pub pointers: Vec<Pointer>,
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
