//! What a `GrantShard` is asked, and what it answers: the only messages that go between a Worker and it.
//!
//! During a deployment a Worker and an object may be of two versions: what is written here is read by both.

use serde::{Deserialize, Serialize};

use super::routing::RowKey;
use super::{Approval, Denial, Grant, Hold, Poll, Redemption, Request};
use crate::family::{Current, Family, Presented, Rotation};
use crate::format::is_false;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;

/// Asks a shard for something.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Stores a new grant, unless its key is taken or `cap` live codes are there already.
    Open {
        /// The row.
        key: RowKey,
        /// The grant.
        grant: Box<Grant>,
        /// Most live codes in this shard.
        cap: u64,
    },
    /// A token request, looked at; nothing is spent.
    Poll {
        /// The row.
        key: RowKey,
        /// The digest of the presented device code's secret.
        secret: Digest,
        /// Whether a lost answer may be given anew to this caller.
        #[serde(default, skip_serializing_if = "is_false")]
        reissue: bool,
        /// Whether it may to any caller, if the code is bound to a key, which the caller then has.
        #[serde(default, skip_serializing_if = "is_false")]
        reissue_bound: bool,
        /// The keys that the caller proved having.
        #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
        proven: Confirmation,
    },
    /// Spends an approved grant and starts its family.
    Redeem {
        /// The row.
        key: RowKey,
        /// The digest of the presented device code's secret.
        secret: Digest,
        /// Names this attempt.
        attempt: String,
        /// The family's key.
        id: String,
        /// The family.
        family: Box<Family>,
        /// Whether a lost answer may be given anew to this caller.
        #[serde(default, skip_serializing_if = "is_false")]
        reissue: bool,
    },
    /// Takes the consent page of a grant.
    Hold {
        /// The row.
        key: RowKey,
        /// By whom.
        hold: Hold,
    },
    /// A person's decision.
    Decide {
        /// The row.
        key: RowKey,
        /// Whose page it comes from.
        hold: Hold,
        /// What it is.
        decision: ConsentDecision,
    },
    /// A refresh request, looked at; nothing is spent.
    Refresh {
        /// The family's key.
        id: String,
        /// The digest of the presented token's secret.
        secret: Digest,
        /// Whether its tag held.
        genuine: bool,
        /// Who presents it; absent from a Worker of an earlier version, which looks at the answer itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        holder: Option<Holder>,
    },
    /// Puts the next refresh token in place of the presented one.
    Rotate {
        /// The family's key.
        id: String,
        /// The digest of the presented token's secret.
        secret: Digest,
        /// The next one.
        next: Current,
        /// The family's row may go after this; as before, if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ends_at: Option<Timestamp>,
        /// What the family is bound to from now on, as far as it is not bound yet.
        #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
        cnf: Confirmation,
    },
    /// A family, looked at.
    Family {
        /// The family's key.
        id: String,
        /// The `jti` of an access token of it that was presented.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<String>,
    },
    /// Ends a family, if it is this client's.
    Revoke {
        /// The family's key.
        id: String,
        /// Who asks.
        client_id: String,
        /// If given, it must be the digest of the current refresh token.
        proof: Option<Digest>,
    },
}

/// Who presents a refresh token.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Holder {
    /// The client, authenticated.
    pub client_id: String,
    /// The keys that it has proved having.
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    pub proven: Confirmation,
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

/// What a shard answers; each names the command it belongs to.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To `Open`.
    Opened(Opened),
    /// To `Poll`.
    Polled(Poll),
    /// To `Redeem`.
    Redeemed(Redemption),
    /// To `Hold`.
    Held(Held),
    /// To `Decide`.
    Decided(Decided),
    /// To `Refresh`.
    Refreshed(Presented),
    /// To `Rotate`.
    Rotated(Rotation),
    /// To `Family`.
    Family(Option<Box<Family>>),
    /// To `Revoke`, whether there was anything to end or not.
    Revoked,
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
