//! The messages between a Worker and a `GrantShard`.

use serde::{Deserialize, Serialize};

use super::poll::Poll;
use super::redemption::Redemption;
use super::routing::RowKey;
use super::verification::Digits;
use super::{Approval, Denial, Grant, Hold, Outcome, Request};
use crate::ask::commands;
use crate::audit::change::Actor;
use crate::audit::policy_record::PolicyRecord;
use crate::family::command::{
    EndFamilies, FindFamily, LiveFamilies, PresentToken, RevokeFamily, RotateToken,
};
use crate::family::id::{AttemptId, FamilyId};
use crate::family::{Family, Presented, Rotation};
use crate::format::is_false;
use crate::identity::walk::{Bounds, Walked};
use crate::network::Width;
use crate::place::Journey;
use crate::policy::kill::KillSwitch;
use crate::provenance::Stage;
use crate::scope::Scope;
use crate::secret::Digest;
use crate::sub::Sub;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;
use crate::verdict::Side;

commands! {
    /// Every command that a `GrantShard` answers.
    #[derive(PartialEq)]
    pub enum Command {
        Open => Opened,
        PollCode => Poll,
        Redeem => Redemption,
        RefuseElsewhere => Poll,
        Miss => Poll,
        TakeHold => Held,
        FindRequest => Standing,
        Decide => Decided,
        Misidentify => Misidentified,
        Withdraw => Decided,
        PresentToken => Presented,
        RotateToken => Rotation,
        FindFamily => Option<Box<Family>>,
        RevokeFamily => (),
        LiveFamilies => Vec<FamilyId>,
        EndFamilies => Vec<FamilyId>,
        WalkGrants => Walked<RowKey, LiveGrant>,
        EndGrant => Option<Request>,
        NoteRefusal => (),
    }
}

impl Command {
    /// Returns whether the command runs in a transaction, so that either all of its writes take effect or
    /// none.
    ///
    /// A poll runs without a transaction: it is by far the most frequent command, and almost always reads one
    /// row and writes none. When it does write, the order of its writes lets the next poll repeat them after
    /// a failure.
    #[must_use]
    pub const fn needs_transaction(&self) -> bool {
        match self {
            Self::PollCode(_) => false,
            Self::Open(_)
            | Self::Redeem(_)
            | Self::RefuseElsewhere(_)
            | Self::Miss(_)
            | Self::TakeHold(_)
            | Self::FindRequest(_)
            | Self::Decide(_)
            | Self::Misidentify(_)
            | Self::Withdraw(_)
            | Self::PresentToken(_)
            | Self::RotateToken(_)
            | Self::FindFamily(_)
            | Self::RevokeFamily(_)
            | Self::LiveFamilies(_)
            | Self::EndFamilies(_)
            | Self::WalkGrants(_)
            | Self::EndGrant(_)
            | Self::NoteRefusal(_) => true,
        }
    }

    /// Returns the key of the grant that the command may change. A poll says itself what it has changed.
    pub(super) const fn changes(&self) -> Option<RowKey> {
        match self {
            Self::Open(Open { key, .. })
            | Self::Redeem(Redeem { key, .. })
            | Self::RefuseElsewhere(RefuseElsewhere { key, .. })
            | Self::Miss(Miss { key, .. })
            | Self::TakeHold(TakeHold { key, .. })
            | Self::Decide(Decide { key, .. })
            | Self::Misidentify(Misidentify { key, .. })
            | Self::Withdraw(Withdraw { key, .. })
            | Self::EndGrant(EndGrant { key, .. }) => Some(*key),
            Self::PollCode(_)
            | Self::FindRequest(_)
            | Self::PresentToken(_)
            | Self::RotateToken(_)
            | Self::FindFamily(_)
            | Self::RevokeFamily(_)
            | Self::LiveFamilies(_)
            | Self::EndFamilies(_)
            | Self::WalkGrants(_)
            | Self::NoteRefusal(_) => None,
        }
    }
}

/// Stores a new grant, unless its key is taken or the shard is full.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct Open {
    pub key: RowKey,
    pub grant: Box<Grant>,
    pub caps: Caps,
    /// What policy decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<PolicyRecord>>,
}

/// The most live codes that a shard may have.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Caps {
    /// Of one client in the narrowest prefix of a network. Wider prefixes may have more: see [`Width::factor`].
    pub client: u64,
    /// Of all clients and networks.
    pub shard: u64,
}

/// Judges a token request without redeeming the grant.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct PollCode {
    pub key: RowKey,
    /// Digest of the presented device code's secret.
    pub secret: Digest,
    /// Whether the caller may get new tokens if the first response was lost.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reissue: bool,
    /// Like `reissue`, but only if the code is bound to a key. The caller has then proven that key.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reissue_bound: bool,
    /// The keys whose possession the caller has proven.
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    pub proven: Confirmation,
    /// Whether the request had an `Authorization` header. Polls with and without it are paced apart.
    #[serde(default, skip_serializing_if = "is_false")]
    pub by_header: bool,
    /// What the user of the device has typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<Digits>,
}

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

/// Ends an approved grant whose code came from where its client may not redeem it. If the grant is in another state by
/// now, the command is a poll that gets no lost answer again.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct RefuseElsewhere {
    pub key: RowKey,
    /// Digest of the presented device code's secret.
    pub secret: Digest,
    pub journey: Journey,
}

/// Spends a try at the digits of a grant that is to be verified, because these are wrong. If the grant is in another state by
/// now, the command is a poll that gets no lost answer again.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct Miss {
    pub key: RowKey,
    /// Digest of the presented device code's secret.
    pub secret: Digest,
    pub digits: Digits,
}

/// Writes the event of tokens that were refused although their code or refresh token was good. A shard that remembers the
/// same refusal writes none, so that a device that goes on asking does not fill the outbox.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NoteRefusal {
    /// What was refused.
    pub of: Refused,
    /// Why, such as `client_disabled`.
    pub why: String,
    /// What the policy decided; `None` if it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<PolicyRecord>>,
    /// For an approval: where the person is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Box<Side>>,
}

/// What was refused.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// The approval of a grant that waits for a decision.
    Approval(RowKey),
    /// The redemption of an approved grant.
    Redemption(RowKey),
    /// A refresh of the tokens of a family.
    Refresh(FamilyId),
}

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

/// The result of [`Open`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Opened {
    /// The grant is stored, and the shard now has this many live codes.
    Live(u64),
    /// Another grant has this key, so the caller must draw another user code.
    Taken,
    /// The client has too many live codes within a prefix of the grant's network. There is room in this many seconds.
    ClientFull(Width, u64),
    /// The shard has too many live codes. The first of them ends in this many seconds.
    Full(u64),
    /// A prefix of the grant's network has too large a part of the shard's room. The first of its codes there
    /// ends in this many seconds.
    Crowded(Width, u64),
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
