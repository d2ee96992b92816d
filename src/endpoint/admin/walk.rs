//! Walks over all shards of accounts, or over the one of an account: a request goes a bounded way, and its cursor says
//! where the next one begins.

use super::problem::Problem;
use crate::endpoint::form::Form;
use crate::fault::Fault;
use crate::identity::account_key::AccountKey;
use crate::identity::device::DeviceId;
use crate::identity::walk::{Bounds, Walked};
use crate::secret;
use crate::secret::Digest;
use crate::sharding::AccountShard;

/// The most rows that a request looks at.
const LOOK: u32 = 5_000;

/// The key of a row, as a cursor has it.
pub(super) trait Key {
    fn text(&self) -> String;
}

impl Key for DeviceId {
    fn text(&self) -> String {
        self.as_str().to_owned()
    }
}

impl Key for Digest {
    fn text(&self) -> String {
        secret::encode(self.bytes())
    }
}

/// A walk: what it has found, and where it is.
pub(super) struct Walk<R> {
    pub(super) found: Vec<R>,
    shards: Vec<AccountShard>,
    after: Option<String>,
    bounds: Bounds,
}

impl<R> Walk<R> {
    /// Begins a walk at a cursor, over the shard of an account or over all, that finds at most `limit` rows.
    pub(super) fn begin(cursor: Option<Cursor>, account: Option<&AccountKey>, limit: u32) -> Self {
        let Cursor { shard, after } = cursor.unwrap_or_default();
        let wanted = |other: &AccountShard| account.is_none_or(|account| account.shard() == *other);
        let mut shards: Vec<AccountShard> = AccountShard::all()
            .filter(|other| wanted(other) && shard.is_none_or(|first| first <= *other))
            .collect();
        shards.reverse();
        let after = after.filter(|_| shards.last().copied() == shard);
        Self { found: Vec::new(), shards, after, bounds: Bounds { limit, look: LOOK } }
    }

    /// Returns the shard to ask next, after which of its rows, and how far to go there; `None` at the end of the walk.
    pub(super) fn next(&mut self) -> Option<(AccountShard, Option<String>, Bounds)> {
        let goes_on = self.bounds.limit > 0 && self.bounds.look > 0;
        let shard = self.shards.last().copied().filter(|_| goes_on)?;
        Some((shard, self.after.take(), self.bounds))
    }

    /// Takes the answer of that shard. Returns the rows that it has found.
    pub(super) fn take<K: Key, V>(&mut self, walked: Walked<K, V>) -> Vec<(K, V)> {
        let found = u32::try_from(walked.found.len()).unwrap_or(u32::MAX);
        self.bounds.limit = self.bounds.limit.saturating_sub(found);
        self.bounds.look = self.bounds.look.saturating_sub(walked.looked);
        self.after = walked.next.map(|next| next.text());
        if self.after.is_none() {
            self.shards.pop();
        }
        walked.found
    }

    /// Returns the cursor of the next request; `None` if the walk has seen everything.
    pub(super) fn cursor(&self) -> Option<String> {
        self.place().map(|place| place.encode())
    }

    /// Returns where the walk goes on; `None` if it has seen everything.
    pub(super) fn place(&self) -> Option<Cursor> {
        let shard = self.shards.last().copied();
        shard.map(|shard| Cursor { shard: Some(shard), after: self.after.clone() })
    }
}

/// Where a walk goes on.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Cursor {
    shard: Option<AccountShard>,
    after: Option<String>,
}

impl Cursor {
    /// Reads the parameter `cursor`.
    pub(super) fn read(query: &Form) -> Result<Option<Self>, Problem> {
        let Some(text) = query.get("cursor") else { return Ok(None) };
        let detail = "cursor must be the next_cursor of a previous page";
        Self::decode(text).map(Some).ok_or_else(|| Problem::Invalid(vec![Fault::at("cursor", detail)]))
    }

    pub(super) fn encode(&self) -> String {
        let shard = self.shard.map(|shard| shard.to_string()).unwrap_or_default();
        secret::encode(format!("{shard}:{}", self.after.as_deref().unwrap_or_default()).as_bytes())
    }

    pub(super) fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(secret::decode(text)?).ok()?;
        let (shard, after) = text.split_once(':')?;
        let shard = AccountShard::all().find(|other| other.to_string() == shard)?;
        Some(Self { shard: Some(shard), after: Some(after.to_owned()).filter(|after| !after.is_empty()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Key for usize {
        fn text(&self) -> String {
            self.to_string()
        }
    }

    /// Walks over shards with `size` numbered rows each, in requests of `limit`, and returns what each found.
    fn pages(size: usize, limit: u32, account: Option<&AccountKey>) -> Vec<usize> {
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            let mut walk: Walk<()> = Walk::begin(cursor.take(), account, limit);
            let mut count = 0;
            while let Some((_, after, bounds)) = walk.next() {
                let begin = after.map_or(0, |after| after.parse::<usize>().expect("a number") + 1);
                let end = size.min(begin + bounds.limit as usize);
                let found: Vec<_> = (begin..end).map(|row| (row, ())).collect();
                let looked = u32::try_from(found.len()).expect("few");
                let next = (looked == bounds.limit).then(|| end - 1);
                count += walk.take(Walked { found, looked, next }).len();
            }
            pages.push(count);
            match walk.cursor() {
                Some(text) => cursor = Cursor::decode(&text),
                None => return pages,
            }
        }
    }

    #[test]
    fn a_walk_sees_each_row_of_each_shard_once_whatever_its_pages() {
        for limit in [1, 3, 7, 96, 1_000] {
            let pages = pages(3, limit, None);
            assert_eq!(pages.iter().sum::<usize>(), 96, "{limit}");
            assert!(pages.iter().all(|count| *count <= limit as usize));
        }
        assert_eq!(pages(3, 2, Some(&AccountKey::local("alice"))).iter().sum::<usize>(), 3);
        assert_eq!(pages(0, 5, None), [0]);
    }

    #[test]
    fn a_cursor_is_read_back_and_any_other_text_is_none() {
        let shard = AccountShard::all().last();
        for after in [None, Some("a:b".to_owned())] {
            let cursor = Cursor { shard, after };
            assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }
        for text in ["", "!", "AAAA", &secret::encode(b"32:x"), &secret::encode(b"7")] {
            assert_eq!(Cursor::decode(text), None, "{text}");
        }
    }
}
