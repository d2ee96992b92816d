//! What a client's codes are like, what a device may say of the sign-in it wants, and how claims are mapped.

use crate::support::person::Person;
use crate::support::{DEVICE_CODE, World, claims, get, json, outcome};
use device_grant::client::rules::UserCodeType;
use device_grant::endpoint::http::{Request, Response};
use device_grant::identity::acr::PASSWORD;
use device_grant::settings::DEVELOPMENT_ADMIN_TOKEN;
use serde_json::{Value, json};

const ALL: &str = "openid profile email offline_access";

/// Starts a grant as `demo-tv` with more parameters.
fn start(world: &World, more: &[(&str, &str)]) -> crate::support::Started {
    world.start_with(&[&[("client_id", "demo-tv"), ("scope", ALL)][..], more].concat())
}

fn refused(world: &World, more: &[(&str, &str)]) -> Response {
    world.post("/device_authorization", &[&[("client_id", "demo-tv")][..], more].concat())
}

/// Starts a grant and goes the whole way, for the claims of the ID token.
fn id_claims(world: &World, more: &[(&str, &str)]) -> Value {
    let started = start(world, more);
    Person::of(world).approve_as("alice", "wonderland-8787", &started.user_code);
    id_of(&world.poll(&started.device_code))
}

fn id_of(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{}", response.body);
    claims(json(response).get("id_token").and_then(Value::as_str).expect("an ID token"))
}

#[test]
fn a_client_has_codes_of_its_own_kind() {
    let world = World::new();
    world.change_client("demo-tv", |client| {
        client.codes.code_lifetime = Some(120);
        client.codes.polling_interval = Some(10);
        client.codes.verification_uri_complete = false;
    });
    world.wait(10);

    let started = start(&world, &[]);

    assert_eq!(started.answer.get("expires_in"), Some(&json!(120)));
    assert_eq!(started.answer.get("interval"), Some(&json!(10)));
    assert_eq!(started.answer.get("verification_uri_complete"), None);
    assert_eq!(json(&world.poll(&started.device_code)).get("interval"), Some(&json!(10)));
    world.wait(8);
    assert_eq!(world.poll_outcome(&started.device_code), "slow_down");
    world.wait(112);
    assert_eq!(world.poll_outcome(&started.device_code), "expired_token");
}

