//! What a provider tells this server: back-channel logout, and security events by push (RFC 8935).

use device_grant::endpoint::http::{Request, Response};
use serde_json::{Value, json};

use super::{CORP, add, come_back, device, world};
use crate::support::admin::Admin;
use crate::support::provider::ScriptedProvider;
use crate::support::{ISSUER, World, get, json as body, outcome};

const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";
const SESSION_REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const ACCOUNT_ENABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-enabled";
const ACCOUNT_DISABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";

/// Returns a logout token with other claims; `null` removes one.
fn logout_token(world: &World, corp: &ScriptedProvider, changes: &Value) -> String {
    let now = world.now().seconds();
    let claims = json!({
        "iss": CORP, "aud": "rp", "iat": now, "exp": now + 120, "jti": "first", "events": { LOGOUT: {} },
        "sub": "alice-upstream", "sid": "upstream-session"
    });
    corp.signed(&json!({ "typ": "logout+jwt" }), &with(claims, changes))
}

fn with(mut claims: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims
}

fn log_out(world: &World, token: &str) -> Response {
    world.post("/backchannel-logout/corp", &[("logout_token", token)])
}

/// Pushes an event about Alice.
fn push(world: &World, corp: &ScriptedProvider, changes: &Value) -> Response {
    let claims = json!({
        "iss": CORP, "aud": format!("{ISSUER}/security-events/corp"), "iat": world.now().seconds(), "jti": "e",
        "sub_id": { "format": "iss_sub", "iss": CORP, "sub": "alice-upstream" }, "events": { SESSION_REVOKED: {} }
    });
    let token = corp.signed(&json!({ "typ": "secevent+jwt" }), &with(claims, changes));
    send(world, "application/secevent+jwt", &token)
}

fn send(world: &World, content_type: &str, token: &str) -> Response {
    world.send(&Request {
        method: "POST".to_owned(),
        path: "/security-events/corp".to_owned(),
        content_type: Some(content_type.to_owned()),
        body: Some(token.as_bytes().to_vec()),
        ..get()
    })
}

fn reason(response: &Response) -> &'static str {
    response.decisions.last().unwrap().reason
}

/// Signs Alice in at the provider.
fn sign_in(world: &World, corp: &ScriptedProvider) {
    let before = world.sessions();
    come_back(world, corp, &world.start().user_code);
    assert_eq!(world.sessions(), before + 1);
}

#[test]
fn a_logout_token_ends_the_session_that_it_names_and_no_other() {
    let (world, corp) = world();
    sign_in(&world, &corp);
    corp.claims.replace(json!({ "sid": "another-session" }));
    sign_in(&world, &corp);
    corp.claims.replace(json!({ "sub": "bob-upstream", "sid": "bobs-session" }));
    sign_in(&world, &corp);

    let done = log_out(&world, &logout_token(&world, &corp, &json!({})));
    assert_eq!((done.status, done.body.as_str(), world.sessions()), (200, "", 2));
    assert_eq!(done.header("cache-control"), Some("no-store"));

    let of_alice = logout_token(&world, &corp, &json!({ "sid": null, "jti": "second" }));
    assert_eq!((log_out(&world, &of_alice).status, world.sessions()), (200, 1), "all of hers");
    let of_sid = logout_token(&world, &corp, &json!({ "sub": null, "sid": "bobs-session", "jti": "third" }));
    assert_eq!((log_out(&world, &of_sid).status, world.sessions()), (200, 0));
    let of_nobody = logout_token(&world, &corp, &json!({ "sub": "carol", "jti": "fourth" }));
    assert_eq!(log_out(&world, &of_nobody).status, 200, "nobody was signed in, which is as well");
}

#[test]
fn a_logout_token_counts_once_and_ends_nothing_that_began_later() {
    let (world, corp) = world();
    sign_in(&world, &corp);
    let token = logout_token(&world, &corp, &json!({}));
    assert_eq!(log_out(&world, &token).status, 200);
    world.wait(61);
    sign_in(&world, &corp);

    let again = log_out(&world, &token);
    assert_eq!((again.status, reason(&again), world.sessions()), (400, "event_replayed", 1));
    // In another isolate, too.
    let world = world.restarted(&[]);
    let again = log_out(&world, &token);
    assert_eq!((again.status, reason(&again), world.sessions()), (400, "event_replayed", 1));
}

