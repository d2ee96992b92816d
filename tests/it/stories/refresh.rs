//! Refresh tokens: good once, for their client only, for at most the granted scope, and for a time.

use std::collections::BTreeSet;

use super::refresh_token;
use crate::support::{World, json, outcome};

#[test]
fn a_refresh_token_is_good_once() {
    // Both are older than the predecessor of the newest token, so it was neither a race nor a lost answer.
    for used in [0, 1] {
        let world = World::new();
        let started = world.approved();
        let mut tokens = vec![refresh_token(&world.poll(&started.device_code))];
        for at in 0..3 {
            tokens.push(refresh_token(&world.refresh(&tokens[at])));
        }
        assert_eq!(tokens.iter().collect::<BTreeSet<_>>().len(), 4, "every token is new");

        assert_eq!(outcome(&world.refresh(&tokens[used])), "invalid_grant");

        assert_eq!(outcome(&world.refresh(&tokens[3])), "invalid_grant", "the family has ended");
        assert!(world.events().contains(&"refresh_token_reused".to_owned()));
    }
}

#[test]
fn a_refresh_may_ask_for_less_and_never_gets_more() {
    let world = World::new();
    let started = world.approved();
    let token = refresh_token(&world.poll(&started.device_code));
    let refresh = |token: &str, scope: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "demo-tv"),
            ("refresh_token", token),
            ("scope", scope),
        ];
        world.post("/token", &form)
    };

    assert_eq!(outcome(&refresh(&token, "admin")), "invalid_scope", "nothing would be left");
    let cut = refresh(&token, "openid admin");
    assert_eq!(json(&cut)["scope"], "openid", "cut, as at the start");
    let less = refresh(&refresh_token(&cut), "email");
    assert_eq!(json(&less)["scope"], "email");
    let all = world.refresh(&refresh_token(&less));
    assert_eq!(
        json(&all)["scope"],
        "email offline_access openid profile",
        "the grant itself still has every scope"
    );
}

#[test]
fn a_refresh_token_is_good_for_its_client_only_and_expires() {
    let world = World::with(&[("REFRESH_TOKEN_SECONDS", "3600")]);
    let started = world.approved();
    let token = refresh_token(&world.poll(&started.device_code));
    let theirs = [
        ("grant_type", "refresh_token"),
        ("client_id", "demo-printer"),
        ("client_secret", "demo-printer-secret"),
        ("refresh_token", token.as_str()),
    ];

    assert_eq!(outcome(&world.post("/token", &theirs)), "invalid_grant");
    world.wait(3_599);
    let next = refresh_token(&world.refresh(&token));
    world.wait(1);
    assert_eq!(outcome(&world.refresh(&next)), "invalid_grant");
}

#[test]
fn a_client_that_loses_offline_access_refreshes_nothing() {
    let world = World::new();
    let started = world.approved();
    let token = refresh_token(&world.poll(&started.device_code));

    world.change_client("demo-tv", |client| client.scope = client.scope.without("offline_access"));

    assert_eq!(outcome(&world.refresh(&token)), "invalid_grant");
}

#[test]
fn a_blocked_account_gets_no_more_tokens() {
    let world = World::new();
    let started = world.approved();
    let token = refresh_token(&world.poll(&started.device_code));

    world.set_blocked("local:alice", true);

    assert_eq!(outcome(&world.refresh(&token)), "invalid_grant");
}
