use serde_json::json;

use super::*;
use crate::policy::sample::{NOW, policy, rule};

fn good() -> Value {
    json!({
        "id": "bob-build", "when": { "clients": ["cli"], "accounts": ["local:bob"] }, "lifts": ["far"],
        "owner": "alice@example.com", "reason": "The build machine is abroad.", "ticket": "SEC-1",
        "expires_at": "2027-02-01T00:00:00Z"
    })
}

fn read(document: Value, before: Option<&Exception>) -> Result<Exception, Vec<Fault>> {
    let Value::Object(members) = document else { panic!("an object") };
    let policy = policy(&json!([rule("far", "deny", json!({})), rule("staff", "allow", json!({}))]));
    let by = Actor::Operator(if before.is_some() { "second" } else { "first" }.to_owned());
    parse(members, &Reading { policy: &policy, before, by, now: NOW })
}

#[test]
fn an_exception_is_kept_with_who_created_it() {
    let exception = read(good(), None).unwrap();
    let mut shown = serde_json::to_value(&exception).unwrap();
    assert_eq!(shown["created_by"], json!({ "operator": "first" }));

    shown["expires_at"] = json!("2027-01-20T00:00:00Z");
    for internal in ["format", "history"] {
        shown.as_object_mut().unwrap().remove(internal);
    }
    let shorter = read(shown, Some(&exception)).unwrap();
    assert_eq!((shorter.created_by, shorter.history.version), (exception.created_by, 2));
}

#[test]
fn every_member_is_required_and_a_fault_names_the_exception() {
    for (member, value, detail) in [
        ("id", json!(null), "the exception: id is missing"),
        ("when", json!(null), "exception bob-build: when is missing: write whom or what it lets through"),
        ("when", json!({}), "exception bob-build: when is empty"),
        ("when", json!({ "groups": ["x"] }), "exception bob-build, when: groups has \"x\""),
        ("lifts", json!(["none"]), "lifts has \"none\", and the policy has no such rule"),
        ("lifts", json!(["staff"]), "lifts has \"staff\", which does not deny"),
        ("owner", json!(null), "exception bob-build: owner is missing: write who answers for it"),
        ("reason", json!(null), "exception bob-build: reason is missing: write why it is needed"),
        ("ticket", json!(null), "exception bob-build: ticket is missing: write where it was decided"),
        ("expires_at", json!(null), "exception bob-build: expires_at is missing: write a date and time"),
        ("expires_at", json!("2027-01-15T08:00:00Z"), "it must be in the future"),
        (
            "expires_at",
            json!("2027-04-15T08:00:01Z"),
            "it must be 2027-04-15T08:00:00Z or earlier, because longest_exception_days is 90",
        ),
        ("until", json!("x"), "unknown member \"until\": known are id, when, lifts"),
    ] {
        let mut document = good();
        document[member] = value.clone();
        let faults = read(document, None).unwrap_err();
        assert!(faults.len() == 1 && faults[0].detail.contains(detail), "{member} {value}: {faults:?}");
    }
}

#[test]
fn an_exception_that_has_lapsed_can_be_written_again_but_not_prolonged() {
    let exception = read(good(), None).unwrap();
    let lapsed = Exception { expires_at: Timestamp::parse("2027-01-01T00:00:00Z").unwrap(), ..exception };
    let at = |expires_at: &str| {
        let mut document = good();
        document["expires_at"] = expires_at.into();
        read(document, Some(&lapsed))
    };

    assert!(at("2027-01-01T00:00:00Z").is_ok(), "the same file again");
    assert!(at("2027-01-20T00:00:00Z").unwrap_err()[0].detail.contains("renew the exception instead"));
}
