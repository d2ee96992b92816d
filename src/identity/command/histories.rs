//! Commands about what a person decided, and which clients had access for the first time.

use serde::{Deserialize, Serialize};

use crate::identity::account_key::AccountKey;
use crate::identity::history::PastDecision;

/// Adds a decision to the history of an account, unless it is there already.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct NoteDecision {
    pub account: AccountKey,
    pub decision: Box<PastDecision>,
}

/// Reads the history of an account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct ReadHistory {
    pub account: AccountKey,
}

/// Notes that a person knows of the first access of a client.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct ConfirmAccess {
    pub account: AccountKey,
    pub client_id: String,
}
