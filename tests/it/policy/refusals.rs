//! The page for a person who is denied: why, and whom to ask.

use serde_json::{Value, json};

use super::{ALICE, Login, allow, policy, rule, text};
use crate::support::person::Person;
use crate::support::{World, post};

const MESSAGE: &str = "Televisions in <Berlin> are not allowed.";

fn denied(members: &Value) -> World {
    let world = World::new();
    let denied = json!({ "when": { "verdict": ["near"] }, "message": MESSAGE });
    let mut document = policy(&json!([allow(), rule("berlin", "deny", &denied)]));
    let all = document.as_object_mut().expect("it is an object");
    all.extend(members.as_object().expect("members").clone());
    world.set_policy(&document);
    world
}

fn page(login: &Login<'_>) -> String {
    let (_, browser) = login.entered();
    let page = browser.page.borrow().clone();
    assert_eq!(page.status, 403);
    let line = page.decisions.iter().find(|line| line.outcome == "refused").expect("a line");
    let decided_by = line.policy.as_ref().map(|record| record.decided_by.as_str());
    assert_eq!((line.reason, decided_by), ("policy", Some("rule berlin")));
    page.body
}

#[test]
fn the_page_has_the_words_of_the_rule_and_whom_to_ask() {
    let world = denied(&json!({}));
    let page = page(&Login::of(&world));

    for words in [
        "Not allowed",
        "Nothing was approved, and the device gets no access.",
        "Televisions in &#60;Berlin&#62; are not allowed.",
        "If you need this, ask <bdi>security@example.com</bdi>.",
        "<a href=\"https://help.example.com/devices\" rel=\"noopener\">What you can do</a>",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(page.matches("berlin").count(), 1, "the rule is named only in the language menu: {page}");
}

#[test]
fn without_a_contact_the_people_who_run_the_service_are_asked() {
    let world = denied(&json!({ "contact": null, "help_uri": null }));
    let page = page(&Login::of(&world));

    assert!(page.contains("If you need this, ask the people who run this service."), "{page}");
    assert!(!page.contains("What you can do"));
}

#[test]
fn the_language_menu_leads_to_the_same_page() {
    let world = denied(&json!({}));
    let (_, browser) = Login::of(&world).entered();
    let form = [("step", "language"), ("language", "de"), ("denied", "rule-berlin")];
    assert!(browser.page.borrow().body.contains("name=\"denied\" value=\"rule-berlin\""));

    let page = browser.submit(&form);
    assert_eq!(page.status, 403);
    assert!(page.body.contains("Nach den Regeln dieses Dienstes"), "{}", page.body);
    assert!(
        page.body.contains("Televisions in") && page.body.contains("fragen Sie <bdi>security@example.com")
    );
    for name in ["rule-none", "rule-UPPER", "near", "other"] {
        let form = [("step", "language"), ("language", "en"), ("denied", name)];
        let page = Person::of(&world).send(post("/device", &form));
        assert!(page.body.contains("Not allowed") && !page.body.contains("Televisions"), "{name}");
    }
}

#[test]
fn a_kill_switch_and_a_missing_rule_look_the_same() {
    let world = World::new();
    world.set_policy(&policy(&json!([rule(
        "staff",
        "allow",
        &json!({ "when": { "groups": ["local:staff"] } })
    )])));
    let login = Login::of(&world);
    let browser = login.browser();
    let page = browser.enter_as(ALICE.0, ALICE.1, &text(&login.start(), "user_code"));

    assert_eq!(page.status, 403);
    assert!(page.body.contains("The rules of this service don’t let you approve"), "{}", page.body);
    assert_eq!(
        page.decisions.last().and_then(|line| line.policy.as_ref()).map(|one| one.decided_by.as_str()),
        Some("default")
    );
}
