//! The messages between a Worker and an `AccountShard`, by what they are about.

mod accounts;
mod devices;
mod histories;
mod rechecks;
mod sessions;

pub use self::accounts::{
    AccountEvent, ClaimPointer, FindAccount, FindByPointer, FindByPointers, ListAccounts, Put, PutAccount,
    ReleasePointer,
};
pub use self::devices::{
    CheckDevice, Checked, EndDevices, EnterDevice, Entered, ForgetDevices, ListDevices, NameDevice, NoteKill,
    SettleDevices, UseDevice, WalkDevices,
};
pub use self::histories::{ConfirmAccess, NoteDecision, ReadHistory};
pub use self::rechecks::{BeginRecheck, EndRecheck, KeepUpstreamToken};
pub use self::sessions::{
    CheckSession, EndListedSessions, EndSession, EndSessions, ListSessions, NoteRefusedSignIn, StartSession,
    Upstream, WalkSessions,
};
use crate::ask::commands;
use crate::identity::account::Account;
use crate::identity::account_key::AccountKey;
use crate::identity::device::{Device, DeviceId};
use crate::identity::history::{History, Known};
use crate::identity::recheck::Recheck;
use crate::identity::session::Session;
use crate::identity::walk::Walked;
use crate::secret::Digest;

commands! {
    /// Every command that an `AccountShard` answers.
    #[derive(PartialEq)]
    pub enum Command {
        FindAccount => Option<Account>,
        ListAccounts => Vec<Account>,
        PutAccount => Put,
        FindByPointer => Option<AccountKey>,
        FindByPointers => Vec<Option<AccountKey>>,
        ClaimPointer => AccountKey,
        ReleasePointer => (),
        StartSession => Option<Known>,
        NoteRefusedSignIn => (),
        CheckSession => Option<(Session, Account, Known)>,
        EndSession => (),
        ListSessions => Vec<(Digest, Session)>,
        EndSessions => u64,
        EnterDevice => Entered,
        UseDevice => Option<Account>,
        CheckDevice => Checked,
        NoteKill => (),
        ListDevices => Vec<(DeviceId, Device)>,
        SettleDevices => (),
        NameDevice => bool,
        EndDevices => (),
        ForgetDevices => (),
        KeepUpstreamToken => (),
        BeginRecheck => Recheck,
        EndRecheck => Recheck,
        WalkDevices => Walked<DeviceId, Device>,
        WalkSessions => Walked<Digest, Session>,
        EndListedSessions => (),
        NoteDecision => (),
        ReadHistory => History,
        ConfirmAccess => (),
    }
}
