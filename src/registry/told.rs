//! The events of changes to the registry.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::rows::Rows;
use crate::audit::change::{Actor, Change, Changed};
use crate::client::Client;
use crate::client::registration::view::view;
use crate::format::Format;
use crate::time::Timestamp;

/// Members that change whenever a client does.
const ALWAYS: [&str; 2] = ["changed_at", "version"];

/// Reports a change of a client, a scope or a key.
pub(super) fn tell<R: Rows>(
    rows: &R,
    what: Changed,
    subject: Option<&str>,
    by: Actor,
    now: Timestamp,
) -> Result<(), R::Error> {
    let subject = subject.map(str::to_owned);
    rows.tell(&Change { format: Format, what, at: now, subject, by, members: Vec::new() })
}

/// Reports that members of a client were changed.
pub(super) fn tell_members<R: Rows>(
    rows: &R,
    before: &Client,
    after: &Client,
    by: Actor,
    now: Timestamp,
) -> Result<(), R::Error> {
    let (subject, members) = (Some(after.client_id.clone()), changed(&view(before), &view(after)));
    rows.tell(&Change { format: Format, what: Changed::ClientChanged, at: now, subject, by, members })
}

/// Returns the names of the members that differ, sorted.
fn changed(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = |name: &&String| before.get(*name) != after.get(*name) && !ALWAYS.contains(&name.as_str());
    names.into_iter().filter(differs).cloned().collect()
}
