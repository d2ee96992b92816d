//! Tokens and codes that are bound to a key (RFC 9449), and codes that are bound to a challenge (RFC 7636).

use crate::support::dpop::{Key, send, userinfo};
use crate::support::person::Person;
use crate::support::{Cost, DEVICE_CODE, World, claims, json, outcome, post};
use device_grant::client::certificate::Certificate;
use device_grant::endpoint::http::{Request, Response};
use device_grant::secret::{Digest, encode};
use proptest::prelude::*;
use serde_json::{Value, json};

const TV: [(&str, &str); 2] = [("client_id", "demo-tv"), ("scope", "openid profile email offline_access")];
const PRINTER: [(&str, &str); 2] = [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")];

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no {name} in {answer}"))
}

fn approve(world: &World, user_code: &str) {
    Person::of(world).approve_as("alice", "wonderland-8787", user_code);
}

/// The tokens of a login of `demo-tv` with this key.
fn tokens(world: &World, key: &Key) -> Value {
    let response = key.poll(world, &world.approved().device_code);
    assert_eq!(response.status, 200, "{}", response.body);
    json(&response)
}

fn jkt_of(access_token: &str) -> Option<String> {
    claims(access_token).pointer("/cnf/jkt").and_then(Value::as_str).map(str::to_owned)
}

fn introspected(world: &World, token: &str) -> Value {
    json(&world.post("/introspect", &[&PRINTER[..], &[("token", token)]].concat()))
}

/// The tokens of a login of `demo-printer` with this key.
fn printers_tokens(world: &World, key: &Key) -> Value {
    let started = world.start_with(&[&PRINTER[..], &[("scope", "openid offline_access")]].concat());
    approve(world, &started.user_code);
    let poll = [("grant_type", DEVICE_CODE), ("device_code", started.device_code.as_str())];
    json(&key.post(world, "/token", &[&PRINTER[..], &poll].concat()))
}

// --- The token endpoint ---

#[test]
fn s2_p2_p5_a_redemption_with_a_proof_gives_tokens_bound_to_its_key() {
    let (world, key) = (World::new(), Key::new(1));

    let tokens = tokens(&world, &key);

    assert_eq!(text(&tokens, "token_type"), "DPoP");
    assert_eq!(jkt_of(text(&tokens, "access_token")), Some(key.jkt()));
    assert_eq!(claims(text(&tokens, "id_token")).get("cnf"), None, "an ID token is not presented anywhere");
}

#[test]
fn p2_a_request_without_a_proof_gives_bearer_tokens_as_ever() {
    let world = World::new();

    let tokens = json(&world.poll(&world.approved().device_code));

    assert_eq!(text(&tokens, "token_type"), "Bearer");
    assert_eq!(jkt_of(text(&tokens, "access_token")), None);
}

#[test]
fn p1_p2_a_proof_that_does_not_hold_is_invalid_dpop_proof_and_spends_nothing() {
    let (world, key) = (World::new(), Key::new(1));
    let started = world.approved();
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-tv"),
        ("device_code", started.device_code.as_str()),
    ];
    let edited = |edit: &dyn Fn(&mut Value, &mut Value)| {
        let (mut header, mut claims) = key.parts(&world, "POST", "/token");
        edit(&mut header, &mut claims);
        key.sign(&(header, claims))
    };
    let good = key.proof(&world, "/token");
    let (head, _) = good.rsplit_once('.').expect("a JWT");

    for (bad, reason) in [
        (format!("{good}, {good}"), "several_proofs"),
        (String::new(), "malformed_proof"),
        (edited(&|header, _| header["typ"] = json!("JWT")), "proof_type"),
        (edited(&|header, _| header["alg"] = json!("none")), "proof_algorithm"),
        (edited(&|header, _| header["jwk"]["d"] = json!(encode(&[1; 32]))), "proof_key"),
        (format!("{head}.{}", encode(&[1; 64])), "proof_signature"),
        (edited(&|header, _| header["jwk"] = Key::new(2).jwk()), "proof_signature"),
        (edited(&|_, claims| claims["htm"] = json!("GET")), "proof_method"),
        (key.proof(&world, "/device_authorization"), "proof_uri"),
    ] {
        let refused = send(&world, "/token", &form, Some(bad.clone()));
        assert_eq!((refused.status, outcome(&refused).as_str()), (400, "invalid_dpop_proof"), "{bad}");
        assert_eq!(refused.decisions[0].reason, reason);
    }

    assert_eq!(outcome(&send(&world, "/token", &form, Some(good))), "issued");
}

