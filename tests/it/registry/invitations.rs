//! Invitations: who may make which, and that each link works as often as it says.

use device_grant::registry::invitation::{Invitation, digest};
use device_grant::registry::invitations::{FindInvitation, SpendInvitation};
use device_grant::secret::{Digest, encode};
use serde_json::{Value, json};

use super::{errors, text};
use crate::support::admin::Admin;
use crate::support::{ISSUER, World, json as body};

const DAY: u64 = 86_400;

fn invite(world: &World, asked: &Value) -> Value {
    let response = Admin(world).ask("POST", "/invitations", None, Some(asked));
    assert_eq!(response.status, 201, "{}", response.body);
    body(&response)
}

/// Returns the secret in the link of a new invitation.
fn secret(invited: &Value) -> String {
    let link = text(invited, "link");
    link.strip_prefix(&format!("{ISSUER}/invitation?secret=")).expect("the link of the page").to_owned()
}

fn find(world: &World, secret: &str) -> Option<Invitation> {
    world.registry(FindInvitation { digest: digest(secret).expect("the form of a secret") })
}

fn spend(world: &World, secret: &str, attempt: &str) -> Option<Invitation> {
    let digest = digest(secret).expect("the form of a secret");
    let (attempt, account) = (attempt.to_owned(), "acct-new".into());
    world.registry(SpendInvitation { digest, attempt, account })
}

#[test]
fn a_link_works_once_and_looking_at_it_uses_nothing() {
    let world = World::new();
    let invited = invite(&world, &json!({}));
    let secret = secret(&invited);
    let uses = || find(&world, &secret).map(|invitation| invitation.uses_left);

    assert_eq!((uses(), uses()), (Some(1), Some(1)));
    assert!(spend(&world, &secret, "first").is_some());
    assert_eq!(uses(), None, "the link leads nowhere any more");
    assert!(spend(&world, &secret, "second").is_none());
    assert!(spend(&world, &secret, "first").is_some(), "the same attempt, whose answer was lost");
    assert_eq!(world.changes().len(), 2, "made and used");
    assert_eq!(world.changes()[1]["by"], json!({ "account": "acct-new" }));
    assert_eq!(world.changes()[1]["subject"], invited["id"]);
}

#[test]
fn a_link_for_several_people_works_as_often_as_it_says_and_until_its_end() {
    let world = World::new();
    let secret = secret(&invite(&world, &json!({ "uses": 3, "lifetime": 60, "groups": ["local:staff"] })));
    assert!(spend(&world, &secret, "a").is_some() && spend(&world, &secret, "b").is_some());

    world.wait_millis(59_999);
    assert_eq!(find(&world, &secret).map(|invitation| invitation.uses_left), Some(1));
    world.wait_millis(1);
    assert!(find(&world, &secret).is_none() && spend(&world, &secret, "c").is_none());
    let listed = body(&Admin(&world).get("/invitations"));
    assert_eq!(listed["invitations"][0]["is_live"], false);
    assert_eq!(listed["invitations"][0]["uses_left"], 1);
}

#[test]
fn a_secret_is_shown_once_and_stored_as_its_digest() {
    let world = World::new();
    let admin = Admin(&world);
    let invited = invite(&world, &json!({ "username": "carol", "groups": ["local:staff"] }));
    let secret = secret(&invited);

    let listed = admin.get("/invitations");

    let mut expected = invited.clone();
    expected.as_object_mut().expect("an object").remove("link");
    assert_eq!(body(&listed), json!({ "invitations": [expected] }));
    assert_eq!(body(&admin.get(&format!("/invitations/{}", text(&invited, "id")))), expected);
    let at = world.now().seconds();
    assert_eq!((&expected["ends_at"], &expected["kind"]), (&json!(at + 7 * DAY), &json!("account")));
    let digest = encode(Digest::of(secret.as_bytes()).bytes());
    let (stored, told) =
        (world.server.platform.registry_text(), serde_json::to_string(&world.changes()).expect("JSON"));
    assert!(stored.contains(&digest) && !stored.contains(&secret));
    assert!(![listed.body, told].iter().any(|text| text.contains(&secret) || text.contains(&digest)));
}

#[test]
fn a_revoked_link_leads_nowhere() {
    let world = World::new();
    let admin = Admin(&world);
    let invited = invite(&world, &json!({}));
    let address = format!("/invitations/{}", text(&invited, "id"));

    assert_eq!(admin.ask("DELETE", &address, None, None).status, 204);

    assert!(find(&world, &secret(&invited)).is_none() && spend(&world, &secret(&invited), "a").is_none());
    assert_eq!(admin.ask("DELETE", &address, None, None).status, 404);
    let what: Vec<Value> = world.changes().iter().map(|change| change["what"].clone()).collect();
    assert_eq!(what, ["invitation_created", "invitation_revoked"]);
}

