//! Ends what a kill switch selects, or counts it: devices with their tokens, sessions, then live codes. A request goes a
//! bounded way; its cursor has the place where the next one begins, and what was counted so far.

use core::time::Duration;
use std::collections::BTreeSet;

use super::grant_walk::{self, Found, GrantWalk};
use super::grants;
use super::problem::Problem;
use super::walk::{Cursor, Walk};
use crate::audit::change::Actor;
use crate::bounds::LONGEST_TOKEN;
use crate::client::document::address::is_meant;
use crate::client::rules::AccessTokenFormat;
use crate::endpoint::access::End;
use crate::endpoint::at_once::try_all;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::family::Ending;
use crate::grant::command::{EndGrant, LiveGrant};
use crate::grant::routing::Address;
use crate::identity::command::{EndListedSessions, WalkDevices, WalkSessions};
use crate::identity::device::{Device, DeviceId, State};
use crate::policy::kill::KillSwitch;
use crate::secret::{self, Digest};
use crate::sharding::AccountShard;
use crate::time::Timestamp;

/// The most rows that a step finds.
const PAGE: u32 = 100;
/// The most steps of a request. Each makes some hundred calls of objects at most, and the platform allows a request a thousand.
const STEPS: usize = 3;
/// The most calls in a step that look for codes: one of each shard of a server with the default number per region.
const MOST_SHARDS: usize = 192;
/// The most codes that are ended at once.
const ENDED_AT_ONCE: usize = 32;

/// What a kill switch selects, as far as it was counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Count {
    /// Devices that had tokens.
    pub devices: u64,
    pub sessions: u64,
    /// Codes that nobody had redeemed.
    pub codes: u64,
    /// The end of the last JWT that APIs accept without asking; `None` if there is no such token.
    pub jwts_until: Option<Timestamp>,
}

/// How far a walk has come.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Progress {
    pub count: Count,
    /// What comes next; `None` at the end.
    pub next: Option<Phase>,
}

/// A part of a walk, and where to go on in it.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Phase {
    Devices(Option<Cursor>),
    Sessions(Option<Cursor>),
    Codes(Option<grant_walk::Cursor>),
}

impl Default for Progress {
    fn default() -> Self {
        Self { count: Count::default(), next: Some(Phase::Devices(None)) }
    }
}

impl Progress {
    /// Returns the cursor of the next request; `None` at the end.
    pub(super) fn cursor(&self) -> Option<String> {
        let Count { devices, sessions, codes, jwts_until } = self.count;
        let until = jwts_until.map_or(0, Timestamp::millis);
        let (phase, place) = match self.next.as_ref()? {
            Phase::Devices(place) => ("devices", place.as_ref().map(Cursor::encode)),
            Phase::Sessions(place) => ("sessions", place.as_ref().map(Cursor::encode)),
            Phase::Codes(place) => ("codes", place.map(grants::encode)),
        };
        let place = place.unwrap_or_default();
        let text = format!("{devices}.{sessions}.{codes}.{until}.{phase}.{place}");
        Some(secret::encode(text.as_bytes()))
    }

    /// Reads a cursor.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(secret::decode(text)?).ok()?;
        let parts: Vec<&str> = text.split('.').collect();
        let [devices, sessions, codes, until, phase, place] = *parts.as_slice() else { return None };
        let until = Some(until.parse().ok()?).filter(|until| *until > 0);
        let count = Count {
            devices: devices.parse().ok()?,
            sessions: sessions.parse().ok()?,
            codes: codes.parse().ok()?,
            jwts_until: until.map(Timestamp::from_millis),
        };
        let there = |text: &str| if text.is_empty() { Some(None) } else { Cursor::decode(text).map(Some) };
        let next = match phase {
            "devices" => Phase::Devices(there(place)?),
            "sessions" => Phase::Sessions(there(place)?),
            "codes" if place.is_empty() => Phase::Codes(None),
            "codes" => Phase::Codes(Some(grants::decode(place)?)),
            _ => return None,
        };
        Some(Self { count, next: Some(next) })
    }
}

