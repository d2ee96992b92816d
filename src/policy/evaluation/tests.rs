use serde_json::{Value, json};

use super::*;
use crate::audit::change::Actor;
use crate::client::history::History;
use crate::format::Format;
use crate::identity::account_key::AccountKey;
use crate::policy::condition::Conditions;
use crate::policy::document::Policy;
use crate::policy::kill::{KillSwitch, Target};
use crate::policy::sample::{Login, NOW, allowed, governance, rule};
use crate::time::Timestamp;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// Returns an exception for Bob that lifts these rules.
fn exception(id: &str, lifts: &[&str]) -> Exception {
    Exception {
        format: Format,
        id: name(id),
        when: Conditions { accounts: vec![AccountKey::local("bob")], ..Conditions::default() },
        lifts: lifts.iter().map(|id| name(id)).collect(),
        owner: "alice".to_owned(),
        reason: "a test".to_owned(),
        ticket: "1".to_owned(),
        created_by: Actor::Registration,
        expires_at: NOW + core::time::Duration::from_secs(1),
        renewals: Vec::new(),
        history: History::beginning(NOW),
    }
}

fn with(rules: &Value, exceptions: Vec<Exception>) -> Governance {
    Governance { exceptions, ..governance(rules) }
}

fn by(governance: &Governance) -> String {
    let decision = decide(governance, &Login::of_bob().facts());
    format!("{} {}", if decision.is_allowed() { "allow" } else { "refuse" }, decision.ruling.by)
}

fn staff() -> Value {
    rule("staff", "allow", json!({ "when": { "groups": ["local:staff"] } }))
}

fn deny(id: &str, when: &Value) -> Value {
    rule(id, "deny", json!({ "when": when }))
}

#[test]
fn the_order_is_kill_switch_break_glass_deny_exception_allow_default() {
    let far = || deny("far", &json!({ "verdict": ["far"] }));
    assert_eq!(by(&governance(&json!([]))), "refuse default");
    assert_eq!(by(&governance(&json!([staff()]))), "allow rule staff");
    assert_eq!(by(&governance(&json!([staff(), far()]))), "refuse rule far");

    let mut lifted = with(&json!([staff(), far()]), vec![exception("bob", &["far"])]);
    assert_eq!(by(&lifted), "allow exception bob");
    lifted.exceptions[0].lifts.clear();
    assert_eq!(by(&lifted), "refuse rule far", "an exception lifts only what it names");
    assert_eq!(by(&with(&json!([]), vec![exception("bob", &[])])), "allow exception bob", "it allows");

    let glass = BreakGlass {
        accounts: vec![AccountKey::local("bob")],
        clients: vec!["cli".to_owned()],
        owner: "alice".to_owned(),
        expires_at: NOW + core::time::Duration::from_secs(1),
    };
    let mut broken = governance(&json!([far()]));
    broken.policy.break_glass = Some(glass);
    assert_eq!(by(&broken), "allow break_glass");
    let target = Target { client: Some("cli".to_owned()), ..Target::default() };
    let switch = |id| KillSwitch {
        format: Format,
        id: name(id),
        target: target.clone(),
        until: NOW + core::time::Duration::from_secs(1),
        reason: "a test".to_owned(),
        by: Actor::Registration,
        at: NOW,
    };
    broken.kill_switches = vec![switch("b"), switch("a")];
    assert_eq!(by(&broken), "refuse kill_switch a");
}

#[test]
fn break_glass_is_for_its_people_and_clients_until_its_end_and_needs_a_fresh_passkey() {
    let near = rule("near", "require", json!({ "require": { "near": true } }));
    let short = rule("short", "limit", json!({ "limit": { "access_token_lifetime": 60 } }));
    let mut governance = governance(&json!([near, short]));
    let glass = |account: &str, client: &str, expires_at| BreakGlass {
        accounts: vec![AccountKey::local(account)],
        clients: vec![client.to_owned()],
        owner: "alice".to_owned(),
        expires_at,
    };
    let later = NOW + core::time::Duration::from_millis(1);
    governance.policy.break_glass = Some(glass("bob", "cli", later));
    let ruling = decide(&governance, &Login::of_bob().facts()).ruling;
    assert_eq!(ruling.requirements, Requirements { fresh_passkey: true, ..Requirements::default() });
    assert_eq!(ruling.limits.access_token_lifetime, Some(60), "limits lock nobody out");
    assert_eq!(allowed(&governance), (true, true));

    for (other, at_start) in [
        (glass("eve", "cli", later), true),
        (glass("bob", "tv", later), false),
        (glass("bob", "cli", NOW), false),
    ] {
        governance.policy.break_glass = Some(other);
        assert_eq!(allowed(&governance), (at_start, false));
    }
}

#[test]
fn at_the_start_only_what_no_completion_could_allow_is_refused() {
    let only = |effect: &str, when: Value| rule("only", effect, json!({ "when": when }));
    for (rules, expected) in [
        (json!([]), (false, false)),
        (json!([only("allow", json!({ "clients": ["tv"] }))]), (false, false)),
        (json!([only("allow", json!({ "clients": ["cli"], "groups": ["corp:x"] }))]), (true, false)),
        (json!([only("allow", json!({ "device": { "countries": ["NG"] } }))]), (false, false)),
        (json!([staff(), only("deny", json!({ "verdict": ["far"] }))]), (true, false)),
        (json!([staff(), only("deny", json!({ "clients": ["cli"] }))]), (false, false)),
        (json!([staff(), only("deny", json!({ "clients": ["cli"], "groups": ["corp:x"] }))]), (true, true)),
    ] {
        assert_eq!(allowed(&governance(&rules)), expected, "{rules}");
    }
    let denied = json!([deny("cli", &json!({ "clients": ["cli"] }))]);
    assert_eq!(allowed(&with(&denied, vec![exception("bob", &["cli"])])), (true, true), "Bob could come");
}

