//! The accounts of people who sign in at a provider.

use device_grant::identity::account::{Account, Standing};
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::group::Group;
use device_grant::identity::passkey::Passkey;
use serde_json::json;

use super::{CORP, add, come_back, reason, world};
use crate::support::person::hidden;
use crate::support::{World, post};

fn account(world: &World, provider: &str, subject: &str) -> Option<Account> {
    world.find_account(&AccountKey::oidc(provider, subject).unwrap())
}

fn names(account: &Account) -> Vec<&str> {
    account.groups.iter().map(Group::as_str).collect()
}

#[test]
fn an_account_is_made_at_the_first_sign_in_and_follows_the_provider_at_each() {
    let (world, corp) = world();
    come_back(&world, &corp, &world.start().user_code);
    let first = account(&world, "corp", "alice-upstream").unwrap();
    assert_eq!((first.name.as_str(), first.username.as_str()), ("Alice Upstream", "alice.upstream"));
    assert_eq!(names(&first), ["corp:developers", "corp:staff"]);
    assert!(first.password.is_none() && first.created_at == world.now());

    world.wait(10);
    corp.claims.replace(json!({ "name": "Alice Married", "groups": ["staff"], "email": null }));
    come_back(&world, &corp, &world.start().user_code);

    let second = account(&world, "corp", "alice-upstream").unwrap();
    assert_eq!((&second.sub, second.created_at), (&first.sub, first.created_at));
    assert_eq!((second.name.as_str(), second.email.as_deref()), ("Alice Married", None));
    assert_eq!(names(&second), ["corp:staff"]);
}

#[test]
fn groups_of_our_own_and_of_other_providers_stay() {
    let (world, corp) = world();
    come_back(&world, &corp, &world.start().user_code);
    let key = AccountKey::oidc("corp", "alice-upstream").unwrap();
    let own = Group::parse("local:administrators").unwrap();
    world.change_account(key.as_str(), |account| account.groups.push(own.clone()));
    corp.claims.replace(json!({ "groups": ["local:administrators", "administrators", "a\u{202e}b"] }));

    come_back(&world, &corp, &world.start().user_code);

    let account = account(&world, "corp", "alice-upstream").unwrap();
    assert_eq!(
        names(&account),
        ["corp:administrators", "corp:local:administrators", "local:administrators"],
        "a provider's group is never one of ours"
    );
}

#[test]
fn nobody_is_linked_by_email_or_name() {
    let (world, corp) = world();
    let other = add(&world, "other", "https://other.example", |_| {});
    come_back(&world, &corp, &world.start().user_code);
    let person = crate::support::person::Person::of(&world);
    person.enter(&world.start().user_code);
    let address = super::address(&super::press(&person, "other"));
    let page = person.open(&other.authorize(&address));
    assert!(page.body.contains("value=\"approve\""), "{}", page.body);

    let subs = ["corp", "other"].map(|provider| account(&world, provider, "alice-upstream").unwrap().sub);
    assert_ne!(subs[0], subs[1], "the same sub at another provider is another person");
    corp.claims
        .replace(json!({ "sub": "mallory", "email": "alice@example.com", "preferred_username": "alice" }));
    come_back(&world, &corp, &world.start().user_code);
    assert!(account(&world, "corp", "mallory").is_some());
    let alice = world.find_account(&AccountKey::local("alice"));
    assert!(alice.is_none_or(|alice| alice.name == "Alice Liddell"));
}

#[test]
fn another_claim_can_identify_people() {
    let world = World::new();
    let path = device_grant::upstream::provider::claim_path::ClaimPath::parse("oid").unwrap();
    let corp = add(&world, "corp", CORP, |provider| provider.claims.subject = path);
    corp.claims.replace(json!({ "oid": "00aa-11bb" }));

    come_back(&world, &corp, &world.start().user_code);

    assert!(account(&world, "corp", "00aa-11bb").is_some());
    corp.claims.replace(json!({}));
    let (_, page) = come_back(&world, &corp, &world.start().user_code);
    assert_eq!(reason(&page), "profile_without_subject");
}