#[test]
fn p1_htu_is_the_issuers_endpoint_with_its_path() {
    let world = World::with(&[("ISSUER", "http://127.0.0.1:8787/auth")]);
    let key = Key::new(1);
    let poll = |proof: String| {
        let form = [("grant_type", DEVICE_CODE), ("client_id", "demo-tv"), ("device_code", "forged")];
        outcome(&send(&world, "/auth/token", &form, Some(proof)))
    };

    assert_eq!(poll(key.proof(&world, "/auth/token")), "invalid_grant", "the proof held");
    assert_eq!(poll(key.proof(&world, "/token")), "invalid_dpop_proof");
}

#[test]
fn p1_a_proof_is_used_once_where_something_is_handed_out_and_a_pending_poll_costs_one_hop() {
    let (world, key) = (World::new(), Key::new(1));
    let started = world.start();
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-tv"),
        ("device_code", started.device_code.as_str()),
    ];
    let proof = key.proof(&world, "/token");
    world.cost();

    let pending = send(&world, "/token", &form, Some(proof.clone()));
    let one_hop = Cost { grant_hops: 1, ..Cost::default() };
    assert_eq!((outcome(&pending).as_str(), world.cost()), ("authorization_pending", one_hop));
    send(&world, "/token", &form, Some("forged".to_owned()));
    assert_eq!(world.cost(), Cost::default(), "a bad proof costs no hop at all");

    approve(&world, &started.user_code);
    world.cost();
    assert_eq!(outcome(&send(&world, "/token", &form, Some(proof.clone()))), "issued");
    let redeemed = Cost { grant_hops: 2, grant_writes: 3, limit_hops: 2, limit_writes: 2 };
    assert_eq!(world.cost(), redeemed, "at a limiter one for the proof, one for the gauge of live codes");

    let again = world.approved();
    let form =
        [("grant_type", DEVICE_CODE), ("client_id", "demo-tv"), ("device_code", again.device_code.as_str())];
    let replayed = send(&world, "/token", &form, Some(proof));
    assert_eq!(
        (outcome(&replayed).as_str(), replayed.decisions[0].reason),
        ("invalid_dpop_proof", "replayed_proof")
    );
    assert_eq!(outcome(&key.poll(&world, &again.device_code)), "issued", "nothing was spent");
}

#[test]
fn a_proof_whose_use_cannot_be_noted_gives_nothing_and_spends_nothing() {
    let (world, key) = (World::new(), Key::new(1));
    let started = world.approved();

    world.set_down("limits", true);
    assert_eq!(key.poll(&world, &started.device_code).status, 503);

    world.set_down("limits", false);
    assert_eq!(outcome(&key.poll(&world, &started.device_code)), "issued");
}

#[test]
fn p4_a_client_that_always_uses_dpop_is_refused_without_a_proof() {
    let (world, key) = (World::new(), Key::new(1));
    let started = world.approved();
    world.change_client("demo-tv", |client| client.tokens.dpop_bound_access_tokens = true);

    let refused = world.poll(&started.device_code);
    let at_once = "though the snapshot does not know it yet";
    assert_eq!((refused.status, outcome(&refused).as_str()), (400, "invalid_request"), "{at_once}");
    let tokens = json(&key.poll(&world, &started.device_code));

    world.wait(20);
    world.server.platform.grant_hops.set(0);
    assert_eq!(outcome(&world.poll(&world.start().device_code)), "invalid_request");
    assert_eq!(
        world.server.platform.grant_hops.get(),
        1,
        "that of the start; the poll is refused at the edge"
    );
    assert_eq!(outcome(&world.refresh(text(&tokens, "refresh_token"))), "invalid_request");
    assert_eq!(outcome(&key.refresh(&world, text(&tokens, "refresh_token"))), "issued");
}

