//! The messages between a Worker and a `GrantShard`.

use serde::{Deserialize, Serialize};

use super::routing::RowKey;
use super::{Approval, Denial, Grant, Hold, Poll, Redemption, Request};
use crate::ask::commands;
use crate::family::command::{FindFamily, PresentToken, RevokeFamily, RotateToken};
use crate::family::id::{AttemptId, FamilyId};
use crate::family::{Family, Presented, Rotation};
use crate::format::is_false;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;

commands! {
    /// Every command that a shard answers.
    #[derive(PartialEq)]
    pub enum Command {
        Open => Opened,
        PollCode => Poll,
        Redeem => Redemption,
        TakeHold => Held,
        Decide => Decided,
        PresentToken => Presented,
        RotateToken => Rotation,
        FindFamily => Option<Box<Family>>,
        RevokeFamily => (),
    }
}

impl Command {
    /// Whether the command may write more than one row. A poll almost always reads one row and writes none, and it is
    /// by far the most frequent command.
    #[must_use]
    pub const fn needs_transaction(&self) -> bool {
        match self {
            Self::PollCode(_) => false,
            Self::Open(_)
            | Self::Redeem(_)
            | Self::TakeHold(_)
            | Self::Decide(_)
            | Self::PresentToken(_)
            | Self::RotateToken(_)
            | Self::FindFamily(_)
            | Self::RevokeFamily(_) => true,
        }
    }
}

/// Stores a new grant, unless its key is taken or `cap` live codes are there already.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct Open {
    pub key: RowKey,
    pub grant: Box<Grant>,
    /// Most live codes in this shard.
    pub cap: u64,
}

/// Judges a token request; spends nothing.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct PollCode {
    pub key: RowKey,
    /// The digest of the presented device code's secret.
    pub secret: Digest,
    /// Whether this caller may get a lost answer again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reissue: bool,
    /// Whether any caller may get a lost answer again if the code is bound to a key, which the caller then has.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reissue_bound: bool,
    /// The keys that the caller proved to have.
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    pub proven: Confirmation,
}

/// Spends an approved grant and stores the family of its tokens.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct Redeem {
    pub key: RowKey,
    /// The digest of the presented device code's secret.
    pub secret: Digest,
    pub attempt: AttemptId,
    pub id: FamilyId,
    pub family: Box<Family>,
    /// Whether this caller may get a lost answer again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reissue: bool,
}

/// Takes the hold on a grant, so that its consent page may be shown.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct TakeHold {
    pub key: RowKey,
    pub hold: Hold,
}

/// Records a person's decision, if the page that it comes from still has the hold.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct Decide {
    pub key: RowKey,
    pub hold: Hold,
    pub decision: ConsentDecision,
}

/// What a person decided.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentDecision {
    /// Yes. The instant is the shard's own.
    Approve(Approval),
    /// No, in some way.
    Deny(Denial),
}

/// How opening a grant ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Opened {
    /// It is stored; so many codes are live here now.
    Live(u64),
    /// Another grant has this key: draw another user code.
    Taken,
    /// Too many live codes; the first ends in so many seconds.
    Full(u64),
}

/// How claiming a consent page ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// The page may be shown.
    Yours(Box<Shown>),
    /// Wrong, used, ended or contested: one answer for all. So many codes are live here.
    Absent(u64),
}

/// What the consent page is made from.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Shown {
    /// What was asked.
    pub request: Request,
    /// Until when it can be decided.
    pub expires_at: Timestamp,
}

/// How a decision ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// It stands.
    Done(Box<Request>),
    /// The page was opened again elsewhere; only the newest one decides.
    Elsewhere,
    /// The grant was decided before, or has ended.
    Over,
}