#[test]
fn people_outside_the_allowed_groups_and_domains_may_not_sign_in() {
    let world = World::new();
    let corp = add(&world, "corp", CORP, |provider| {
        provider.allowed_groups = vec!["staff".to_owned()];
        provider.allowed_email_domains = vec!["corp.example".to_owned()];
    });
    let started = world.start();
    for (claims, why) in [
        (json!({ "groups": ["developers"] }), "profile_group_not_allowed"),
        (json!({ "email": "alice@elsewhere.example" }), "profile_domain_not_allowed"),
        (json!({ "email_verified": false }), "profile_domain_not_allowed"),
    ] {
        corp.claims.replace(claims);
        let (_, page) = come_back(&world, &corp, &started.user_code);
        assert_eq!((page.status, reason(&page)), (403, why));
        assert!(page.body.contains("isn’t allowed to sign in here"), "{}", page.body);
        assert!(account(&world, "corp", "alice-upstream").is_none(), "nothing is stored about them");
    }
    corp.claims.replace(json!({}));
    let (_, page) = come_back(&world, &corp, &started.user_code);
    assert!(page.body.contains("value=\"approve\""), "{}", page.body);
}

#[test]
fn a_blocked_or_deleted_account_does_not_come_back_by_signing_in() {
    let (world, corp) = world();
    come_back(&world, &corp, &world.start().user_code);
    let key = AccountKey::oidc("corp", "alice-upstream").unwrap();
    let by = device_grant::identity::account::Authority::Administrator;
    let at = world.now();
    for standing in [Standing::Blocked { at, by: by.clone(), why: None }, Standing::Deleted { at, by }] {
        world.change_account(key.as_str(), |account| account.standing = standing.clone());
        let before = account(&world, "corp", "alice-upstream");

        let (_, page) = come_back(&world, &corp, &world.start().user_code);

        assert_eq!(page.status, 403);
        assert!(page.body.contains("You can’t sign in"), "{}", page.body);
        assert_eq!(account(&world, "corp", "alice-upstream"), before);
    }
}

#[test]
fn the_session_remembers_how_somebody_signed_in() {
    let (world, corp) = world();
    corp.claims.replace(json!({ "amr": ["pwd", "otp"], "acr": "urn:strong" }));
    let started = world.start();
    let (person, _) = come_back(&world, &corp, &started.user_code);
    person.decide("approve");

    let tokens = crate::support::json(&world.poll(&started.device_code));

    let claims = crate::support::claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(claims["amr"], json!(["pwd", "otp"]));
}

#[test]
fn a_provider_that_is_turned_off_is_no_other_way_in() {
    for (enabled, left) in [(true, 0), (false, 1)] {
        let (world, corp) = world();
        let (person, _) = come_back(&world, &corp, &world.start().user_code);
        let key = AccountKey::oidc("corp", "alice-upstream").unwrap();
        world.change_account(key.as_str(), |account| account.passkeys.push(passkey()));
        world.change_provider("corp", |provider| provider.enabled = enabled);
        world.publish();
        world.wait(90);
        person.open("/account/passkeys");
        let csrf = hidden(&person.page.borrow().body, "csrf").unwrap();

        let form = [("csrf", csrf.as_str()), ("step", "remove"), ("passkey", "AQ")];
        let page = person.send(post("/account/passkeys", &form));

        assert_eq!(world.find_account(&key).unwrap().passkeys.len(), left, "{}", page.body);
        assert_eq!(page.body.contains("your only way to sign in"), !enabled);
    }
}

fn passkey() -> Passkey {
    serde_json::from_value(json!({
        "id": "AQ", "public_key": {}, "alg": "ES256", "counter": 0, "backup_eligible": false, "backed_up": false,
        "aaguid": "00000000-0000-0000-0000-000000000000", "name": "Laptop", "created_at": 0
    }))
    .unwrap()
}
