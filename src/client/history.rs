//! When a record was made and changed, and what an `If-Match` says of it (RFC 9110 §13.1.1).

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How often and when a record was changed. Records of before this was kept have none: they are at version 1.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct History {
    /// 1, and one more with each change.
    pub version: u64,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it was changed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Timestamp>,
}

impl Default for History {
    fn default() -> Self {
        Self { version: 1, created_at: None, changed_at: None }
    }
}

impl History {
    /// Of a record that is made now.
    #[must_use]
    pub const fn beginning(now: Timestamp) -> Self {
        Self { version: 1, created_at: Some(now), changed_at: Some(now) }
    }

    /// Of the same record, changed now.
    #[must_use]
    pub const fn changed(self, now: Timestamp) -> Self {
        Self { version: self.version.saturating_add(1), created_at: self.created_at, changed_at: Some(now) }
    }

    /// Whether nothing is known of it.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// The `ETag`, with its quotes. A record that was deleted and made again has another.
    #[must_use]
    pub fn etag(&self) -> String {
        let created = self.created_at.map_or(0, Timestamp::millis);
        format!("\"{created}.{}\"", self.version)
    }
}

/// What a record must be for a change to go through.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// Whatever it is, as long as it is there.
    Any,
    /// One of these `ETag`s.
    OneOf(Vec<String>),
}

impl Expected {
    /// Reads an `If-Match`. Weak tags and what is no tag match nothing (RFC 9110 §8.8.3.2).
    #[must_use]
    pub fn parse(if_match: &str) -> Self {
        if if_match.trim() == "*" {
            return Self::Any;
        }
        Self::OneOf(if_match.split(',').map(|tag| tag.trim().to_owned()).collect())
    }

    /// Whether a record with this history is what is expected.
    #[must_use]
    pub fn holds(&self, history: &History) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.contains(&history.etag()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_of_one_state_of_one_record() {
        let first = History::beginning(Timestamp::from_millis(5));
        let changed = first.changed(Timestamp::from_millis(9));
        let again = History::beginning(Timestamp::from_millis(10));

        assert_eq!((first.etag().as_str(), changed.etag().as_str()), ("\"5.1\"", "\"5.2\""));
        assert_ne!(first.etag(), again.etag());
        assert!(Expected::parse("\"x\" , \"5.2\"").holds(&changed));
        assert!(Expected::parse(" * ").holds(&changed));
        for other in ["\"5.1\"", "W/\"5.2\"", "5.2", ""] {
            assert!(!Expected::parse(other).holds(&changed), "{other}");
        }
    }
}