#[test]
fn p4_the_metadata_name_the_algorithms_the_extension_and_the_challenge_method() {
    let world = World::new();
    let algorithms = json!(["ES256", "RS256", "PS256", "PS384", "PS512", "EdDSA", "Ed25519"]);

    let metadata = json(&world.get("/.well-known/oauth-authorization-server"));
    assert_eq!(metadata["dpop_signing_alg_values_supported"], algorithms);
    assert_eq!(metadata["device_authorization_dpop_supported"], json!(true));
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));

    let resource = json(&world.get("/.well-known/oauth-protected-resource/userinfo"));
    assert_eq!(resource["dpop_signing_alg_values_supported"], algorithms);
    assert_eq!(resource["dpop_bound_access_tokens_required"], json!(false));
}

// --- Together with certificates (RFC 8705) ---

const MTLS: &str = "http://localhost:8787";

/// A form to the mTLS host with a proof for it, and with this certificate.
fn post_by_mtls(world: &World, key: &Key, form: &[(&str, &str)], der: &[u8]) -> Response {
    let (header, mut claims) = key.parts(world, "POST", "/token");
    if let Some(htu) = claims.get_mut("htu") {
        *htu = json!(format!("{MTLS}/token"));
    }
    let (subject_dn, sha256) = ("CN=tv".to_owned(), encode(Digest::of(der).bytes()));
    world.send(&Request {
        host: "localhost:8787".to_owned(),
        dpop: Some(key.sign(&(header, claims))),
        certificate: Some(Certificate { verified: true, subject_dn, sha256 }),
        ..post("/token", form)
    })
}

#[test]
fn p1_htu_is_that_of_the_mtls_host_there_and_a_token_may_be_bound_to_both_a_key_and_a_certificate() {
    let world = World::with(&[("ISSUER", crate::support::ISSUER), ("MTLS_ORIGIN", MTLS)]);
    let key = Key::new(1);
    let started = world.approved();
    world.change_client("demo-tv", |client| client.tokens.tls_client_certificate_bound_access_tokens = true);
    world.wait(20);
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-tv"),
        ("device_code", started.device_code.as_str()),
    ];

    let tokens = json(&post_by_mtls(&world, &key, &form, b"certificate"));
    let cnf = claims(text(&tokens, "access_token"))["cnf"].clone();
    assert_eq!(cnf, json!({ "jkt": key.jkt(), "x5t#S256": encode(Digest::of(b"certificate").bytes()) }));
    assert_eq!(text(&tokens, "token_type"), "DPoP");

    let token = text(&tokens, "refresh_token");
    let form = [("grant_type", "refresh_token"), ("client_id", "demo-tv"), ("refresh_token", token)];
    assert_eq!(outcome(&post_by_mtls(&world, &key, &form, b"another")), "invalid_grant");
    assert_eq!(outcome(&post_by_mtls(&world, &Key::new(2), &form, b"certificate")), "invalid_grant");
    assert_eq!(outcome(&post_by_mtls(&world, &key, &form, b"certificate")), "issued");
}

// --- Nonces ---

#[test]
fn p1_where_nonces_are_required_the_answer_brings_one_and_touches_nothing() {
    let world = World::with(&[("DPOP_NONCE", "required")]);
    let key = Key::new(1);
    let started = world.approved();
    world.server.platform.grant_hops.set(0);

    let refused = key.poll(&world, &started.device_code);
    assert_eq!((refused.status, outcome(&refused).as_str()), (400, "use_dpop_nonce"));
    assert_eq!(world.server.platform.grant_hops.get(), 0);
    let nonce = refused.header("dpop-nonce").expect("a nonce").to_owned();

    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-tv"),
        ("device_code", started.device_code.as_str()),
    ];
    let proof = key.proof_with_nonce(&world, "/token", &nonce);
    let issued = send(&world, "/token", &form, Some(proof));
    assert_eq!(outcome(&issued), "issued");
    assert!(issued.header("dpop-nonce").is_some(), "for the next request");
}

