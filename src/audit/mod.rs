//! Events for the ledger: one for each transition of a grant or family, and for each [change](change) of the registry,
//! stored in the same transaction as the change. `docs/event.schema.json` is the schema of what the ledger has.

pub mod alert;
pub mod chain;
pub mod change;
pub mod closing;
pub mod facts_record;
pub mod ledger;
pub mod ledger_name;
pub mod outbox;
pub mod outcome;
pub mod policy_record;
pub mod reading;
pub mod sign_in;
pub mod told;
pub mod verification;
pub mod warning;
pub mod webhook;

use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::place::Journey;
use crate::provenance::{ApprovalId, Provenance, Stage, Through};
use crate::sub::Sub;
use crate::time::Timestamp;
use crate::verdict::Comparison;
use crate::web_origin::WebOrigin;
use change::Actor;
use outcome::Outcome;
use policy_record::PolicyRecord;

/// A transition of a grant or family. It contains no code, token or secret, and nothing from which one could
/// be guessed.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Event {
    pub format: Format<2>,
    pub what: What,
    pub outcome: Outcome,
    pub at: Timestamp,
    /// The row key of the grant or family.
    pub subject: String,
    pub client_id: String,
    /// The account that acted or that the family belongs to; `None` for transitions without either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Sub>,
    /// For [`What::Contested`] and [`What::EndedCodeEntered`]: the account that had opened the consent page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_account: Option<Sub>,
    /// The web page that requested the code; `None` if no page did, and for all other transitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<WebOrigin>,
    /// For a redemption elsewhere: where the code was requested, and where it was presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journey: Option<Journey>,
    /// Where the device asked, where the person is, and what follows from that; `None` for transitions without a
    /// person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// The approval that led to it; `None` before one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<ApprovalId>,
    /// How the tokens came about; `None` before an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Through>,
    /// The device's request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Stage>,
    /// The person's approval; `None` before one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Stage>,
    /// For [`What::AccessEnded`] and [`What::Ended`]: who did it; `None` if the owner of the account did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
    /// For [`What::Redeemed`] and [`What::Expired`]: how often the device polled before anybody had decided, as far as
    /// the shard remembers. A shard that starts again has forgotten it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polls: Option<u64>,
    /// What policy decided about the transition; `None` if it was not asked, or if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<PolicyRecord>>,
    /// For [`What::Expired`]: `undecided`, or if a person had approved, `not_collected`, or `not_verified` if nobody typed the
    /// digits at the device. For a refusal: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Event {
    /// Builds an event that has only the members that every event has.
    #[must_use]
    pub fn of(what: What, at: Timestamp, subject: String, client_id: String) -> Self {
        Self {
            format: Format,
            what,
            outcome: what.outcome(),
            at,
            subject,
            client_id,
            account: None,
            other_account: None,
            page: None,
            journey: None,
            comparison: None,
            approval_id: None,
            grant: None,
            started: None,
            approved: None,
            by: None,
            polls: None,
            policy: None,
            reason: None,
        }
    }

    /// Adds how the access came about.
    #[must_use]
    pub fn following(self, provenance: &Provenance) -> Self {
        let Provenance { approval_id, started, approved, .. } = provenance.clone();
        Self {
            approval_id: Some(approval_id),
            grant: Some(Through::DeviceCode),
            started: Some(started),
            approved: Some(approved),
            ..self
        }
    }
}

/// A kind of transition.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A device got a code.
    DeviceAuthorization,
    /// A person opened the consent page.
    ConsentOpened,
    /// A second person, in another browser, entered the same code, so the grant is denied.
    Contested,
    /// A second person, in another browser, entered a code that was decided or had expired. Nothing has changed.
    EndedCodeEntered,
    /// A person approved.
    Approved,
    /// Somebody approved by break-glass, whatever the rules say. Follows [`What::Approved`].
    BreakGlass,
    /// A person refused.
    Denied,
    /// A person reported that they did not start the request.
    Reported,
    /// The person who approved ended the access on the result page, with the family if there is one.
    Withdrawn,
    /// An administrator ended the code before the device got tokens.
    Ended,
    /// Nobody decided in time, or the device did not collect its tokens.
    Expired,
    /// The device got its tokens.
    Redeemed,
    /// The redemption came from another network and place than the request for the code. Follows
    /// [`What::Redeemed`] or [`What::Reissued`].
    RedeemedElsewhere,
    /// The code was presented from where its client may not redeem it, so the grant has ended.
    RefusedElsewhere,
    /// A person had approved, and then wrong digits came from the device three times, so the grant has ended.
    VerificationFailed,
    /// A person wanted to approve, and typed wrong characters of the device's identifier three times, so the grant has ended.
    BindingFailed,
    /// The device got new tokens, because the first response was lost.
    Reissued,
    /// A redeemed device code came back, so its family has ended.
    DeviceCodeReplayed,
    /// A device code was presented without the key that it is bound to. Reported once per grant.
    DeviceCodeWithoutKey,
    /// A person had approved, but the client or the account may not have tokens any more. Reported once per reason, as far
    /// as the shard remembers.
    RedemptionRefused,
    /// A person may not approve a request. Reported in the same way.
    ApprovalRefused,
    /// A refresh token was good, but the client or the account may not have tokens any more. Reported in the same way.
    RefreshRefused,
    /// A refresh token was used.
    Refreshed,
    /// A refresh token was used again, because the first response was lost. The tokens of that response are
    /// withdrawn.
    RefreshedAgain,
    /// A rotated refresh token came back, so its family has ended.
    RefreshTokenReused,
    /// A client revoked its tokens.
    Revoked,
    /// The access was ended by its owner, by an administrator or by the provider of the account.
    AccessEnded,
    /// A device of a client got tokens of an account for the first time.
    FirstAccess,
}

impl What {
    /// Returns what became of access.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::DeviceAuthorization
            | Self::Approved
            | Self::Redeemed
            | Self::Reissued
            | Self::Refreshed
            | Self::RefreshedAgain => Outcome::Granted,
            Self::Contested
            | Self::EndedCodeEntered
            | Self::Denied
            | Self::Reported
            | Self::RefusedElsewhere
            | Self::VerificationFailed
            | Self::BindingFailed
            | Self::DeviceCodeWithoutKey
            | Self::ApprovalRefused
            | Self::RedemptionRefused
            | Self::RefreshRefused => Outcome::Refused,
            Self::Withdrawn
            | Self::Ended
            | Self::Expired
            | Self::DeviceCodeReplayed
            | Self::RefreshTokenReused
            | Self::Revoked
            | Self::AccessEnded => Outcome::Ended,
            Self::BreakGlass | Self::ConsentOpened | Self::RedeemedElsewhere | Self::FirstAccess => {
                Outcome::Noted
            }
        }
    }
}
