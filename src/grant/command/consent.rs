//! Commands of the consent page: who has it open, what became of the request, and what the person decides.

use serde::{Deserialize, Serialize};

use crate::audit::policy_record::PolicyRecord;
use crate::grant::verification::Digits;
use crate::grant::{Approval, Denial, Hold, Outcome, Request};
use crate::row_key::RowKey;
use crate::time::Timestamp;
use crate::verdict::Side;

/// Takes the hold on a grant, so that its consent page may be shown.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct TakeHold {
    pub key: RowKey,
    pub hold: Hold,
    /// Where the person is.
    #[serde(default)]
    pub person: Box<Side>,
}

/// Asks what became of a request, for a page that had a hold on it. Changes nothing.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct FindRequest {
    pub key: RowKey,
    pub hold: Hold,
}

/// Ends the access that a person approved, if it comes from the page on which they did so.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct Withdraw {
    pub key: RowKey,
    pub hold: Hold,
}

/// Records a person's decision, if it comes from the page that still has the hold.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct Decide {
    pub key: RowKey,
    pub hold: Hold,
    /// Where the person is.
    #[serde(default)]
    pub person: Box<Side>,
    pub decision: ConsentDecision,
    /// What policy decided about an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<PolicyRecord>>,
}

/// Spends a try at the identifier of the device, because the person who has the consent page open has typed it wrong.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct Misidentify {
    pub key: RowKey,
    pub hold: Hold,
    /// Where the person is.
    pub person: Box<Side>,
}

/// A person's decision on the consent page.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentDecision {
    /// An approval, whose time the shard replaces with its own.
    Approve(Box<Approval>),
    /// The same, but the device gets its tokens only with these digits. An object that does not know it refuses the command.
    Verify(Box<Approval>, Digits),
    /// A refusal or a report.
    Deny(Denial),
}

/// The result of [`TakeHold`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// The consent page may be shown.
    Yours(Box<Shown>),
    /// The code is wrong, used, expired or contested; the reply does not say which. The shard has this many
    /// live codes.
    Absent(u64),
}

/// What the consent page is made from.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what the other field is")]
pub struct Shown {
    pub request: Request,
    /// The nonce of the hold, which is an older one if the same session has opened the page before.
    pub nonce: String,
    /// Until then a person can decide.
    pub expires_at: Timestamp,
}

/// What a person decided about a request.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what the other fields are")]
pub struct Settled {
    pub request: Request,
    pub outcome: Outcome,
    /// When the person decided.
    pub at: Timestamp,
    /// When the row can be deleted. Until then, the person can end what they approved.
    pub ends_at: Timestamp,
    /// What the person types at the device, as long as that helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<Digits>,
}

/// The result of [`FindRequest`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nobody has decided, so the consent page may be shown.
    Open(Box<Shown>),
    /// The person decided on this page, or on another one of the same session.
    Settled(Box<Settled>),
    /// Nobody decided before the code expired, at this instant.
    Expired(Timestamp),
    /// Another session has the hold now.
    Elsewhere,
    /// There is no such request, or it ended without this session; the reply does not say which.
    Over,
}

/// The result of [`Decide`] or [`Withdraw`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// The decision is stored.
    Done(Box<Settled>),
    /// The same session has decided before, and that decision stands.
    Before(Box<Settled>),
    /// Another session has the hold now, and only that one can decide.
    Elsewhere,
    /// The grant was decided by somebody else, or has expired.
    Over,
}

/// The result of [`Misidentify`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Misidentified {
    /// The person has this many tries left.
    Left(u64),
    /// It was the last one.
    Denied(Box<Settled>),
    /// Nothing has changed, because the grant is decided or expired, or another session has it now.
    Over,
}
