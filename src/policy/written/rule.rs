//! Reads a rule.

use serde_json::Value;

use super::super::name;
use super::super::name::Name;
use super::super::network::Networks;
use super::super::requirement::{Limits, Requirements};
use super::super::rule::{Effect, Rule, State};
use super::{conditions, table};
use crate::bounds::{ACCESS_TOKEN, MAX_AGE, REFRESH_TOKEN};
use crate::client::registration::json_members::Members;
use crate::fault::Fault;
use crate::scope::Scope;

const KNOWN: [&str; 9] =
    ["id", "description", "state", "effect", "when", "unless", "require", "limit", "message"];
const REQUIRE: [&str; 6] = [
    "max_age",
    "phishing_resistant",
    "fresh_passkey",
    "near",
    "initiation_verification",
    "out_of_band_binding",
];
const LIMIT: [&str; 5] = ["scope", "access_token_lifetime", "refresh_token_lifetime", "no_refresh", "bound"];
/// Longest description and message, in characters.
const LONGEST: usize = 300;

/// Reads a rule. Returns `None` with the faults if there are any.
pub(super) fn parse(item: Value, networks: &Networks) -> (Option<Rule>, Vec<Fault>) {
    let Value::Object(members) = item else {
        return (None, vec![Fault::at("", "it must be a table: [[policy.rules]]")]);
    };
    let mut members = Members::of(members);
    let rule = read(&mut members, networks);
    let faults = table::finish(members, &KNOWN);
    (rule.filter(|_| faults.is_empty()), faults)
}

fn read(members: &mut Members, networks: &Networks) -> Option<Rule> {
    let id = table::required(members, "id", name::ALLOWED, |members, name| {
        table::parsed(members, name, name::ALLOWED, Name::parse)
    });
    let description = table::required(members, "description", "what the rule is for", |members, name| {
        members.visible(name, LONGEST)
    });
    let state = members.choice("state", &State::ALL).unwrap_or(State::Enforced);
    let effect = table::required(members, "effect", "one of allow, deny, require, limit", |members, name| {
        members.choice(name, &Effect::ALL)
    });
    let when = conditions::read(members, "when", networks).unwrap_or_default();
    let unless = conditions::read(members, "unless", networks);
    let (require, limit) = (requirements(members), limits(members));
    let message = members.visible("message", LONGEST);
    let effect = effect?;
    check(members, effect, require.as_ref(), limit.as_ref(), message.is_some());
    let (require, limit) = (require.unwrap_or_default(), limit.unwrap_or_default());
    Some(Rule { id: id?, description: description?, state, effect, when, unless, require, limit, message })
}

/// Checks that a rule has what its effect needs, and nothing else.
fn check(
    members: &mut Members,
    effect: Effect,
    require: Option<&Requirements>,
    limit: Option<&Limits>,
    has_message: bool,
) {
    let (may_require, may_limit) = match effect {
        Effect::Allow => (true, true),
        Effect::Deny => (false, false),
        Effect::Require => (true, false),
        Effect::Limit => (false, true),
    };
    if require.is_some() && !may_require {
        members.refuse(
            "require",
            "require is for rules whose effect is \"require\" or \"allow\": write a rule of its own",
        );
    }
    if limit.is_some() && !may_limit {
        members.refuse(
            "limit",
            "limit is for rules whose effect is \"limit\" or \"allow\": write a rule of its own",
        );
    }
    if effect == Effect::Require && require.is_none() && !members.is_refused("require") {
        members.refuse(
            "require",
            "require is missing: write what is required, such as require = { near = true }",
        );
    }
    if effect == Effect::Limit && limit.is_none() && !members.is_refused("limit") {
        members.refuse(
            "limit",
            "limit is missing: write what is limited, such as limit = { no_refresh = true }",
        );
    }
    if has_message && effect != Effect::Deny {
        members.refuse("message", "message is for rules whose effect is \"deny\": nobody would read it");
    }
}

fn requirements(members: &mut Members) -> Option<Requirements> {
    let read = table::read(members, "require", &REQUIRE, |table| Requirements {
        max_age: table.number("max_age", MAX_AGE),
        phishing_resistant: table.flag("phishing_resistant", false),
        fresh_passkey: table.flag("fresh_passkey", false),
        near: table.flag("near", false),
        initiation_verification: table.flag("initiation_verification", false),
        out_of_band_binding: table.flag("out_of_band_binding", false),
    })?;
    if read.is_empty() && !members.is_refused("require") {
        members.refuse("require", "require has only false: write what is required, such as near = true");
    }
    Some(read)
}

fn limits(members: &mut Members) -> Option<Limits> {
    let scope = "space-separated scopes, such as \"openid profile\"";
    let read = table::read(members, "limit", &LIMIT, |table| Limits {
        scope: table::parsed(table, "scope", scope, |text| {
            Scope::parse(text).filter(|scope| !scope.is_empty())
        }),
        access_token_lifetime: table.number("access_token_lifetime", ACCESS_TOKEN),
        refresh_token_lifetime: table.number("refresh_token_lifetime", REFRESH_TOKEN),
        no_refresh: table.flag("no_refresh", false),
        bound: table.flag("bound", false),
    })?;
    if read.is_empty() && !members.is_refused("limit") {
        members.refuse("limit", "limit has only false: write what is limited, such as no_refresh = true");
    }
    Some(read)
}
