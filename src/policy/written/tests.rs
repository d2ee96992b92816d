use serde_json::json;

use super::*;
use crate::policy::sample::{NOW, rule};
use crate::policy::warning::warnings;

fn read(document: Value) -> Result<Policy, Vec<Fault>> {
    let Value::Object(members) = document else { panic!("an object") };
    parse(members, NOW)
}

/// Returns the faults of a policy with this rule.
fn faults(rule: &Value) -> Vec<Fault> {
    read(json!({ "default": "enforced", "networks": { "office": ["AS64500"] }, "rules": [rule] }))
        .unwrap_err()
}

fn everything() -> Value {
    json!({
        "default": "report_only", "contact": "security@example.com", "help_uri": "https://example.com/help",
        "longest_exception_days": 30,
        "networks": { "office": ["192.0.2.0/24", "2001:db8::/32", "AS64500"] },
        "break_glass": {
            "accounts": ["local:alice"], "clients": ["cli"], "owner": "Alice", "expires_at": "2027-02-01T00:00:00Z"
        },
        "rules": [
            {
                "id": "all", "description": "Everything that a rule can say", "state": "enforced", "effect": "allow",
                "when": {
                    "clients": ["cli"], "scopes": ["deploy"], "only_scopes": ["deploy", "openid"],
                    "accounts": ["oidc:corp:7"], "groups": ["corp:Team: One"], "verdict": ["near", "unknown"],
                    "first": ["person", "client", "place"], "same_device": false, "web_page": true,
                    "device": {
                        "countries": ["DE", "T1"], "regions": ["US/Texas"], "networks": ["office"],
                        "asns": ["AS64500"], "hosting": false, "kinds": ["command_line"], "managed": true
                    },
                    "person": { "hosting": false },
                    "sign_in": { "max_age": 900, "acr": ["phr"], "amr": ["mfa"], "phishing_resistant": true },
                    "time": {
                        "days": ["mon", "sun"], "hours": "22:00-06:00", "offset": "+01:00",
                        "not_before": "2027-01-01T00:00:00Z", "before": "2027-02-01T00:00:00Z"
                    }
                },
                "unless": { "clients": ["tv"] },
                "require": {
                    "max_age": 60, "phishing_resistant": true, "fresh_passkey": true, "near": true
                },
                "limit": {
                    "scope": "deploy openid", "access_token_lifetime": 60, "refresh_token_lifetime": 3600,
                    "no_refresh": true, "bound": true
                }
            },
            { "id": "no", "description": "No", "state": "report_only", "effect": "deny", "message": "Ask us." }
        ]
    })
}

#[test]
fn everything_that_can_be_written_is_shown_as_it_was_written() {
    let policy = read(everything()).unwrap();

    assert_eq!(serde_json::to_value(&policy).unwrap(), everything());
    assert_eq!(serde_json::from_value::<Policy>(everything()).unwrap(), policy, "as it is stored");
}

#[test]
fn one_member_is_enough_and_what_is_left_out_has_a_default() {
    let policy =
        read(json!({ "default": "enforced", "version": 7, "revision": 9, "warnings": ["x"] })).unwrap();

    assert_eq!(policy, Policy::without_document(false));
    let plain = rule("a", "deny", json!({}));
    assert_eq!(
        read(json!({ "default": "enforced", "rules": [plain] })).unwrap().rules[0].state,
        crate::policy::rule::State::Enforced
    );
}

/// Fails unless a rule with these members has one fault, with this pointer and this text.
fn is_refused((members, pointer, detail): (Value, &str, &str)) {
    let mut bad = rule("a", "deny", json!({}));
    bad.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let faults = faults(&bad);
    assert!(faults.len() == 1 && faults[0].pointer == pointer, "{members}: {faults:?}");
    assert!(faults[0].detail.contains(detail), "{members}: {faults:?}");
}

