//! Refresh tokens whose key pair the server no longer holds.

#![expect(clippy::unwrap_used, reason = "the bytes of a token are where they should be")]

use device_grant::derived_keys::DEVELOPMENT_KEY;
use device_grant::endpoint::http::Response;
use device_grant::secret::{decode, encode};

use super::refresh_token;
use crate::support::{World, json, outcome};

const NEW: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA";

/// Returns a world whose master key was changed after it issued the refresh token, and that lists `shards` for the
/// retired pair, or does not list it.
fn changed(shards: Option<u8>) -> (World, String) {
    let world = World::new();
    let token = refresh_token(&world.poll(&world.approved().device_code));
    let pair = world.server.settings.keyring.current.pair;
    let retired = shards.map(|shards| format!("{pair}:{shards}")).unwrap_or_default();
    let world = world.restarted(&[("MASTER_KEY", NEW), ("RETIRED_KEY_PAIRS", &retired)]);
    world.cost();
    (world, token)
}

fn altered(token: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = decode(token).unwrap();
    change(&mut bytes);
    encode(&bytes)
}

fn reason(response: &Response) -> (&'static str, Option<u16>) {
    response.decisions.last().map(|line| (line.reason, line.key_pair)).unwrap()
}

#[test]
fn a_refresh_token_of_an_unlisted_pair_is_refused_without_a_call_and_the_log_names_the_pair() {
    let (world, token) = changed(None);

    let refused = world.refresh(&token);

    assert_eq!(outcome(&refused), "invalid_grant");
    let pair = World::new().server.settings.keyring.current.pair;
    assert_eq!(reason(&refused), ("unknown_key_pair", Some(pair)));
    world.post("/revoke", &[("client_id", "demo-tv"), ("token", &token)]);
    assert_eq!(world.cost().grant_hops, 0);
}

#[test]
fn made_up_pairs_and_shards_make_no_objects() {
    let (world, token) = changed(Some(32));
    let shards = world.server.platform.shard_names();

    for pair in 0..u8::MAX {
        let made_up = altered(&token, |bytes| bytes[1] = pair.wrapping_add(bytes[1]).wrapping_add(1));
        world.refresh(&made_up);
        world.post("/revoke", &[("client_id", "demo-tv"), ("token", &made_up)]);
    }
    for shard in 32..=u8::MAX {
        let beyond = altered(&token, |bytes| bytes[4] = shard);
        assert_eq!(reason(&world.refresh(&beyond)), ("forged_refresh_token", None));
    }

    assert_eq!(world.cost().grant_hops, 0, "no object is called");
    assert_eq!(world.server.platform.shard_names(), shards);
}

#[test]
fn refresh_tokens_of_an_unlisted_pair_for_all_384_shards_make_no_objects() {
    let (world, token) = changed(None);
    let shards = world.server.platform.shard_names();

    for region in 0..6 {
        for index in 0..64 {
            let made_up = altered(&token, |bytes| bytes[3..5].copy_from_slice(&[region, index]));
            assert_eq!(outcome(&world.refresh(&made_up)), "invalid_grant");
            let caller = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];
            let introspected = world.post("/introspect", &[&caller[..], &[("token", &*made_up)]].concat());
            assert_eq!(json(&introspected)["active"], false);
        }
    }

    assert_eq!((world.cost().grant_hops, world.server.platform.shard_names()), (0, shards));
}

#[test]
fn a_refresh_token_of_a_listed_pair_is_good_by_its_digest_and_its_successor_has_the_new_pair() {
    let (world, token) = changed(Some(32));

    let tokens = world.refresh(&token);

    assert_eq!(outcome(&tokens), "issued");
    let next = decode(&refresh_token(&tokens)).unwrap();
    assert_eq!(next[1..3], world.server.settings.keyring.current.pair.to_be_bytes());
}

#[test]
fn a_wrong_refresh_token_of_a_listed_pair_ends_no_family() {
    let (world, token) = changed(Some(32));

    let wrong = altered(&token, |bytes| bytes[40] ^= 1);
    assert_eq!(outcome(&world.refresh(&wrong)), "invalid_grant");
    world.post("/revoke", &[("client_id", "demo-tv"), ("token", &wrong)]);

    assert_eq!(outcome(&world.refresh(&token)), "issued");
}

#[test]
fn the_rate_limit_comes_before_the_object_of_a_token_of_a_listed_pair() {
    let (world, token) = changed(Some(32));
    world.set_down("rate limit", true);

    let printer =
        [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret"), ("token", &*token)];
    for refused in [
        world.refresh(&token),
        world.post("/revoke", &[("client_id", "demo-tv"), ("token", &token)]),
        world.post("/introspect", &printer),
    ] {
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
        let expected = "Too many old refresh tokens from this network; try again in 60 seconds.";
        assert_eq!(json(&refused)["error_description"], expected);
    }
    assert_eq!(world.cost().grant_hops, 0);

    world.set_down("rate limit", false);
    assert_eq!(outcome(&world.post("/introspect", &printer)), "issued", "the printer may ask");
    assert_eq!(world.cost().grant_hops, 1);
    assert_eq!(outcome(&world.refresh(&token)), "issued");
}

#[test]
fn a_pair_may_be_listed_while_it_is_still_the_previous_one() {
    let world = World::new();
    let token = refresh_token(&world.poll(&world.approved().device_code));
    let retired = format!("{}:32", world.server.settings.keyring.current.pair);
    let world = world.restarted(&[
        ("MASTER_KEY", NEW),
        ("MASTER_KEY_PREVIOUS", DEVELOPMENT_KEY),
        ("RETIRED_KEY_PAIRS", &retired),
    ]);

    let forged = altered(&token, |bytes| bytes[40] ^= 1);
    assert_eq!(reason(&world.refresh(&forged)).0, "forged_refresh_token", "the tag still counts");
    assert_eq!(outcome(&world.refresh(&token)), "issued");
}
