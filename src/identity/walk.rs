//! Walks over the rows of a shard that stop after a given number of rows: across accounts, and across codes, there is no
//! index of what a walk looks for.

use serde::{Deserialize, Serialize};

/// How far a walk goes at most.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Bounds {
    /// The most rows to find.
    pub limit: u32,
    /// The most rows to look at.
    pub look: u32,
}

/// What a walk has found.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Walked<K, R> {
    /// The rows, in the order of their keys.
    pub found: Vec<(K, R)>,
    /// How many rows the walk has looked at.
    pub looked: u32,
    /// The row after which the walk goes on; `None` if it has seen all rows.
    #[serde(default = "nothing", skip_serializing_if = "Option::is_none")]
    pub next: Option<K>,
}

const fn nothing<K>() -> Option<K> {
    None
}

impl<K: Clone, R> Walked<K, R> {
    /// Begins a walk.
    pub(crate) const fn begin() -> Self {
        Self { found: Vec::new(), looked: 0, next: None }
    }

    /// Looks at a row, which is `None` if it is not wanted. Returns whether to go on.
    pub(crate) fn see(&mut self, key: K, wanted: Option<R>, bounds: Bounds) -> bool {
        self.looked += 1;
        self.found.extend(wanted.map(|row| (key.clone(), row)));
        let goes_on = self.looked < bounds.look && self.found.len() < bounds.limit as usize;
        self.next = (!goes_on).then_some(key);
        goes_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(bounds: Bounds) -> Walked<u32, ()> {
        let mut walked = Walked::begin();
        let _all = (0..10).all(|key| walked.see(key, (key % 2 == 1).then_some(()), bounds));
        walked
    }

    #[test]
    fn a_walk_stops_after_enough_rows_found_or_looked_at() {
        let keys = |walked: &Walked<u32, ()>| walked.found.iter().map(|(key, ())| *key).collect::<Vec<_>>();

        let found = walk(Bounds { limit: 2, look: 100 });
        assert_eq!((keys(&found), found.looked, found.next), (vec![1, 3], 4, Some(3)));
        let looked = walk(Bounds { limit: 100, look: 3 });
        assert_eq!((keys(&looked), looked.looked, looked.next), (vec![1], 3, Some(2)));
        let all = walk(Bounds { limit: 100, look: 100 });
        assert_eq!((all.found.len(), all.looked, all.next), (5, 10, None));
    }
}