/// A walk of one request.
pub(super) struct KillWalk<'a, P> {
    pub context: Context<'a, P>,
    pub switch: &'a KillSwitch,
    /// Who ends what is found; `None` if it is only counted.
    pub by: Option<Actor>,
    /// The most devices, sessions and codes to find.
    pub limit: u32,
}

impl<P: Platform> KillWalk<'_, P> {
    /// Walks on from where a request before has stopped.
    pub(super) async fn run(mut self, from: Progress) -> Result<Progress, Problem> {
        let mut progress = from;
        for _ in 0..STEPS {
            let Some(phase) = progress.next.take() else { break };
            progress.next = match phase {
                Phase::Devices(place) => Some(self.devices(place, &mut progress.count).await?),
                Phase::Sessions(place) => Some(self.sessions(place, &mut progress.count).await?),
                Phase::Codes(place) => {
                    self.codes(place, &mut progress.count).await?.map(|next| Phase::Codes(Some(next)))
                }
            };
            if self.limit == 0 {
                break;
            }
        }
        Ok(progress)
    }

    fn page(&self) -> u32 {
        self.limit.min(PAGE)
    }

    fn spend(&mut self, found: usize) {
        self.limit = self.limit.saturating_sub(u32::try_from(found).unwrap_or(u32::MAX));
    }

    async fn devices(&mut self, place: Option<Cursor>, count: &mut Count) -> Result<Phase, Problem> {
        let (account, wanted) = (self.switch.target.account.clone(), self.switch.devices());
        let mut walk: Walk<()> = Walk::begin(place, account.as_ref(), self.page());
        while let Some((shard, after, bounds)) = walk.next() {
            let (account, selection) = (account.clone(), wanted.clone());
            let ask = WalkDevices { account, selection, after: after.map(DeviceId::from), bounds };
            let mut found = walk.take(self.context.server.platform.accounts(shard, ask).await?);
            self.spend(found.len());
            // An object from before a condition was added finds more.
            found.retain(|(id, device)| wanted.has(id, device));
            let clients = clients(&found);
            let ended = self.end(shard, found).await?;
            count.devices += ended;
            if ended > 0 {
                count.jwts_until = count.jwts_until.max(self.jwts_until(clients).await?);
            }
        }
        Ok(walk.place().map_or(Phase::Sessions(None), |place| Phase::Devices(Some(place))))
    }

    /// Ends devices, or only counts those that have tokens.
    async fn end(&self, shard: AccountShard, found: Vec<(DeviceId, Device)>) -> Result<u64, Unavailable> {
        let server = self.context.server;
        // Also those that had ended before: a request that broke off may have left their families.
        let (is_trial, ids) = (self.by.is_none(), found.into_iter());
        let ids = ids.filter(|(_, device)| !is_trial || device.state != State::Ended).map(|(id, _)| id);
        let ids: Vec<DeviceId> = ids.collect();
        if ids.is_empty() {
            return Ok(0);
        }
        match &self.by {
            None => Ok(server.with_tokens(&ids).await?.len() as u64),
            Some(by) => {
                let end = End { why: Ending::EndedByAdministrator, by: Some(by.clone()) };
                server.end_devices(shard, ids, &end).await
            }
        }
    }

    /// Returns until when APIs that do not ask this server can accept a token of these clients.
    async fn jwts_until(&self, clients: BTreeSet<String>) -> Result<Option<Timestamp>, Unavailable> {
        let mut longest = None;
        for client_id in clients {
            longest = longest.max(self.longest_jwt(&client_id).await?);
        }
        Ok(longest.map(|lifetime| self.context.now + Duration::from_secs(lifetime)))
    }

    /// Returns the longest that a JWT of a client lives, in seconds; `None` if its tokens are opaque. The lifetime of a client
    /// might have become shorter since, so it is at least that of the settings. That of a client which is gone is not known any
    /// more. Documents set no lifetime, so none is fetched.
    async fn longest_jwt(&self, client_id: &str) -> Result<Option<u64>, Unavailable> {
        let server = self.context.server;
        let usual = server.settings.access_token;
        if is_meant(client_id) {
            return Ok(Some(usual));
        }
        let Some(client) = server.client(client_id, self.context.now).await? else {
            return Ok(Some(LONGEST_TOKEN));
        };
        let own = client.tokens.access_token_lifetime.unwrap_or(usual);
        Ok((client.tokens.access_token_format != AccessTokenFormat::Opaque).then_some(own.max(usual)))
    }

    async fn sessions(&mut self, place: Option<Cursor>, count: &mut Count) -> Result<Phase, Problem> {
        let Some(selection) = self.switch.sessions() else { return Ok(Phase::Codes(None)) };
        let account = self.switch.target.account.clone();
        let mut walk: Walk<()> = Walk::begin(place, account.as_ref(), self.page());
        while let Some((shard, after, bounds)) = walk.next() {
            let after = after.and_then(|after| Digest::parse(&after));
            let (account, selection) = (account.clone(), selection.clone());
            let ask = WalkSessions { account, selection, after, bounds };
            let found = walk.take(self.context.server.platform.accounts(shard, ask).await?);
            self.spend(found.len());
            count.sessions += found.len() as u64;
            if let Some(by) = self.by.clone().filter(|_| !found.is_empty()) {
                let ids = found.into_iter().map(|(id, _)| id).collect();
                self.context.server.platform.accounts(shard, EndListedSessions { ids, by }).await?;
            }
        }
        Ok(walk.place().map_or(Phase::Codes(None), |place| Phase::Sessions(Some(place))))
    }

    /// Returns where to go on; `None` at the end.
    async fn codes(
        &mut self,
        place: Option<grant_walk::Cursor>,
        count: &mut Count,
    ) -> Result<Option<grant_walk::Cursor>, Problem> {
        let (context, limit) = (self.context, self.limit);
        let walk = GrantWalk { context, refused_by: Some(self.switch), limit, most_calls: MOST_SHARDS };
        let (found, next) = walk.run(place).await?;
        self.spend(found.len());
        count.codes += match &self.by {
            None => found.len() as u64,
            Some(by) => self.end_codes(found, by).await?,
        };
        Ok(next)
    }

    /// Ends codes, several at once. Returns how many had not ended before.
    async fn end_codes(&self, found: Found, by: &Actor) -> Result<u64, Unavailable> {
        let end = |(Address { shard, key }, _): &(Address, LiveGrant)| {
            self.context.server.platform.grants(*shard, EndGrant { key: *key, by: by.clone() })
        };
        let mut count = 0;
        for batch in found.chunks(ENDED_AT_ONCE) {
            count += try_all(batch.iter().map(end)).await?.iter().flatten().count() as u64;
        }
        Ok(count)
    }
}

