//! Makes metadata that programs write for every server fit this one: what it does not know is left out, not refused.

use serde_json::{Map, Value};

use crate::client::redirect_uri;
use crate::client::redirect_uri::is_redirect_uri;
use crate::client::{DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT};
use crate::fault::Fault;

/// Keeps the `wanted` members that say something: some programs send an empty text for what they do not have. Of the
/// lists, keeps the grants that this server has, and redirect URIs that it may send something to; whatever is not a list
/// of texts is left for [`parse`](super::parse) to refuse.
pub fn keep_known(members: &mut Map<String, Value>, wanted: &[&str]) {
    let is_nothing = |value: &Value| value.is_null() || value.as_str() == Some("");
    members.retain(|name, value| wanted.contains(&name.as_str()) && !is_nothing(value));
    let is_grant = |text: &str| text == DEVICE_CODE_GRANT || text == REFRESH_TOKEN_GRANT;
    keep(members, "grant_types", usize::MAX, is_grant);
    keep(members, "redirect_uris", redirect_uri::MOST, is_redirect_uri);
}

/// Keeps the first `most` different texts that are `known`, and whatever is not a text.
fn keep(members: &mut Map<String, Value>, name: &str, most: usize, known: impl Fn(&str) -> bool) {
    let Some(Value::Array(items)) = members.get_mut(name) else { return };
    let mut kept: Vec<Value> = Vec::new();
    for item in items.drain(..) {
        if item.as_str().is_none_or(&known) && !kept.contains(&item) && kept.len() < most {
            kept.push(item);
        }
    }
    *items = kept;
}

/// Returns the fault of a client without the device grant, and takes out its `grant_types`.
pub fn without_device_grant(members: &mut Map<String, Value>) -> Option<Fault> {
    let grants = members.get("grant_types").and_then(Value::as_array);
    if grants.is_some_and(|grants| grants.iter().any(|grant| grant.as_str() == Some(DEVICE_CODE_GRANT))) {
        return None;
    }
    members.remove("grant_types");
    let why =
        format!("grant_types must include {DEVICE_CODE_GRANT}: without it, the client cannot do anything");
    Some(Fault::at("grant_types", why))
}
