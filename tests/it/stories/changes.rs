//! Changes during a login: of the account, the client, its secret, the master key and the number of shards.

use device_grant::client::{Authentication, SecretBy};

use super::{ALICE, enter, refresh_token};
use crate::support::{World, outcome};

#[test]
fn changes_between_approval_and_redemption_count() {
    let world = World::new();
    let started = world.approved();
    world.set_blocked("local:alice", true);
    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");

    world.set_blocked("local:alice", false);
    world.change_client("demo-tv", |client| client.enabled = false);
    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");

    world.change_client("demo-tv", |client| client.enabled = true);
    assert_eq!(world.poll_outcome(&started.device_code), "issued", "the refusals spent nothing");
}

#[test]
fn a_replaced_secret_redeems_and_refreshes_nothing() {
    let world = World::new();
    let secret = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
    let token = |more: &[(&str, &str)]| world.post("/token", &[&secret, more].concat());
    let started = world.start_with(&[&secret[..], &[("scope", "openid offline_access")]].concat());
    enter(&world, ALICE, &started.user_code).decide("approve");
    let poll = [("grant_type", crate::support::DEVICE_CODE), ("device_code", started.device_code.as_str())];
    let replace = |secret: &[u8]| {
        let digest = device_grant::secret::Digest::of(secret);
        world.change_client("demo-printer", |client| {
            client.authentication = Authentication::Secret { digest, previous: None, by: SecretBy::Basic }
        });
    };

    replace(b"another");
    assert_eq!(outcome(&token(&poll)), "access_denied", "even while the snapshot still has the old secret");

    replace(b"demo-printer-secret");
    let refresh_token = refresh_token(&token(&poll));
    replace(b"another");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
    assert_eq!(outcome(&token(&refresh)), "invalid_grant");
}

#[test]
fn a_published_snapshot_is_enough_for_polls_but_not_for_refusals() {
    let world = World::new();
    let started = world.start();
    world.publish();
    let rename = |client: &mut device_grant::client::Client| client.client_name = "New name".to_owned();
    world.change_client("demo-tv", rename);
    world.set_down("registry", true);
    world.wait(20);
    assert_eq!(
        world.poll_outcome(&started.device_code),
        "authorization_pending",
        "the registry is not asked"
    );

    world.set_down("registry", false);
    world.publish();
    world.change_client("demo-printer", |client| client.authentication = Authentication::None);
    world.wait(20);
    let response = world.post("/device_authorization", &[("client_id", "demo-printer")]);
    assert_eq!(response.status, 200, "what the snapshot would refuse is read at the source");
}

#[test]
fn codes_survive_one_change_of_the_master_key_and_of_the_number_of_shards() {
    const NEW: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA";
    let world = World::new();
    let (pending, approved) = (world.start(), world.approved());

    let world = world.restarted(&[
        ("MASTER_KEY", NEW),
        ("MASTER_KEY_PREVIOUS", device_grant::derived_keys::DEVELOPMENT_KEY),
        ("SHARDS_PER_REGION", "3"),
        ("SHARDS_PER_REGION_PREVIOUS", "32"),
    ]);

    let tokens = world.poll(&approved.device_code);
    assert_eq!(outcome(&world.refresh(&refresh_token(&tokens))), "issued");
    enter(&world, ALICE, &pending.user_code).decide("approve");
    assert_eq!(world.poll_outcome(&pending.device_code), "issued");
    let fresh = world.start();
    enter(&world, ALICE, &fresh.user_code).decide("approve");
    assert_eq!(world.poll_outcome(&fresh.device_code), "issued");
}
