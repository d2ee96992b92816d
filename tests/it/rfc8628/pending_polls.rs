//! A pending poll reaches nothing but its grant, however the client authenticates. Most polls are pending.

use std::sync::atomic::{AtomicUsize, Ordering};

use device_grant::client::Authentication;
use device_grant::endpoint::http::Response;
use serde_json::{Value, json};

use crate::support::dpop::{Key, send};
use crate::support::person::Person;
use crate::support::signer::{Signer, by};
use crate::support::{DEVICE_CODE, World, json, outcome};

const PRINTER: &str = "demo-printer";
const SECRET: [(&str, &str); 2] = [("client_id", PRINTER), ("client_secret", "demo-printer-secret")];

/// Returns a world in which `demo-printer` authenticates with assertions, by the key made from 1.
fn signing() -> World {
    let world = World::new();
    let jwks = Signer::new(&world, PRINTER, 1).jwks();
    world.change_client(PRINTER, |client| {
        client.authentication = Authentication::PrivateKeyJwt;
        client.keys.jwks = Some(jwks);
    });
    world.wait(10);
    world
}

/// Signs an assertion with a `jti` that no other test uses.
fn fresh(world: &World) -> String {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let jti = MADE.fetch_add(1, Ordering::Relaxed).to_string();
    Signer::new(world, PRINTER, 1).assertion_with(&json!({ "jti": jti }))
}

fn text(response: &Response, name: &str) -> String {
    json(response).get(name).and_then(Value::as_str).expect("the response has it").to_owned()
}

/// Starts a grant with these credentials.
fn start(world: &World, credentials: &[(&str, &str)]) -> Response {
    world.post("/device_authorization", &[credentials, &[("scope", "openid")]].concat())
}

/// Returns the form of a poll.
fn form<'a>(credentials: &[(&'a str, &'a str)], device_code: &'a str) -> Vec<(&'a str, &'a str)> {
    [credentials, &[("grant_type", DEVICE_CODE), ("device_code", device_code)]].concat()
}

/// Polls while only the grant can be reached.
fn poll_without_others(world: &World, poll: impl Fn() -> Response) {
    let others = ["registry", "accounts", "limits", "rate limit", "signing", "documents"];
    for object in others {
        world.set_down(object, true);
    }
    world.server.platform.grant_hops.set(0);

    assert_eq!(outcome(&poll()), "authorization_pending");

    assert_eq!(world.server.platform.grant_hops.get(), 1);
    for object in others {
        world.set_down(object, false);
    }
}

#[test]
fn a_public_client_that_polls_reaches_only_its_grant() {
    let world = World::new();
    let client = [("client_id", "demo-tv")];
    let code = text(&start(&world, &client), "device_code");

    poll_without_others(&world, || world.post("/token", &form(&client, &code)));
}

#[test]
fn a_poll_with_a_secret_reaches_only_its_grant() {
    let world = World::new();
    let code = text(&start(&world, &SECRET), "device_code");

    poll_without_others(&world, || world.post("/token", &form(&SECRET, &code)));
}

#[test]
fn a_poll_with_a_dpop_proof_reaches_only_its_grant() {
    let world = World::new();
    let (client, key) = ([("client_id", "demo-tv")], Key::new(1));
    let code = text(&start(&world, &client), "device_code");

    poll_without_others(&world, || {
        send(&world, "/token", &form(&client, &code), Some(key.proof(&world, "/token")))
    });
}

#[test]
fn a_poll_with_an_assertion_reaches_only_its_grant() {
    let world = signing();
    let code = text(&start(&world, &by(&fresh(&world))), "device_code");

    poll_without_others(&world, || world.post("/token", &form(&by(&fresh(&world)), &code)));
}

// --- A pending poll uses up its assertion ---

