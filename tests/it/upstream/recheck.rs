//! The leaver check: a refresh asks the provider whether the person is still there.

use std::rc::Rc;

use serde_json::json;

use super::{CORP, add, come_back};
use crate::support::admin::Admin;
use crate::support::provider::ScriptedProvider;
use crate::support::{World, json as body, outcome};

/// In seconds.
const HOUR: u64 = 3_600;

/// Returns a server whose provider is asked at most once an hour.
fn world() -> (World, Rc<ScriptedProvider>) {
    let world = World::new();
    let corp = add(&world, "corp", CORP, |provider| provider.recheck_seconds = Some(HOUR));
    (world, corp)
}

/// Approves a device with an account of the provider. Returns its refresh token.
fn device(world: &World, corp: &ScriptedProvider) -> String {
    super::device(world, corp)["refresh_token"].as_str().unwrap().to_owned()
}

fn refresh_token(response: &device_grant::endpoint::http::Response) -> String {
    body(response)["refresh_token"].as_str().unwrap_or_else(|| panic!("{}", response.body)).to_owned()
}

/// Returns how often the provider's token endpoint was asked, and forgets it.
fn asked(corp: &ScriptedProvider) -> usize {
    corp.log.take().iter().filter(|path| *path == "/token").count()
}

#[test]
fn a_refresh_asks_the_provider_at_most_once_in_the_time_and_stores_the_next_token() {
    let (world, corp) = world();
    let (mut first, mut second) = (device(&world, &corp), device(&world, &corp));
    asked(&corp);

    first = refresh_token(&world.refresh(&first));
    assert_eq!(asked(&corp), 0, "the sign-in was a moment ago");
    for _ in 0..3 {
        world.wait(HOUR);
        first = refresh_token(&world.refresh(&first));
        second = refresh_token(&world.refresh(&second));
        assert_eq!(asked(&corp), 1, "one check is for all devices of the account");
    }
}

#[test]
fn when_the_provider_refuses_the_token_no_device_of_the_account_refreshes_any_more() {
    let (world, corp) = world();
    let (first, second) = (device(&world, &corp), device(&world, &corp));
    corp.has_left.set(true);
    let first = refresh_token(&world.refresh(&first));
    world.wait(HOUR);

    assert_eq!(outcome(&world.refresh(&first)), "invalid_grant");

    assert_eq!(world.live_families(), 0, "all of the account's devices end at once");
    assert_eq!(outcome(&world.refresh(&second)), "invalid_grant");
    asked(&corp);
    corp.has_left.set(false);
    assert_eq!(outcome(&world.refresh(&first)), "invalid_grant", "ended for good");
    assert_eq!(asked(&corp), 0);
    let again = device(&world, &corp);
    assert_eq!(outcome(&world.refresh(&again)), "issued", "a new sign-in is a new beginning");
}

#[test]
fn a_sign_in_without_a_refresh_token_keeps_a_good_one_and_forgets_a_refused_one() {
    let (world, corp) = world();
    device(&world, &corp);
    corp.issues_refresh_tokens.set(false);
    let token = device(&world, &corp);
    asked(&corp);
    world.wait(HOUR);
    let token = refresh_token(&world.refresh(&token));
    assert_eq!(asked(&corp), 1, "some providers issue one at the first sign-in only");
    corp.has_left.set(true);
    world.wait(HOUR);
    assert_eq!(outcome(&world.refresh(&token)), "invalid_grant");

    corp.has_left.set(false);
    let token = device(&world, &corp);
    assert_eq!(outcome(&world.refresh(&token)), "issued", "who signs in again is there");
    assert!(world.upkeep().is_empty());
}

#[test]
fn a_provider_out_of_reach_ends_nothing_for_a_day_and_then_holds_devices_up() {
    let (world, corp) = world();
    let mut token = device(&world, &corp);
    corp.down.borrow_mut().push("token");
    world.wait(HOUR);
    for _ in 0..23 {
        token = refresh_token(&world.refresh(&token));
        world.wait(HOUR);
    }

    token = refresh_token(&world.refresh(&token));
    world.wait(HOUR);
    let later = world.refresh(&token);
    assert_eq!((later.status, later.header("retry-after").is_some()), (503, true), "{}", later.body);
    corp.down.borrow_mut().clear();
    world.wait(60);
    assert_eq!(outcome(&world.refresh(&token)), "issued", "the refresh token was not spent");
}

