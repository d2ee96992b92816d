//! The messages between a Worker and a `GrantShard`, by what they are about.

mod consent;
mod live;
mod open;
mod poll;
mod redeem;
mod refusal;

pub use self::consent::{
    ConsentDecision, Decide, Decided, FindRequest, Held, Misidentified, Misidentify, Settled, Shown,
    Standing, TakeHold, Withdraw,
};
pub use self::live::{EndGrant, LiveGrant, LiveState, WalkGrants};
pub use self::open::{Caps, Open, Opened};
pub use self::poll::{Miss, PollCode, RefuseElsewhere};
pub use self::redeem::Redeem;
pub use self::refusal::{NoteRefusal, Refused};
use super::Request;
use super::poll::Poll;
use super::redemption::Redemption;
use crate::ask::commands;
use crate::family::command::{
    EndFamilies, FindFamily, LiveFamilies, PresentToken, RevokeFamily, RotateToken,
};
use crate::family::id::FamilyId;
use crate::family::{Family, Presented, Rotation};
use crate::identity::walk::Walked;
use crate::row_key::RowKey;

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
