//! Reads the written form of a policy strictly: returns a [`Policy`] or every fault. A fault in a rule names the rule, the
//! member, and what to write.
//!
//! What is stored is written in the same form, so a policy that is shown can be sent back.

mod conditions;
pub mod described;
pub mod exception;
pub mod kill;
mod rule;
mod table;

use core::ops::RangeInclusive;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::document::{BreakGlass, EXCEPTION_DAYS, Fallback, Policy};
use super::name;
use super::name::Name;
use super::network::{Networks, Part};
use super::rule::Rule;
use crate::client::registration::json_members::{Members, is_web_address};
use crate::fault::Fault;
use crate::time::Timestamp;

/// Members that responses add. They are ignored in requests, so that a caller can change a response and send it back.
pub const READ_ONLY: [&str; 7] =
    ["version", "revision", "author", "changed_at", "protects", "warnings", "changes"];

const KNOWN: [&str; 8] = [
    "default",
    "contact",
    "help_uri",
    "access_requests",
    "longest_exception_days",
    "networks",
    "break_glass",
    "rules",
];
/// The most bytes of a policy as JSON. Every isolate keeps a copy of it.
const MOST_BYTES: usize = 256 * 1_024;
/// The most rules of a policy.
pub const MOST_RULES: usize = 200;
/// The most networks of a policy, and the most parts of a network.
const MOST_NETWORKS: usize = 50;
/// The most accounts, and the most clients, that can get in whatever the rules say.
const MOST_BROKEN: usize = 20;
/// Longest line that people see, in characters.
const LONGEST_LINE: usize = 100;
/// The bounds of `longest_exception_days`.
const EXCEPTION: RangeInclusive<u64> = 1..=366;
/// The longest that break-glass can last.
const LONGEST_BREAK_GLASS: Duration = Duration::from_secs(366 * 86_400);

/// Reads a policy. An unknown member is a fault.
///
/// # Errors
///
/// Every fault in the members.
pub fn parse(members: Map<String, Value>, now: Timestamp) -> Result<Policy, Vec<Fault>> {
    let mut members = Members::of(members);
    for name in READ_ONLY {
        members.take(name);
    }
    let default =
        table::required(&mut members, "default", "\"enforced\" or \"report_only\"", |members, name| {
            members.choice(name, &Fallback::ALL)
        });
    let contact = members.visible("contact", LONGEST_LINE);
    let help_uri = help_uri(&mut members);
    let access_requests = members.flag("access_requests", false);
    let longest_exception_days =
        members.number("longest_exception_days", EXCEPTION).unwrap_or(EXCEPTION_DAYS);
    let networks = networks(&mut members);
    let break_glass = break_glass(&mut members, now);
    let rules = rules(&mut members, &networks);
    let faults = table::finish(members, &KNOWN);
    let Some(default) = default.filter(|_| faults.is_empty()) else { return Err(faults) };
    let policy = Policy {
        default,
        contact,
        help_uri,
        access_requests,
        longest_exception_days,
        networks,
        break_glass,
        rules,
    };
    let bytes = serde_json::to_string(&policy).map_or(usize::MAX, |text| text.len());
    if bytes > MOST_BYTES {
        let detail = format!("the policy has {bytes} bytes as JSON: at most {MOST_BYTES} are allowed");
        return Err(vec![Fault::at("", detail)]);
    }
    Ok(policy)
}

/// Takes an instant.
pub fn instant(members: &mut Members, name: &str) -> Option<Timestamp> {
    table::instant(members, name)
}

fn help_uri(members: &mut Members) -> Option<String> {
    let allowed = "the https URL of a page, of at most 512 characters";
    members.text("help_uri", allowed, |text| text.starts_with("https://") && is_web_address(text))
}

fn networks(members: &mut Members) -> Networks {
    let read = table::open(
        members,
        "networks",
        "a table of networks, such as { office = [\"192.0.2.0/24\"] }",
        |networks, names| {
            if names.len() > MOST_NETWORKS {
                networks.refuse(
                    "",
                    format!("networks has {} entries: at most {MOST_NETWORKS} are allowed", names.len()),
                );
            }
            names.into_iter().filter_map(|name| network(networks, &name)).collect::<BTreeMap<_, _>>()
        },
    );
    Networks(read.unwrap_or_default())
}

fn network(networks: &mut Members, name: &str) -> Option<(Name, Vec<Part>)> {
    let parts = table::list(networks, name, Part::ALLOWED, Part::parse);
    let Some(read) = Name::parse(name) else {
        networks.refuse(name, format!("the name of a network must be {}", name::ALLOWED));
        return None;
    };
    (!parts.is_empty()).then_some((read, parts))
}

fn break_glass(members: &mut Members, now: Timestamp) -> Option<BreakGlass> {
    const KNOWN: [&str; 4] = ["accounts", "clients", "owner", "expires_at"];
    table::read(members, "break_glass", &KNOWN, |glass| {
        let accounts = table::required(glass, "accounts", "the accounts that get in", |glass, name| {
            few(glass, name, conditions::accounts)
        });
        let clients =
            table::required(glass, "clients", "the clients with which they get in", |glass, name| {
                few(glass, name, conditions::clients)
            });
        let owner = table::required(glass, "owner", "who answers for it", |glass, name| {
            glass.visible(name, LONGEST_LINE)
        });
        let expires_at = table::required(glass, "expires_at", table::INSTANT, table::instant);
        let latest = now + LONGEST_BREAK_GLASS;
        if expires_at.is_some_and(|at| at > latest) {
            let detail = format!("expires_at is more than 366 days away: it must be {latest} or earlier");
            glass.refuse("expires_at", detail);
        }
        Some(BreakGlass { accounts: accounts?, clients: clients?, owner: owner?, expires_at: expires_at? })
    })
    .flatten()
}

/// Takes a list of 1 to [`MOST_BROKEN`] entries.
fn few<T>(
    members: &mut Members,
    name: &str,
    take: impl FnOnce(&mut Members, &str) -> Vec<T>,
) -> Option<Vec<T>> {
    let list = take(members, name);
    if list.len() > MOST_BROKEN {
        members.refuse(name, format!("{name} has {} entries: at most {MOST_BROKEN} are allowed", list.len()));
    }
    (!list.is_empty()).then_some(list)
}

fn rules(members: &mut Members, networks: &Networks) -> Vec<Rule> {
    let items = match members.take("rules") {
        None => return Vec::new(),
        Some(Value::Array(items)) => items,
        Some(value) => {
            return members
                .refuse_value("rules", &value, "a list of tables: [[policy.rules]]")
                .unwrap_or_default();
        }
    };
    if items.len() > MOST_RULES {
        members
            .refuse("rules", format!("rules has {} entries: at most {MOST_RULES} are allowed", items.len()));
        return Vec::new();
    }
    let (mut rules, mut seen) = (Vec::new(), BTreeSet::new());
    for (index, item) in items.into_iter().enumerate() {
        let id = item.get("id").and_then(Value::as_str).and_then(Name::parse);
        let called =
            id.as_ref().map_or_else(|| format!("rule number {}", index + 1), |id| format!("rule {id}"));
        let (rule, mut faults) = rule::parse(item, networks);
        if id.is_some_and(|id| !seen.insert(id)) {
            faults.push(Fault::at("id", "id is used by a rule above: it must be different for each rule"));
        }
        let at = |fault| table::of_item(fault, &called).within(&index.to_string()).within("rules");
        members.refuse_all(faults.into_iter().map(at).collect());
        rules.extend(rule);
    }
    rules
}

#[cfg(test)]
mod tests;
