//! The rows of an `AccountShard`.

use super::account::Account;
use super::account_key::AccountKey;
use super::device::{Device, DeviceId};
use super::history::History;
use super::latest_kill::LatestKill;
use super::pointer::{Pointer, Target};
use super::recheck::Upkeep;
use super::session::Session;
use crate::audit::Event;
use crate::audit::change::Change;
use crate::audit::sign_in::SignInEvent;
use crate::secret::Digest;

/// The rows of an `AccountShard`.
#[expect(missing_docs, reason = "the names of the other methods say what they do")]
pub trait Rows {
    /// Why a row could not be read or written.
    type Error;

    fn account(&self, key: &AccountKey) -> Result<Option<Account>, Self::Error>;
    /// Returns accounts in the order of their keys, after one of them or from the first, whose keys begin with `prefix`.
    fn accounts(
        &self,
        after: Option<&AccountKey>,
        prefix: &str,
        limit: u32,
    ) -> Result<Vec<Account>, Self::Error>;
    fn put_account(&self, account: &Account) -> Result<(), Self::Error>;
    fn session(&self, id: &Digest) -> Result<Option<Session>, Self::Error>;
    fn sessions(&self, account: &AccountKey) -> Result<Vec<(Digest, Session)>, Self::Error>;
    /// Shows sessions in the order of their keys until `see` returns `false`: those of one account or of all, after one of
    /// them or from the first.
    fn each_session(
        &self,
        account: Option<&AccountKey>,
        after: Option<&Digest>,
        see: impl FnMut(Digest, Session) -> bool,
    ) -> Result<(), Self::Error>;
    fn put_session(&self, id: &Digest, session: &Session) -> Result<(), Self::Error>;
    fn remove_session(&self, id: &Digest) -> Result<(), Self::Error>;
    fn pointer(&self, pointer: &Pointer) -> Result<Option<Target>, Self::Error>;
    fn put_pointer(&self, pointer: &Pointer, target: &Target) -> Result<(), Self::Error>;
    fn remove_pointer(&self, pointer: &Pointer) -> Result<(), Self::Error>;
    fn device(&self, id: &DeviceId) -> Result<Option<Device>, Self::Error>;
    fn put_device(&self, id: &DeviceId, device: &Device) -> Result<(), Self::Error>;
    fn remove_device(&self, id: &DeviceId) -> Result<(), Self::Error>;
    /// Shows devices in the order of their identifiers until `see` returns `false`: those of one account or of all, after
    /// one of them or from the first.
    fn each_device(
        &self,
        account: Option<&AccountKey>,
        after: Option<&DeviceId>,
        see: impl FnMut(DeviceId, Device) -> bool,
    ) -> Result<(), Self::Error>;
    fn latest_kill(&self) -> Result<Option<LatestKill>, Self::Error>;
    fn put_latest_kill(&self, kill: &LatestKill) -> Result<(), Self::Error>;
    fn upkeep(&self, account: &AccountKey) -> Result<Option<Upkeep>, Self::Error>;
    fn put_upkeep(&self, upkeep: &Upkeep) -> Result<(), Self::Error>;
    fn remove_upkeep(&self, account: &AccountKey) -> Result<(), Self::Error>;
    fn history(&self, account: &AccountKey) -> Result<Option<History>, Self::Error>;
    fn put_history(&self, account: &AccountKey, history: &History) -> Result<(), Self::Error>;
    fn remove_history(&self, account: &AccountKey) -> Result<(), Self::Error>;
    /// Appends an event about a device to the outbox. Keeps it for the webhook, too, if that should hear about it.
    fn tell_of_device(&self, event: &Event) -> Result<(), Self::Error>;
    /// Appends an event to the outbox.
    fn tell(&self, change: &Change) -> Result<(), Self::Error>;
    /// Appends an event to the outbox.
    fn tell_of_sign_in(&self, event: &SignInEvent) -> Result<(), Self::Error>;
}