#[test]
fn every_answer_to_a_proof_brings_a_nonce_that_is_good_beyond_the_longest_interval() {
    let world = World::with(&[("DPOP_NONCE", "required")]);
    let key = Key::new(1);
    let started = world.start();
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-tv"),
        ("device_code", started.device_code.as_str()),
    ];
    let mut nonce = key.poll(&world, &started.device_code).header("dpop-nonce").expect("a nonce").to_owned();
    assert_eq!(world.poll("forged").header("dpop-nonce"), None, "who sends no proof needs none");

    for wait in [0, 61, 61, 61] {
        world.wait(wait);
        let pending = send(&world, "/token", &form, Some(key.proof_with_nonce(&world, "/token", &nonce)));
        assert_eq!(outcome(&pending), "authorization_pending");
        pending.header("dpop-nonce").expect("a nonce").clone_into(&mut nonce);
    }

    world.wait(360);
    let stale = send(&world, "/token", &form, Some(key.proof_with_nonce(&world, "/token", &nonce)));
    assert_eq!(outcome(&stale), "use_dpop_nonce");
}

#[test]
fn p1_a_device_with_a_wrong_clock_is_given_a_nonce_and_needs_no_clock_then() {
    let (world, key) = (World::new(), Key::new(1));
    let started = world.approved();
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-tv"),
        ("device_code", started.device_code.as_str()),
    ];
    let in_1970 = |nonce: Option<&str>| {
        let (header, mut claims) = key.parts(&world, "POST", "/token");
        claims["iat"] = json!(12);
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        send(&world, "/token", &form, Some(key.sign(&(header, claims))))
    };

    let refused = in_1970(None);
    assert_eq!(outcome(&refused), "use_dpop_nonce");

    assert_eq!(outcome(&in_1970(refused.header("dpop-nonce"))), "issued");
}

#[test]
fn nonces_outlive_one_change_of_the_master_key() {
    let (world, key) = (World::with(&[("DPOP_NONCE", "required")]), Key::new(1));
    let nonce = key.poll(&world, "forged").header("dpop-nonce").expect("a nonce").to_owned();
    let other = encode(&[9; 32]);
    let vars = |previous| {
        [("DPOP_NONCE", "required"), ("MASTER_KEY", other.as_str()), ("MASTER_KEY_PREVIOUS", previous)]
    };
    let form = [("grant_type", DEVICE_CODE), ("client_id", "demo-tv"), ("device_code", "forged")];
    let poll = |world: &World| {
        outcome(&send(world, "/token", &form, Some(key.proof_with_nonce(world, "/token", &nonce))))
    };

    let world = world.restarted(&vars(device_grant::derived_keys::DEVELOPMENT_KEY));
    assert_eq!(poll(&world), "invalid_grant", "the nonce is good");

    let world = world.restarted(&vars(""));
    assert_eq!(poll(&world), "use_dpop_nonce");
}

// --- Refresh ---

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
    assert_eq!(outcome(&world.refresh(refresh_token)), "invalid_grant", "nor without any proof");

    let second = json(&key.refresh(&world, refresh_token));
    assert_eq!(jkt_of(text(&second, "access_token")), Some(key.jkt()), "and nothing was spent by then");
    assert_eq!(outcome(&thief.refresh(&world, text(&second, "refresh_token"))), "invalid_grant");
}

