//! What OpenID Providers say.

use device_grant::endpoint::http::Request;
use device_grant::time::Timestamp;
use device_grant::token::signing_key::Algorithm;
use device_grant::upstream::discovery::Discovery;
use device_grant::upstream::event::{Once, logout_token, security_event};
use device_grant::upstream::id_token::{Expected, IdToken};
use device_grant::upstream::reach::Reach;

use crate::signed::compact;
use crate::support::{START, World, get};
use crate::text;

/// A document counts for one issuer, and has only addresses that may be requested.
pub fn discovery(input: &[u8]) {
    let (text, issuer) = (text(input), "https://id.example");
    let Ok(read) = Discovery::parse(text, issuer, Algorithm::Rs256, Reach::Secure) else { return };
    assert!(Discovery::parse(text, "https://other.example", Algorithm::Rs256, Reach::Secure).is_err());
    let optional = [read.userinfo_endpoint, read.pushed_authorization_request_endpoint].into_iter().flatten();
    for address in
        [read.authorization_endpoint, read.token_endpoint, read.jwks_uri].into_iter().chain(optional)
    {
        let rest = address.strip_prefix("https://").expect("an https address");
        // After the host, an `@` means nothing.
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        assert!(!host.contains('@') && !rest.contains(['#', ' ', '"', '<']), "{address}");
    }
}

/// The first line is the header of a token, the rest its claims. A good token is good for one algorithm, issuer, client
/// and nonce, and not for ever.
pub fn id_tokens(input: &[u8]) {
    let text = compact(input);
    let now = Timestamp::from_millis(START);
    let expected = Expected {
        issuer: "https://id.example",
        client_id: "rp",
        nonce: "n",
        access_token: "a",
        alg: Algorithm::Rs256,
        max_age: None,
        asked_at: now,
    };
    let judge = |alg, expected: &Expected<'_>, now| {
        IdToken::parse(&text, alg).and_then(|token| token.check(expected, now))
    };
    let Ok(who) = judge(Algorithm::Rs256, &expected, now) else { return };
    assert!((1..=255).contains(&who.subject.len()) && who.auth_time <= now);
    assert!(judge(Algorithm::Es256, &expected, now).is_err());
    for other in [
        Expected { issuer: "https://other.example", ..expected },
        Expected { client_id: "other", ..expected },
        Expected { nonce: "other", ..expected },
    ] {
        assert!(judge(Algorithm::Rs256, &other, now).is_err());
    }
    let strict = Expected { max_age: Some(60), ..expected };
    if let Ok(recent) = judge(Algorithm::Rs256, &strict, now) {
        assert!(now.since(recent.auth_time).as_secs() <= 60);
    }
    assert!(judge(Algorithm::Rs256, &expected, Timestamp::from_millis(253_402_300_900_000)).is_err());
}

/// The first line is the header of a token, the rest its claims. A good logout token names somebody, is for one provider and
/// client, and is refused from a known instant on; it is no security event, nor the other way round.
pub fn provider_events(input: &[u8]) {
    let text = compact(input);
    let now = Timestamp::from_millis(START);
    let (issuer, alg) = ("https://id.example", Algorithm::Rs256);
    let logout = |issuer, client_id, now| {
        logout_token::parse(&text, alg).and_then(|token| logout_token::check(&token, issuer, client_id, now))
    };
    let event = |issuer, audience: &str, now| {
        security_event::parse(&text, alg)
            .and_then(|token| security_event::check(&token, issuer, &[audience], now))
    };
    let lasts = |once: &Once| {
        assert!((1..=255).contains(&once.name.len()) && once.made_by <= now && now < once.until);
        assert!(once.until.since(now).as_secs() <= 86_400 + 2 * 60);
    };
    if let Ok((concerned, once)) = logout(issuer, "rp", now) {
        lasts(&once);
        assert!(concerned.sid.is_some() || concerned.subject.is_some());
        assert!(logout("https://other.example", "rp", now).is_err() && logout(issuer, "other", now).is_err());
        assert!(logout(issuer, "rp", once.until).is_err() && event(issuer, "rp", now).is_err());
    }
    if let Ok((_, once)) = event(issuer, "rp", now) {
        lasts(&once);
        assert!(event("https://other.example", "rp", now).is_err() && event(issuer, "other", now).is_err());
        assert!(event(issuer, "rp", once.until).is_err());
    }
}

/// Whatever the query of a callback is, a browser that waits for none gets a page, and no object is called.
pub fn callbacks(input: &[u8]) {
    let world = World::new();
    let query = text(input).to_owned();
    let response = world.send(&Request { path: "/callback/corp".to_owned(), query, ..get() });
    assert_eq!(response.status, 400);
    assert_eq!(world.cost().limit_hops, 0);
}
