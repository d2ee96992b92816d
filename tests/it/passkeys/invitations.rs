//! The page of an invitation, from the link to the first sign-in.

use device_grant::endpoint::http::Response;
use device_grant::identity::account_key::AccountKey;
use device_grant::passkey::registration::Registration;
use device_grant::secret::{decode, encode};
use serde_json::{Value, json};

use super::ceremonies::{HOST, ORIGIN};
use super::owner::{PAGE, account, browser, challenge_of, options, owned};
use crate::support::admin::Admin;
use crate::support::authenticator::Authenticator;
use crate::support::person::{Person, hidden};
use crate::support::{World, json as body, now_or_never, post};

/// Makes an invitation, and returns the path of its link.
pub(super) fn invite(world: &World, request: &Value) -> String {
    let made = Admin(world).ask("POST", "/invitations", None, Some(request));
    assert_eq!(made.status, 201, "{}", made.body);
    let link = body(&made)["link"].as_str().unwrap().to_owned();
    format!("/invitation?{}", link.split_once('?').unwrap().1)
}

/// What the log says about the last page.
fn logged(page: &Response) -> (&'static str, &'static str) {
    page.decisions
        .iter()
        .find(|line| line.what == "invitation")
        .map(|line| (line.outcome, line.reason))
        .unwrap()
}

/// Sends the form of the page that the browser shows.
fn submit(person: &Person<'_>, fields: &[(&str, &str)]) -> Response {
    let page = person.page.borrow().body.clone();
    person.send(form(&page, fields))
}

pub(super) fn form(page: &str, fields: &[(&str, &str)]) -> device_grant::endpoint::http::Request {
    let value = |name| hidden(page, name).unwrap_or_default();
    let (csrf, secret, ceremony) = (value("csrf"), value("secret"), value("ceremony"));
    let hidden = [("csrf", csrf.as_str()), ("secret", secret.as_str()), ("ceremony", ceremony.as_str())];
    post("/invitation", &[&hidden, fields].concat())
}

/// Makes a passkey with the options of the page.
pub(super) fn passkey(page: &Response, seed: u8) -> String {
    let user = decode(options(page)["user"]["id"].as_str().unwrap()).unwrap();
    let authenticator = Authenticator { user_handle: Some(user), ..Authenticator::new(seed, HOST, ORIGIN) };
    authenticator.create(&challenge_of(page))
}

fn shown(person: &Person<'_>) -> Response {
    person.page.borrow().clone()
}

#[test]
fn somebody_new_makes_a_passkey_and_is_signed_in_and_the_link_is_over() {
    let world = World::new();
    let link = invite(&world, &json!({ "kind": "account", "groups": ["local:developers"] }));
    let person = browser(&world);
    let page = person.open(&link);
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("Set up your account"));
    let credential = passkey(&page, 3);

    let fields = [("username", "Carol"), ("name", "Carol Danvers"), ("credential", &credential)];
    let done = submit(&person, &fields);
    assert_eq!((done.status, logged(&done)), (200, ("used", "passkey")), "{}", done.body);
    assert!(done.body.contains("Your account is ready"));
    let fields = [("step", "language"), ("language", "de"), ("notice", "ready")];
    assert!(
        fields.iter().all(|(_, value)| done.body.contains(&format!("value=\"{value}\""))),
        "{}",
        done.body
    );
    let german = person.send(post("/device", &fields));
    assert!(german.status == 200 && german.body.contains("Ihr Konto ist bereit"), "{}", german.body);
    let carol = account(&world, "carol");
    assert_eq!((carol.name.as_str(), carol.username.as_str()), ("Carol Danvers", "carol"));
    assert_eq!(carol.groups.iter().map(ToString::to_string).collect::<Vec<_>>(), ["local:developers"]);
    assert_eq!((carol.passkeys.len(), carol.password), (1, None));
    assert!(person.open(PAGE).body.contains("Ihre Passkeys"), "she is signed in");
    let gone = browser(&world).open(&link);
    assert_eq!((gone.status, logged(&gone)), (404, ("refused", "no_invitation")));

    let other = browser(&world);
    other.enter(&world.start().user_code);
    let user = carol.sub.as_str().as_bytes().to_vec();
    let authenticator = Authenticator { user_handle: Some(user), ..Authenticator::new(3, HOST, ORIGIN) };
    assert!(super::owner::sign_in(&other, &authenticator).body.contains("Carol Danvers"));
}