#[test]
fn only_a_token_for_tokens_grants_administration_and_everybody_hears_of_it() {
    let world = World::with(&[("ADMIN_GROUPS", "entra:platform,local:root,local:administrators")]);
    let admin = Admin(&world);
    world.get("/.well-known/openid-configuration");
    let (people, both) = (admin.token("people", &["people"]), admin.token("both", &["people", "tokens"]));
    let ask = |token: &str, asked: &Value| admin.ask_as(token, "POST", "/invitations", Some(asked));

    for (asked, grants) in [
        (json!({ "groups": ["local:staff"] }), false),
        (json!({ "groups": ["local:staff", "local:administrators"] }), true),
        (json!({ "groups": ["local:root"], "uses": 3 }), true),
        (json!({ "kind": "first_administrator" }), true),
        (json!({ "kind": "recovery", "username": "bob" }), false),
    ] {
        let refused = ask(&people, &asked);
        assert_eq!(refused.status, if grants { 403 } else { 201 }, "{asked}: {}", refused.body);
        if grants {
            assert!(refused.body.contains("with the scope tokens"), "{}", refused.body);
        }
        let made = ask(&both, &asked);
        assert_eq!(made.status, 201, "{asked}: {}", made.body);
        assert_eq!(body(&made)["grants_administration"], grants, "{asked}");
        let told = world.changes().pop().expect("an event");
        assert_eq!(told["what"], if grants { "administrator_invited" } else { "invitation_created" });
        if grants {
            assert!(spend(&world, &secret(&body(&made)), "a").is_some());
            let told = world.changes().pop().expect("an event");
            assert_eq!(told["what"], "administrator_admitted");
            assert_eq!(told["granted"][0], "administration");
        }
    }
}

#[test]
fn recovering_the_account_of_an_administrator_grants_administration() {
    let world = World::with(&[("ADMIN_GROUPS", "local:developers")]);
    let admin = Admin(&world);
    let people = admin.token("people", &["people"]);
    let recover = |username: &str| {
        let asked = json!({ "kind": "recovery", "username": username });
        admin.ask_as(&people, "POST", "/invitations", Some(&asked)).status
    };

    assert_eq!((recover("alice"), recover("bob")), (403, 201), "alice is one of the developers");
}

#[test]
fn each_kind_of_link_has_bounds_of_its_own() {
    let world = World::new();
    let admin = Admin(&world);
    let asking = |asked: &Value| admin.ask("POST", "/invitations?dry_run=true", None, Some(asked));
    let refused = |asked: Value| errors(&asking(&asked)).remove(0);

    assert_eq!(
        refused(json!({ "kind": "recovery" })),
        ("/username".to_owned(), "username is missing: say whose account it is".to_owned())
    );
    assert_eq!(
        refused(json!({ "kind": "recovery", "username": "nobody" })).1,
        "no account has this username"
    );
    assert_eq!(refused(json!({ "kind": "guest", "uses": 0 })).0, "/kind");
    assert_eq!(
        refused(json!({ "kind": "first_administrator", "lifetime": 1_801 })).1,
        "lifetime is 1801: it must be a whole number from 60 to 1800"
    );
    assert_eq!(
        refused(json!({ "kind": "first_administrator", "groups": [] })).1,
        "unknown member \"groups\""
    );
    assert_eq!(refused(json!({ "username": "carol", "uses": 2 })).0, "/uses");
    let foreign = refused(json!({ "groups": ["entra:staff"] }));
    assert!(foreign.1.contains("must be the full name of a local group"), "{foreign:?}");
    assert_eq!(asking(&json!({ "uses": 100, "lifetime": 30 * DAY })).status, 200);
    assert_eq!(body(&admin.get("/invitations")), json!({ "invitations": [] }), "a dry run makes nothing");
}

#[test]
fn an_invitation_that_has_ended_is_listed_for_thirty_days() {
    let world = World::new();
    let admin = Admin(&world);
    let address = format!("/invitations/{}", text(&invite(&world, &json!({ "lifetime": 60 })), "id"));
    let status = || admin.get(&address).status;

    world.wait_millis((60 + 30 * DAY) * 1_000 - 1);
    invite(&world, &json!({}));
    assert_eq!(status(), 200);
    world.wait_millis(1);
    assert_eq!(status(), 200, "the next invitation that is made takes it away");
    invite(&world, &json!({}));
    assert_eq!(status(), 404);
}

#[test]
fn there_is_a_most_of_live_invitations_and_those_that_are_over_make_room() {
    let world = World::new();
    let admin = Admin(&world);
    for _ in 0..500 {
        invite(&world, &json!({ "lifetime": 60 }));
    }

    let full = admin.ask("POST", "/invitations", None, Some(&json!({})));
    assert_eq!(full.status, 409, "{}", full.body);
    world.wait(60);
    invite(&world, &json!({}));
    let listed = body(&admin.get("/invitations"));
    assert_eq!(listed["invitations"].as_array().map(Vec::len), Some(1), "the old ones made room");
}
