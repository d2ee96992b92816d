//! Refresh tokens that are bound to a key (RFC 9449 §5).

use super::{PRINTER, jkt_of, printers_tokens, text, tokens};
use crate::support::dpop::{Key, send};
use crate::support::{World, json, outcome};

#[test]
fn p3_s1_a_public_clients_refresh_token_is_bound_to_its_key_and_checked() {
    let (world, key, thief) = (World::new(), Key::new(1), Key::new(2));
    let first = tokens(&world, &key);
    let refresh_token = text(&first, "refresh_token");

    let refused = thief.refresh(&world, refresh_token);
    assert_eq!(
        (outcome(&refused).as_str(), refused.decisions[0].reason),
        ("invalid_grant", "refresh_token_without_key")
    );
    assert_eq!(
        outcome(&world.refresh(refresh_token)),
        "invalid_grant",
        "a refresh without a proof is refused, too"
    );

    let second = json(&key.refresh(&world, refresh_token));
    assert_eq!(jkt_of(text(&second, "access_token")), Some(key.jkt()), "the refusals spent nothing");
    assert_eq!(outcome(&thief.refresh(&world, text(&second, "refresh_token"))), "invalid_grant");
}

#[test]
fn p3_a_confidential_clients_refresh_token_is_not_bound_but_its_access_tokens_are() {
    let (world, key, next) = (World::new(), Key::new(1), Key::new(2));
    let first = printers_tokens(&world, &key);
    let refresh = |token: &str, dpop: Option<String>| {
        let form = [&PRINTER[..], &[("grant_type", "refresh_token"), ("refresh_token", token)]].concat();
        json(&send(&world, "/token", &form, dpop))
    };

    let second = refresh(text(&first, "refresh_token"), Some(next.proof(&world, "/token")));
    assert_eq!(jkt_of(text(&second, "access_token")), Some(next.jkt()));
    let third = refresh(text(&second, "refresh_token"), None);
    assert_eq!((text(&third, "token_type"), jkt_of(text(&third, "access_token"))), ("Bearer", None));
}

#[test]
fn p3_a_public_client_that_begins_to_use_dpop_at_a_refresh_is_bound_from_then_on() {
    let (world, key) = (World::new(), Key::new(1));
    let first = json(&world.poll(&world.approved().device_code));

    let second = json(&key.refresh(&world, text(&first, "refresh_token")));
    assert_eq!(text(&second, "token_type"), "DPoP");

    assert_eq!(outcome(&world.refresh(text(&second, "refresh_token"))), "invalid_grant");
    assert_eq!(outcome(&key.refresh(&world, text(&second, "refresh_token"))), "issued");
}

#[test]
fn a_replayed_proof_refreshes_nothing() {
    let (world, key) = (World::new(), Key::new(1));
    let first = tokens(&world, &key);
    let form = |token: &str| {
        let token = token.to_owned();
        [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", "demo-tv".to_owned()),
            ("refresh_token", token),
        ]
    };
    let refresh = |token: &str, proof: &str| {
        let form = form(token);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        send(&world, "/token", &form, Some(proof.to_owned()))
    };
    let proof = key.proof(&world, "/token");
    let second = json(&refresh(text(&first, "refresh_token"), &proof));

    assert_eq!(outcome(&refresh(text(&second, "refresh_token"), &proof)), "invalid_dpop_proof");
    assert_eq!(outcome(&key.refresh(&world, text(&second, "refresh_token"))), "issued");
}