#[test]
fn u9_codes_of_digits_are_found_beside_the_others() {
    let world = World::new();
    let plain = start(&world, &[]);
    assert!(!Person::of(&world).open("/device").body.contains("0000-0000-0000"), "nobody has such codes");
    world.change_client("demo-tv", |client| client.codes.user_code_type = UserCodeType::Digits);
    world.wait(10);

    let started = start(&world, &[]);

    let code = &started.user_code;
    assert!(code.len() == 14 && code.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'), "{code}");
    let page = Person::of(&world).open("/device").body;
    assert!(page.contains("XXXX-XXXX") && page.contains("0000-0000-0000"), "the hint has both");
    for (code, device_code) in
        [(code.replace('-', " "), started.device_code), (plain.user_code, plain.device_code)]
    {
        Person::of(&world).approve_as("alice", "wonderland-8787", &code);
        assert_eq!(world.poll_outcome(&device_code), "issued");
    }
    let linked = start(&world, &[]);
    let page = Person::of(&world).open(&format!("/device?user_code={}", linked.user_code));
    assert!(page.body.contains(&linked.user_code));
}

#[test]
fn u6_wrong_codes_count_for_as_long_as_the_longest_code_lives() {
    let world = World::new();
    world.change_client("demo-tv", |client| client.codes.code_lifetime = Some(1_800));
    world.wait(10);
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", "BCDF-GHJK");
    (0..4).for_each(|_| assert_eq!(person.enter("BCDF-GHJK").status, 400));

    world.wait(1_000);

    assert_eq!(person.enter("BCDF-GHJK").status, 429, "five in the life of a code, not in five minutes");
}

#[test]
fn the_consent_page_has_the_clients_words_marked_as_such_and_escaped() {
    let world = World::new();
    world.change_client("demo-tv", |client| {
        client.about.consent_text = Some("<b>Free</b> films".to_owned());
        client.about.policy_uri = Some("https://tv.example/privacy?a=1&b=\"2\"".to_owned());
        client.about.tos_uri = Some("http://tv.example/terms".to_owned());
    });
    world.wait(10);

    let page = Person::of(&world).enter_as("alice", "wonderland-8787", &start(&world, &[]).user_code).body;

    assert!(
        page.contains("In the words of <bdi>Demo TV</bdi>") && page.contains("&#60;b&#62;Free"),
        "{page}"
    );
    assert!(
        page.contains("rel=\"noopener noreferrer nofollow\"") && page.contains("on <bdi>tv.example</bdi>")
    );
    assert!(!page.contains("http://tv.example/terms"), "not by plain http");
    assert!(!page.contains("b=\"2\""));
}

#[test]
fn what_a_device_says_of_the_sign_in_is_kept_or_refused_by_name() {
    let world = World::new();
    let long = "x".repeat(600);
    for (name, bad) in [
        ("max_age", "-1"),
        ("max_age", "1h"),
        ("acr_values", "a\tb"),
        ("login_hint", "a\nb"),
        ("ui_locales", "en_GB"),
        ("nonce", long.as_str()),
        ("acr_values", &long),
        ("login_hint", &long),
        ("ui_locales", &long),
    ] {
        let response = refused(&world, &[(name, bad)]);
        assert_eq!((response.status, outcome(&response).as_str()), (400, "invalid_request"), "{name}");
        assert!(response.body.contains(name), "{}", response.body);
    }

    let said =
        [("max_age", "60"), ("acr_values", "urn:b urn:a"), ("login_hint", "Bob"), ("ui_locales", "fr-CA en")];
    start(&world, &said);

    let kept = world.grants().remove(0).request;
    assert_eq!((kept.max_age, kept.login_hint.as_deref()), (Some(60), Some("Bob")));
    assert_eq!(
        (kept.acr_values, kept.ui_locales),
        (["urn:b", "urn:a"].map(str::to_owned).to_vec(), ["fr-CA", "en"].map(str::to_owned).to_vec())
    );
}

#[test]
fn j2_a_class_that_was_asked_for_and_met_is_in_the_tokens() {
    let world = World::new();

    assert_eq!(
        id_claims(&world, &[("acr_values", &format!("phr {PASSWORD}"))]).get("acr"),
        Some(&json!(PASSWORD))
    );
    assert_eq!(id_claims(&world, &[("acr_values", "phr")]).get("acr"), None, "voluntary: no failure");
    assert_eq!(id_claims(&world, &[]).get("acr"), None, "nobody asked");
}

#[test]
fn a_sign_in_that_is_too_old_is_done_again_and_the_page_says_why() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", &start(&world, &[]).user_code);
    world.wait(61);

    let started = start(&world, &[("max_age", "60"), ("acr_values", PASSWORD)]);
    let page = person.enter(&started.user_code);
    assert!(page.status == 200 && page.body.contains("Sign in again to continue"), "{}", page.body);
    assert!(page.body.contains("Alice Liddell") && page.body.contains(r#"value="alice""#));

    let wrong = person.sign_in("alice", "looking-glass").body;
    assert!(wrong.contains("Sign in again") && wrong.contains("Wrong username or password."));
    let consent = person.sign_in("alice", "wonderland-8787");
    assert!(consent.body.contains("use your account?"), "{}", consent.body);
    assert_eq!(person.decide("approve").status, 200);

    let id = id_of(&world.poll(&started.device_code));
    assert_eq!(
        id.get("auth_time"),
        Some(&json!(world.now().seconds())),
        "fresh, as step-up wants it (RFC 9470)"
    );
    assert_eq!(id.get("acr"), Some(&json!(PASSWORD)));
}

#[test]
fn a_recent_sign_in_is_enough() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", &start(&world, &[]).user_code);
    world.wait(59);

    let page = person.enter(&start(&world, &[("max_age", "60")]).user_code);

    assert!(page.body.contains("use your account?"));
}

#[test]
fn max_age_0_asks_once_and_does_not_loop() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter_as("alice", "wonderland-8787", &start(&world, &[]).user_code);
    world.wait(1);

    let started = start(&world, &[("max_age", "0")]);
    assert!(person.enter(&started.user_code).body.contains("Sign in again"));
    world.wait(30);
    assert!(person.sign_in("alice", "wonderland-8787").body.contains("use your account?"));
    world.wait(30);
    assert!(person.decide("approve").body.contains("Approved"));

    assert_eq!(world.poll_outcome(&started.device_code), "issued");
}

