//! The access of devices: what an account's devices are, and how their access ends.
//!
//! An end is written at the account first, where every use of a token reads it. The families in the grant shards follow. If
//! one of these shards cannot be reached, the access has ended all the same, and the next end tries again.

use std::collections::BTreeMap;

use super::platform::{Platform, Unavailable};
use super::server::Server;
use crate::audit::change::Actor;
use crate::client::Client;
use crate::endpoint::at_once::try_all;
use crate::family::Ending;
use crate::family::command::{EndFamilies, LiveFamilies};
use crate::family::id::{FamilyId, SessionId};
use crate::identity::account_key::AccountKey;
use crate::identity::command::{EndDevices, ForgetDevices, ListDevices, SettleDevices};
use crate::identity::device::{Device, DeviceId, Selection, State};
use crate::sharding::{AccountShard, Shard};

/// The most devices that are read from an account at once.
const PAGE: u32 = 200;

/// Who ends access.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// As the families keep it.
    pub(super) why: Ending,
    /// As the events name it; `None` for the owner of the account.
    pub(super) by: Option<Actor>,
}

/// A page of devices.
pub(super) struct Page {
    /// Those that have tokens.
    pub(super) devices: Vec<(DeviceId, Device)>,
    /// After which device the next page begins; `None` if this is the last one.
    pub(super) next: Option<DeviceId>,
}

impl<P> Server<P> {
    /// Returns the minutes for which tokens of a device can still be good somewhere once its access has ended: APIs that check
    /// tokens by themselves do not ask this server.
    pub(super) fn minutes_to_the_end(&self, client: Option<&Client>) -> u64 {
        let own = client.and_then(|client| client.tokens.access_token_lifetime);
        own.unwrap_or(self.settings.access_token).div_ceil(60)
    }
}

impl<P: Platform> Server<P> {
    /// Returns devices that have tokens now, and notes which ones have.
    pub(super) async fn devices(&self, shard: AccountShard, ask: ListDevices) -> Result<Page, Unavailable> {
        let limit = ask.limit as usize;
        let found = self.platform.accounts(shard, ask).await?;
        let next = found.last().filter(|_| found.len() >= limit).map(|(id, _)| id.clone());
        Ok(Page { devices: self.settled(shard, found).await?, next })
    }

    /// Returns those of the devices that have tokens now, and notes which ones have.
    pub(super) async fn settled(
        &self,
        shard: AccountShard,
        found: Vec<(DeviceId, Device)>,
    ) -> Result<Vec<(DeviceId, Device)>, Unavailable> {
        let candidates = found.into_iter().filter(|(_, device)| device.state != State::Ended);
        let candidates: Vec<(DeviceId, Device)> = candidates.collect();
        let live = self.with_tokens(candidates.iter().map(|(id, _)| id)).await?;
        let (devices, others): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|(id, _)| live.contains(id));
        let unsettled = devices.iter().filter(|(_, device)| device.state == State::Pending);
        let settle = SettleDevices {
            live: unsettled.map(|(id, _)| id.clone()).collect(),
            gone: others.into_iter().map(|(id, _)| id).collect(),
        };
        if !(settle.live.is_empty() && settle.gone.is_empty()) {
            self.platform.accounts(shard, settle).await?;
        }
        Ok(devices)
    }

    /// Returns those of the devices whose families are live. Changes nothing.
    pub(super) async fn with_tokens(
        &self,
        ids: impl IntoIterator<Item = &DeviceId>,
    ) -> Result<Vec<DeviceId>, Unavailable> {
        let of = |(shard, ids)| async move {
            let live = self.platform.grants(shard, LiveFamilies { ids }).await?;
            Ok(live.into_iter().map(|family| id_of(shard, family)).collect::<Vec<_>>())
        };
        try_all(by_shard(ids).into_iter().map(of)).await.map(|live| live.concat())
    }

    /// Returns all devices of an account that have tokens now.
    pub(super) async fn devices_of(
        &self,
        account: &AccountKey,
    ) -> Result<Vec<(DeviceId, Device)>, Unavailable> {
        let mut devices = Vec::new();
        let mut ask = list(account, Selection::default());
        loop {
            let page = self.devices(account.shard(), ask.clone()).await?;
            devices.extend(page.devices);
            match page.next {
                Some(next) => ask.after = Some(next),
                None => return Ok(devices),
            }
        }
    }

    /// Ends the access of an account's devices, and returns how many had any.
    pub(super) async fn end_access(
        &self,
        account: &AccountKey,
        selection: Selection,
        end: &End,
    ) -> Result<u64, Unavailable> {
        let (shard, mut ask, mut count) = (account.shard(), list(account, selection), 0);
        loop {
            let found = self.platform.accounts(shard, ask.clone()).await?;
            let ids: Vec<DeviceId> = found.into_iter().map(|(id, _)| id).collect();
            let Some(last) = ids.last().cloned() else { return Ok(count) };
            count += self.end_devices(shard, ids, end).await?;
            ask.after = Some(last);
        }
    }

    /// Ends the access of devices in one shard of accounts, and returns how many had any.
    pub(super) async fn end_devices(
        &self,
        shard: AccountShard,
        ids: Vec<DeviceId>,
        End { why, by }: &End,
    ) -> Result<u64, Unavailable> {
        self.platform.accounts(shard, EndDevices { ids: ids.clone() }).await?;
        let of = |(shard, ids)| self.platform.grants(shard, EndFamilies { ids, why: *why, by: by.clone() });
        let ended = try_all(by_shard(&ids).into_iter().map(of)).await?;
        self.platform.accounts(shard, ForgetDevices { ids }).await?;
        Ok(ended.iter().map(|ended| ended.len() as u64).sum())
    }
}

fn list(account: &AccountKey, selection: Selection) -> ListDevices {
    ListDevices { account: Some(account.clone()), selection, after: None, limit: PAGE }
}

/// Returns the families of devices, by the shards that have them.
fn by_shard<'a>(ids: impl IntoIterator<Item = &'a DeviceId>) -> BTreeMap<Shard, Vec<FamilyId>> {
    let mut shards: BTreeMap<Shard, Vec<FamilyId>> = BTreeMap::new();
    for SessionId { shard, family } in ids.into_iter().filter_map(|id| SessionId::parse(id.as_str())) {
        shards.entry(shard).or_default().push(family);
    }
    shards
}

fn id_of(shard: Shard, family: FamilyId) -> DeviceId {
    DeviceId::from(SessionId { shard, family }.to_string())
}
