//! Reads tables and lists out of the members of a document.

use serde_json::{Map, Value};

use crate::client::registration::json_members::Members;
use crate::fault::Fault;
use crate::time::Timestamp;

/// The most entries of a list.
const MOST: usize = 50;
/// What an instant may look like, for errors.
pub(super) const INSTANT: &str = "a date and time such as \"2026-12-31T18:00:00Z\" (RFC 3339)";

/// Takes a member that must be there.
pub(super) fn required<T>(
    members: &mut Members,
    name: &str,
    allowed: &str,
    take: impl FnOnce(&mut Members, &str) -> Option<T>,
) -> Option<T> {
    let value = take(members, name);
    if value.is_none() && !members.is_refused(name) {
        members.refuse(name, format!("{name} is missing: write {allowed}"));
    }
    value
}

/// Takes a table with known members.
pub(super) fn read<T>(
    members: &mut Members,
    name: &str,
    known: &[&str],
    read: impl FnOnce(&mut Members) -> T,
) -> Option<T> {
    let allowed = format!("a table with some of {}", known.join(", "));
    let table = table(members, name, &allowed)?;
    if table.values().all(Value::is_null) {
        members.refuse(name, format!("{name} is empty: it must be {allowed}, or left out"));
        return None;
    }
    let mut table = Members::of(table);
    let value = read(&mut table);
    adopt(members, name, finish(table, known));
    Some(value)
}

/// Takes a table whose members have names that the author chose, and passes the names.
pub(super) fn open<T>(
    members: &mut Members,
    name: &str,
    allowed: &str,
    read: impl FnOnce(&mut Members, Vec<String>) -> T,
) -> Option<T> {
    let table = table(members, name, allowed)?;
    let names = table.keys().cloned().collect();
    let mut table = Members::of(table);
    let value = read(&mut table, names);
    adopt(members, name, table.finish(true));
    Some(value)
}

fn table(members: &mut Members, name: &str, allowed: &str) -> Option<Map<String, Value>> {
    match members.take(name) {
        None => None,
        Some(Value::Object(table)) => Some(table),
        Some(value) => members.refuse_value(name, &value, allowed),
    }
}

fn adopt(members: &mut Members, name: &str, faults: Vec<Fault>) {
    members.refuse_all(faults.into_iter().map(|fault| fault.within(name)).collect());
}

/// Returns the faults. The fault of an unknown member says which are known.
pub(super) fn finish(members: Members, known: &[&str]) -> Vec<Fault> {
    let explained = |fault: Fault| {
        let is_unknown = fault.detail.starts_with("unknown member ");
        let detail = if is_unknown {
            format!("{}: known are {}", fault.detail, known.join(", "))
        } else {
            fault.detail
        };
        Fault { detail, ..fault }
    };
    members.finish(true).into_iter().map(explained).collect()
}

/// Takes a list of at least one entry, each different. Returns an empty list if there is none.
pub(super) fn list<T: PartialEq>(
    members: &mut Members,
    name: &str,
    allowed: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Vec<T> {
    let read = members.parsed(name, MOST, allowed, |text| parse(text).ok_or(allowed));
    if read.as_ref().is_some_and(Vec::is_empty) && !members.is_refused(name) {
        members.refuse(name, format!("{name} is empty: write at least one entry, or leave it out"));
    }
    read.unwrap_or_default()
}

/// Takes a list of words.
pub(super) fn words<T: Copy + PartialEq>(members: &mut Members, name: &str, all: &[(&str, T)]) -> Vec<T> {
    let names: Vec<&str> = all.iter().map(|(word, _)| *word).collect();
    let allowed = format!("one of {}", names.join(", "));
    list(members, name, &allowed, |text| all.iter().find(|(word, _)| *word == text).map(|(_, value)| *value))
}

/// Takes an instant.
pub(super) fn instant(members: &mut Members, name: &str) -> Option<Timestamp> {
    parsed(members, name, INSTANT, Timestamp::parse)
}

/// Takes a string that `parse` reads.
pub(super) fn parsed<T>(
    members: &mut Members,
    name: &str,
    allowed: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let text = members.text(name, allowed, |text| parse(text).is_some());
    text.as_deref().and_then(parse)
}

/// Returns a fault with the item and the tables around the member in its text: `rule staff-cli, when.device: …`.
pub(super) fn of_item(fault: Fault, item: &str) -> Fault {
    let is_name = |part: &&str| !part.is_empty() && part.bytes().any(|byte| !byte.is_ascii_digit());
    let mut path: Vec<&str> = fault.pointer.split('/').filter(is_name).collect();
    path.pop();
    let place = if path.is_empty() { String::new() } else { format!(", {}", path.join(".")) };
    Fault { detail: format!("{item}{place}: {}", fault.detail), ..fault }
}
