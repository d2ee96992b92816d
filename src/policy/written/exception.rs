//! Reads the written form of an exception.

use serde_json::{Map, Value};

use super::super::document::Policy;
use super::super::exception::{Exception, end_fault};
use super::super::name;
use super::super::name::Name;
use super::super::rule::Effect;
use super::{conditions, table};
use crate::audit::change::Actor;
use crate::client::history::History;
use crate::client::registration::json_members::Members;
use crate::fault::Fault;
use crate::format::Format;
use crate::time::Timestamp;

/// Members that responses add, which are ignored in requests.
pub const READ_ONLY: [&str; 8] =
    ["created_by", "created_at", "changed_at", "version", "renewals", "wide", "is_live", "warnings"];
const KNOWN: [&str; 7] = ["id", "when", "lifts", "owner", "reason", "ticket", "expires_at"];
/// Longest line, and longest reason, in characters.
const LONGEST: (usize, usize) = (100, 500);

/// What a written exception is read with.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug)]
pub struct Reading<'a> {
    pub policy: &'a Policy,
    /// The exception that the new one replaces.
    pub before: Option<&'a Exception>,
    /// Who writes it.
    pub by: Actor,
    pub now: Timestamp,
}

/// Reads an exception. An unknown member is a fault.
///
/// An exception that is replaced keeps who created it, and can end earlier, but not later: that is a renewal.
///
/// # Errors
///
/// Every fault in the members. Each names the exception, the member, and what to write.
pub fn parse(members: Map<String, Value>, reading: &Reading<'_>) -> Result<Exception, Vec<Fault>> {
    let id = members.get("id").and_then(Value::as_str).and_then(Name::parse);
    let called = id.map_or_else(|| "the exception".to_owned(), |id| format!("exception {id}"));
    let mut members = Members::of(members);
    for name in READ_ONLY {
        members.take(name);
    }
    let exception = read(&mut members, reading);
    let faults = table::finish(members, &KNOWN);
    let named = |fault| table::of_item(fault, &called);
    exception.filter(|_| faults.is_empty()).ok_or_else(|| faults.into_iter().map(named).collect())
}

fn read(members: &mut Members, reading: &Reading<'_>) -> Option<Exception> {
    let (line, text) = LONGEST;
    let id = table::required(members, "id", name::ALLOWED, |members, name| {
        table::parsed(members, name, name::ALLOWED, Name::parse)
    });
    let when = table::required(
        members,
        "when",
        "whom or what it lets through, such as { accounts = [\"local:bob\"] }",
        |members, name| conditions::read(members, name, &reading.policy.networks),
    );
    let lifts = lifts(members, reading.policy);
    let owner =
        table::required(members, "owner", "who answers for it", |members, name| members.visible(name, line));
    let reason =
        table::required(members, "reason", "why it is needed", |members, name| members.visible(name, text));
    let ticket = table::required(
        members,
        "ticket",
        "where it was decided, such as a number or a link",
        |members, name| members.visible(name, line),
    );
    let expires_at = expires_at(members, reading);
    let before = reading.before.cloned();
    let history = before
        .as_ref()
        .map_or_else(|| History::beginning(reading.now), |before| before.history.changed(reading.now));
    Some(Exception {
        format: Format,
        id: id?,
        when: when?,
        lifts,
        owner: owner?,
        reason: reason?,
        ticket: ticket?,
        created_by: before.as_ref().map_or_else(|| reading.by.clone(), |before| before.created_by.clone()),
        expires_at: expires_at?,
        renewals: before.map(|before| before.renewals).unwrap_or_default(),
        history,
    })
}

/// Takes the names of rules that deny.
fn lifts(members: &mut Members, policy: &Policy) -> Vec<Name> {
    let lifts = table::list(members, "lifts", "the id of a rule that denies", Name::parse);
    for id in &lifts {
        match policy.rule(id).map(|rule| rule.effect) {
            Some(Effect::Deny) => {}
            Some(Effect::Allow | Effect::Require | Effect::Limit) => {
                members.refuse(
                    "lifts",
                    format!("lifts has \"{id}\", which does not deny: name rules whose effect is \"deny\""),
                );
            }
            None => members.refuse("lifts", format!("lifts has \"{id}\", and the policy has no such rule")),
        }
    }
    lifts
}

fn expires_at(members: &mut Members, reading: &Reading<'_>) -> Option<Timestamp> {
    let at = table::required(members, "expires_at", table::INSTANT, table::instant)?;
    let fault = match reading.before.map(|before| before.expires_at) {
        Some(before) if at == before => None,
        Some(before) if at > before => Some(format!(
            "expires_at is after {before}, when it ends now: renew the exception instead, with a new reason"
        )),
        Some(_) | None => end_fault(at, reading.policy.longest_exception_days, reading.now),
    };
    if let Some(detail) = fault {
        members.refuse("expires_at", detail);
    }
    Some(at)
}

#[cfg(test)]
mod tests;
