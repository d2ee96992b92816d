//! The events of changes to the registry.

use serde_json::{Map, Value};

use super::rows::Rows;
use crate::audit::change::{Actor, Change, Changed};
use crate::client::Client;
use crate::client::registration::view::view;
use crate::order;
use crate::time::Timestamp;
use crate::upstream::provider::{self, Provider};

/// Members that change whenever a client does.
const ALWAYS: [&str; 2] = ["changed_at", "version"];

/// Reports a change of a client, a scope or a key, or the end of a token or an invitation.
pub(super) fn tell<R: Rows>(
    rows: &R,
    what: Changed,
    subject: Option<&str>,
    by: Actor,
    now: Timestamp,
) -> Result<(), R::Error> {
    rows.tell(&Change::of(what, subject, by, now))
}

/// Reports a token or an invitation, with what it gives.
pub(super) fn tell_granted<R: Rows>(
    rows: &R,
    what: Changed,
    subject: &str,
    granted: Vec<String>,
    by: Actor,
    now: Timestamp,
) -> Result<(), R::Error> {
    rows.tell(&Change { granted, ..Change::of(what, Some(subject), by, now) })
}

/// Reports that members of a client were changed.
pub(super) fn tell_members<R: Rows>(
    rows: &R,
    before: &Client,
    after: &Client,
    by: Actor,
    now: Timestamp,
) -> Result<(), R::Error> {
    let members = changed(&view(before), &view(after));
    rows.tell(&Change { members, ..Change::of(Changed::ClientChanged, Some(&after.client_id), by, now) })
}

/// Reports that members of a provider, or its secret, were changed.
pub(super) fn tell_provider<R: Rows>(
    rows: &R,
    before: &Provider,
    after: &Provider,
    by: Actor,
    now: Timestamp,
) -> Result<(), R::Error> {
    let mut members = changed(&provider::view::view(before), &provider::view::view(after));
    if before.authentication.secret() != after.authentication.secret() {
        members.push("client_secret".to_owned());
        order::sort(&mut members);
    }
    rows.tell(&Change { members, ..Change::of(Changed::ProviderChanged, Some(after.id.as_str()), by, now) })
}

/// Returns the names of the members that differ, sorted.
fn changed(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let names = order::set(before.keys().chain(after.keys()));
    let differs = |name: &&String| before.get(*name) != after.get(*name) && !ALWAYS.contains(&name.as_str());
    names.into_iter().filter(differs).cloned().collect()
}
