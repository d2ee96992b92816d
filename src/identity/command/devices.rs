//! Commands about devices.

use serde::{Deserialize, Serialize};

use crate::identity::account::Account;
use crate::identity::account_key::AccountKey;
use crate::identity::device::{Device, DeviceId, Selection};
use crate::identity::group::Group;
use crate::identity::latest_kill::{Edition, LatestKill};
use crate::identity::walk::Bounds;
use crate::time::Timestamp;

/// Enters a device that is about to get its tokens, unless its account may not be used.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the types say what the other fields are")]
pub struct EnterDevice {
    pub id: DeviceId,
    pub device: Box<Device>,
    /// The groups by which policy has judged. With others, the device is not entered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    /// The governance by which policy has judged. If it lacks the latest kill switch, the device is not entered.
    pub judged_by: Edition,
}

/// The result of [`EnterDevice`].
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Entered {
    /// The device is entered. Carries the account as it is now.
    Entered(Box<Account>),
    /// The account has other groups by now: these.
    OtherGroups(Vec<Group>),
    /// The account may not be used.
    Refused,
    /// Policy has judged without the latest kill switch.
    Outdated,
}

/// Reads the account of a device that uses its refresh token, unless the device has ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what the other is")]
pub struct UseDevice {
    pub id: DeviceId,
    /// When the refresh token ends that the device is about to get.
    pub good_until: Timestamp,
}

/// Reads the account of a device, unless the device has ended. Changes nothing.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct CheckDevice {
    pub id: DeviceId,
}

/// The result of [`CheckDevice`].
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Checked {
    /// `None` if the device has ended, or the account may not be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// The latest kill switch; `None` if there never was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kill: Option<LatestKill>,
}

/// Notes that a kill switch was set, unless a later one is known.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct NoteKill {
    pub kill: LatestKill,
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