#[test]
fn a_password_is_chosen_only_where_passwords_are_allowed_and_must_be_hard_to_guess() {
    let world = World::new();
    let link = invite(&world, &json!({ "kind": "account", "username": "carol" }));
    let person = browser(&world);
    person.open(&link);
    let fields = |password| [("name", "Carol Danvers"), ("with", "password"), ("password", password)];
    for (password, reason) in [
        ("short", "password_length"),
        ("password123456", "password_common"),
        ("Carol-Danvers-1", "password_common"),
    ] {
        let refused = submit(&person, &fields(password));
        assert_eq!((refused.status, logged(&refused)), (400, ("refused", reason)), "{password}");
        assert!(!refused.body.contains(password), "the password is not shown again");
    }
    let done = submit(&person, &fields("lantern quietly drums"));
    assert_eq!((done.status, logged(&done)), (200, ("used", "password")));
    let other = browser(&world);
    other.enter(&world.start().user_code);
    assert!(other.sign_in("carol", "lantern quietly drums").body.contains("Carol Danvers"));

    let strict = World::with(&[("PASSWORDS", "false")]);
    let link = invite(&strict, &json!({ "kind": "account", "username": "carol" }));
    let person = browser(&strict);
    assert!(!person.open(&link).body.contains("name=\"password\""));
    let refused = submit(&person, &fields("lantern quietly drums"));
    assert_eq!(logged(&refused), ("refused", "passkey_missing"));
}

#[test]
fn a_get_spends_nothing_and_one_link_makes_one_account() {
    let world = World::new();
    let link = invite(&world, &json!({ "kind": "account" }));
    let (first, second) = (browser(&world), browser(&world));
    for person in [&first, &second] {
        person.open(&link);
        assert_eq!(person.open(&link).status, 200);
    }
    let credentials = [passkey(&shown(&first), 3), passkey(&shown(&second), 4)];
    let send = |person: &Person<'_>, username: &str, credential: &str| {
        submit(person, &[("username", username), ("name", "Somebody"), ("credential", credential)])
    };

    assert_eq!(logged(&send(&first, "carol", &credentials[0])).0, "used");
    let late = send(&second, "dave", &credentials[1]);
    assert_eq!((late.status, logged(&late)), (404, ("refused", "no_invitation")));
    assert!(now_or_never(world.server.account(&AccountKey::local("dave"))).unwrap().is_none());
}

#[test]
fn a_username_is_nobody_elses_and_well_formed() {
    let world = World::new();
    let link = invite(&world, &json!({ "kind": "account" }));
    account(&world, "alice");
    let person = browser(&world);
    person.open(&link);
    for (username, name, reason) in [
        ("alice", "Somebody", "username_taken"),
        ("ALICE ", "Somebody", "username_taken"),
        ("a b", "Somebody", "username_malformed"),
        ("", "Somebody", "username_malformed"),
        ("carol", " ", "name_missing"),
        ("carol", "x\u{202e}y", "name_missing"),
    ] {
        let credential = passkey(&shown(&person), 3);
        let fields = [("username", username), ("name", name), ("credential", credential.as_str())];
        let refused = submit(&person, &fields);
        assert_eq!((refused.status, logged(&refused)), (400, ("refused", reason)), "{username} {name}");
    }
    let credential = passkey(&shown(&person), 3);
    let done = submit(&person, &[("username", "carol"), ("name", "Carol"), ("credential", &credential)]);
    assert_eq!(logged(&done).0, "used", "nothing was spent before");
}

#[test]
fn a_recovery_of_a_blocked_account_spends_nothing() {
    let world = World::new();
    world.start();
    owned(&world, "alice", 1, 0);
    let link = invite(&world, &json!({ "kind": "recovery", "username": "alice" }));
    let person = browser(&world);
    let page = person.open(&link);
    world.set_blocked("local:alice", true);

    assert_eq!(submit(&person, &[("credential", &passkey(&page, 2))]).status, 403);
    assert_eq!(person.open(&link).status, 403, "nobody makes a passkey for nothing");

    world.set_blocked("local:alice", false);
    let page = person.open(&link);
    let done = submit(&person, &[("credential", &passkey(&page, 2))]);
    assert_eq!((done.status, logged(&done)), (200, ("used", "passkey")), "{}", done.body);
}