#[test]
fn an_approval_checks_the_age_of_the_sign_in_again() {
    let world = World::with(&[("CODE_LIFETIME_SECONDS", "1800")]);
    let person = Person::of(&world);
    let started = start(&world, &[("max_age", "60")]);
    person.enter_as("alice", "wonderland-8787", &started.user_code);
    world.wait(301);

    let page = person.decide("approve");
    assert!(page.body.contains("Sign in again") && page.body.contains("Nothing has been approved yet"));
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");

    assert!(person.sign_in("alice", "wonderland-8787").body.contains("use your account?"));
    assert!(person.decide("approve").body.contains("Approved"));
}

#[test]
fn a_page_left_lying_can_still_refuse() {
    let world = World::with(&[("CODE_LIFETIME_SECONDS", "1800")]);
    let person = Person::of(&world);
    let started = start(&world, &[("max_age", "60")]);
    person.enter_as("alice", "wonderland-8787", &started.user_code);
    world.wait(301);

    assert!(person.decide("deny").body.contains("Refused"));
    assert_eq!(world.poll_outcome(&started.device_code), "access_denied");
}

#[test]
fn the_person_that_the_device_expects_is_named_after_sign_in_only() {
    let world = World::new();
    let person = Person::of(&world);
    let started = start(&world, &[("login_hint", "bob@example.com")]);

    assert!(!person.enter(&started.user_code).body.contains("bob"), "the code is not looked up yet");
    let consent = person.sign_in("alice", "wonderland-8787").body;
    assert!(consent.contains("The device expects <bdi class=\"account-name\">bob@example.com</bdi>"));
    let sign_in = person.submit(&[("step", "switch_account")]).body;
    assert!(sign_in.contains(r#"value="bob@example.com""#), "{sign_in}");

    let hinted = start(&world, &[("login_hint", "ALICE")]);
    let consent = Person::of(&world).enter_as("alice", "wonderland-8787", &hinted.user_code).body;
    assert!(!consent.contains("The device expects"), "it is she");
}

#[test]
fn the_metadata_tell_what_can_be_asked_for() {
    let metadata = json(&World::new().get("/.well-known/openid-configuration"));

    assert_eq!(metadata.get("acr_values_supported"), Some(&json!([PASSWORD])));
    assert_eq!(metadata.get("ui_locales_supported"), Some(&json!(["en"])));
    let all = json!(["ES256", "RS256", "PS256", "PS384", "PS512", "EdDSA"]);
    assert_eq!(metadata.get("userinfo_signing_alg_values_supported"), Some(&all));
    assert_eq!(metadata.get("id_token_signing_alg_values_supported"), Some(&all));
}

fn admin(world: &World, method: &str, path: &str, body: &Value) -> Response {
    world.send(&Request {
        method: method.to_owned(),
        path: format!("/admin/api{path}"),
        authorization: Some(format!("Bearer {DEVELOPMENT_ADMIN_TOKEN}")),
        content_type: Some("application/json".to_owned()),
        body: Some(body.to_string().into_bytes()),
        ..get()
    })
}

fn dry_run(world: &World, trial: &Value) -> Value {
    let response = admin(world, "POST", "/dry-run", trial);
    assert_eq!(response.status, 200, "{}", response.body);
    json(&response)
}

/// Rules on the client for every token, one of them by a scope.
fn with_rules() -> World {
    let world = World::new();
    let rules = json!([
        { "claim": "groups", "from": "account.groups", "into": ["access_token", "userinfo"] },
        { "claim": "email", "as": "mail" },
        { "drop": "name" },
    ]);
    world.change_client("demo-tv", |client| {
        client.tokens.claims = serde_json::from_value(rules).expect("the rules are sound");
    });
    let mapped = json!({ "claims": [{ "claim": "tier", "value": "gold" }] });
    assert_eq!(admin(&world, "PUT", "/scopes/profile/claims", &mapped).status, 200);
    world.wait(10);
    world
}

#[test]
fn claims_are_mapped_in_every_token_and_in_userinfo() {
    let world = with_rules();
    let started = start(&world, &[]);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
    let tokens = json(&world.poll(&started.device_code));
    let access = tokens.get("access_token").and_then(Value::as_str).expect("a token");

    let id = id_of(&world.poll(&{
        let again = start(&world, &[]);
        Person::of(&world).approve_as("alice", "wonderland-8787", &again.user_code);
        again.device_code
    }));
    assert_eq!(
        (id.get("mail"), id.get("email"), id.get("name")),
        (Some(&json!("alice@example.com")), None, None)
    );
    assert_eq!((id.get("tier"), id.get("groups")), (Some(&json!("gold")), None));
    let claims = claims(access);
    assert_eq!((claims.get("groups"), claims.get("mail")), (Some(&json!(["developers"])), None));
    assert_eq!(claims.get("tier"), Some(&json!("gold")));
    let authorization = Some(format!("Bearer {access}"));
    let userinfo = json(&world.send(&Request { authorization, path: "/userinfo".to_owned(), ..get() }));
    assert_eq!(
        (userinfo.get("groups"), userinfo.get("mail")),
        (Some(&json!(["developers"])), Some(&json!("alice@example.com")))
    );
}

#[test]
fn a_dry_run_shows_what_would_be_issued_and_issues_nothing() {
    let world = with_rules();
    let trial = json!({ "client_id": "demo-tv", "account": "alice", "scope": ALL });
    let shown = dry_run(&world, &trial);

    let started = start(&world, &[]);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);
    let tokens = json(&world.poll(&started.device_code));
    for name in ["access_token", "id_token"] {
        let mut real = claims(tokens.get(name).and_then(Value::as_str).expect("a token"));
        for made in ["jti", "sid", "at_hash"] {
            real.as_object_mut().expect("claims").remove(made);
        }
        assert_eq!(shown.get(name), Some(&real));
    }
    assert_eq!(shown.get("scope"), tokens.get("scope"));
    assert_eq!(shown.pointer("/userinfo/mail"), Some(&json!("alice@example.com")));
    assert_eq!((shown.get("allowed"), shown.get("refresh_token")), (Some(&json!(true)), Some(&json!(true))));
    assert_eq!(world.grants().len(), 1, "that of the real one");
}

#[test]
fn a_dry_run_says_where_and_why_it_would_be_refused() {
    let world = World::new();
    let trial = |more: Value| {
        let mut trial = json!({ "client_id": "demo-tv", "account": "bob" });
        trial.as_object_mut().expect("a trial").extend(more.as_object().expect("members").clone());
        dry_run(&world, &trial)
    };
    assert_eq!(trial(json!({})).get("scope"), Some(&json!("email openid profile")));
    let refused = |at: &str, reason: &str| json!({ "allowed": false, "at": at, "reason": reason });

    assert_eq!(trial(json!({ "scope": "admin" })), refused("device_authorization", "no_scope_left"));
    let elsewhere = json!({ "resource": ["https://evil.example"] });
    assert_eq!(trial(elsewhere), refused("device_authorization", "target_not_allowed"));
    world.change_account("local:bob", |account| account.blocked = true);
    assert_eq!(trial(json!({})), refused("sign_in", "account_blocked"));
    world.change_client("demo-tv", |client| client.enabled = false);
    assert_eq!(trial(json!({})), refused("device_authorization", "client_disabled"));
}

#[test]
fn a_dry_run_of_nobody_or_nonsense_is_a_problem() {
    let world = World::new();
    for (trial, pointer) in [
        (json!({ "client_id": "none", "account": "alice" }), "/client_id"),
        (json!({ "client_id": "demo-tv", "account": "carol" }), "/account"),
        (json!({ "client_id": "demo-tv", "account": "alice", "scope": "a\"b" }), "/scope"),
        (json!({ "client_id": "demo-tv" }), "/account"),
        (json!({ "client_id": "demo-tv", "account": "alice", "password": "x" }), "/password"),
        (json!({ "client_id": "demo-tv", "account": "alice", "resource": [7] }), "/resource/0"),
    ] {
        let response = admin(&world, "POST", "/dry-run", &trial);
        assert_eq!(response.status, 422, "{}", response.body);
        assert_eq!(json(&response).pointer("/errors/0/pointer"), Some(&json!(pointer)), "{}", response.body);
    }
}

#[test]
fn a_faulty_rule_of_a_scope_is_refused_when_it_is_saved() {
    let world = World::new();
    let put = |scope: &str, claims: Value| {
        admin(&world, "PUT", &format!("/scopes/{scope}/claims"), &json!({ "claims": claims }))
    };

    let response = put("profile", json!([{ "claim": "sub", "value": "root" }]));
    assert_eq!(response.status, 422);
    assert!(response.body.contains("the claim sub is reserved"), "{}", response.body);
    assert_eq!(put("fly", json!([])).status, 404, "no such scope");

    let rules = json!([{ "claim": "tier", "value": "gold" }]);
    assert_eq!(put("profile", rules.clone()).status, 200);
    let read = || json(&admin(&world, "GET", "/scopes/profile/claims", &json!({})));
    assert_eq!(read(), json!({ "claims": rules }));
    assert_eq!(put("profile", json!([])).status, 200);
    assert_eq!(read(), json!({ "claims": [] }));
}

#[test]
fn rules_that_would_make_tokens_too_large_are_refused_when_they_are_saved() {
    let world = World::new();
    let rule = |claim: &str| json!({ "claim": claim, "value": "x".repeat(1_000) });
    let on_scope = |scope: &str, claims: &[&str]| {
        let rules: Vec<Value> = claims.iter().map(|claim| rule(claim)).collect();
        admin(&world, "PUT", &format!("/scopes/{scope}/claims"), &json!({ "claims": rules }))
    };
    let create = |client_id: &str, scope: &str, rules: Value| {
        let client = json!({ "client_id": client_id, "client_name": "TV", "scope": scope, "claims": rules,
            "token_endpoint_auth_method": "none", "grant_types": [DEVICE_CODE] });
        admin(&world, "POST", "/clients", &client)
    };
    assert_eq!(on_scope("email", &["a", "b"]).status, 200);
    assert_eq!(create("light", "openid email", json!([rule("c")])).status, 201);

    let heavy = create("heavy", "openid email", json!([rule("c"), rule("d")]));
    assert_eq!(heavy.status, 422, "with those of its scope it is too much");
    assert!(heavy.body.contains("at most 4096"), "{}", heavy.body);
    assert_eq!(
        create("heavy", "openid", json!([rule("c"), rule("d")])).status,
        201,
        "without the scope it fits"
    );
    let scope = on_scope("email", &["a", "b", "c"]);
    assert_eq!(scope.status, 422, "a client that has it would have too much");
    assert!(scope.body.contains("light"), "{}", scope.body);
    assert_eq!(admin(&world, "PUT", "/scopes/fly", &json!({ "description": "Fly" })).status, 201);
    assert_eq!(on_scope("fly", &["a", "b", "c"]).status, 200, "nobody has this one");
    let lists: Vec<Value> =
        (0..14).map(|claim| json!({ "claim": claim.to_string(), "from": "account.groups" })).collect();
    assert_eq!(create("lists", "openid", lists.into()).status, 422, "a list may be long");
}

#[test]
fn a_faulty_rule_of_a_client_is_refused_when_it_is_saved() {
    let world = World::new();
    let register = |claims: Value| {
        let client = json!({ "client_id": "mapped", "client_name": "Mapped", "claims": claims });
        admin(&world, "POST", "/clients", &client)
    };

    let response =
        register(json!([{ "drop": "name" }, { "claim": "aud", "from": "account.groups" }, { "into": [] }]));
    assert_eq!(response.status, 422, "{}", response.body);
    let errors = json(&response);
    assert_eq!(errors.pointer("/errors/0/pointer"), Some(&json!("/claims/1")), "{errors}");
    assert_eq!(errors.pointer("/errors/1/pointer"), Some(&json!("/claims/2")), "{errors}");
    assert!(response.body.contains("the claim aud is reserved"));

    let rules = json!([{ "claim": "roles", "from": "account.groups" }]);
    let response = register(rules.clone());
    assert_eq!(response.status, 201, "{}", response.body);
    assert_eq!(json(&response).get("claims"), Some(&rules));
}

#[test]
fn the_mapping_of_a_scope_goes_with_it() {
    let world = World::new();
    let described = json!({ "description": "Watch films" });
    let mapped = json!({ "claims": [{ "claim": "films", "value": true }] });
    assert_eq!(admin(&world, "PUT", "/scopes/films", &described).status, 201);
    assert_eq!(admin(&world, "PUT", "/scopes/films/claims", &mapped).status, 200);

    assert_eq!(admin(&world, "DELETE", "/scopes/films", &json!({})).status, 204);
    assert_eq!(admin(&world, "GET", "/scopes/films/claims", &json!({})).status, 404);
    admin(&world, "PUT", "/scopes/films", &described);

    let again = json(&admin(&world, "GET", "/scopes/films/claims", &json!({})));
    assert_eq!(again, json!({ "claims": [] }), "the rules of the old one are gone");
}
