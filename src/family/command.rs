//! What a shard is asked about a family. `id` names the family's row.

use serde::{Deserialize, Serialize};

use super::id::{AttemptId, FamilyId};
use super::{Current, Holder};
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;

/// Judges a refresh token; spends nothing.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct PresentToken {
    pub id: FamilyId,
    /// The digest of the presented token's secret.
    pub secret: Digest,
    /// Whether the token's tag proved that this server issued it.
    pub genuine: bool,
    pub holder: Holder,
}

/// Replaces the presented refresh token with the next one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct RotateToken {
    pub id: FamilyId,
    /// The digest of the presented token's secret.
    pub secret: Digest,
    pub next: Current,
    /// The family's row may be deleted after this instant.
    pub ends_at: Timestamp,
    /// What the family is bound to from now on, as far as it is not bound yet.
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    pub cnf: Confirmation,
}

/// Reads a family.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct FindFamily {
    pub id: FamilyId,
    /// The `jti` of an access token of the family that was just presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<AttemptId>,
}

/// Ends a family, if it is this client's.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct RevokeFamily {
    pub id: FamilyId,
    pub client_id: String,
    /// If given, it must be the digest of the current refresh token's secret.
    pub proof: Option<Digest>,
}
