//! The page on which people see, add, name and remove their passkeys.

use device_grant::endpoint::http::Response;
use device_grant::secret::encode;

use super::owner::{PAGE, account, add, browser, empty, open_as, options, owned, submit};
use crate::support::World;
use crate::support::authenticator::Authenticator;
use crate::support::person::hidden;

/// What the log says about the last page.
fn logged(page: &Response) -> (&'static str, &'static str) {
    page.decisions
        .iter()
        .find(|line| line.what == "passkeys")
        .map(|line| (line.outcome, line.reason))
        .unwrap()
}

fn id(authenticator: &Authenticator) -> String {
    encode(&authenticator.id())
}

#[test]
fn a_person_adds_a_passkey_and_signs_in_with_it() {
    let world = World::new();
    let person = open_as(&world, "alice", "wonderland-8787");
    let mut authenticator = empty(&world, "alice", 1);
    authenticator.aaguid =
        [0xd5, 0x48, 0x82, 0x6e, 0x79, 0xb4, 0xdb, 0x40, 0xa3, 0xd8, 0x11, 0x11, 0x6f, 0x7e, 0x83, 0x49];

    let page = person.page.borrow().clone();
    let wanted = options(&page);
    assert_eq!(wanted["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(wanted["attestation"], "none");
    assert_eq!(wanted["user"]["id"], encode(account(&world, "alice").sub.as_str().as_bytes()));
    let page = add(&person, &authenticator);
    assert_eq!((page.status, logged(&page)), (200, ("changed", "added")));
    assert!(page.body.contains("Bitwarden"), "{}", page.body);
    assert_eq!(options(&page)["excludeCredentials"][0]["id"], id(&authenticator));

    let other = browser(&world);
    let sign_in = other.open(PAGE);
    assert!(sign_in.body.contains("To see and change your passkeys, sign in."));
    let json = authenticator.get(&super::owner::challenge_of(&sign_in));
    let page = submit(&other, &[("step", "passkey"), ("credential", &json)]);
    assert_eq!(logged(&page), ("signed_in", "passkey"));
    let today = format!("Last used on day {}.", world.now().seconds() / 86_400);
    assert!(page.body.contains(&today), "{}", page.body);
}

#[test]
fn the_page_of_passkeys_leads_back_to_the_account_and_out() {
    let world = World::new();
    let person = open_as(&world, "alice", "wonderland-8787");
    let page = person.page.borrow().body.clone();
    assert!(page.contains("<a href=\"/account\">Back to your account</a>"), "{page}");

    let page = submit(&person, &[("step", "sign_out")]);

    assert_eq!(logged(&page), ("done", "sign_out"));
    assert!(person.open(PAGE).body.contains("To see and change your passkeys, sign in."));
}

#[test]
fn a_passkey_belongs_to_one_account_only() {
    let world = World::new();
    let authenticator = empty(&world, "alice", 1);
    let alice = open_as(&world, "alice", "wonderland-8787");
    add(&alice, &authenticator);
    let bob = open_as(&world, "bob", "builder-8787");

    let refused = add(&bob, &authenticator);
    assert_eq!((refused.status, logged(&refused)), (400, ("refused", "passkey_of_another")));
    assert!(refused.body.contains("That passkey couldn’t be added"));
    assert!(account(&world, "bob").passkeys.is_empty());

    submit(&alice, &[("step", "remove"), ("passkey", &id(&authenticator))]);
    assert_eq!(logged(&add(&bob, &authenticator)), ("changed", "added"), "once alice has removed it");
}

#[test]
fn a_passkey_is_added_once_and_named_by_hand() {
    let world = World::new();
    let authenticator = empty(&world, "alice", 1);
    let person = open_as(&world, "alice", "wonderland-8787");
    add(&person, &authenticator);
    add(&person, &authenticator);
    assert_eq!(account(&world, "alice").passkeys.len(), 1);

    let named =
        submit(&person, &[("step", "rename"), ("passkey", &id(&authenticator)), ("name", " Laptop ")]);
    assert_eq!(logged(&named), ("changed", "renamed"));
    assert!(named.body.contains("<bdi>Laptop</bdi>"));
    for name in ["", "x\u{202e}y", &"x".repeat(61)] {
        let refused =
            submit(&person, &[("step", "rename"), ("passkey", &id(&authenticator)), ("name", name)]);
        assert_eq!(logged(&refused), ("refused", "name_malformed"), "{name}");
    }
    let unknown = submit(&person, &[("step", "rename"), ("passkey", "AAAA"), ("name", "Phone")]);
    assert_eq!(logged(&unknown), ("refused", "passkey_unknown"));
}

#[test]
fn the_last_way_in_stays() {
    let world = World::with(&[("PASSWORDS", "false")]);
    let (first, second) = (owned(&world, "alice", 1, 0), owned(&world, "alice", 2, 0));
    let person = browser(&world);
    let page = person.open(PAGE);
    let json = first.get(&super::owner::challenge_of(&page));
    submit(&person, &[("step", "passkey"), ("credential", &json)]);

    let removed = submit(&person, &[("step", "remove"), ("passkey", &id(&second))]);
    assert_eq!(logged(&removed), ("changed", "removed"));
    let refused = submit(&person, &[("step", "remove"), ("passkey", &id(&first))]);
    assert_eq!((refused.status, logged(&refused)), (400, ("refused", "last_way_in")));
    assert!(refused.body.contains("your only way to sign in"));
    assert_eq!(account(&world, "alice").passkeys.len(), 1);
}

#[test]
fn with_a_password_the_last_passkey_can_go() {
    let world = World::new();
    let authenticator = empty(&world, "alice", 1);
    let person = open_as(&world, "alice", "wonderland-8787");
    add(&person, &authenticator);

    let removed = submit(&person, &[("step", "remove"), ("passkey", &id(&authenticator))]);
    assert_eq!(logged(&removed), ("changed", "removed"));
    let changes = world.changes();
    let what: Vec<_> = changes.iter().map(|change| change["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["passkey_added", "passkey_removed"]);
}

#[test]
fn changes_need_a_recent_sign_in_of_the_same_browser() {
    let world = World::new();
    let authenticator = empty(&world, "alice", 1);
    let person = open_as(&world, "alice", "wonderland-8787");
    let twin = person.window();
    world.wait(601);

    let again = add(&person, &authenticator);
    assert_eq!((again.status, logged(&again)), (200, ("sign_in_again", "max_age")));
    assert!(again.body.contains("you signed in too long ago to change your passkeys"), "{}", again.body);
    submit(&person, &[("step", "sign_in"), ("username", "alice"), ("password", "wonderland-8787")]);
    assert_eq!(logged(&add(&person, &authenticator)), ("changed", "added"));

    let stale = submit(&twin, &[("step", "remove"), ("passkey", &id(&authenticator))]);
    assert_eq!((stale.status, logged(&stale)), (403, ("refused", "no_session")), "the old session has ended");
    let foreign = twin.send(crate::support::post(PAGE, &[("step", "remove"), ("csrf", "x")]));
    assert_eq!((foreign.status, logged(&foreign)), (403, ("refused", "csrf")));
    assert_eq!(account(&world, "alice").passkeys.len(), 1);
}

#[test]
fn a_challenge_for_one_account_adds_nothing_to_another() {
    let world = World::new();
    let person = open_as(&world, "alice", "wonderland-8787");
    let page = person.page.borrow().clone();
    let ceremony = hidden(&page.body, "ceremony").unwrap();
    let json = empty(&world, "bob", 1).create(&super::owner::challenge_of(&page));
    submit(&person, &[("step", "sign_in"), ("username", "bob"), ("password", "builder-8787")]);

    let csrf = hidden(&person.page.borrow().body, "csrf").unwrap();
    let form = [("csrf", csrf.as_str()), ("ceremony", &ceremony), ("step", "add"), ("credential", &json)];
    let refused = person.send(crate::support::post(PAGE, &form));
    assert_eq!((refused.status, logged(&refused)), (400, ("refused", "passkey_challenge_over")));
    assert!(account(&world, "bob").passkeys.is_empty() && account(&world, "alice").passkeys.is_empty());
}

#[test]
fn a_new_passkey_must_be_good() {
    let world = World::new();
    let person = open_as(&world, "alice", "wonderland-8787");
    let good = empty(&world, "alice", 1);
    let unverified = Authenticator { flags: good.flags & !4, ..good.clone() };
    let elsewhere = Authenticator { origin: "https://localhost.example".to_owned(), ..good.clone() };
    for (liar, reason) in [(unverified, "passkey_not_verified"), (elsewhere, "passkey_origin")] {
        let refused = add(&person, &liar);
        assert_eq!((refused.status, logged(&refused)), (400, ("refused", reason)));
    }
    let forged = Authenticator { attests_itself: true, ..good.clone() };
    assert_eq!(logged(&add(&person, &forged)), ("changed", "added"), "it signs with its own key");
    world.wait(301);
    assert_eq!(logged(&add(&person, &good)).1, "passkey_challenge_over");
    assert_eq!(logged(&submit(&person, &[("step", "add")])), ("refused", "passkey_missing"));
}

#[test]
fn at_an_ip_address_nothing_can_be_added() {
    let world = World::new();
    let person = crate::support::person::Person::of(&world);
    person.open(PAGE);
    submit(&person, &[("step", "sign_in"), ("username", "alice"), ("password", "wonderland-8787")]);

    assert!(person.page.borrow().body.contains("this server’s address is a number"));
    assert_eq!(
        logged(&submit(&person, &[("step", "add"), ("credential", "{}")])).1,
        "passkey_challenge_over"
    );
}