#[test]
fn p3_a_confidential_clients_refresh_token_is_not_bound_its_access_tokens_are() {
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

// --- Introspection and userinfo ---

#[test]
fn i4_introspection_names_the_key_and_the_type() {
    let (world, key) = (World::new(), Key::new(1));
    let tokens = printers_tokens(&world, &key);

    let access = introspected(&world, text(&tokens, "access_token"));
    assert_eq!((&access["token_type"], &access["cnf"]), (&json!("DPoP"), &json!({ "jkt": key.jkt() })));
    let refresh = introspected(&world, text(&tokens, "refresh_token"));
    assert_eq!((refresh.get("token_type"), refresh.get("cnf")), (None, None), "it is not bound");
}

#[test]
fn p1_userinfo_wants_a_proof_with_the_tokens_hash_each_time_a_new_one() {
    let (world, key) = (World::new(), Key::new(1));
    let tokens = tokens(&world, &key);
    let access = text(&tokens, "access_token");
    let proof = key.proof_for(&world, access);

    let answer = userinfo(&world, "DPoP", access, Some(proof.clone()));
    assert_eq!((answer.status, &json(&answer)["name"]), (200, &json!("Alice Liddell")));
    assert_eq!(userinfo(&world, "dpop", access, Some(key.proof_for(&world, access))).status, 200);

    let without_ath = key.sign(&key.parts(&world, "GET", "/userinfo"));
    for bad in [Some(proof), Some(without_ath), Some(key.proof_for(&world, "another")), None] {
        refused(&userinfo(&world, "DPoP", access, bad), "invalid_dpop_proof");
    }
    let theirs = Key::new(2).proof_for(&world, access);
    refused(&userinfo(&world, "DPoP", access, Some(theirs)), "invalid_token");
}

#[test]
fn a_thief_of_an_access_token_without_its_key_cannot_say_that_it_arrived() {
    let (world, key) = (World::new(), Key::new(1));
    let first = tokens(&world, &key);
    let first = text(&first, "refresh_token");
    let lost = json(&key.refresh(&world, first));
    let stolen = text(&lost, "access_token");

    refused(&userinfo(&world, "Bearer", stolen, None), "invalid_token");
    refused(&userinfo(&world, "DPoP", stolen, Some(Key::new(2).proof_for(&world, stolen))), "invalid_token");

    // So the answer to the refresh still counts as lost, and is given anew.
    world.wait(10);
    assert_eq!(outcome(&key.refresh(&world, first)), "issued");
}

#[test]
fn p1_a_bound_token_is_no_bearer_token_and_a_bearer_token_no_bound_one() {
    let (world, key) = (World::new(), Key::new(1));
    let bound = tokens(&world, &key);
    let bound = text(&bound, "access_token");
    refused(&userinfo(&world, "Bearer", bound, None), "invalid_token");
    refused(&userinfo(&world, "Bearer", bound, Some(key.proof_for(&world, bound))), "invalid_token");
    refused(&world.post("/userinfo", &[("access_token", bound)]), "invalid_token");

    let bearer = json(&world.poll(&world.approved().device_code));
    let bearer = text(&bearer, "access_token");
    assert_eq!(userinfo(&world, "Bearer", bearer, None).status, 200);
    refused(&userinfo(&world, "DPoP", bearer, Some(key.proof_for(&world, bearer))), "invalid_token");
}

#[test]
fn p1_userinfo_has_nonces_too_and_says_so_in_its_challenge() {
    let world = World::with(&[("DPOP_NONCE", "required")]);
    let key = Key::new(1);
    let nonce = key.poll(&world, "forged").header("dpop-nonce").expect("a nonce").to_owned();
    let started = world.approved();
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "demo-tv"),
        ("device_code", started.device_code.as_str()),
    ];
    let proof = key.proof_with_nonce(&world, "/token", &nonce);
    let tokens = json(&send(&world, "/token", &form, Some(proof)));
    let access = text(&tokens, "access_token");

    let answer = userinfo(&world, "DPoP", access, Some(key.proof_for(&world, access)));

    refused(&answer, "use_dpop_nonce");
    assert_eq!(answer.header("dpop-nonce"), Some(nonce.as_str()), "one server, one nonce");
}

#[test]
fn who_has_no_token_is_told_of_both_schemes() {
    let none = World::new().get("/userinfo");

    let challenges: Vec<&str> = none
        .headers
        .iter()
        .filter(|(name, _)| *name == "www-authenticate")
        .map(|(_, value)| value.as_str())
        .collect();
    assert!(matches!(challenges.as_slice(), [bearer, dpop]
        if bearer.starts_with("Bearer ") && dpop.starts_with("DPoP ") && dpop.contains("algs=\"ES256 ")));
}

#[track_caller]
fn refused(response: &Response, error: &str) {
    let challenge = response.header("www-authenticate").unwrap_or_default();
    let named = challenge.starts_with("DPoP ") && challenge.contains(&format!("error=\"{error}\""));
    assert!(
        response.status == 401 && named && challenge.contains("algs=\"ES256 "),
        "{} {challenge}",
        response.status
    );
}

#[test]
fn scripts_may_send_a_proof_and_read_the_nonce() {
    let (world, key) = (World::new(), Key::new(1));
    let mut options = crate::support::get();
    (options.method, options.path) = ("OPTIONS".to_owned(), "/token".to_owned());

    let allowed = world.send(&options);
    assert!(allowed.header("access-control-allow-headers").is_some_and(|names| names.contains("dpop")));
    let answer = key.poll(&world, "forged");
    assert!(answer.header("access-control-expose-headers").is_some_and(|names| names.contains("dpop-nonce")));
}

