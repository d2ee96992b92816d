//! Which object has what: accounts and counters are spread over as many objects as there will ever be.

use sha2::{Digest as _, Sha256};

/// How many. For ever: with another number accounts would not be found any more.
const SHARDS: u8 = 32;

/// The name of the object that has `key`, from 0 to 31. Without a secret, so that a new `MASTER_KEY` moves no account.
#[must_use]
pub fn shard_of(key: &str) -> String {
    let [first, ..]: [u8; 32] = Sha256::digest(key.as_bytes()).into();
    (first % SHARDS).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_object_gets_something() {
        let names: BTreeSet<String> = (0..1_000).map(|number| shard_of(&number.to_string())).collect();

        assert_eq!(names.len(), usize::from(SHARDS));
    }
}
