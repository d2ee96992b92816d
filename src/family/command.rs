//! Commands to a `GrantShard` about a family. `id` is always the key of the family's row.

use serde::{Deserialize, Serialize};

use super::id::{AttemptId, FamilyId};
use super::{Current, Ending, Holder};
use crate::audit::change::Actor;
use crate::audit::policy_record::PolicyRecord;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;

/// Judges a refresh token without spending it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct PresentToken {
    pub id: FamilyId,
    /// Digest of the presented token's secret.
    pub secret: Digest,
    /// Whether the token's tag verified, so that this server must have issued it.
    pub genuine: bool,
    pub holder: Holder,
}

/// Replaces the presented refresh token with the next one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct RotateToken {
    pub id: FamilyId,
    /// Digest of the presented token's secret.
    pub secret: Digest,
    pub next: Current,
    /// The new end of the family, after which its row can be deleted.
    pub ends_at: Timestamp,
    /// The key or certificate to bind the family to. An existing binding stays.
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    pub cnf: Confirmation,
    /// What policy decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<PolicyRecord>>,
}

/// Reads a family.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct FindFamily {
    pub id: FamilyId,
    /// The attempt that issued the access token that was just presented, which shows that its response was
    /// not lost; `None` if no access token was presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<AttemptId>,
}

/// Asks which of these families have neither ended nor expired.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what they are")]
pub struct LiveFamilies {
    pub ids: Vec<FamilyId>,
}

/// Ends families. The reply names those that had not ended before.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EndFamilies {
    /// The families, of any client and account.
    pub ids: Vec<FamilyId>,
    /// Why they end.
    pub why: Ending,
    /// Who ends them; `None` if their owner does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
}

/// Ends a family, if it belongs to the client.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct RevokeFamily {
    pub id: FamilyId,
    pub client_id: String,
    /// If present, this must be the digest of the current refresh token's secret.
    pub proof: Option<Digest>,
}
