//! Reads conditions.

use super::super::condition::{Conditions, SideConditions, SignInConditions};
use super::super::facts::{First, Nearness};
use super::super::name;
use super::super::name::Name;
use super::super::network::{Asn, Networks};
use super::super::place::{Country, Region};
use super::super::window::{Day, Hours, Offset, Window};
use super::table;
use crate::bounds::MAX_AGE;
use crate::client::registration::json_members::Members;
use crate::device_kind::DeviceClass;
use crate::identity::account_key::AccountKey;
use crate::identity::group::Group;
use crate::scope::Scope;

const KNOWN: [&str; 13] = [
    "clients",
    "scopes",
    "only_scopes",
    "accounts",
    "groups",
    "verdict",
    "first",
    "same_device",
    "web_page",
    "device",
    "person",
    "sign_in",
    "time",
];
const SIDE: [&str; 7] = ["countries", "regions", "networks", "asns", "hosting", "kinds", "managed"];
const SIGN_IN: [&str; 4] = ["max_age", "acr", "amr", "phishing_resistant"];
const TIME: [&str; 5] = ["days", "hours", "offset", "not_before", "before"];
/// Longest identifier of a client, in bytes; some are URLs.
const LONGEST_CLIENT: usize = 512;
/// Longest name of a class or method, in bytes.
const LONGEST_WORD: usize = 255;

/// Takes a table of conditions.
pub(super) fn read(members: &mut Members, name: &str, networks: &Networks) -> Option<Conditions> {
    table::read(members, name, &KNOWN, |table| Conditions {
        clients: clients(table, "clients"),
        scopes: scopes(table, "scopes"),
        only_scopes: scopes(table, "only_scopes"),
        accounts: accounts(table, "accounts"),
        groups: groups(table),
        verdict: table::words(table, "verdict", &Nearness::ALL),
        first: table::words(table, "first", &First::ALL),
        same_device: table.optional_flag("same_device"),
        web_page: table.optional_flag("web_page"),
        device: side(table, "device", networks),
        person: side(table, "person", networks),
        sign_in: sign_in(table),
        time: time(table),
    })
}

pub(super) fn clients(members: &mut Members, name: &str) -> Vec<String> {
    let is_client = |text: &str| {
        (1..=LONGEST_CLIENT).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
    };
    let allowed = "the client_id of a client, such as \"cli\"";
    table::list(members, name, allowed, |text| is_client(text).then(|| text.to_owned()))
}

pub(super) fn accounts(members: &mut Members, name: &str) -> Vec<AccountKey> {
    let allowed = "the key of an account, such as \"local:alice\" or \"oidc:corp:<subject>\"";
    table::list(members, name, allowed, AccountKey::parse)
}

fn groups(members: &mut Members) -> Vec<Group> {
    let allowed = "the full name of a group, such as \"local:staff\" or \"corp:<group>\"";
    table::list(members, "groups", allowed, Group::parse)
}

fn scopes(members: &mut Members, name: &str) -> Vec<String> {
    let is_token = |text: &str| !text.is_empty() && !text.contains(' ') && Scope::parse(text).is_some();
    table::list(members, name, "one scope, such as \"deploy\"", |text| {
        is_token(text).then(|| text.to_owned())
    })
}

fn side(members: &mut Members, name: &str, networks: &Networks) -> SideConditions {
    let read = table::read(members, name, &SIDE, |table| SideConditions {
        countries: table::list(table, "countries", Country::ALLOWED, Country::parse),
        regions: table::list(table, "regions", Region::ALLOWED, Region::parse),
        networks: named(table, networks),
        asns: table::list(table, "asns", "the number of a network, such as \"AS64500\"", Asn::parse),
        hosting: table.optional_flag("hosting"),
        kinds: table::words(table, "kinds", &DeviceClass::ALL),
        managed: table.optional_flag("managed"),
    });
    read.unwrap_or_default()
}

/// Takes names of networks that the policy has.
fn named(members: &mut Members, networks: &Networks) -> Vec<Name> {
    let allowed = format!("the name of a network of the policy: {}", name::ALLOWED);
    let names = table::list(members, "networks", &allowed, Name::parse);
    let missing: Vec<&Name> = names.iter().filter(|name| !networks.0.contains_key(*name)).collect();
    if let Some(name) = missing.first() {
        let known: Vec<&str> = networks.0.keys().map(Name::as_str).collect();
        let known =
            if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
        members.refuse(
            "networks",
            format!("networks has \"{name}\", which the policy does not have under networks: {known}"),
        );
    }
    names
}

fn sign_in(members: &mut Members) -> SignInConditions {
    let is_word = |text: &str| {
        (1..=LONGEST_WORD).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let word = |text: &str| is_word(text).then(|| text.to_owned());
    let read = table::read(members, "sign_in", &SIGN_IN, |table| SignInConditions {
        max_age: table.number("max_age", MAX_AGE),
        acr: table::list(table, "acr", "an authentication context class, such as \"phr\"", word),
        amr: table::list(table, "amr", "an authentication method, such as \"mfa\" (RFC 8176)", word),
        phishing_resistant: table.optional_flag("phishing_resistant"),
    });
    read.unwrap_or_default()
}

fn time(members: &mut Members) -> Option<Window> {
    table::read(members, "time", &TIME, |table| {
        let has_offset = table.has("offset");
        let window = Window {
            days: table::words(table, "days", &Day::ALL),
            hours: table::parsed(table, "hours", Hours::ALLOWED, Hours::parse),
            offset: table::parsed(table, "offset", Offset::ALLOWED, Offset::parse).unwrap_or_default(),
            not_before: table::instant(table, "not_before"),
            before: table::instant(table, "before"),
        };
        if let (Some(first), Some(end)) = (window.not_before, window.before)
            && end <= first
        {
            table.refuse("before", format!("before is {end}: it must be after not_before, which is {first}"));
        }
        let is_empty = window == Window { offset: window.offset, ..Window::default() };
        if has_offset && is_empty && !TIME.iter().any(|name| table.is_refused(name)) {
            table.refuse("offset", "offset is alone: write days, hours, not_before or before, too");
        }
        window
    })
}
