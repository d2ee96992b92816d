//! The command that redeems a grant.

use serde::{Deserialize, Serialize};

use crate::audit::policy_record::PolicyRecord;
use crate::family::Family;
use crate::family::id::{AttemptId, FamilyId};
use crate::format::is_false;
use crate::grant::verification::Digits;
use crate::place::Journey;
use crate::row_key::RowKey;
use crate::secret::Digest;

/// Redeems an approved grant and stores the family of its tokens.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct Redeem {
    pub key: RowKey,
    /// Digest of the presented device code's secret.
    pub secret: Digest,
    pub attempt: AttemptId,
    pub id: FamilyId,
    pub family: Box<Family>,
    /// Whether the caller may get new tokens if the first response was lost.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reissue: bool,
    /// Where the redemption comes from, if network and place are not those of the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journey: Option<Journey>,
    /// What policy decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<PolicyRecord>>,
    /// What the user of the device has typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<Digits>,
}
