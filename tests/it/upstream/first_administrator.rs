//! The first administrator signs in at a provider instead of making a passkey.

use device_grant::endpoint::http::Response;
use device_grant::identity::account_key::AccountKey;
use serde_json::{Value, json};

use super::{address, world};
use crate::support::admin::Admin;
use crate::support::person::{Person, hidden};
use crate::support::provider::ScriptedProvider;
use crate::support::{World, json as body, post};

/// Makes a link of this kind, and returns its path.
fn link(world: &World, kind: &str) -> String {
    let made = Admin(world).ask("POST", "/invitations", None, Some(&json!({ "kind": kind })));
    assert_eq!(made.status, 201, "{}", made.body);
    let link = body(&made)["link"].as_str().unwrap().to_owned();
    format!("/invitation?{}", link.split_once('?').unwrap().1)
}

/// Sends a form of the page that the browser shows.
fn send(person: &Person<'_>, fields: &[(&str, &str)]) -> Response {
    let page = person.page.borrow().body.clone();
    let value = |name| hidden(&page, name).unwrap_or_default();
    let (csrf, secret) = (value("csrf"), value("secret"));
    let hidden = [("csrf", csrf.as_str()), ("secret", secret.as_str())];
    person.send(post("/invitation", &[&hidden, fields].concat()))
}

/// Opens a link, signs in at the provider, and comes back to the link.
fn come_back<'a>(world: &'a World, corp: &ScriptedProvider, link: &str) -> Person<'a> {
    let person = Person::of(world);
    person.open(link);
    let address = address(&send(&person, &[("step", "provider"), ("provider", "corp")]));
    person.open(&corp.authorize(&address));
    person
}

fn logged(page: &Response) -> (&'static str, &'static str) {
    let line = page.decisions.iter().rev().find(|line| line.what == "invitation");
    line.map_or(("no line", ""), |line| (line.outcome, line.reason))
}

fn groups(world: &World) -> Vec<String> {
    let key = AccountKey::oidc("corp", "alice-upstream").unwrap();
    world.find_account(&key).unwrap().groups.iter().map(ToString::to_string).collect()
}

fn uses_left(world: &World) -> Value {
    body(&Admin(world).get("/invitations"))["invitations"][0]["uses_left"].clone()
}

#[test]
fn the_first_administrator_signs_in_at_a_provider_and_only_the_button_uses_the_link() {
    let (world, corp) = world();
    let link = link(&world, "first_administrator");
    assert!(Person::of(&world).open(&link).body.contains("This link makes you an administrator"));

    let person = come_back(&world, &corp, &link);

    let page = person.page.borrow().clone();
    assert!(page.body.contains("You’re signed in as <bdi>Alice Upstream</bdi>"), "{}", page.body);
    assert_eq!(uses_left(&world), 1, "neither the way back nor the page has used it");
    assert_eq!(groups(&world), ["corp:developers", "corp:staff"]);
    let done = send(&person, &[("step", "admit")]);
    assert_eq!((done.status, logged(&done)), (200, ("used", "admitted")), "{}", done.body);
    assert!(done.body.contains("Your account is ready"));
    assert_eq!(groups(&world), ["corp:developers", "corp:staff", "local:administrators"]);
    let changes = world.account_changes();
    let change = changes.last().unwrap();
    assert_eq!((&change["what"], &change["members"]), (&json!("account_changed"), &json!(["groups"])));
    assert_eq!(world.changes().last().unwrap()["what"], "administrator_admitted");

    assert_eq!(Person::of(&world).open(&link).status, 404, "it works once");
    person.page.replace(page);
    assert_eq!(
        logged(&send(&person, &[("step", "admit")])),
        ("used", "admitted"),
        "the same form, sent again"
    );
    let told = world.changes().iter().filter(|change| change["what"] == "administrator_admitted").count();
    assert_eq!(told, 1, "and it used nothing more");
}