// --- Bound at the start ---

/// A grant of `demo-tv` that is bound to the key, by its proof or by its thumbprint.
fn bound(world: &World, key: &Key, by_proof: bool) -> (String, String) {
    let jkt = key.jkt();
    let response = if by_proof {
        key.post(world, "/device_authorization", &TV)
    } else {
        world.post("/device_authorization", &[&TV[..], &[("dpop_jkt", &jkt)]].concat())
    };
    assert_eq!(response.status, 200, "{}", response.body);
    let answer = json(&response);
    (text(&answer, "device_code").to_owned(), text(&answer, "user_code").to_owned())
}

#[test]
fn p6_a_stolen_device_code_is_worthless_without_the_key_it_was_started_with() {
    for by_proof in [true, false] {
        let (world, key, thief) = (World::new(), Key::new(1), Key::new(2));
        let (device_code, user_code) = bound(&world, &key, by_proof);
        let unknown = world.poll("forged").body;

        for refused in [world.poll(&device_code), thief.poll(&world, &device_code)] {
            assert_eq!(refused.body, unknown, "nothing tells it from an unknown code");
            assert_eq!(refused.decisions[0].reason, "device_code_without_key");
        }
        approve(&world, &user_code);
        for refused in [world.poll(&device_code), thief.poll(&world, &device_code)] {
            assert_eq!(refused.body, unknown, "nor that it is approved");
        }

        let tokens = json(&key.poll(&world, &device_code));
        assert_eq!(jkt_of(text(&tokens, "access_token")), Some(key.jkt()), "the rightful device is served");
        world.wait(10);
        assert_eq!(thief.poll(&world, &device_code).body, unknown);
        assert_eq!(
            outcome(&key.refresh(&world, text(&tokens, "refresh_token"))),
            "issued",
            "nothing was revoked"
        );
        let told = world.events().iter().filter(|event| *event == "device_code_without_key").count();
        assert_eq!(told, 1, "however often");
    }
}

#[test]
fn p6_a_poll_without_the_key_costs_one_hop_and_does_not_pace_the_rightful_device() {
    let (world, key, thief) = (World::new(), Key::new(1), Key::new(2));
    let (device_code, _) = bound(&world, &key, true);
    assert_eq!(outcome(&key.poll(&world, &device_code)), "authorization_pending");
    world.wait(5);

    world.server.platform.grant_hops.set(0);
    for _ in 0..20 {
        thief.poll(&world, &device_code);
    }
    assert_eq!(world.server.platform.grant_hops.get(), 20);

    let pending = key.poll(&world, &device_code);
    assert_eq!(
        (outcome(&pending).as_str(), &json(&pending)["interval"]),
        ("authorization_pending", &json!(5))
    );
}

#[test]
fn p6_a_spent_code_that_comes_back_with_its_key_ends_its_tokens() {
    let (world, key) = (World::new(), Key::new(1));
    let (device_code, user_code) = bound(&world, &key, true);
    approve(&world, &user_code);
    let tokens = json(&key.poll(&world, &device_code));

    world.wait(10);
    assert_eq!(outcome(&key.poll(&world, &device_code)), "invalid_grant");

    assert_eq!(outcome(&key.refresh(&world, text(&tokens, "refresh_token"))), "invalid_grant");
}

#[test]
fn p6_a_proof_and_a_thumbprint_must_agree_and_both_must_be_sound() {
    let (world, key) = (World::new(), Key::new(1));
    let (own, other) = (key.jkt(), Key::new(2).jkt());
    let start = |jkt: &str, dpop: Option<String>| {
        outcome(&send(&world, "/device_authorization", &[&TV[..], &[("dpop_jkt", jkt)]].concat(), dpop))
    };
    let proof = || Some(key.proof(&world, "/device_authorization"));

    assert_eq!(start(&own, proof()), "issued");
    assert_eq!(start(&other, proof()), "invalid_request");
    assert_eq!(start("short", None), "invalid_request");
    assert_eq!(start(&own, Some(key.proof(&world, "/token"))), "invalid_dpop_proof");
    assert_eq!(start(&own, Some("junk".to_owned())), "invalid_dpop_proof");

    let world = World::with(&[("DPOP_NONCE", "required")]);
    let refused = key.post(&world, "/device_authorization", &TV);
    assert_eq!((refused.status, outcome(&refused).as_str()), (400, "use_dpop_nonce"));
    let proof =
        key.proof_with_nonce(&world, "/device_authorization", refused.header("dpop-nonce").expect("a nonce"));
    assert_eq!(outcome(&send(&world, "/device_authorization", &TV, Some(proof))), "issued");
}