#[test]
fn the_assertion_of_a_pending_poll_is_good_nowhere_else() {
    let world = signing();
    let code = text(&start(&world, &by(&fresh(&world))), "device_code");
    let used = fresh(&world);
    assert_eq!(outcome(&world.post("/token", &form(&by(&used), &code))), "authorization_pending");

    let here = world.post("/token", &form(&by(&used), &code));
    assert_eq!(here.decisions[0].reason, "assertion_replayed", "this isolate remembers it");

    let world = world.restarted(&[]);
    let elsewhere = world.post("/introspect", &[&by(&used)[..], &[("token", "any")]].concat());
    assert_eq!(elsewhere.decisions[0].reason, "assertion_replayed", "and the limiter knows it");
}

#[test]
fn in_another_isolate_the_assertion_of_a_pending_poll_redeems_and_spends_nothing() {
    let world = signing();
    let started = start(&world, &by(&fresh(&world)));
    let code = text(&started, "device_code");
    let used = fresh(&world);
    assert_eq!(outcome(&world.post("/token", &form(&by(&used), &code))), "authorization_pending");
    Person::of(&world).approve_as("alice", "wonderland-8787", &text(&started, "user_code"));
    let world = world.restarted(&[]);

    let replayed = world.post("/token", &form(&by(&used), &code));

    assert_eq!(
        (outcome(&replayed).as_str(), replayed.decisions[0].reason),
        ("invalid_client", "assertion_replayed")
    );
    assert_eq!(outcome(&world.post("/token", &form(&by(&fresh(&world)), &code))), "issued");
}

#[test]
fn a_poll_that_gets_a_503_uses_up_no_assertion() {
    let world = signing();
    let code = text(&start(&world, &by(&fresh(&world))), "device_code");
    let assertion = fresh(&world);
    world.set_down("grants", true);
    assert_eq!(world.post("/token", &form(&by(&assertion), &code)).status, 503);

    world.set_down("grants", false);

    assert_eq!(outcome(&world.post("/token", &form(&by(&assertion), &code))), "authorization_pending");
}

// --- The platform's rate limit ---

#[test]
fn a_secret_newer_than_the_snapshot_can_poll_even_if_the_limit_of_its_network_is_used_up() {
    let world = World::new();
    world.wait(10);
    let code = text(&start(&world, &SECRET), "device_code");
    world.change_client(PRINTER, |client| {
        let secret = device_grant::secret::Digest::of(b"new");
        let Authentication::Secret { digest, .. } = &mut client.authentication else {
            panic!("the client has a secret")
        };
        *digest = secret;
    });
    let with = |secret| [("client_id", PRINTER), ("client_secret", secret)];
    world.server.platform.full.borrow_mut().insert(world.rate_key("unproven", "192.0.2.7"));

    assert_eq!(outcome(&world.post("/token", &form(&with("new"), &code))), "authorization_pending");
    assert_eq!(world.post("/token", &form(&with("wrong"), &code)).status, 401);
    assert_eq!(world.post("/token", &form(&with("wrong"), "made up")).status, 429, "a poll without a grant");
}

#[test]
fn a_secret_newer_than_the_snapshot_needs_the_limit_of_its_network_once_and_not_for_each_request() {
    let world = World::new();
    world.wait(10);
    start(&world, &SECRET);
    world.change_client(PRINTER, |client| {
        let Authentication::Secret { digest, .. } = &mut client.authentication else {
            panic!("the client has a secret")
        };
        *digest = device_grant::secret::Digest::of(b"new");
    });
    let started = |secret| {
        let form = [("client_id", PRINTER), ("client_secret", secret)];
        world.post("/device_authorization", &form).status
    };
    assert_eq!(started("new"), 200);
    world.server.platform.full.borrow_mut().insert(world.rate_key("unproven", "192.0.2.7"));
    world.server.platform.registry_hops.set(0);

    assert_eq!([started("new"), started("wrong"), started("new")], [200, 429, 200]);

    assert_eq!(world.server.platform.registry_hops.get(), 0);
    world.wait(10);
    world.server.platform.full.borrow_mut().clear();
    assert_eq!(started("new"), 200, "by the next snapshot");
}
