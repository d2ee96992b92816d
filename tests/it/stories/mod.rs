//! Whole logins, from the first request to the last.

mod account_page;
mod at_once;
mod changes;
mod compatibility;
mod consent;
mod devices;
mod events;
mod guessing;
mod instant;
mod limits;
mod lost_answers;
mod odd_clients;
mod other_sessions;
mod page_safety;
mod redemption;
mod redemption_place;
mod refresh;
mod replicas;
mod request_page;
mod retired_key_pairs;
mod scim;
mod sessions;
mod snapshot;
mod unavailable;
mod verdicts;
mod warnings;

use device_grant::endpoint::http::Response;
use serde_json::Value;

use crate::support::person::Person;
use crate::support::{World, json};

const ALICE: (&str, &str) = ("alice", "wonderland-8787");
const BOB: (&str, &str) = ("bob", "builder-8787");

/// Enters a code and signs in, in a new browser.
fn enter<'a>(world: &'a World, (username, password): (&str, &str), user_code: &str) -> Person<'a> {
    let person = Person::of(world);
    person.enter_as(username, password, user_code);
    person
}

fn refresh_token(response: &Response) -> String {
    let tokens = json(response);
    tokens.get("refresh_token").and_then(Value::as_str).expect("a refresh token").to_owned()
}
