//! Device codes that are bound to a PKCE challenge (RFC 7636).

use device_grant::endpoint::http::Response;

use super::{TV, approve};
use crate::support::{DEVICE_CODE, World, outcome};

/// The verifier of RFC 7636, appendix B, and its challenge.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: [(&str, &str); 2] =
    [("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), ("code_challenge_method", "S256")];

pub(super) fn redeem(world: &World, device_code: &str, verifier: &str) -> Response {
    let form = [("grant_type", DEVICE_CODE), ("client_id", "demo-tv"), ("device_code", device_code)];
    world.post("/token", &[&form[..], &[("code_verifier", verifier)]].concat())
}

#[test]
fn pkce_a_code_with_a_challenge_is_redeemed_only_with_its_verifier() {
    let world = World::new();
    let started = world.start_with(&[&TV[..], &CHALLENGE].concat());
    approve(&world, &started.user_code);

    let missing = world.poll(&started.device_code);
    assert_eq!(
        (outcome(&missing).as_str(), missing.decisions[0].reason),
        ("invalid_grant", "wrong_code_verifier")
    );
    let wrong = redeem(&world, &started.device_code, &VERIFIER.replace('d', "e"));
    assert_eq!((wrong.status, outcome(&wrong).as_str()), (400, "invalid_grant"));
    for malformed in ["short", &"a".repeat(129), &format!("{VERIFIER} ")] {
        assert_eq!(
            outcome(&redeem(&world, &started.device_code, malformed)),
            "invalid_request",
            "{malformed}"
        );
    }

    assert_eq!(
        outcome(&redeem(&world, &started.device_code, VERIFIER)),
        "issued",
        "the refusals spent nothing"
    );
}

#[test]
fn pkce_a_verifier_without_a_challenge_is_refused() {
    let world = World::new();
    let started = world.approved();

    assert_eq!(outcome(&redeem(&world, &started.device_code, VERIFIER)), "invalid_grant", "RFC 9700 §2.1.1");

    assert_eq!(world.poll_outcome(&started.device_code), "issued");
}

#[test]
fn pkce_the_method_is_s256_and_the_challenge_a_digest() {
    let world = World::new();
    let [challenge, _] = CHALLENGE;
    let start =
        |more: &[(&str, &str)]| outcome(&world.post("/device_authorization", &[&TV[..], more].concat()));

    assert_eq!(start(&CHALLENGE), "issued");
    for refused in [
        &[challenge][..],
        &[challenge, ("code_challenge_method", "plain")],
        &[("code_challenge_method", "S256")],
        &[("code_challenge", VERIFIER), ("code_challenge_method", "s256")],
        &[("code_challenge", "short"), ("code_challenge_method", "S256")],
    ] {
        assert_eq!(start(refused), "invalid_request", "{refused:?}");
    }
}

#[test]
fn pkce_the_row_keeps_the_challenge_and_the_secret_is_checked_before_the_verifier() {
    let world = World::new();
    let started = world.start_with(&[&TV[..], &CHALLENGE].concat());

    let [grant] = world.grants().try_into().expect("one grant");
    assert_eq!(grant.request.code_challenge.as_deref(), Some(CHALLENGE[0].1));

    let forged = redeem(&world, "forged", VERIFIER);
    assert_eq!(forged.decisions[0].reason, "forged_device_code");
    assert_eq!(
        outcome(&redeem(&world, &started.device_code, &VERIFIER.replace('d', "e"))),
        "authorization_pending"
    );
}
