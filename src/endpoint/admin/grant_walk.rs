//! Walks over the live codes of all shards, as far as one request goes.

use std::collections::VecDeque;

use crate::endpoint::at_once::try_all;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::grant::command::{LiveGrant, WalkGrants};
use crate::grant::routing::{Address, RowKey};
use crate::identity::walk::{Bounds, Walked};
use crate::policy::kill::KillSwitch;
use crate::sharding::{Region, Shard};

/// The most rows that a call of a shard looks at.
const LOOK: u32 = 1_000;
/// The most codes that a call of a shard finds.
const PAGE: u32 = 100;
/// The most shards that are asked at once.
const WIDEST: usize = 32;

/// A shard, and the row there after which to go on, if not with the first.
pub(super) type Cursor = (Shard, Option<RowKey>);

/// The codes to find.
pub(super) struct GrantWalk<'a, P> {
    pub(super) context: Context<'a, P>,
    /// Only those that this kill switch refuses.
    pub(super) refused_by: Option<&'a KillSwitch>,
    /// The most codes to find.
    pub(super) limit: u32,
    /// The most calls of shards.
    pub(super) most_calls: usize,
}

/// The codes that a walk has found, in the order of their shards and keys.
pub(super) type Found = Vec<(Address, LiveGrant)>;

impl<P: Platform> GrantWalk<'_, P> {
    /// Walks from `begin` on. Returns also where to go on; `None` at the end. As long as shards have nothing more to say, twice as
    /// many are asked at once: an empty server is seen in a few rounds, and little is read in vain where there are many codes.
    pub(super) async fn run(&self, begin: Option<Cursor>) -> Result<(Found, Option<Cursor>), Unavailable> {
        let (mut places, mut found) = (self.places(begin), Found::new());
        let (mut calls, mut width) = (0, 1);
        while let Some(next) = places.front().copied() {
            let left = self.limit - u32::try_from(found.len()).unwrap_or(self.limit);
            let width_now = width.min(self.most_calls - calls);
            if left == 0 || width_now == 0 {
                return Ok((found, Some(next)));
            }
            let asked = places.iter().take(width_now).map(|place| self.ask(*place, left));
            let walked = try_all(asked).await?;
            calls += walked.len();
            let is_whole = take(&mut places, &mut found, walked, self.limit as usize);
            width = if is_whole { (2 * width).min(WIDEST) } else { 1 };
        }
        Ok((found, None))
    }

    /// Returns where each shard begins that is not behind `begin`.
    fn places(&self, begin: Option<Cursor>) -> VecDeque<Cursor> {
        let places = shards(self.context).into_iter().filter_map(|shard| match begin {
            Some((first, _)) if shard < first => None,
            Some((first, after)) if shard == first => Some((shard, after)),
            Some(_) | None => Some((shard, None)),
        });
        places.collect()
    }

    async fn ask(
        &self,
        (shard, after): Cursor,
        limit: u32,
    ) -> Result<Walked<RowKey, LiveGrant>, Unavailable> {
        let refused_by = self.refused_by.map(|switch| Box::new(switch.clone()));
        let ask = WalkGrants { after, refused_by, bounds: Bounds { limit: limit.min(PAGE), look: LOOK } };
        self.context.server.platform.grants(shard, ask).await
    }
}

/// Returns all shards that can have live codes.
fn shards<P>(context: Context<'_, P>) -> Vec<Shard> {
    let pairs = context.server.settings.keyring.pairs();
    let most = pairs.map(|keys| keys.shards_per_region).max().unwrap_or(1).max(1);
    let of = |region| (0..most).map(move |index| Shard { region, index });
    Region::ALL.into_iter().flat_map(of).collect()
}

/// Takes what the first shards have found, until there are `limit` codes or a shard has more to say. Returns whether that was
/// all; otherwise, what the shards behind that one have found is not taken, because a cursor names one place.
fn take(
    places: &mut VecDeque<Cursor>,
    found: &mut Found,
    walked: Vec<Walked<RowKey, LiveGrant>>,
    limit: usize,
) -> bool {
    for Walked { found: own, next, .. } in walked {
        let Some((shard, after)) = places.front_mut() else { break };
        let room = limit - found.len();
        let is_cut = own.len() > room;
        let last = own.get(..room).and_then(<[_]>::last).map(|(key, _)| *key);
        let (shard, more) = (*shard, if is_cut { last.or(*after) } else { next });
        *after = more;
        found.extend(own.into_iter().take(room).map(|(key, grant)| (Address { shard, key }, grant)));
        if is_cut || more.is_some() {
            return false;
        }
        places.pop_front();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::command::LiveState;
    use crate::provenance::Stage;
    use crate::scope::Scope;
    use crate::time::Timestamp;

    const fn shard(index: u8) -> Shard {
        Shard { region: Region::Weur, index }
    }

    /// What a shard answers that has found these keys.
    fn walked(keys: &[u8], next: Option<u8>) -> Walked<RowKey, LiveGrant> {
        let grant = LiveGrant {
            client_id: "tv".to_owned(),
            scope: Scope::default(),
            started: Stage::default(),
            expires_at: Timestamp::default(),
            state: LiveState::Waiting,
            account: None,
        };
        let found = keys.iter().map(|key| (RowKey([*key; 16]), grant.clone())).collect();
        Walked { found, looked: 9, next: next.map(|key| RowKey([key; 16])) }
    }

    /// The shards and keys of codes, the place to go on, and whether all was taken.
    type Taken = (Vec<(u8, u8)>, Option<(u8, Option<u8>)>, bool);

    /// Takes answers of the shards 0, 1 and 2.
    fn taken(walked: Vec<Walked<RowKey, LiveGrant>>, limit: usize) -> Taken {
        let mut places = (0..3).map(|index| (shard(index), Some(RowKey([1; 16])))).collect();
        let mut found = Found::new();
        let is_whole = take(&mut places, &mut found, walked, limit);
        let found = found.iter().map(|(address, _)| (address.shard.index, address.key.0[0])).collect();
        let place = places.front().map(|(shard, after)| (shard.index, after.map(|key| key.0[0])));
        (found, place, is_whole)
    }

    #[test]
    fn all_is_taken_if_no_shard_has_more_to_say() {
        let answers = || vec![walked(&[2, 3], None), walked(&[], None), walked(&[4], None)];

        assert_eq!(taken(answers(), 9), (vec![(0, 2), (0, 3), (2, 4)], None, true));
        assert!(taken(answers(), 3).2);
        assert_eq!(taken(vec![walked(&[], None)], 9), (vec![], Some((1, Some(1))), true));
    }

    #[test]
    fn what_is_found_behind_a_shard_that_has_more_to_say_is_not_taken() {
        let answers = vec![walked(&[2], None), walked(&[3], Some(7)), walked(&[4], None)];

        assert_eq!(taken(answers, 9), (vec![(0, 2), (1, 3)], Some((1, Some(7))), false));
    }

    #[test]
    fn a_walk_that_is_full_goes_on_after_its_last_code() {
        let answers = || vec![walked(&[2, 3], None), walked(&[4, 5], None)];

        assert_eq!(taken(answers(), 1), (vec![(0, 2)], Some((0, Some(2))), false));
        assert_eq!(taken(answers(), 2), (vec![(0, 2), (0, 3)], Some((1, Some(1))), false), "as it began");
        assert_eq!(taken(answers(), 3), (vec![(0, 2), (0, 3), (1, 4)], Some((1, Some(4))), false));
    }
}