#[test]
fn a_fault_in_a_rule_names_the_rule_the_member_and_what_to_write() {
    let cases = [
        (
            json!({ "id": "A" }),
            "/rules/0/id",
            "rule number 1: id is \"A\": it must be 1 to 64 lower-case letters",
        ),
        (json!({ "id": null }), "/rules/0/id", "rule number 1: id is missing: write 1 to 64"),
        (
            json!({ "description": null }),
            "/rules/0/description",
            "rule a: description is missing: write what the rule is for",
        ),
        (
            json!({ "effect": "block" }),
            "/rules/0/effect",
            "rule a: effect is \"block\": it must be one of allow, deny, require, limit",
        ),
        (json!({ "effect": null }), "/rules/0/effect", "rule a: effect is missing: write one of allow"),
        (
            json!({ "state": "on" }),
            "/rules/0/state",
            "rule a: state is \"on\": it must be one of enforced, report_only, disabled",
        ),
        (
            json!({ "whn": {} }),
            "/rules/0/whn",
            "rule a: unknown member \"whn\": known are id, description, state",
        ),
        (
            json!({ "require": { "near": true } }),
            "/rules/0/require",
            "rule a: require is for rules whose effect is",
        ),
        (
            json!({ "limit": { "bound": true } }),
            "/rules/0/limit",
            "rule a: limit is for rules whose effect is",
        ),
        (
            json!({ "effect": "require" }),
            "/rules/0/require",
            "rule a: require is missing: write what is required",
        ),
        (
            json!({ "effect": "require", "require": { "near": false } }),
            "/rules/0/require",
            "rule a: require has only false",
        ),
        (json!({ "effect": "limit" }), "/rules/0/limit", "rule a: limit is missing: write what is limited"),
        (
            json!({ "effect": "limit", "limit": { "bound": false } }),
            "/rules/0/limit",
            "rule a: limit has only false",
        ),
        (
            json!({ "effect": "limit", "limit": { "access_token_lifetime": 5 } }),
            "/rules/0/limit/access_token_lifetime",
            "rule a, limit: access_token_lifetime is 5: it must be a whole number from 60",
        ),
        (
            json!({ "effect": "allow", "message": "x" }),
            "/rules/0/message",
            "rule a: message is for rules whose effect is \"deny\"",
        ),
    ];
    cases.into_iter().for_each(is_refused);
}

#[test]
fn a_fault_in_a_condition_also_names_the_tables_around_it() {
    let cases = [
        (
            json!({ "when": {} }),
            "/rules/0/when",
            "rule a: when is empty: it must be a table with some of clients",
        ),
        (json!({ "unless": {} }), "/rules/0/unless", "rule a: unless is empty"),
        (
            json!({ "when": { "client": ["a"] } }),
            "/rules/0/when/client",
            "rule a, when: unknown member \"client\": known are clients, scopes",
        ),
        (
            json!({ "when": { "clients": "a" } }),
            "/rules/0/when/clients",
            "rule a, when: clients is \"a\": it must be a list of strings",
        ),
        (
            json!({ "when": { "clients": [] } }),
            "/rules/0/when/clients",
            "rule a, when: clients is empty: write at least one entry, or leave it out",
        ),
        (
            json!({ "when": { "clients": ["a", "a"] } }),
            "/rules/0/when/clients/1",
            "rule a, when: clients has \"a\": each entry must be listed only once",
        ),
        (json!({ "when": { "scopes": ["a b"] } }), "/rules/0/when/scopes/0", "each entry must be one scope"),
        (
            json!({ "when": { "accounts": ["bob"] } }),
            "/rules/0/when/accounts/0",
            "the key of an account, such as \"local:alice\"",
        ),
        (json!({ "when": { "groups": ["staff"] } }), "/rules/0/when/groups/0", "such as \"local:staff\""),
        (json!({ "when": { "verdict": ["close"] } }), "/rules/0/when/verdict/0", "one of near, unknown, far"),
        (
            json!({ "when": { "device": { "countries": ["Germany"] } } }),
            "/rules/0/when/device/countries/0",
            "rule a, when.device: countries has \"Germany\": each entry must be the code of a country in two capital letters such as \"DE\"",
        ),
        (
            json!({ "when": { "device": { "networks": ["home"] } } }),
            "/rules/0/when/device/networks",
            "rule a, when.device: networks has \"home\", which the policy does not have under networks: it has office",
        ),
        (
            json!({ "when": { "person": { "asns": [64500] } } }),
            "/rules/0/when/person/asns/0",
            "such as \"AS64500\"",
        ),
        (
            json!({ "when": { "person": { "kinds": ["phone"] } } }),
            "/rules/0/when/person/kinds/0",
            "one of television, console",
        ),
        (
            json!({ "when": { "sign_in": { "max_age": -1 } } }),
            "/rules/0/when/sign_in/max_age",
            "rule a, when.sign_in: max_age is -1: it must be a whole number",
        ),
        (
            json!({ "when": { "time": { "hours": "8-18" } } }),
            "/rules/0/when/time/hours",
            "such as \"08:00-18:00\"",
        ),
        (
            json!({ "when": { "time": { "offset": "CET" } } }),
            "/rules/0/when/time/offset",
            "such as \"+01:00\"",
        ),
        (
            json!({ "when": { "time": { "before": "2027-01-01" } } }),
            "/rules/0/when/time/before",
            "a date and time such as \"2026-12-31T18:00:00Z\"",
        ),
        (
            json!({ "when": { "time": { "not_before": "2027-02-01T00:00:00Z", "before": "2027-01-01T00:00:00Z" } } }),
            "/rules/0/when/time/before",
            "rule a, when.time: before is 2027-01-01T00:00:00Z: it must be after not_before",
        ),
    ];
    cases.into_iter().for_each(is_refused);
}

