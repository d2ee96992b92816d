//! Sorts, and builds maps and sets, with little code.
//!
//! The standard library compiles its sort for every type of items, 6 kB of wasm each time, and a map or a set that is
//! collected sorts its items, too. These lists are short. So one function sorts all of them by their places, and maps and
//! sets are built by insertion: see decision 72.

use core::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Sorts a list as [`slice::sort_by`] does.
pub fn sort_by<T>(items: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) {
    let mut places: Vec<usize> = (0..items.len()).collect();
    sort_places(&mut places, &|one, other| match (items.get(one), items.get(other)) {
        (Some(one), Some(other)) => compare(one, other),
        (None, _) | (_, None) => Ordering::Equal,
    });
    let mut before: Vec<Option<T>> = core::mem::take(items).into_iter().map(Some).collect();
    items.extend(places.into_iter().filter_map(|place| before.get_mut(place)?.take()));
}

#[inline(never)]
fn sort_places(places: &mut [usize], compare: &dyn Fn(usize, usize) -> Ordering) {
    places.sort_by(|one, other| compare(*one, *other));
}

/// Sorts a list as [`slice::sort_by_key`] does.
pub fn sort_by_key<T, K: Ord>(items: &mut Vec<T>, key: impl Fn(&T) -> K) {
    sort_by(items, |one, other| key(one).cmp(&key(other)));
}

/// Sorts a list as [`slice::sort`] does.
pub fn sort<T: Ord>(items: &mut Vec<T>) {
    sort_by(items, T::cmp);
}

/// Builds a map. Of entries with the same key, the last one counts.
pub fn map<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(entries);
    map
}

/// Builds a set.
pub fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

/// Builds an object of JSON. Of members with the same name, the last one counts.
pub fn object(members: impl IntoIterator<Item = (String, Value)>) -> Map<String, Value> {
    let mut object = Map::new();
    object.extend(members);
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_sorted_and_equal_items_keep_their_order() {
        let mut words = ["tv", "a", "box", "be", "b", "cap"].map(str::to_owned).to_vec();

        sort_by_key(&mut words, String::len);
        assert_eq!(words, ["a", "b", "tv", "be", "box", "cap"]);
        sort(&mut words);
        assert_eq!(words, ["a", "b", "be", "box", "cap", "tv"]);
        sort_by(&mut words, |one, other| other.cmp(one));
        assert_eq!(words, ["tv", "cap", "box", "be", "b", "a"]);
    }

    #[test]
    fn the_last_of_several_entries_counts() {
        assert_eq!(map([("a", 1), ("b", 2), ("a", 3)]), BTreeMap::from([("a", 3), ("b", 2)]));
        assert_eq!(set(["b", "a", "b"]), BTreeSet::from(["a", "b"]));
        let members = [("a", 1), ("a", 2)].map(|(name, value)| (name.to_owned(), Value::from(value)));
        assert_eq!(Value::from(object(members)), serde_json::json!({ "a": 2 }));
    }
}