#[test]
fn an_answer_that_says_nothing_about_the_person_ends_nothing() {
    let (world, corp) = world();
    for (status, answer) in [
        (400, json!({ "error": "invalid_request" })),
        (401, json!({ "error": "invalid_client" })),
        (503, json!({ "error": "invalid_grant" })),
        (200, json!({})),
    ] {
        let token = device(&world, &corp);
        world.wait(HOUR);
        corp.tokens.replace(Some((status, answer.to_string())));
        assert_eq!(outcome(&world.refresh(&token)), "issued", "{status} {answer}");
        corp.tokens.replace(None);
    }
}

#[test]
fn the_stored_token_is_sealed_and_only_kept_where_it_is_wanted() {
    let (world, corp) = world();
    device(&world, &corp);
    let rows = world.upkeep();
    assert_eq!(rows.len(), 1);
    assert!(!serde_json::to_string(&rows).unwrap().contains("upstream-refresh-token"));

    let other = World::new();
    let corp = add(&other, "corp", CORP, |_| {});
    device(&other, &corp);
    assert!(other.upkeep().is_empty());
}

#[test]
fn a_refusal_after_a_lost_answer_ends_nothing_for_a_day() {
    let (world, corp) = world();
    let mut token = device(&world, &corp);
    world.wait(HOUR);
    corp.down.borrow_mut().push("token");
    token = refresh_token(&world.refresh(&token));
    corp.down.borrow_mut().clear();
    corp.refreshes.set(corp.refreshes.get() + 1);
    for _ in 0..24 {
        world.wait(HOUR - 60);
        token = refresh_token(&world.refresh(&token));
        world.wait(60);
    }

    world.wait(HOUR);

    assert_eq!(outcome(&world.refresh(&token)), "invalid_grant", "it does not keep a leaver in for ever");
    assert_eq!(world.live_families(), 0);
}

#[test]
fn the_next_token_is_stored_although_the_object_answers_only_at_the_third_time() {
    let (world, corp) = world();
    let token = device(&world, &corp);
    world.wait(HOUR);
    world.server.platform.lost_rechecks.set(2);
    asked(&corp);

    let token = refresh_token(&world.refresh(&token));

    assert_eq!(asked(&corp), 1);
    world.wait(HOUR);
    assert_eq!(outcome(&world.refresh(&token)), "issued", "the token that is stored is the good one");
    assert_eq!(asked(&corp), 1);
}

#[test]
fn the_token_is_kept_for_as_long_as_any_device_can_refresh() {
    let world = World::with(&[("REFRESH_TOKEN_SECONDS", "7200")]);
    let corp = add(&world, "corp", CORP, |provider| provider.recheck_seconds = Some(HOUR));
    let ends_at = || world.upkeep().first().unwrap().ends_at;
    world.change_client("demo-tv", |client| {
        client.tokens.refresh_token_lifetime = Some(864_000);
        client.tokens.refresh_token_idle_lifetime = Some(864_000);
    });
    device(&world, &corp);
    let long = ends_at();
    assert!(world.now() + std::time::Duration::from_secs(864_000) <= long, "the client's tokens last longer");

    world.change_client("demo-tv", |client| client.tokens.refresh_token_lifetime = Some(600));
    device(&world, &corp);
    assert_eq!(ends_at(), long, "the first device is still there");
}

#[test]
fn each_use_of_a_device_keeps_the_token_for_as_long_as_its_next_refresh_token() {
    let world = World::with(&[("REFRESH_TOKEN_SECONDS", "7200")]);
    let corp = add(&world, "corp", CORP, |provider| provider.recheck_seconds = Some(HOUR));
    world.change_client("demo-tv", |client| client.tokens.refresh_token_lifetime = Some(864_000));
    let mut token = device(&world, &corp);
    let left = || world.upkeep().first().unwrap().ends_at.since(world.now()).as_secs();

    for _ in 0..15 {
        world.wait(7_000);
        token = refresh_token(&world.refresh(&token));
        assert!(left() >= 7_200, "the next refresh token is good for two hours: {}", left());
    }
}

#[test]
fn a_deleted_account_leaves_no_token_of_its_provider() {
    let (world, corp) = world();
    device(&world, &corp);
    assert_eq!(world.upkeep().len(), 1);

    let path = "/accounts/oidc:corp:alice-upstream";
    assert_eq!(Admin(&world).ask("DELETE", path, None, None).status, 200);

    assert!(world.upkeep().is_empty());
    let (_, page) = come_back(&world, &corp, &world.start().user_code);
    assert_eq!((page.status, world.upkeep().len()), (403, 0), "nor by a sign-in that is refused");
}