#[test]
fn a_logout_that_cannot_be_carried_out_can_be_sent_again() {
    let (world, corp) = world();
    sign_in(&world, &corp);
    let token = logout_token(&world, &corp, &json!({}));

    world.set_down("accounts", true);
    let later = log_out(&world, &token);
    assert_eq!((later.status, later.header("retry-after")), (503, Some("5")));
    world.set_down("accounts", false);

    assert_eq!((log_out(&world, &token).status, world.sessions()), (200, 0));
}

#[test]
fn only_the_providers_own_logout_tokens_are_heard() {
    let (world, corp) = world();
    sign_in(&world, &corp);
    let other = add(&world, "other", "https://other.example", |_| {});
    let forged = logout_token(&world, &corp, &json!({}));
    let (input, _) = forged.rsplit_once('.').unwrap();
    for (token, expected) in [
        (format!("{input}.{}", "A".repeat(86)), "event_signature_wrong"),
        (corp.signed(&json!({ "alg": "none" }), &json!({})), "event_algorithm_other"),
        (corp.signed(&json!({ "typ": "at+jwt" }), &json!({})), "event_header_unsuitable"),
        (logout_token(&world, &corp, &json!({ "iss": "https://other.example" })), "event_issuer_wrong"),
        (logout_token(&world, &corp, &json!({ "aud": "another" })), "event_audience_wrong"),
        (logout_token(&world, &corp, &json!({ "nonce": "n" })), "event_with_nonce"),
        (logout_token(&world, &corp, &json!({ "events": {} })), "event_unknown"),
        (
            logout_token(&world, &corp, &json!({ "exp": null, "iat": world.now().seconds() - 361 })),
            "event_too_old",
        ),
        ("nothing".to_owned(), "event_malformed"),
    ] {
        let refused = log_out(&world, &token);
        assert_eq!((refused.status, reason(&refused)), (400, expected), "{token}");
        assert_eq!(body(&refused)["error"], "invalid_request");
        assert!(!refused.body.contains(&token));
    }
    let here = world.post("/backchannel-logout/other", &[("logout_token", &forged)]);
    assert_eq!(
        (here.status, reason(&here)),
        (400, "event_issuer_wrong"),
        "a sound token of another provider"
    );
    let missing = world.post("/backchannel-logout/corp", &[("token", &forged)]);
    assert_eq!(body(&missing)["error_description"], "logout_token is missing");
    assert_eq!(world.post("/backchannel-logout/nobody", &[("logout_token", &forged)]).status, 404);
    assert_eq!(world.sessions(), 1);
    drop(other);
}

#[test]
fn while_the_providers_keys_cannot_be_read_nothing_is_decided() {
    let (world, corp) = world();
    corp.down.borrow_mut().push("jwks");

    let later = log_out(&world, &logout_token(&world, &corp, &json!({})));

    assert_eq!((later.status, later.header("retry-after")), (503, Some("5")));
}

#[test]
fn a_pushed_event_ends_the_sessions_of_its_subject() {
    let (world, corp) = world();
    sign_in(&world, &corp);
    let received = push(&world, &corp, &json!({}));
    assert_eq!((received.status, received.body.as_str(), world.sessions()), (202, "", 0));
    world.wait(61);
    sign_in(&world, &corp);
    let verification = "https://schemas.openid.net/secevent/ssf/event-type/verification";
    let received = push(&world, &corp, &json!({ "events": { verification: {} }, "jti": "v" }));
    assert_eq!((received.status, reason(&received), world.sessions()), (202, "other_event", 1));
}

fn refreshed(world: &World, tokens: &Value) -> String {
    outcome(&world.refresh(tokens["refresh_token"].as_str().unwrap()))
}

