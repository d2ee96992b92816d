//! Commands about the allow list of client ID metadata documents.

use serde::{Deserialize, Serialize};

use super::clients::Trial;
use crate::audit::change::Actor;
use crate::client::document::entry::Entry;

/// Lists every entry, in the order of their texts.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListDocuments {}

/// Adds an entry, or replaces the one with the same text. The reply is `true` if it is new.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct AllowDocument {
    pub entry: Box<Entry>,
    /// If there is a trial, nothing is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<Trial>,
    pub by: Actor,
}

/// Removes an entry.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say what they are")]
pub struct RemoveDocument {
    pub entry: String,
    pub by: Actor,
}
