//! The version and dates of a record, and the `If-Match` precondition on them (RFC 9110 §13.1.1).

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Version and dates of a record. A record that was stored before this server kept dates has none, and is at
/// version 1.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct History {
    /// 1 for a new record; each change adds 1.
    pub version: u64,
    /// `None` if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// The last change, or the creation if there was no change since; `None` if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Timestamp>,
}

impl Default for History {
    fn default() -> Self {
        Self { version: 1, created_at: None, changed_at: None }
    }
}

impl History {
    /// Returns the history of a record that is created at `now`.
    #[must_use]
    pub const fn beginning(now: Timestamp) -> Self {
        Self { version: 1, created_at: Some(now), changed_at: Some(now) }
    }

    /// Returns the history of the same record after a change at `now`.
    #[must_use]
    pub const fn changed(self, now: Timestamp) -> Self {
        Self { version: self.version.saturating_add(1), created_at: self.created_at, changed_at: Some(now) }
    }

    /// Returns whether this is the history of a record that was stored without one.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the `ETag`, with its quotes. A record that was deleted and created again has a different one.
    #[must_use]
    pub fn etag(&self) -> String {
        let created = self.created_at.map_or(0, Timestamp::millis);
        format!("\"{created}.{}\"", self.version)
    }
}

/// Precondition for a change to a record.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// The record exists.
    Any,
    /// The record has one of these `ETag`s.
    OneOf(Vec<String>),
}

impl Expected {
    /// Reads an `If-Match` header: `*`, or entity tags separated by commas. Returns `None` for anything else. Weak
    /// tags match nothing (RFC 9110 §13.1.1).
    #[must_use]
    pub fn parse(if_match: &str) -> Option<Self> {
        if if_match.trim() == "*" {
            return Some(Self::Any);
        }
        // No tag of this server contains a comma, so one that does is split, and matches nothing.
        let tags: Vec<_> = if_match.split(',').map(|tag| tag.trim().to_owned()).collect();
        tags.iter().all(|tag| is_tag(tag)).then_some(Self::OneOf(tags))
    }

    /// Returns whether a record with this history meets the precondition.
    #[must_use]
    pub fn holds(&self, history: &History) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.contains(&history.etag()),
        }
    }
}

/// Returns whether `text` is an entity tag (RFC 9110 §8.8.3) without a comma.
fn is_tag(text: &str) -> bool {
    let opaque = text.strip_prefix("W/").unwrap_or(text);
    let inner = opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| inner.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_identifies_one_version_of_one_record() {
        let first = History::beginning(Timestamp::from_millis(5));
        let changed = first.changed(Timestamp::from_millis(9));
        let again = History::beginning(Timestamp::from_millis(10));

        assert_eq!((first.etag().as_str(), changed.etag().as_str()), ("\"5.1\"", "\"5.2\""));
        assert_ne!(first.etag(), again.etag());
        let holds = |text: &str| Expected::parse(text).map(|expected| expected.holds(&changed));
        for current in ["\"x\" , \"5.2\"", " * ", "W/\"\",\"5.2\""] {
            assert_eq!(holds(current), Some(true), "{current}");
        }
        for other in ["\"5.1\"", "W/\"5.2\"", "\"\""] {
            assert_eq!(holds(other), Some(false), "{other}");
        }
        for malformed in
            ["", "5.2", "\"5.2", "\"", "*, \"5.2\"", "\"5.2\",", "\"5\"2\"", "\"5 2\"", "w/\"5.2\""]
        {
            assert_eq!(holds(malformed), None, "{malformed}");
        }
    }
}
