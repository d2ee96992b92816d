//! Reads the description of a login.

use core::net::IpAddr;

use super::super::described::{Described, DescribedSide, DescribedSignIn};
use super::super::facts::{First, FirstTimes, Nearness};
use super::super::network::Asn;
use super::super::place::Country;
use super::table;
use crate::bounds::MAX_AGE;
use crate::client::registration::json_members::Members;
use crate::device_kind::DeviceClass;
use crate::identity::account_key::AccountKey;
use crate::identity::group::{Group, MOST};
use crate::scope::Scope;

/// Longest texts, in characters.
const LONGEST: usize = 512;
/// What a region may look like, for errors.
const REGION: &str = "the name of a region of 1 to 100 characters, such as \"Texas\"";

/// Takes the description of a login, in which everything is optional.
pub fn take(members: &mut Members, name: &str) -> Option<Described> {
    let allowed = "a table that describes a login, such as { client_id = \"cli\" }";
    table::open(members, name, allowed, |table, _| Described {
        client_id: table.text("client_id", "a client_id of 1 to 512 characters", is_short),
        scope: table::parsed(table, "scope", "space-separated scopes", Scope::parse),
        account: table::parsed(
            table,
            "account",
            "the key of an account, such as \"local:alice\" or \"oidc:corp:<subject>\"",
            AccountKey::parse,
        ),
        groups: groups(table),
        sign_in: sign_in(table),
        device: side(table, "device"),
        person: side(table, "person"),
        nearness: table.choice("verdict", &Nearness::ALL),
        same_device: table.optional_flag("same_device"),
        first: first(table),
        web_page: table.optional_flag("web_page"),
        at: table::instant(table, "at"),
    })
}

fn is_short(text: &str) -> bool {
    (1..=LONGEST).contains(&text.chars().count())
}

/// Takes the groups of the person; an empty list is nobody's.
fn groups(members: &mut Members) -> Option<Vec<Group>> {
    let allowed = "the full name of a group, such as \"local:staff\" or \"corp:<group>\"";
    members.parsed("groups", MOST, allowed, |text| Group::parse(text).ok_or(allowed))
}

fn first(members: &mut Members) -> Option<FirstTimes> {
    let words: Vec<First> = members.parsed("first", 3, "one of person, client, place", |text| {
        let found = First::ALL.iter().find(|(word, _)| *word == text);
        found.map(|(_, first)| *first).ok_or("one of person, client, place")
    })?;
    let has = |first| words.contains(&first);
    Some(FirstTimes { person: has(First::Person), client: has(First::Client), place: has(First::Place) })
}

fn sign_in(members: &mut Members) -> Option<DescribedSignIn> {
    table::open(members, "sign_in", "a table that describes a sign-in", |table, _| DescribedSignIn {
        age: table.number("age", MAX_AGE).unwrap_or_default(),
        acr: table.text("acr", "an authentication context class of 1 to 512 characters", is_short),
        amr: table
            .texts("amr", 20, "an authentication method, such as \"mfa\" (RFC 8176)", |text| !text.is_empty())
            .unwrap_or_default(),
        phishing_resistant: table.flag("phishing_resistant", false),
    })
}

/// Takes a side. What it leaves out has the value for what stays unknown.
fn side(members: &mut Members, name: &str) -> Option<DescribedSide> {
    table::open(members, name, "a table that describes where a request comes from", |table, _| {
        DescribedSide {
            country: table::parsed(table, "country", Country::ALLOWED, Country::parse)
                .unwrap_or(Country::UNKNOWN),
            region: table.text("region", REGION, |text| (1..=100).contains(&text.chars().count())),
            asn: table::parsed(table, "asn", "the number of a network, such as \"AS64500\"", Asn::parse)
                .map(|Asn(number)| number),
            address: table.text("address", "an IP address", |text| text.parse::<IpAddr>().is_ok()),
            class: table.choice("kind", &DeviceClass::ALL).unwrap_or_default(),
            managed: table.flag("managed", false),
        }
    })
}
