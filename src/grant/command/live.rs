//! Commands of operators about live grants.

use serde::{Deserialize, Serialize};

use crate::audit::change::Actor;
use crate::identity::walk::Bounds;
use crate::policy::kill::KillSwitch;
use crate::provenance::Stage;
use crate::row_key::RowKey;
use crate::scope::Scope;
use crate::sub::Sub;
use crate::time::Timestamp;

/// Walks over live grants, in the order of their keys.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct WalkGrants {
    /// Only grants after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<RowKey>,
    /// Only grants that this kill switch refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_by: Option<Box<KillSwitch>>,
    /// How far to go. Rows that are not live count as looked at.
    pub bounds: Bounds,
}

/// Ends a live grant. The reply is what its device requested; `None` if there is no such grant.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct EndGrant {
    pub key: RowKey,
    pub by: Actor,
}

/// What operators may know of a live grant: neither of its codes, nor anything that leads to one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct LiveGrant {
    pub client_id: String,
    pub scope: Scope,
    /// The device's request.
    pub started: Stage,
    /// Until then a person can decide.
    pub expires_at: Timestamp,
    pub state: LiveState,
    /// The `sub` of the account that has the consent page open, or that approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Sub>,
}

/// The state of a live grant.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveState {
    /// Nobody has entered the code.
    Waiting,
    /// Somebody has the consent page open.
    Opened,
    /// Somebody approved, and the device has not collected its tokens.
    Approved,
}

impl LiveState {
    /// Returns the name, as the admin API has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Opened => "opened",
            Self::Approved => "approved",
        }
    }
}