#[test]
fn a_fault_outside_the_rules_names_the_member_and_what_to_write() {
    let glass = |member: &str, value: Value| {
        let mut glass = everything()["break_glass"].take();
        glass[member] = value;
        glass
    };
    for (name, value, pointer, detail) in [
        ("default", json!(null), "/default", "default is missing: write \"enforced\" or \"report_only\""),
        ("default", json!("allow"), "/default", "one of enforced, report_only"),
        ("contact", json!("a\u{202e}"), "/contact", "U+202E at character 2"),
        ("help_uri", json!("http://localhost/"), "/help_uri", "the https URL of a page"),
        ("longest_exception_days", json!(367), "/longest_exception_days", "from 1 to 366"),
        (
            "networks",
            json!({ "Office": ["AS1"] }),
            "/networks/Office",
            "the name of a network must be 1 to 64",
        ),
        (
            "networks",
            json!({ "office": ["192.0.2.7/24"] }),
            "/networks/office/0",
            "each entry must be a range of addresses",
        ),
        ("networks", json!({ "office": [] }), "/networks/office", "office is empty"),
        ("networks", json!([]), "/networks", "a table of networks"),
        (
            "break_glass",
            glass("owner", json!(null)),
            "/break_glass/owner",
            "owner is missing: write who answers for it",
        ),
        ("break_glass", glass("clients", json!(null)), "/break_glass/clients", "clients is missing"),
        ("break_glass", glass("accounts", json!([])), "/break_glass/accounts", "accounts is empty"),
        (
            "break_glass",
            glass("expires_at", json!("2028-02-01T00:00:00Z")),
            "/break_glass/expires_at",
            "more than 366 days",
        ),
        ("rules", json!({}), "/rules", "a list of tables: [[policy.rules]]"),
        ("rules", json!(["a"]), "/rules/0", "rule number 1: it must be a table"),
        ("rule", json!([]), "/rule", "unknown member \"rule\": known are default, contact"),
    ] {
        let mut document = everything();
        document["rules"] = json!([]);
        document[name] = value.clone();
        let faults = read(document).unwrap_err();
        assert!(
            faults.len() == 1 && faults[0].pointer.trim_end_matches('/') == pointer,
            "{name}: {value}: {faults:?}"
        );
        assert!(faults[0].detail.contains(detail), "{name}: {value}: {faults:?}");
    }
}

#[test]
fn every_fault_is_found_at_once_and_identifiers_differ() {
    let good = rule("a", "deny", json!({}));
    let faults = read(json!({ "rules": [good, good, { "id": "b" }] })).unwrap_err();

    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/default", "/rules/1/id", "/rules/2/description", "/rules/2/effect"]);
    assert!(faults[1].detail.starts_with("rule a: id is used by a rule above"));
    let many: Vec<Value> =
        (0..=MOST_RULES).map(|number| rule(&number.to_string(), "deny", json!({}))).collect();
    let faults = read(json!({ "default": "enforced", "rules": many })).unwrap_err();
    assert_eq!(faults[0].detail, "rules has 201 entries: at most 200 are allowed");
    let clients: Vec<String> = (0..50).map(|number| format!("{number:0>500}")).collect();
    let large = |id: usize| rule(&id.to_string(), "deny", json!({ "when": { "clients": clients } }));
    let of =
        |count: usize| json!({ "default": "enforced", "rules": (0..count).map(large).collect::<Vec<_>>() });
    assert!(read(of(10)).is_ok());
    assert!(read(of(11)).unwrap_err()[0].detail.contains("at most 262144 are allowed"));
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let mut document = everything();
    document["rules"] = json!([
        rule("wide", "allow", json!({ "when": { "device": { "kinds": ["printer"] } } })),
        rule("narrow", "allow", json!({ "when": { "clients": ["cli"] } })),
        rule("off", "allow", json!({ "state": "disabled" })),
        rule(
            "star",
            "deny",
            json!({ "unless": { "clients": ["https://*.example.org/*", "https://example.org/*"] } })
        )
    ]);
    let found = warnings(&read(document.clone()).unwrap(), NOW);
    for (part, expected) in [
        ("default is report_only: it does not protect", 1),
        ("break_glass ends at 2027-02-01T00:00:00Z", 1),
        ("rule wide allows every client for everybody", 1),
        ("rule wide allows by device.kinds", 1),
        ("narrow", 0),
        ("rule star has the client \"https://*.example.org/*\", which is one client", 1),
        ("star", 1),
        ("off", 0),
    ] {
        assert_eq!(
            found.iter().filter(|warning| warning.contains(part)).count(),
            expected,
            "{part}: {found:?}"
        );
    }
    let later = NOW + Duration::from_secs(86_400 * 40);
    assert!(
        warnings(&read(document).unwrap(), later)
            .iter()
            .any(|warning| warning.starts_with("break_glass ended"))
    );
}