#[test]
fn a_lost_answer_is_given_anew_to_a_public_client_whose_code_is_bound_to_the_key_it_shows() {
    let world = World::with(&[("REISSUE_LOST_ANSWERS", "true")]);
    let key = Key::new(1);
    let (device_code, user_code) = bound(&world, &key, true);
    approve(&world, &user_code);
    let lost = json(&key.poll(&world, &device_code));

    world.wait(5);
    assert_eq!(outcome(&world.poll(&device_code)), "invalid_grant", "not without the key");
    let again = json(&key.poll(&world, &device_code));

    assert_eq!(outcome(&key.refresh(&world, text(&lost, "refresh_token"))), "invalid_grant");
    assert_eq!(outcome(&key.refresh(&world, text(&again, "refresh_token"))), "issued");
}

#[test]
fn a_lost_answer_is_a_replay_where_the_code_is_not_bound_or_reissue_is_off() {
    let world = World::with(&[("REISSUE_LOST_ANSWERS", "true")]);
    let key = Key::new(1);
    let started = world.approved();
    let tokens = json(&key.poll(&world, &started.device_code));
    world.wait(5);
    assert_eq!(outcome(&key.poll(&world, &started.device_code)), "invalid_grant", "any key would do");
    assert_eq!(
        outcome(&key.refresh(&world, text(&tokens, "refresh_token"))),
        "invalid_grant",
        "it was a replay"
    );

    let world = World::new();
    let (device_code, user_code) = bound(&world, &key, true);
    approve(&world, &user_code);
    key.poll(&world, &device_code);
    world.wait(5);
    assert_eq!(outcome(&key.poll(&world, &device_code)), "invalid_grant", "off by default");
}

// --- PKCE ---

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: [(&str, &str); 2] =
    [("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), ("code_challenge_method", "S256")];

fn redeem(world: &World, device_code: &str, verifier: &str) -> Response {
    let form = [("grant_type", DEVICE_CODE), ("client_id", "demo-tv"), ("device_code", device_code)];
    world.post("/token", &[&form[..], &[("code_verifier", verifier)]].concat())
}

#[test]
fn pkce_a_code_with_a_challenge_is_redeemed_with_its_verifier_only() {
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

    assert_eq!(outcome(&redeem(&world, &started.device_code, VERIFIER)), "issued", "nothing was spent");
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
fn pkce_the_row_keeps_the_challenge_and_no_verifier_is_looked_at_before_the_secret() {
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

// --- Whatever the order ---

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn a_binding_is_never_lost(steps in prop::collection::vec((0..4_u8, 0..20_u64), 1..20), approved_at in 0..20_usize) {
        let (world, key, thief) = (World::new(), Key::new(1), Key::new(2));
        let (device_code, user_code) = bound(&world, &key, true);
        let mut issued = 0;
        for (index, (step, wait)) in steps.into_iter().enumerate() {
            if index == approved_at {
                approve(&world, &user_code);
            }
            world.wait(wait);
            let response = match step {
                0 => key.poll(&world, &device_code),
                1 => thief.poll(&world, &device_code),
                2 => world.poll(&device_code),
                _ => redeem(&world, &device_code, VERIFIER),
            };
            prop_assert!(response.status == 400 || step == 0, "only with the key");
            if response.status == 200 {
                issued += 1;
                let tokens = json(&response);
                prop_assert_eq!(jkt_of(text(&tokens, "access_token")), Some(key.jkt()));
                prop_assert_eq!(outcome(&world.refresh(text(&tokens, "refresh_token"))), "invalid_grant");
            }
        }
        prop_assert!(issued <= 1);
    }
}
