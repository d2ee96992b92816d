use serde_json::{Value, json};

use super::*;
use crate::policy::sample::{Login, policy, rule};

/// Reads conditions as a rule has them.
fn read(conditions: &Value) -> Conditions {
    let rule = rule("a", "deny", json!({ "when": conditions }));
    policy(&json!([rule])).rules.remove(0).when
}

fn hold(conditions: &Value) -> Option<bool> {
    read(conditions).hold(&Login::of_bob().facts())
}

#[test]
fn each_condition_is_true_of_what_it_names_and_of_nothing_else() {
    for (met, unmet) in [
        (json!({ "clients": ["tv", "cli"] }), json!({ "clients": ["tv"] })),
        (json!({ "scopes": ["deploy", "x"] }), json!({ "scopes": ["x"] })),
        (json!({ "only_scopes": ["deploy", "openid", "x"] }), json!({ "only_scopes": ["deploy"] })),
        (json!({ "accounts": ["local:bob"] }), json!({ "accounts": ["local:alice"] })),
        (json!({ "groups": ["local:staff", "corp:x"] }), json!({ "groups": ["corp:staff"] })),
        (json!({ "verdict": ["unknown", "far"] }), json!({ "verdict": ["near"] })),
        (json!({ "first": ["client"] }), json!({ "first": ["person", "place"] })),
        (json!({ "same_device": false }), json!({ "same_device": true })),
        (json!({ "web_page": false }), json!({ "web_page": true })),
        (json!({ "device": { "countries": ["FR", "DE"] } }), json!({ "device": { "countries": ["NG"] } })),
        (json!({ "person": { "countries": ["NG"] } }), json!({ "person": { "countries": ["DE"] } })),
        (
            json!({ "device": { "regions": ["DE/Berlin"] } }),
            json!({ "device": { "regions": ["US/Berlin"] } }),
        ),
        (json!({ "device": { "networks": ["office"] } }), json!({ "person": { "networks": ["office"] } })),
        (json!({ "device": { "asns": ["AS64500"] } }), json!({ "person": { "asns": ["AS64500"] } })),
        (json!({ "device": { "hosting": false } }), json!({ "person": { "hosting": false } })),
        (
            json!({ "device": { "kinds": ["command_line"] } }),
            json!({ "device": { "kinds": ["television"] } }),
        ),
        (json!({ "device": { "managed": true } }), json!({ "device": { "managed": false } })),
        (json!({ "person": { "managed": false } }), json!({ "person": { "managed": true } })),
        (json!({ "sign_in": { "max_age": 600 } }), json!({ "sign_in": { "max_age": 599 } })),
        (json!({ "sign_in": { "acr": ["phr", "basic"] } }), json!({ "sign_in": { "acr": ["phr"] } })),
        (json!({ "sign_in": { "amr": ["mfa", "pwd"] } }), json!({ "sign_in": { "amr": ["mfa"] } })),
        (
            json!({ "sign_in": { "phishing_resistant": false } }),
            json!({ "sign_in": { "phishing_resistant": true } }),
        ),
        (json!({ "time": { "days": ["fri"] } }), json!({ "time": { "days": ["sat"] } })),
    ] {
        assert_eq!(hold(&met), Some(true), "{met}");
        assert_eq!(hold(&unmet), Some(false), "{unmet}");
        let mut both = met.clone();
        both.as_object_mut().unwrap().insert("clients".to_owned(), json!(["tv"]));
        assert_eq!(hold(&both), Some(false), "all must be true: {both}");
    }
}

#[test]
fn a_host_stands_for_the_clients_whose_documents_are_there() {
    let of_host = read(&json!({ "clients": ["tv", "https://tool.example.org/*"] }));
    for client in ["tv", "https://tool.example.org/client.json", "https://tool.example.org/a/b"] {
        assert!(of_host.names_client(client), "{client}");
    }
    for client in [
        "https://tool.example.org",
        "https://tool.example.org.evil.example/client.json",
        "https://tool.example.org:8443/client.json",
        "https://evil.example/https://tool.example.org/client.json",
        "http://tool.example.org/client.json",
        "tvs",
    ] {
        assert!(!of_host.names_client(client), "{client}");
    }
    let clients = [
        "https://*",
        "https://tool.example.org/a/*",
        "https://*.example.org/*",
        "https:///*",
        "https://Tool/*",
        "t*",
        "*",
    ];
    let literal = read(&json!({ "clients": clients }));
    for client in ["https://tool.example.org/a/client.json", "https:///x", "tv"] {
        assert!(!literal.names_client(client), "{client}");
    }
}

#[test]
fn what_is_not_known_yet_is_undecided_unless_something_else_is_false() {
    let start = |conditions: &Value| read(conditions).hold(&Login::of_bob().start());

    for undecided in [
        json!({ "accounts": ["local:bob"] }),
        json!({ "groups": ["local:staff"] }),
        json!({ "verdict": ["near"] }),
        json!({ "first": ["client"] }),
        json!({ "same_device": true }),
        json!({ "person": { "countries": ["NG"] } }),
        json!({ "person": { "hosting": true } }),
        json!({ "sign_in": { "max_age": 1 } }),
        json!({ "sign_in": { "phishing_resistant": true } }),
    ] {
        assert_eq!(start(&undecided), None, "{undecided}");
        for (client, expected) in [("cli", None), ("tv", Some(false))] {
            let mut both = undecided.clone();
            both.as_object_mut().unwrap().insert("clients".to_owned(), json!([client]));
            assert_eq!(start(&both), expected, "{undecided} and {client}");
        }
    }
    assert_eq!(start(&json!({ "device": { "countries": ["DE"] }, "web_page": false })), Some(true));
}

#[test]
fn an_unknown_country_is_a_country_of_its_own() {
    let bob = Login::of_bob();
    let facts = bob.facts();
    let nowhere = facts.device.map(|device| SideFacts { country: Country::of(None), asn: None, ..device });
    let facts = Facts { device: nowhere, ..facts };
    let hold = |conditions: &Value| read(conditions).hold(&facts);

    assert_eq!(hold(&json!({ "device": { "countries": ["DE"] } })), Some(false));
    assert_eq!(hold(&json!({ "device": { "countries": ["XX"] } })), Some(true));
    assert_eq!(hold(&json!({ "device": { "asns": ["AS0"] } })), Some(false));
}

#[test]
fn a_person_of_whom_some_groups_are_known_can_be_in_others() {
    let staff = [Group::parse("local:staff").unwrap()];
    let of = |wanted: &str, groups| member(&[Group::parse(wanted).unwrap()], groups);

    assert_eq!(of("local:staff", Some(Groups::at_least(&staff))), Some(true));
    assert_eq!(of("local:other", Some(Groups::at_least(&staff))), None);
    assert_eq!(of("local:other", Some(Groups::exactly(&staff))), Some(false));
    assert_eq!(of("local:other", None), None);
}
