//! The parts of a stored grant: what the device requested, and the state of the grant.

mod written;

use serde::{Deserialize, Serialize};

use super::verification::Verification;
use crate::audit::What;
use crate::family::id::{AttemptId, FamilyId};
use crate::format::is_false;
use crate::identity::account_key::AccountKey;
use crate::identity::demand::Facts;
use crate::identity::group::Group;
use crate::identity::sign_in::How;
use crate::network::Network;
use crate::place::Origin;
use crate::policy::inventory::Identifier;
use crate::policy::name::Name;
use crate::policy::recorded::Recorded;
use crate::provenance::{ApprovalId, Provenance, Stage};
use crate::row_key::RowKey;
use crate::scope::Scope;
use crate::secret::Digest;
use crate::sub::Sub;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;
use crate::verdict::Side;

/// What a device requested (RFC 8628 §3.1).
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Request {
    pub client_id: String,
    /// The requested scopes that the client is registered for.
    pub scope: Scope,
    /// Returned in the ID token (OpenID Connect Core §2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    pub origin: Origin,
    /// Where the request came from, as live codes are counted.
    pub network: Network,
    /// The networks of the policy that it came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Name>,
    /// Whether a verified certificate says that the device is managed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub managed: bool,
    /// The resources that the tokens are for (RFC 8707 §2.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<String>,
    /// Whether the device can ask its user for the digits of a [verification](super::verification).
    #[serde(default, skip_serializing_if = "is_false")]
    pub can_verify: bool,
    /// What the device is called, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Identifier>,
    /// The key that the device code is bound to. Every poll must prove its possession.
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    pub cnf: Confirmation,
    /// An S256 challenge (RFC 7636 §4.2). Redemption needs its verifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<String>,
    /// The requested authentication context classes, best first (OpenID Connect Core §3.1.2.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// The most seconds that may have passed since the person signed in (OpenID Connect Core §3.1.2.1);
    /// `None` for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// Who is expected to sign in (OpenID Connect Core §3.1.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// Preferred languages, best first, as BCP 47 tags (OpenID Connect Core §3.1.2.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ui_locales: Vec<String>,
}

impl Request {
    /// Returns where the device asked, to compare it with where the person is.
    #[must_use]
    pub fn side(&self) -> Side {
        Side { origin: self.origin.clone(), network: self.network.clone() }
    }
}

/// The state of a grant.
#[expect(missing_docs, reason = "the names of the other members say it all")]
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum State {
    /// Nobody has decided.
    Pending {
        /// Who has the consent page open; `None` if nobody has opened it.
        #[serde(skip_serializing_if = "Option::is_none")]
        hold: Option<Hold>,
    },
    /// A person approved, and the device has not collected its tokens.
    Approved { approval: Approval },
    /// A person approved, and the device gets its tokens once it has sent the digits that the person was shown. Objects that
    /// do not know this state cannot read it, so they give no tokens without the digits.
    Verifying { approval: Approval, verification: Verification },
    /// The grant was denied, and stays so.
    Denied { how: Denial },
    /// The device got its tokens.
    Redeemed {
        /// The attempt that redeemed the grant. If the platform delivers its command twice, both copies get
        /// the same reply.
        attempt: AttemptId,
        at: Timestamp,
        /// The family of the tokens that the redemption issued.
        family: FamilyId,
        /// Whether the code came back after redemption.
        #[serde(skip_serializing_if = "is_false")]
        replayed: bool,
        /// `None` once the grant was redeemed a second time because the first response was lost.
        #[serde(skip_serializing_if = "Option::is_none")]
        approval: Option<Approval>,
    },
}