#[test]
fn unless_excludes_what_meets_all_of_its_conditions() {
    let rules = |unless: Value| json!([staff(), rule("abroad", "deny", json!({ "unless": unless }))]);
    let at_home = json!({ "device": { "countries": ["DE"] } });
    let near = json!({ "verdict": ["near"] });
    let both = json!({ "device": { "countries": ["DE"] }, "verdict": ["near"] });

    assert_eq!(allowed(&governance(&rules(at_home))), (true, true));
    assert_eq!(allowed(&governance(&rules(near))), (true, false));
    assert_eq!(allowed(&governance(&rules(both))), (true, false));
    let excluded = rule(
        "a",
        "allow",
        json!({ "when": { "clients": ["cli"] }, "unless": { "groups": ["local:staff"] } }),
    );
    assert_eq!(allowed(&governance(&json!([excluded]))), (true, false));
}

#[test]
fn what_reports_only_changes_nothing_but_the_report() {
    let mut far = deny("far", &json!({ "verdict": ["far"] }));
    far["state"] = "report_only".into();
    let mut decision = decide(&governance(&json!([staff(), far])), &Login::of_bob().facts());
    assert!(decision.is_allowed() && decision.would_block());
    assert_eq!(decision.would.take().unwrap().by, By::Rule(name("far")));
    assert_eq!(decision.matched, [name("far"), name("staff")]);

    let mut open = governance(&json!([]));
    open.policy.default = Fallback::ReportOnly;
    let decision = decide(&open, &Login::of_bob().facts());
    assert!(decision.would_block() && decision.ruling.by == By::Default);

    let near = rule("near", "require", json!({ "state": "report_only", "require": { "near": true } }));
    let decision = decide(&governance(&json!([staff(), near])), &Login::of_bob().facts());
    assert!(decision.ruling.requirements.is_empty() && decision.would_block());
    assert_eq!(decision.would_lack, Some(Shortfall::NotNear));
    assert!(decision.would.unwrap().requirements.near);

    let old = rule("old", "require", json!({ "state": "report_only", "require": { "max_age": 600 } }));
    let decision = decide(&governance(&json!([staff(), old])), &Login::of_bob().facts());
    assert!(decision.would.is_some() && decision.would_lack.is_none(), "the sign-in is as old as it may be");

    let mut disabled = staff();
    disabled["state"] = "disabled".into();
    let decision = decide(&governance(&json!([disabled])), &Login::of_bob().facts());
    assert_eq!((decision.is_allowed(), decision.would, decision.matched.len()), (false, None, 0));
}

#[test]
fn what_rules_require_and_limit_adds_up() {
    let rules = json!([
        rule(
            "a",
            "allow",
            json!({
                "when": { "groups": ["local:staff"] },
                "require": { "max_age": 900 },
                "limit": { "access_token_lifetime": 600 }
            })
        ),
        rule(
            "b",
            "require",
            json!({ "when": { "verdict": ["far"] }, "require": { "max_age": 60, "phishing_resistant": true } })
        ),
        rule("c", "limit", json!({ "limit": { "access_token_lifetime": 3600, "scope": "openid deploy" } })),
        rule(
            "d",
            "limit",
            json!({ "when": { "scopes": ["deploy"] }, "limit": { "scope": "openid", "no_refresh": true } })
        ),
        rule("e", "require", json!({ "when": { "verdict": ["near"] }, "require": { "near": true } }))
    ]);
    let bob = Login::of_bob();
    let ruling = decide(&governance(&rules), &bob.facts()).ruling;

    let expected = Requirements { max_age: Some(60), phishing_resistant: true, ..Requirements::default() };
    assert_eq!(ruling.requirements, expected);
    let limits = ruling.limits;
    assert_eq!((limits.access_token_lifetime, limits.no_refresh), (Some(600), true));
    assert_eq!(limits.scope.unwrap().to_string(), "openid");

    let start = decide(&governance(&rules), &bob.start());
    assert!(start.ruling.requirements.is_empty(), "nothing is certain yet");
    assert!(start.possible.near && start.possible.max_age == Some(60), "all of it is possible");
    assert_eq!(start.ruling.limits.scope.unwrap().to_string(), "openid", "the device learns what it can get");
}

#[test]
fn an_exception_lapses_without_a_change() {
    let governance = with(&json!([]), vec![exception("bob", &[])]);
    let bob = Login::of_bob();
    let at = |instant: Timestamp| {
        let facts = Facts { time: crate::policy::window::Span::at(instant), ..bob.facts() };
        decide(&governance, &facts).is_allowed()
    };

    assert!(at(NOW) && !at(NOW + core::time::Duration::from_secs(1)));
}

#[test]
fn without_a_document_only_a_development_server_allows() {
    for (is_development, expected) in [(true, (true, true)), (false, (false, false))] {
        assert_eq!(allowed(&Governance::without_document(is_development)), expected);
    }
    assert_eq!(Policy::without_document(false).default, Fallback::Enforced);
}

#[test]
fn an_event_names_the_rules_and_the_version() {
    let mut far = deny("far", &json!({ "verdict": ["far"] }));
    far["state"] = "report_only".into();
    let decision = decide(&governance(&json!([staff(), far])), &Login::of_bob().facts());

    assert_eq!(
        serde_json::to_value(decision.record(7, 19)).unwrap(),
        json!({
            "version": 7, "revision": 19, "point": "approval", "outcome": "allow", "decided_by": "rule staff",
            "matched": ["far", "staff"], "would": { "outcome": "refuse", "decided_by": "rule far" }
        })
    );
}