#[test]
fn a_recovery_adds_a_way_in_and_keeps_the_others() {
    let world = World::new();
    let old = owned(&world, "alice", 1, 0);
    let link = invite(&world, &json!({ "kind": "recovery", "username": "alice" }));
    let person = browser(&world);
    let page = person.open(&link);
    assert!(page.body.contains("Get back into your account") && page.body.contains("Alice Liddell"));
    assert_eq!(options(&page)["excludeCredentials"][0]["id"], encode(&old.id()));

    let done = submit(&person, &[("credential", &passkey(&page, 5))]);
    assert_eq!(logged(&done), ("used", "passkey"));
    let alice = account(&world, "alice");
    assert_eq!((alice.passkeys.len(), alice.password.is_some()), (2, true));
}

#[test]
fn the_first_administrator_gets_the_local_group() {
    let world = World::new();
    let link = invite(&world, &json!({ "kind": "first_administrator" }));
    let person = browser(&world);
    let page = person.open(&link);
    let fields = [("username", "root"), ("name", "Root"), ("credential", &passkey(&page, 3))];

    assert_eq!(logged(&submit(&person, &fields)).0, "used");
    let groups = account(&world, "root").groups;
    assert_eq!(groups.iter().map(ToString::to_string).collect::<Vec<_>>(), ["local:administrators"]);
}

#[test]
fn a_form_goes_on_where_an_outage_stopped_it() {
    let world = World::new();
    let link = invite(&world, &json!({ "kind": "account" }));
    let person = browser(&world);
    let page = person.open(&link);
    let credential = passkey(&page, 3);
    assert!(Registration::parse(&credential).is_ok());
    let fields = [("username", "carol"), ("name", "Carol"), ("credential", credential.as_str())];
    world.set_down("registry", true);
    assert_eq!(submit(&person, &fields).status, 503);
    world.set_down("registry", false);

    let done = person.send(form(&page.body, &fields));
    assert_eq!(logged(&done).0, "used");
    let again = person.send(form(&page.body, &fields));
    assert_eq!(again.status, 403, "she is signed in now, so the form is stale");
    assert_eq!(account(&world, "carol").passkeys.len(), 1);
}

#[test]
fn a_form_of_another_browser_or_invitation_is_refused() {
    let world = World::new();
    let (one, other) =
        (invite(&world, &json!({ "kind": "account" })), invite(&world, &json!({ "kind": "account" })));
    let person = browser(&world);
    let first = person.open(&one);
    let credential = passkey(&first, 3);
    let second = person.open(&other);
    let mixed = [("username", "carol"), ("name", "Carol"), ("credential", credential.as_str())];
    let secret = hidden(&second.body, "secret").unwrap();
    let page = first.body.replace(&hidden(&first.body, "secret").unwrap(), &secret);
    let refused = person.send(form(&page, &mixed));
    assert_eq!((refused.status, logged(&refused)), (400, ("refused", "passkey_challenge_over")));

    let stranger = browser(&world);
    let refused = stranger.send(form(&first.body, &mixed));
    assert_eq!((refused.status, logged(&refused)), (403, ("refused", "csrf")));
    for path in ["/invitation", "/invitation?secret=abc", &format!("/invitation?secret={}", encode(&[1; 32]))]
    {
        assert_eq!(person.open(path).status, 404, "{path}");
    }
}

#[test]
fn a_link_whose_use_would_make_an_administrator_by_now_leads_nowhere_unless_its_maker_had_the_right() {
    let world = World::new();
    let admin = Admin(&world);
    owned(&world, "bob", 1, 0);
    let people = admin.token("people", &["people"]);
    let recovery = json!({ "kind": "recovery", "username": "bob" });
    let made = admin.ask_as(&people, "POST", "/invitations", Some(&recovery));
    let link = body(&made)["link"].as_str().unwrap().to_owned();
    let link = format!("/invitation?{}", link.split_once('?').unwrap().1);
    let person = browser(&world);
    let page = person.open(&link);
    assert_eq!(page.status, 200, "bob is nobody special yet");
    let credential = passkey(&page, 2);

    let groups = json!({ "groups": ["local:administrators"] });
    let granted = admin.ask("PUT", "/accounts/local:bob/groups", None, Some(&groups));
    assert_eq!(granted.status, 200, "{}", granted.body);

    let refused = submit(&person, &[("credential", &credential)]);
    assert_eq!((refused.status, logged(&refused)), (404, ("refused", "no_invitation")));
    assert_eq!(browser(&world).open(&link).status, 404);
    assert_eq!(account(&world, "bob").passkeys.len(), 1, "nobody got into an administrator's account");
    let link = invite(&world, &recovery);
    assert_eq!(browser(&world).open(&link).status, 200, "its maker may grant administration");
}