#[test]
fn a_logout_ends_devices_only_where_the_entry_of_the_provider_says_so() {
    let (world, corp) = world();
    let tokens = device(&world, &corp);
    world.wait(1);
    assert_eq!(log_out(&world, &logout_token(&world, &corp, &json!({}))).status, 200);
    assert_eq!(
        (world.sessions(), refreshed(&world, &tokens).as_str()),
        (0, "issued"),
        "by default it does not"
    );

    world.change_provider("corp", |provider| provider.end_families_on_logout = true);
    let tokens = device(&world, &corp);
    world.wait(61);
    let token = logout_token(&world, &corp, &json!({ "jti": "second" }));
    assert_eq!(log_out(&world, &token).status, 200);

    assert_eq!((world.sessions(), world.live_families()), (0, 0));
    assert_eq!(refreshed(&world, &tokens), "invalid_grant");
}

#[test]
fn a_session_that_was_revoked_ends_devices_as_a_logout_does() {
    for (ends, expected) in [(false, "issued"), (true, "invalid_grant")] {
        let (world, corp) = world();
        world.change_provider("corp", |provider| provider.end_families_on_logout = ends);
        let tokens = device(&world, &corp);
        world.wait(1);
        assert_eq!(push(&world, &corp, &json!({})).status, 202);
        assert_eq!((world.sessions(), refreshed(&world, &tokens).as_str()), (0, expected));
    }
}

#[test]
fn a_logout_ends_no_device_that_was_approved_later() {
    let (world, corp) = world();
    world.change_provider("corp", |provider| provider.end_families_on_logout = true);
    let token = logout_token(&world, &corp, &json!({ "exp": world.now().seconds() + 600 }));
    world.wait(61);
    let tokens = device(&world, &corp);

    assert_eq!(log_out(&world, &token).status, 200);

    assert_eq!((world.sessions(), refreshed(&world, &tokens).as_str()), (1, "issued"));
}

#[test]
fn a_disabled_account_is_blocked_until_it_is_enabled_again_and_gets_no_token_back() {
    let (world, corp) = world();
    let tokens = device(&world, &corp);

    let disabled = json!({ "events": { ACCOUNT_DISABLED: {} }, "jti": "disabled" });
    assert_eq!(push(&world, &corp, &disabled).status, 202);

    assert_eq!((world.sessions(), refreshed(&world, &tokens).as_str()), (0, "invalid_grant"));
    let (_, page) = come_back(&world, &corp, &world.start().user_code);
    assert_eq!((page.status, world.sessions()), (403, 0), "{}", page.body);
    let enabled = json!({ "events": { ACCOUNT_ENABLED: {} }, "jti": "enabled" });
    assert_eq!(push(&world, &corp, &enabled).status, 202);
    assert_eq!(refreshed(&world, &tokens), "invalid_grant");
    sign_in(&world, &corp);
}

#[test]
fn an_event_that_comes_late_lifts_no_newer_block() {
    let (world, corp) = world();
    let early = json!({ "events": { ACCOUNT_ENABLED: {} }, "jti": "early", "iat": world.now().seconds() });
    sign_in(&world, &corp);
    world.wait(10);
    let disabled = json!({ "events": { ACCOUNT_DISABLED: {} }, "jti": "disabled" });
    assert_eq!(push(&world, &corp, &disabled).status, 202);

    assert_eq!(push(&world, &corp, &early).status, 202);
    let (_, page) = come_back(&world, &corp, &world.start().user_code);
    assert_eq!(page.status, 403, "{}", page.body);

    let later = json!({ "events": { ACCOUNT_ENABLED: {} }, "jti": "later" });
    assert_eq!(push(&world, &corp, &later).status, 202);
    sign_in(&world, &corp);
}

#[test]
fn a_session_that_the_provider_did_not_name_ends_with_any_session_of_its_person() {
    let (world, corp) = world();
    corp.claims.replace(json!({ "sid": null }));
    sign_in(&world, &corp);
    corp.claims.replace(json!({ "sub": "bob-upstream", "sid": null }));
    sign_in(&world, &corp);

    assert_eq!(log_out(&world, &logout_token(&world, &corp, &json!({}))).status, 200);

    assert_eq!(world.sessions(), 1, "Bob's");
}

