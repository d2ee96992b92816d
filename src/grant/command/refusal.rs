//! The command that writes the event of refused tokens.

use serde::{Deserialize, Serialize};

use crate::audit::policy_record::PolicyRecord;
use crate::family::id::FamilyId;
use crate::row_key::RowKey;
use crate::verdict::Side;

/// Writes the event of tokens that were refused although their code or refresh token was good. A shard that remembers the
/// same refusal writes none, so that a device that goes on asking does not fill the outbox.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NoteRefusal {
    /// What was refused.
    pub of: Refused,
    /// Why, such as `client_disabled`.
    pub why: String,
    /// What the policy decided; `None` if it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<PolicyRecord>>,
    /// For an approval: where the person is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Box<Side>>,
}

/// What was refused.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// The approval of a grant that waits for a decision.
    Approval(RowKey),
    /// The redemption of an approved grant.
    Redemption(RowKey),
    /// A refresh of the tokens of a family.
    Refresh(FamilyId),
}
