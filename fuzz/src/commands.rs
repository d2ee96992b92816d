//! Commands to the Durable Objects as JSON, one a line, applied to rows in memory one second apart.

use std::collections::BTreeSet;
use std::convert::Infallible;

use device_grant::ask::Answer;
use device_grant::audit::{chain, ledger};
use device_grant::grant::shard::Memory;
use device_grant::limiter::Row;
use device_grant::time::Timestamp;
use device_grant::{grant, identity, limiter, registry};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::support::START;
use crate::support::rows::{AccountRows, GrantRows, LedgerRows, RegistryRows};
use crate::text;

pub fn grant(input: &[u8]) {
    let (rows, mut memory) = (GrantRows::default(), Memory::default());
    each(input, |command, now| unfailing(grant::shard::apply(&rows, &mut memory, command, now)));
}

pub fn account(input: &[u8]) {
    let rows = AccountRows::default();
    each(input, |command, now| unfailing(identity::shard::apply(&rows, command, now)));
}

pub fn limiter(input: &[u8]) {
    let mut row = Row::default();
    each(input, |command: limiter::command::Command, now| {
        let answer = row.apply(&command, now);
        let stored = serde_json::to_string(&row).expect("a row is JSON");
        assert_eq!(serde_json::from_str::<Row>(&stored).expect("a stored row is read"), row);
        answer
    });
}

pub fn registry(input: &[u8]) {
    let rows = RegistryRows::default();
    each(input, |command, now| unfailing(registry::apply(&rows, command, None, now)));
}

pub fn ledger(input: &[u8]) {
    let rows = LedgerRows::default();
    each(input, |command, _| unfailing(ledger::apply(&rows, command)));
    let (mut known, mut head) = (BTreeSet::new(), String::new());
    for (id, record, own) in rows.records.borrow().iter() {
        assert!(known.insert(id.clone()), "an event is recorded once");
        head = chain::link(&head, record);
        assert_eq!(*own, head, "every head follows from all records before it");
    }
}

/// Reads every line as a command, checks that it is written as JSON that is read as the same command, and applies it.
/// The reply must be JSON.
fn each<C: Serialize + DeserializeOwned>(input: &[u8], mut apply: impl FnMut(C, Timestamp) -> Answer) {
    for (line, at) in text(input).lines().zip(0..64) {
        let Ok(command) = serde_json::from_str::<C>(line) else { continue };
        let written = serde_json::to_string(&command).expect("a command is JSON");
        let again: C = serde_json::from_str(&written).expect("a written command is read");
        let again = serde_json::to_string(&again).expect("a command is JSON");
        assert!(again == written || has_fractions(&written), "{again} is not {written}");
        let reply = apply(command, Timestamp::from_millis(START + at * 1_000)).into_json();
        serde_json::from_str::<Value>(&reply).expect("a reply is JSON");
    }
}

/// Returns whether a command has a number that is not whole, or too large for an integer. No version writes such numbers
/// into an event: see [`ledger::Shipment`].
fn has_fractions(command: &str) -> bool {
    fn has(value: &Value) -> bool {
        match value {
            Value::Number(number) => number.is_f64(),
            Value::Array(values) => values.iter().any(has),
            Value::Object(members) => members.values().any(has),
            Value::Null | Value::Bool(_) | Value::String(_) => false,
        }
    }
    has(&serde_json::from_str(command).expect("a command is JSON"))
}

fn unfailing(answer: Result<Answer, Infallible>) -> Answer {
    let Ok(answer) = answer;
    answer
}