#[test]
fn a_provider_enables_nobody_whom_an_administrator_blocked() {
    let (world, corp) = world();
    sign_in(&world, &corp);
    let blocked =
        Admin(&world).ask("POST", "/accounts/oidc:corp:alice-upstream/block", None, Some(&json!({})));
    assert_eq!(blocked.status, 200, "{}", blocked.body);

    let enabled = json!({ "events": { ACCOUNT_ENABLED: {} } });
    assert_eq!(push(&world, &corp, &enabled).status, 202);

    let (_, page) = come_back(&world, &corp, &world.start().user_code);
    assert_eq!(page.status, 403);
}

#[test]
fn an_event_about_somebody_who_never_signed_in_is_received_and_does_nothing() {
    let (world, corp) = world();
    for event in [SESSION_REVOKED, ACCOUNT_DISABLED, ACCOUNT_ENABLED] {
        let changes = json!({ "events": { event: {} }, "jti": event });
        assert_eq!(push(&world, &corp, &changes).status, 202, "{event}");
    }
    sign_in(&world, &corp);
}

#[test]
fn a_refused_event_gets_the_code_of_rfc_8935() {
    let (world, corp) = world();
    sign_in(&world, &corp);
    for (changes, code, description) in [
        (
            json!({ "iss": "https://other.example" }),
            "invalid_issuer",
            "iss is not the issuer of the provider",
        ),
        (
            json!({ "aud": "another" }),
            "invalid_audience",
            "aud does not name this server, or not this server alone",
        ),
        (json!({ "events": {} }), "invalid_request", "events lacks the event of this kind of token"),
        (
            json!({ "sub_id": { "format": "email", "email": "alice@corp.example" } }),
            "invalid_request",
            "the token names neither a session nor a person of this provider",
        ),
    ] {
        let refused = push(&world, &corp, &changes);
        assert_eq!(refused.status, 400, "{changes}");
        assert_eq!(body(&refused), json!({ "err": code, "description": description }), "{changes}");
    }
    let unsigned = corp.signed(&json!({ "typ": "secevent+jwt", "kid": "unknown" }), &json!({}));
    assert_eq!(body(&send(&world, "application/secevent+jwt", &unsigned))["err"], "invalid_key");
    let typed = send(&world, "application/jwt", &unsigned);
    assert_eq!(body(&typed)["description"], "the Content-Type must be application/secevent+jwt");
    assert_eq!(world.sessions(), 1);
}

#[test]
fn a_person_who_is_known_by_another_claim_is_found_by_their_sub_or_session() {
    let (world, _) = world();
    let path = |text| device_grant::upstream::provider::claim_path::ClaimPath::parse(text).unwrap();
    let issuer = "https://entra.example";
    let entra = add(&world, "entra", issuer, |provider| provider.claims.subject = path("oid"));
    entra.claims.replace(json!({ "oid": "object-7", "sub": "pairwise" }));
    let sign_in = || {
        let person = crate::support::person::Person::of(&world);
        person.enter(&world.start().user_code);
        let address = super::address(&super::press(&person, "entra"));
        person.open(&entra.authorize(&address));
    };
    for (number, changes) in [json!({ "sid": null }), json!({ "sub": null })].iter().enumerate() {
        sign_in();
        assert_eq!(world.sessions(), 1);
        let now = world.now().seconds();
        let claims = json!({
            "iss": issuer, "aud": "rp", "iat": now, "jti": format!("j{number}"), "events": { LOGOUT: {} },
            "sub": "pairwise", "sid": "upstream-session"
        });
        let token = entra.signed(&json!({}), &with(claims, changes));
        let done = world.post("/backchannel-logout/entra", &[("logout_token", &token)]);
        assert_eq!((done.status, world.sessions()), (200, 0), "{changes}");
        world.wait(61);
    }
}
