//! What the row of a grant holds: what was asked, and what has become of it.

use serde::{Deserialize, Serialize};

use crate::audit::What;
use crate::family::id::{AttemptId, FamilyId};
use crate::format::is_false;
use crate::identity::account::AccountKey;
use crate::place::Origin;
use crate::scope::Scope;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;

/// What a device asked for (RFC 8628 §3.1).
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Request {
    /// The client.
    pub client_id: String,
    /// The scopes asked for, cut to those the client may have.
    pub scope: Scope,
    /// Returned in the ID token (OpenID Connect Core §2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Where it came from.
    pub origin: Origin,
    /// Which gauge of live codes it counts in.
    pub gauge: String,
    /// Where the tokens are to be good (RFC 8707 §2.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<String>,
    /// The key that the device code is bound to; redemption must prove having it.
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    pub cnf: Confirmation,
    /// The S256 challenge that redemption must answer (RFC 7636 §4.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<String>,
    /// The authentication context classes asked for, best first (OpenID Connect Core §3.1.2.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// How long ago the person may have signed in, in seconds (OpenID Connect Core §3.1.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// Who is expected to sign in (OpenID Connect Core §3.1.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// The languages preferred, best first, as BCP 47 tags (OpenID Connect Core §3.1.2.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ui_locales: Vec<String>,
}

/// What has become of a grant.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum State {
    /// Nobody has decided.
    Pending {
        /// Who has the consent page open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold: Option<Hold>,
    },
    /// A person said yes; the device has not come for its tokens.
    Approved {
        /// What was said.
        approval: Approval,
    },
    /// A person said no.
    Denied {
        /// In which way.
        how: Denial,
    },
    /// The tokens are out.
    Redeemed {
        /// Names the redemption, so that its own retry gets the same answer.
        attempt: AttemptId,
        /// When.
        at: Timestamp,
        /// The family of refresh tokens it led to.
        family: FamilyId,
        /// Whether the code came back after it was spent.
        #[serde(default, skip_serializing_if = "is_false")]
        replayed: bool,
        /// What was said, until it has been given anew once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<Approval>,
    },
}

/// The ways in which a grant is refused.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    /// "Refuse".
    Denied,
    /// "I didn't start this".
    Reported,
    /// Two people, in two browsers, had the same code: at least one of them was sent it.
    Contested,
}

impl Denial {
    /// The event of this refusal.
    #[must_use]
    pub const fn event(self) -> What {
        match self {
            Self::Denied => What::Denied,
            Self::Reported => What::Reported,
            Self::Contested => What::Contested,
        }
    }
}

/// Who has a grant's consent page open. The decision must come from the same page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Hold {
    /// The account that is signed in.
    pub account: AccountKey,
    /// The digest of its session id.
    pub session: Digest,
    /// The browser's transaction, which survives "use another account".
    pub browser: Digest,
    /// Of the page last shown. An older page carries another one.
    pub nonce: String,
}

/// A person's yes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Approval {
    /// The account's key.
    pub account: AccountKey,
    /// What was granted.
    pub scope: Scope,
    /// When the person signed in.
    pub auth_time: Timestamp,
    /// How (RFC 8176).
    pub amr: Vec<String>,
    /// The authentication context class that was met, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// When they approved.
    pub at: Timestamp,
}