#[test]
fn policy_decides_neither_who_becomes_the_first_administrator_nor_who_sees_their_account() {
    let (world, corp) = world();
    let no = json!({ "id": "no", "description": "for a test", "effect": "deny" });
    world.set_policy(&json!({ "default": "enforced", "rules": [no] }));
    let link = link(&world, "first_administrator");

    let person = come_back(&world, &corp, &link);

    let done = send(&person, &[("step", "admit")]);
    assert_eq!((done.status, logged(&done)), (200, ("used", "admitted")), "{}", done.body);
    assert!(person.open("/account").body.contains("Alice Upstream"));
    let start = world.send(&post("/device_authorization", &[("client_id", "demo-tv"), ("scope", "openid")]));
    assert_eq!(start.status, 400, "but it decides who may use a device: {}", start.body);
}

#[test]
fn the_form_of_the_first_administrator_goes_on_where_an_outage_stopped_it() {
    let (world, corp) = world();
    let person = come_back(&world, &corp, &link(&world, "first_administrator"));
    let page = person.page.borrow().clone();
    world.set_down("registry", true);
    assert_eq!(send(&person, &[("step", "admit")]).status, 503);
    world.set_down("registry", false);
    person.page.replace(page);

    assert_eq!(logged(&send(&person, &[("step", "admit")])), ("used", "admitted"));
}

#[test]
fn an_invitation_that_makes_no_administrator_offers_no_provider_and_admits_nobody() {
    let (world, corp) = world();
    let ordinary = link(&world, "account");
    assert!(!Person::of(&world).open(&ordinary).body.contains("corp login"));
    let person = come_back(&world, &corp, &link(&world, "first_administrator"));
    person.open(&ordinary);

    for step in ["admit", "provider"] {
        let refused = send(&person, &[("step", step), ("provider", "corp")]);
        assert_eq!((refused.status, logged(&refused).0), (400, "refused"), "{step}");
    }

    assert_eq!(groups(&world), ["corp:developers", "corp:staff"]);
}

#[test]
fn nobody_becomes_the_first_administrator_without_a_session_of_the_browser_that_sends_the_form() {
    let (world, corp) = world();
    let path = link(&world, "first_administrator");
    let stranger = Person::of(&world);
    stranger.open(&path);

    let refused = send(&stranger, &[("step", "admit")]);
    assert_eq!((refused.status, logged(&refused)), (403, ("refused", "no_session")));
    assert!(refused.body.contains("You’ve been signed out, so nothing has changed."), "{}", refused.body);
    let signed_in = come_back(&world, &corp, &path);
    let csrf = hidden(&stranger.page.borrow().body, "csrf").unwrap();
    let secret = hidden(&signed_in.page.borrow().body, "secret").unwrap();
    let forged = [("csrf", csrf.as_str()), ("secret", secret.as_str()), ("step", "admit")];
    assert_eq!(logged(&signed_in.send(post("/invitation", &forged))), ("refused", "csrf"));
    world.set_blocked("oidc:corp:alice-upstream", true);
    signed_in.open(&path);
    assert_eq!(send(&signed_in, &[("step", "admit")]).status, 403, "a blocked account");

    assert_eq!(uses_left(&world), 1);
}

#[test]
fn a_sign_in_that_fails_leads_back_to_the_link() {
    let (world, corp) = world();
    let person = Person::of(&world);
    person.open(&link(&world, "first_administrator"));
    let address = address(&send(&person, &[("step", "provider"), ("provider", "corp")]));

    let page = person.open(&corp.refuse(&address, "access_denied"));

    assert_eq!((page.status, super::reason(&page)), (400, "response_denied"));
    assert!(page.body.contains("canceled or refused") && page.body.contains("corp login"), "{}", page.body);
    let german = send(&person, &[("language", "de")]);
    assert!(german.body.contains("Administratorrechte für diesen Dienst"), "{}", german.body);
    let going = send(&person, &[("step", "provider"), ("provider", "corp")]);
    assert_eq!(going.status, 200);
    let going = send(&person, &[("step", "provider"), ("provider", "corp"), ("language", "fr")]);
    assert!(going.body.contains("<html lang=\"fr\"") && going.body.contains("/authorize?"), "{}", going.body);
}
