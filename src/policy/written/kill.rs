//! Reads the written form of a kill switch.

use core::time::Duration;

use serde_json::{Map, Value};

use super::super::kill::{KillSwitch, Started, Target};
use super::super::name;
use super::super::name::Name;
use super::super::network::Asn;
use super::super::place::Country;
use super::table;
use crate::audit::change::Actor;
use crate::client::registration::json_members::Members;
use crate::fault::Fault;
use crate::format::Format;
use crate::identity::account_key::AccountKey;
use crate::network::Prefix;
use crate::provenance::ApprovalId;
use crate::row_key::RowKey;
use crate::time::Timestamp;

const KNOWN: [&str; 4] = ["id", "target", "reason", "until"];
const TARGET: [&str; 8] = ["client", "account", "approval", "code", "country", "asn", "networks", "started"];
/// Longest reason, in characters.
const LONGEST_REASON: usize = 500;
/// The longest that a kill switch can be on.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// What a written kill switch is read with.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct Reading<'a> {
    /// Returns the prefix that a text names, under the pseudonyms of every key pair that counts; nothing if the text names no
    /// prefix that is counted.
    pub prefixes: &'a dyn Fn(&str) -> Vec<Prefix>,
    /// Returns the keys of the grant that a text names, under every key pair that counts; nothing if the text names no grant.
    pub codes: &'a dyn Fn(&str) -> Vec<RowKey>,
    /// Who writes it.
    pub by: Actor,
    pub now: Timestamp,
}

/// Reads a kill switch. An unknown member is a fault.
///
/// # Errors
///
/// Every fault in the members. Each names the kill switch, the member, and what to write.
pub fn parse(members: Map<String, Value>, reading: &Reading<'_>) -> Result<KillSwitch, Vec<Fault>> {
    let id = members.get("id").and_then(Value::as_str).and_then(Name::parse);
    let called = id.map_or_else(|| "the kill switch".to_owned(), |id| format!("kill switch {id}"));
    let mut members = Members::of(members);
    let switch = read(&mut members, reading);
    let faults = table::finish(members, &KNOWN);
    let named = |fault| table::of_item(fault, &called);
    switch.filter(|_| faults.is_empty()).ok_or_else(|| faults.into_iter().map(named).collect())
}

fn read(members: &mut Members, reading: &Reading<'_>) -> Option<KillSwitch> {
    let id = table::required(members, "id", name::ALLOWED, |members, name| {
        table::parsed(members, name, name::ALLOWED, Name::parse)
    });
    let target = table::required(
        members,
        "target",
        "what it ends, such as { \"client\": \"cli\" }",
        |members, name| table::read(members, name, &TARGET, |target| self::target(target, reading)),
    );
    let reason = table::required(members, "reason", "why it is needed", |members, name| {
        members.visible(name, LONGEST_REASON)
    });
    let until = until(members, reading.now);
    let (by, at) = (reading.by.clone(), reading.now);
    Some(KillSwitch { format: Format, id: id?, target: target?, until: until?, reason: reason?, by, at })
}

fn target(target: &mut Members, reading: &Reading<'_>) -> Target {
    let some =
        |text: &str| (1..=256).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
    let approval = |text: &str| some(text).then(|| ApprovalId::from(text));
    let asn = "the number of a network, such as \"AS64500\"";
    let networks = table::list(target, "networks", Prefix::ALLOWED, |text| {
        Some((reading.prefixes)(text)).filter(|prefixes| !prefixes.is_empty())
    });
    Target {
        client: target.text("client", "a client_id", some),
        account: table::parsed(
            target,
            "account",
            "the key of an account, such as \"local:bob\"",
            AccountKey::parse,
        ),
        approval: table::parsed(target, "approval", "an approval_id", approval),
        code: code(target, reading),
        country: table::parsed(target, "country", Country::ALLOWED, Country::parse),
        asn: table::parsed(target, "asn", asn, Asn::parse),
        networks: networks.concat(),
        started: table::read(target, "started", &["from", "to"], started).flatten(),
    }
}

/// Takes a code. A fault does not quote it, because it can be a user code.
fn code(target: &mut Members, reading: &Reading<'_>) -> Vec<RowKey> {
    let Some(value) = target.take("code") else { return Vec::new() };
    let keys = value.as_str().map(reading.codes).unwrap_or_default();
    if keys.is_empty() {
        let detail = "code must be the id of a live code, the subject of its events, or a user code";
        target.refuse("code", detail);
    }
    keys
}

fn started(members: &mut Members) -> Option<Started> {
    let mut at = |name| table::required(members, name, table::INSTANT, table::instant);
    let (from, to) = (at("from"), at("to"));
    let (from, to) = (from?, to?);
    if to <= from {
        members.refuse("to", format!("to is {to}: it must be after {from}, which is from"));
    }
    Some(Started { from, to })
}

fn until(members: &mut Members, now: Timestamp) -> Option<Timestamp> {
    let until = table::required(members, "until", table::INSTANT, table::instant)?;
    let latest = now + LONGEST;
    if until <= now {
        members.refuse("until", format!("until is {until}: it must be in the future"));
    } else if until > latest {
        let detail = format!("until is more than 366 days away: it must be {latest} or earlier");
        members.refuse("until", detail);
    }
    Some(until)
}
