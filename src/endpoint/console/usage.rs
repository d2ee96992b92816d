//! What an administrator should know before taking a client away: how it is used, and which rules and exceptions name it.

use rand_core::CryptoRng;
use serde_json::Value;

use super::api::Api;
use super::block::Cell;
use super::value::{count, encoded, list, some, text, texts, time};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::platform::Platform;

/// Returns the facts about the use of a client.
pub(super) async fn facts<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    client_id: &str,
) -> Result<Vec<(&'static str, Cell)>, Problem> {
    let answer = api.get(&format!("/usage?client_id={}", encoded(client_id))).await;
    let policy = api.get("/policy").await?.body;
    let mut facts = answer.map_or_else(|_| vec![("Logins", unknown())], |answer| logins(&answer.body));
    let rules = list(&policy, "rules").into_iter().filter(|rule| names(rule, client_id));
    let rules: Vec<Cell> = rules.map(|rule| Cell::link("/policy", described(&rule))).collect();
    facts.push(("Rules that name it", Cell::Lines(rules)));
    Ok(facts)
}

/// Stands for what the object that counts would say, which cannot be reached.
fn unknown() -> Cell {
    Cell::Text("not known now".to_owned())
}

fn logins(answer: &Value) -> Vec<(&'static str, Cell)> {
    let found = list(answer, "clients");
    let Some(usage) = found.first() else {
        return vec![("Logins", Cell::Text("none in the last 400 days".to_owned()))];
    };
    let more = if usage["more_people"] == true { "more than " } else { "" };
    let people = some(count(usage, "people"), "account");
    let mut facts = vec![
        ("Logins", Cell::Text(count(usage, "logins").to_string())),
        ("People", Cell::Text(format!("{more}{people}"))),
        ("First login", time(usage, "first_login_at")),
        ("Last login", time(usage, "last_login_at")),
        ("Exceptions left", Cell::link("/exceptions", count(usage, "exceptions").to_string())),
    ];
    let ends = usage["next_exception_ends_at"].is_u64();
    facts.extend(ends.then(|| ("The first of them ends", time(usage, "next_exception_ends_at"))));
    facts
}

fn names(rule: &Value, client_id: &str) -> bool {
    texts(&rule["when"], "clients").iter().any(|named| named == client_id)
}

/// Returns a rule in a line, with the day on which it begins: `old-tv-end: deny, from 2027-07-01T00:00:00Z on`.
fn described(rule: &Value) -> String {
    let (id, effect) = (text(rule, "id"), text(rule, "effect"));
    let begins = match text(&rule["when"]["time"], "not_before") {
        "" => String::new(),
        at => format!(", from {at} on"),
    };
    let state = match text(rule, "state") {
        "" | "enforced" => String::new(),
        state => format!(" ({})", state.replace('_', " ")),
    };
    format!("{id}: {effect}{begins}{state}")
}
