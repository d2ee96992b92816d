//! The messages between a Worker and an `AccountShard`.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::account_key::AccountKey;
use super::device::{Device, DeviceId, Selection};
use super::history::{History, PastDecision};
use super::pointer::{Pointer, Target};
use super::recheck::{Recheck, Reply};
use super::session::{Session, SessionSelection};
use super::walk::{Bounds, Walked};
use crate::ask::commands;
use crate::audit::change::{Actor, Changed};
use crate::secret::Digest;
use crate::time::Timestamp;

commands! {
    /// Every command that an `AccountShard` answers.
    #[derive(PartialEq)]
    pub enum Command {
        FindAccount => Option<Account>,
        ListAccounts => Vec<Account>,
        PutAccount => Put,
        FindByPointer => Option<AccountKey>,
        ClaimPointer => AccountKey,
        ReleasePointer => (),
        StartSession => bool,
        CheckSession => Option<(Session, Account)>,
        EndSession => (),
        ListSessions => Vec<(Digest, Session)>,
        EndSessions => u64,
        EnterDevice => Option<Account>,
        UseDevice => Option<Account>,
        CheckDevice => Option<Account>,
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

/// Reads an account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct FindAccount {
    pub account: AccountKey,
}

/// Stores an account, if its row is as expected, or has the same account already because the platform delivered the
/// command twice. If the account may not be used any more, all its sessions and devices end.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PutAccount {
    /// The new account. The shard sets its version.
    pub account: Box<Account>,
    /// The version of the stored account that the change is based on; `None` if the account must not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
    /// What the ledger hears about it; `None` for a demo account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<AccountEvent>,
}

/// What happened to an account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct AccountEvent {
    pub what: Changed,
    pub by: Actor,
    /// The members that differ from before, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
}

/// Reads accounts in the order of their keys.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListAccounts {
    /// Only accounts after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<AccountKey>,
    /// Only accounts whose key begins with this text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// The most accounts to return.
    pub limit: u32,
}

/// Reads the live sessions of an account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct ListSessions {
    pub account: AccountKey,
}

/// Reads the account that a pointer leads to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct FindByPointer {
    pub pointer: Pointer,
}

/// Stores a pointer, unless it leads to another account already. The reply is the account that it leads to then.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct ClaimPointer {
    pub pointer: Pointer,
    pub target: Target,
}

/// Removes a pointer, if it leads to this account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct ReleasePointer {
    pub pointer: Pointer,
    pub account: AccountKey,
}

/// Starts a session, unless its account may not be used. `id` is the digest of its identifier. The reply says whether the
/// session was started.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct StartSession {
    pub id: Digest,
    pub session: Box<Session>,
}

/// Reads a live session and its account, both as they are now. `id` is the digest of the session identifier.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what it is")]
pub struct CheckSession {
    pub id: Digest,
}

/// Ends a session. `id` is the digest of its identifier.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what it is")]
pub struct EndSession {
    pub id: Digest,
}

/// Ends the sessions of an account. The reply is their number. If there were any, that is an event.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EndSessions {
    /// The account's key.
    pub account: AccountKey,
    /// The sessions that end; `None` for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream>,
    /// Digest of the identifier of a session that goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<Digest>,
    /// Sessions that began later go on; `None` if all end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_by: Option<Timestamp>,
    /// Who ends them.
    pub by: Actor,
}

/// Keeps the refresh token that a provider issued at a sign-in, in place of an earlier one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct KeepUpstreamToken {
    pub account: AccountKey,
    /// The token, sealed: base64url. `None` if the provider issued none: an earlier one stays, unless the provider has
    /// refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When no device of the account can refresh any more, unless the person signs in again.
    pub ends_at: Timestamp,
}

/// Begins a leaver check, if one is due.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct BeginRecheck {
    pub account: AccountKey,
    /// How often the provider is asked, at most.
    pub every: Duration,
}

/// Brings the provider's answer to a leaver check.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct EndRecheck {
    pub account: AccountKey,
    /// As in [`BeginRecheck`].
    pub every: Duration,
    /// The sign-in that the check is about.
    pub sign_in: u64,
    pub reply: Reply,
}

/// Sessions that began at an OpenID Provider.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Upstream {
    /// The identifier of the provider.
    pub provider: String,
    /// The session there; `None` for all of the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}

/// Enters a device that is about to get its tokens, unless its account may not be used. The reply is the account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct EnterDevice {
    pub id: DeviceId,
    pub device: Box<Device>,
}

/// Reads the account of a device that uses its refresh token, unless the device has ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct UseDevice {
    pub id: DeviceId,
}

/// Reads the account of a device, unless the device has ended. Changes nothing.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct CheckDevice {
    pub id: DeviceId,
}

/// Reads devices in the order of their identifiers, those that have ended included.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListDevices {
    /// The account's key; `None` for all accounts of the shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountKey>,
    /// Only these devices.
    #[serde(default)]
    pub selection: Selection,
    /// Only devices after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<DeviceId>,
    /// The most devices to return.
    pub limit: u32,
}

/// Walks over devices, those that have ended included.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct WalkDevices {
    /// The account's key; `None` for all accounts of the shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountKey>,
    /// Only these devices.
    #[serde(default)]
    pub selection: Selection,
    /// Only devices after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<DeviceId>,
    /// How far to go.
    pub bounds: Bounds,
}

/// Walks over live sessions.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct WalkSessions {
    /// The account's key; `None` for all accounts of the shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountKey>,
    /// Only these sessions.
    #[serde(default)]
    pub selection: SessionSelection,
    /// Only sessions after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Digest>,
    /// How far to go.
    pub bounds: Bounds,
}

/// Ends sessions, of any account. `ids` are the digests of their identifiers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct EndListedSessions {
    pub ids: Vec<Digest>,
    /// Who ends them.
    pub by: Actor,
}

/// Notes which devices have tokens. The others are deleted, unless they may be about to get theirs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SettleDevices {
    /// Devices whose family is live.
    pub live: Vec<DeviceId>,
    /// Devices whose family is not.
    pub gone: Vec<DeviceId>,
}

/// Gives a device of an account another name. The reply says whether there is such a device.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NameDevice {
    /// The device.
    pub id: DeviceId,
    /// The account's key.
    pub account: AccountKey,
    /// The name; `None` for the client's.
    pub label: Option<String>,
}

/// Ends devices, whose families have to be ended then.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what they are")]
pub struct EndDevices {
    pub ids: Vec<DeviceId>,
}

/// Deletes devices that have ended, because their families have, too.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what they are")]
pub struct ForgetDevices {
    pub ids: Vec<DeviceId>,
}

/// Adds a decision to the history of an account, unless it is there already.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what each field is")]
pub struct NoteDecision {
    pub account: AccountKey,
    pub decision: Box<PastDecision>,
}

/// Reads the history of an account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct ReadHistory {
    pub account: AccountKey,
}

/// Notes that a person knows of the first access of a client.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct ConfirmAccess {
    pub account: AccountKey,
    pub client_id: String,
}

/// The result of [`PutAccount`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Put {
    /// The account is stored as it stands here.
    Stored(Box<Account>),
    /// The row was not as expected, and stays. This is what it has.
    Other(Option<Box<Account>>),
}
