//! The inventory of devices, and the commands about it.

use serde::{Deserialize, Serialize};

use super::rows::Rows;
use super::told::tell;
use crate::audit::change::{Actor, Changed};
use crate::policy::inventory::{Entry, Identifier};
use crate::time::Timestamp;

/// Lists at most `limit` entries whose identifiers come after `after`, in the order of the identifiers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say what they are")]
pub struct ListInventory {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    pub limit: u32,
}

/// Finds an entry.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the name says what it is")]
pub struct FindInventory {
    pub identifier: Identifier,
}

/// Writes an entry. The reply is whether it is new.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say what they are")]
pub struct PutInventory {
    pub entry: Box<Entry>,
    pub by: Actor,
}

/// Removes an entry. The reply is whether there was one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say what they are")]
pub struct RemoveInventory {
    pub identifier: Identifier,
    pub by: Actor,
}

pub(super) fn put<R: Rows>(rows: &R, ask: PutInventory, now: Timestamp) -> Result<bool, R::Error> {
    let PutInventory { entry, by } = ask;
    let before = rows.inventory_entry(&entry.identifier)?;
    // Writing the same again is no change, so that a whole inventory can be sent again.
    if before.as_ref() != Some(&*entry) {
        rows.put_inventory(&entry)?;
        tell(rows, Changed::InventoryChanged, Some(entry.identifier.as_str()), by, now)?;
    }
    Ok(before.is_none())
}

pub(super) fn remove<R: Rows>(rows: &R, ask: RemoveInventory, now: Timestamp) -> Result<bool, R::Error> {
    let RemoveInventory { identifier, by } = ask;
    let exists = rows.inventory_entry(&identifier)?.is_some();
    if exists {
        rows.remove_inventory(&identifier)?;
        tell(rows, Changed::InventoryRemoved, Some(identifier.as_str()), by, now)?;
    }
    Ok(exists)
}