fn clients(found: &[(DeviceId, Device)]) -> BTreeSet<String> {
    found.iter().map(|(_, device)| device.client_id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::routing::RowKey;
    use crate::sharding::{Region, Shard};

    #[test]
    fn a_cursor_is_read_back_and_any_other_text_is_none() {
        let shard = Shard { region: Region::Oc, index: 7 };
        let jwts_until = Some(Timestamp::from_millis(1_000));
        let count = Count { devices: 1, sessions: 2, codes: 3, jwts_until };
        let codes = [None, Some((shard, None)), Some((shard, Some(RowKey([9; 16]))))].map(Phase::Codes);
        for (phase, count) in codes
            .into_iter()
            .map(|phase| (phase, count))
            .chain([(Phase::Devices(None), Count::default()), (Phase::Sessions(None), count)])
        {
            let progress = Progress { count, next: Some(phase) };
            let read = progress.cursor().and_then(|text| Progress::decode(&text));
            assert_eq!(read.and_then(|read| read.cursor()), progress.cursor(), "{progress:?}");
        }
        assert_eq!(Progress { count, next: None }.cursor(), None);
        for text in ["", "!", "AA", &secret::encode(b"1.2.3.0.codes"), &secret::encode(b"1.2.3.0.codes.AA")] {
            assert_eq!(Progress::decode(text), None, "{text}");
        }
    }
}