/// Why a grant is denied.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    /// A person pressed "Refuse".
    Denied,
    /// A person pressed "I didn’t start this".
    Reported,
    /// Two people, in two browsers, entered the same code: somebody must have sent it to at least one of
    /// them.
    Contested,
    /// After the approval, the code was presented from where its client may not redeem it.
    Elsewhere,
    /// The person who approved ended the access again, before the device collected its tokens.
    Withdrawn,
    /// An administrator ended it.
    Ended,
    /// After the approval, wrong digits came from the device three times.
    Mistyped,
    /// The person typed wrong characters of the device's identifier three times.
    Misidentified,
}

impl Denial {
    /// Returns the event of this denial.
    #[must_use]
    pub const fn event(self) -> What {
        match self {
            Self::Denied => What::Denied,
            Self::Reported => What::Reported,
            Self::Contested => What::Contested,
            Self::Elsewhere => What::RefusedElsewhere,
            Self::Withdrawn => What::Withdrawn,
            Self::Ended => What::Ended,
            Self::Mistyped => What::VerificationFailed,
            Self::Misidentified => What::BindingFailed,
        }
    }
}

/// Who has a grant's consent page open. The decision must come from the same page.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Hold {
    pub account: AccountKey,
    /// Of the same account.
    pub sub: Sub,
    /// Digest of the session identifier.
    pub session: Digest,
    /// Digest of the browser's identifier, which stays the same when the person switches to another account.
    pub browser: Digest,
    /// Names the hold. All pages of the same account, session and browser have the same one.
    pub nonce: String,
}

impl Hold {
    /// Returns whether both are of the same account, session and browser.
    #[must_use]
    pub fn is_of_same_session(&self, other: &Self) -> bool {
        (&self.account, &self.session, &self.browser) == (&other.account, &other.session, &other.browser)
    }
}

/// A person's decision. It stays with the grant in every later state, so that the same page gets the same answer
/// again.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Decision {
    /// The page on which the person decided.
    pub hold: Hold,
    /// What the person decided.
    pub outcome: Outcome,
    /// When the person decided.
    pub at: Timestamp,
    /// Names the approval, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<ApprovalId>,
}

/// What a person decided, and what has become of it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The device gets what it asked for.
    Approved,
    /// The device gets nothing.
    Denied,
    /// The device gets nothing, and the person says that they did not start the request.
    Reported,
    /// The person approved, and ended the access afterwards.
    Withdrawn,
    /// The person approved, and then wrong digits came from the device three times, so it gets nothing.
    Mistyped,
    /// The person wanted to approve, and typed wrong characters of the device's identifier three times, so it gets nothing.
    Misidentified,
    /// The person approved, but the digits did not come from the device in time. Never stored: it follows from the time.
    Lapsed,
}

/// A person's approval.
#[expect(missing_docs, reason = "the name of the other field says it all")]
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Approval {
    pub id: ApprovalId,
    pub account: AccountKey,
    /// Of the same account.
    pub sub: Sub,
    /// The granted scope.
    pub scope: Scope,
    /// When the person signed in.
    pub auth_time: Timestamp,
    /// How the person signed in (RFC 8176).
    pub amr: Vec<String>,
    /// The first requested authentication context class that the sign-in met; `None` if it met none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The class that the sign-in met, whatever was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub met_acr: Option<String>,
    /// The way in which the person signed in.
    pub how: How,
    /// The groups of the account, by which policy has judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    pub recorded: Recorded,
    /// When the person approved, where, and with what kind of device.
    #[serde(flatten)]
    pub stage: Stage,
}

impl Approval {
    /// Returns how the access comes about that this approval gives to `request`, the one of the grant with this key.
    #[must_use]
    pub fn provenance(&self, key: RowKey, request: &Request) -> Provenance {
        let (approval_id, approved) = (self.id.clone(), self.stage.clone());
        Provenance { approval_id, code: Some(key), started: Stage::of(&request.origin), approved }
    }

    /// Returns what is known about the sign-in, to judge it again.
    #[must_use]
    pub fn facts(&self) -> Facts<'_> {
        Facts { auth_time: self.auth_time, acr: self.met_acr.as_deref(), how: &self.how }
    }
}
