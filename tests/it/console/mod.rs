//! The console: who gets in, and that its buttons are the calls of the admin API.

mod acts;
mod governance;
mod pages;

use serde_json::json;

use crate::support::admin::Admin;
use crate::support::person::Person;
use crate::support::{World, json as body};

const NORA: (&str, &str) = ("nora", "keeper-8787");
const TOO_LONG_AGO: &str = "too long ago to manage this server";

/// Signs somebody in at a page of the console, and returns the browser.
fn at<'a>(world: &'a World, path: &str, (username, password): (&str, &str)) -> Person<'a> {
    let person = Person::of(world);
    person.open(path);
    person.submit_to(path, &[("step", "sign_in"), ("username", username), ("password", password)]);
    person
}

fn shown(person: &Person<'_>) -> (u16, String) {
    let page = person.page.borrow();
    (page.status, page.body.clone())
}

#[test]
fn an_administrator_sees_the_page_that_was_asked_for_and_nobody_else_does() {
    let world = World::new();

    let (status, page) = shown(&at(&world, "/admin/alerts", NORA));
    assert_eq!(status, 200);
    assert!(page.contains("<h1>Alerts</h1>") && page.contains("aria-current=\"page\">Alerts"), "{page}");

    let bob = at(&world, "/admin/alerts", ("bob", "builder-8787"));
    let (status, page) = shown(&bob);
    assert_eq!(status, 403);
    assert!(page.contains("none of the groups of administrators") && !page.contains("<nav"), "{page}");
    bob.submit_to("/admin/alerts", &[("step", "close"), ("id", "1")]);
    assert_eq!(shown(&bob).0, 403);
}

#[test]
fn a_sign_in_opens_pages_for_a_quarter_of_an_hour_and_what_was_opened_can_be_sent_later() {
    let world = World::new();
    let made = Admin(&world).ask("POST", "/invitations", None, Some(&json!({ "kind": "account" })));
    let made = body(&made);
    let id = made["id"].as_str().expect("an invitation");
    let nora = at(&world, "/admin", NORA);
    world.wait(15 * 60);
    assert_eq!(nora.open("/admin/invitations").status, 200);
    world.wait(1);

    let revoke = [("step", "revoke"), ("id", "1")];
    for _ in 0..2 {
        nora.submit_to("/admin/invitations", &revoke);
        assert_eq!(shown(&nora).0, 404, "it reached the API, and can be sent again");
    }

    nora.submit_to("/admin/invitations", &[("step", "revoke"), ("id", id)]);
    assert!(shown(&nora).1.contains("The invitation is revoked"), "{}", shown(&nora).1);
    nora.submit_to("/admin/invitations", &revoke);
    assert!(shown(&nora).1.contains(TOO_LONG_AGO), "what follows needs another sign-in");
    assert!(nora.open("/admin/alerts").body.contains(TOO_LONG_AGO));
}

#[test]
fn a_next_step_goes_on_with_what_took_long_to_write() {
    let world = World::new();
    let nora = at(&world, "/admin/policy/draft", NORA);
    world.wait(15 * 60 + 1);
    let draft = r#"{"default": "enforced", "rules": []}"#;

    nora.submit_to("/admin/policy/draft", &[("step", "try"), ("document", draft)]);
    assert!(shown(&nora).1.contains("What the draft would change"), "{}", shown(&nora).1);
    nora.submit_to("/admin/people", &[("step", "x")]);
    assert!(shown(&nora).1.contains(TOO_LONG_AGO), "what one page says is good for no other");
}

#[test]
fn no_other_page_makes_up_for_a_sign_in_that_is_too_old() {
    let world = World::new();
    let nora = at(&world, "/account", NORA);
    world.wait(15 * 60 + 1);
    nora.open("/account");

    for step in ["invite", "x"] {
        nora.submit_to("/admin/invitations", &[("step", step), ("kind", "first_administrator")]);
        assert!(shown(&nora).1.contains(TOO_LONG_AGO), "{}", shown(&nora).1);
    }
}

#[test]
fn an_administrator_who_loses_the_group_or_is_blocked_is_out_at_once() {
    let world = World::new();
    let nora = at(&world, "/admin", NORA);
    assert_eq!(shown(&nora).0, 200);

    let change = json!({ "groups": [] });
    let changed = Admin(&world).ask("PUT", "/accounts/local:nora/groups", Some("*"), Some(&change));
    assert!(changed.status < 300, "{}", body(&changed));
    assert_eq!(nora.open("/admin").status, 403);
}

#[test]
fn a_form_from_another_site_or_without_the_right_token_does_nothing() {
    let world = World::new();
    let nora = at(&world, "/admin/alerts", NORA);

    nora.submit_to("/admin/alerts", &[("csrf", "wrong"), ("step", "close"), ("id", "1")]);

    assert_eq!(shown(&nora).0, 403);
}
