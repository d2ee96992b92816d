//! The accounts that events name by `sub`.

use std::collections::{BTreeMap, BTreeSet};

use crate::endpoint::at_once::try_all;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::identity::account_key::AccountKey;
use crate::identity::command::FindByPointers;
use crate::identity::pointer::Pointer;
use crate::sharding::AccountShard;
use crate::sub::Sub;

/// Returns the keys of accounts by their `sub`. An account that is gone has none. Calls each shard at most once.
pub(super) async fn keys<P: Platform>(
    context: Context<'_, P>,
    subs: BTreeSet<String>,
) -> Result<BTreeMap<String, AccountKey>, Unavailable> {
    let mut by_shard: BTreeMap<AccountShard, (Vec<String>, Vec<Pointer>)> = BTreeMap::new();
    for sub in subs {
        let pointer = Pointer::sub(&Sub::from(sub.as_str()));
        let (names, pointers) = by_shard.entry(pointer.shard()).or_default();
        names.push(sub);
        pointers.push(pointer);
    }
    let of = |(shard, (names, pointers))| async move {
        let found = context.server.platform.accounts(shard, FindByPointers { pointers }).await?;
        Ok(Vec::into_iter(names).zip(found))
    };
    let mut keys = BTreeMap::new();
    for found in try_all(by_shard.into_iter().map(of)).await? {
        keys.extend(found.filter_map(|(sub, key)| Some((sub, key?))));
    }
    Ok(keys)
}
