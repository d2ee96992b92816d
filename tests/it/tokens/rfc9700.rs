//! Statements of RFC 9700 and RFC 9068 that no other file is about. `docs/conformance.md` lists all of them.

use device_grant::endpoint::http::{Request, Response};
use device_grant::secret::encode;
use device_grant::token::signing_key::Algorithm;
use serde_json::{Value, json};

use crate::support::admin::{Admin, device};
use crate::support::person::Person;
use crate::support::{DEVICE_CODE, ISSUER, World, claims, get, header, json, outcome, post};

const ELSEWHERE: &str = "https://evil.example/";
/// Parameters by which requests tell servers where to send a browser.
const WHERE_TO: [&str; 10] = [
    "redirect_uri",
    "post_logout_redirect_uri",
    "target_link_uri",
    "return_to",
    "returnUrl",
    "next",
    "continue",
    "url",
    "RelayState",
    "verification_uri",
];

/// Visits every page that a person can reach, and returns every response with a name for it.
///
/// Adds `more` to every query and form.
fn pages(world: &World, more: &[(&str, &str)]) -> Vec<(&'static str, Response)> {
    let approved = world.start();
    let refused = world.start();
    let with = |fields: &[(&'static str, &str)], person: &Person<'_>| {
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain(more.iter().copied()).collect();
        person.submit(&fields)
    };
    let query = more.iter().fold(String::new(), |query, (name, value)| format!("{query}&{name}={value}"));
    let person = Person::of(world);
    let sign_in = [("step", "sign_in"), ("username", "alice"), ("password", "wonderland-8787")];
    let code =
        |code: &str| [("step", "code"), ("user_code", code)].map(|(name, value)| (name, value.to_owned()));
    let enter = |user_code: &str| {
        let fields = code(user_code);
        let fields: Vec<(&'static str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        with(&fields, &person)
    };
    let mut pages = vec![
        ("the authorization endpoint", world.get(&format!("/authorize?response_type=code{query}"))),
        ("the entry page", person.open(&format!("/device?user_code={}{query}", approved.user_code))),
        ("a code", enter(&approved.user_code)),
        (
            "a wrong password",
            with(&[("step", "sign_in"), ("username", "alice"), ("password", "no")], &person),
        ),
        ("a sign-in", with(&sign_in, &person)),
        ("a form without a decision", with(&[("step", "decide")], &person)),
        (
            "an approval",
            with(&[("step", "decide"), ("decision", "approve"), ("confirm_device", "yes")], &person),
        ),
    ];
    person.open("/device");
    pages.push(("a wrong code", enter("BBBB-BBBB")));
    pages.push(("another code", enter(&refused.user_code)));
    pages.push(("a refusal", with(&[("step", "decide"), ("decision", "deny")], &person)));
    person.open("/device");
    pages.push(("a sign-out", with(&[("step", "sign_out")], &person)));
    pages.push(("an unknown step", with(&[("step", "dance")], &person)));
    pages.push(("a form without its token", Person::of(world).submit(&[("step", "code")])));
    assert_eq!(world.poll_outcome(&approved.device_code), "issued", "the approval reached the device");
    assert_eq!(world.poll_outcome(&refused.device_code), "access_denied", "the refusal reached the device");
    pages
}

fn is_page(response: &Response) -> bool {
    response.header("content-type").is_some_and(|kind| kind.starts_with("text/html"))
}

#[test]
fn s3_a_token_has_the_scope_and_the_resource_that_were_asked_for_and_no_more() {
    const API: &str = "https://api.example.com";
    let world = World::new();
    world.change_client("demo-tv", |client| {
        client.tokens.audience = vec![API.to_owned(), "https://files.example.com".to_owned()];
    });
    world.wait(10);
    let started = world.start_with(&[("client_id", "demo-tv"), ("scope", "email"), ("resource", API)]);
    Person::of(&world).approve_as("alice", "wonderland-8787", &started.user_code);

    let tokens = json(&world.poll(&started.device_code));

    let claims = claims(tokens["access_token"].as_str().expect("a token"));
    assert_eq!((&claims["scope"], &claims["aud"]), (&json!("email"), &json!(API)));
    assert_eq!((tokens.get("refresh_token"), tokens.get("id_token")), (None, None));
}

#[test]
fn s4_there_is_no_password_grant() {
    let world = World::new();
    let form = [
        ("grant_type", "password"),
        ("client_id", "demo-tv"),
        ("username", "alice"),
        ("password", "wonderland-8787"),
    ];
    assert_eq!(outcome(&world.post("/token", &form)), "unsupported_grant_type");

    let metadata = json(&world.get("/.well-known/oauth-authorization-server"));
    assert_eq!(metadata["grant_types_supported"], json!([DEVICE_CODE, "refresh_token"]));

    let refused = Admin(&world).create(&device("tv", &json!({ "grant_types": ["password"] })));
    assert_eq!(refused.status, 422, "no client can be registered for it");
}

#[test]
fn s6_no_page_and_no_authorization_endpoint_is_open_to_scripts_of_other_sites() {
    let world = World::new();

    for (what, page) in pages(&world, &[]) {
        let open = page.headers.iter().find(|(name, _)| name.starts_with("access-control-"));
        assert_eq!(open, None, "{what}");
    }
    for path in ["/device", "/authorize"] {
        let preflight = world.send(&Request {
            method: "OPTIONS".to_owned(),
            path: path.to_owned(),
            origin: Some(ELSEWHERE.to_owned()),
            ..get()
        });
        assert_eq!(
            (preflight.status, preflight.header("access-control-allow-origin")),
            (405, None),
            "{path}"
        );
    }
}

#[test]
fn s7_no_response_leads_to_an_address_from_the_request() {
    let world = World::new();
    let more = WHERE_TO.map(|name| (name, ELSEWHERE));

    for (what, page) in pages(&world, &more) {
        assert!(!(300..400).contains(&page.status), "{what}: {}", page.status);
        for (name, value) in &page.headers {
            assert!(!matches!(*name, "location" | "refresh" | "link"), "{what}: {name}");
            assert!(!value.contains("evil.example"), "{what}: {name}: {value}");
        }
        assert!(!page.body.contains("evil.example") && !page.body.contains("http-equiv"), "{what}");
    }
}

#[test]
fn s7_an_error_goes_only_to_an_address_that_belongs_to_the_client() {
    let world = World::with(&[("TRUSTED_REDIRECTS", "https://trusted.example/cb https://other.example/cb")]);
    let uris = [
        "https://trusted.example/cb",
        "https://own.example/cb",
        "http://127.0.0.1/cb",
        "http://localhost/cb",
    ];
    Admin(&world).created(&device("tv", &json!({ "redirect_uris": uris })));
    let ask = |client: &str, uri: &str| {
        let response = world.get(&format!("/authorize?client_id={client}&state=s&redirect_uri={uri}"));
        (response.status, response.header("location").map(str::to_owned))
    };

    for (uri, at) in [
        ("https://trusted.example/cb", "https://trusted.example/cb?error=unauthorized_client&"),
        ("http://127.0.0.1:49152/cb", "http://127.0.0.1:49152/cb?error=unauthorized_client&"),
    ] {
        let (status, location) = ask("tv", uri);
        let location = location.unwrap_or_default();
        assert!(status == 303 && location.starts_with(at), "{location}");
        assert!(location.ends_with("&state=s&iss=http%3A%2F%2F127.0.0.1%3A8787"), "{location}");
    }
    for (client, uri) in [
        ("tv", "https://own.example/cb"),
        ("tv", "https://other.example/cb"),
        ("tv", "http://localhost/cb"),
        ("tv", "http://127.0.0.1:49152/"),
        ("tv", ELSEWHERE),
        ("demo-tv", "https://trusted.example/cb"),
        ("demo-tv", "http://127.0.0.1/cb"),
        ("nobody", "http://127.0.0.1/cb"),
    ] {
        assert_eq!(ask(client, uri), (400, None), "{client} {uri}");
    }
}

#[test]
fn s8_a_posted_credential_is_answered_with_a_page_or_a_303_and_never_repeated() {
    for (what, page) in pages(&World::new(), &[]) {
        assert!(matches!(page.status, 200 | 400 | 401 | 403 | 429), "{what}: {}", page.status);
        assert_eq!(page.header("location"), None, "{what}");
    }
    let world = World::new();
    let person = Person::of(&world);
    person.enter(&world.start().user_code);
    let form = [("step", "sign_in"), ("username", "alice"), ("password", "wonderland-8787")];

    let answer = person.exchange(person.form(&form));

    let location = answer.header("location").expect("a location");
    assert_eq!((answer.status, answer.body.as_str()), (303, ""), "browsers go on with a GET");
    assert!(location.starts_with("/device?request="), "{location}");
}

#[test]
fn s11_no_client_can_have_the_identifier_of_a_person() {
    let world = World::new();
    let started = world.approved();
    let tokens = json(&world.poll(&started.device_code));
    let sub = claims(tokens["access_token"].as_str().expect("a token"))["sub"].clone();
    let subject = sub.as_str().expect("a subject");
    assert!(subject.starts_with("acct-"), "{subject}");

    for client_id in [subject, "acct-", "acct-of-nobody"] {
        let refused = Admin(&world).create(&device(client_id, &json!({})));
        assert_eq!(refused.status, 422, "{client_id}");
        assert!(refused.body.contains("as the subjects of accounts do"), "{}", refused.body);
    }
    let mut unnamed = device("", &json!({}));
    unnamed.as_object_mut().expect("members").remove("client_id");
    let drawn = json(&Admin(&world).create(&unnamed))["client_id"].clone();
    assert!(drawn.as_str().is_some_and(|drawn| !drawn.is_empty() && !drawn.starts_with("acct-")), "{drawn}");
}

#[test]
fn s12_no_page_can_be_framed() {
    let mut seen = 0;
    for (what, page) in pages(&World::new(), &[]).into_iter().filter(|(_, page)| is_page(page)) {
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(policy.split(';').any(|part| part.trim() == "frame-ancestors 'none'"), "{what}: {policy}");
        seen += 1;
    }
    assert!(seen >= 10, "only {seen} pages");
}

#[test]
fn s14_a_person_who_is_signed_in_is_still_asked_for_consent_for_each_code() {
    let world = World::new();
    let [first, second, third] = [(); 3].map(|()| world.start());
    let person = Person::of(&world);
    person.approve_as("alice", "wonderland-8787", &first.user_code);

    let by_hand = person.enter(&second.user_code);
    person.open(&format!("/device?user_code={}", third.user_code));
    let by_link = person.submit(&[("step", "code"), ("user_code", &third.user_code)]);

    for (consent, code) in [(&by_hand, &second.user_code), (&by_link, &third.user_code)] {
        assert!(!consent.body.contains("name=\"password\""), "she is signed in: {}", consent.body);
        assert!(consent.body.contains("value=\"approve\"") && consent.body.contains(code.as_str()));
    }
    for waiting in [&second, &third] {
        assert_eq!(world.poll_outcome(&waiting.device_code), "authorization_pending");
    }
    person.decide("approve");
    assert_eq!(world.poll_outcome(&third.device_code), "issued");
    world.wait(5);
    assert_eq!(
        world.poll_outcome(&second.device_code),
        "authorization_pending",
        "the approval of one code does not count for another"
    );
}

// RFC 9068 §2.1 and §4, about algorithms.

#[test]
fn j1_access_tokens_are_signed_with_rs256_if_the_client_is_registered_for_it() {
    let world = World::new();
    let metadata = json(&world.get("/.well-known/oauth-authorization-server"));
    for member in ["id_token_signing_alg_values_supported", "userinfo_signing_alg_values_supported"] {
        let algorithms = metadata[member].as_array().expect("a list");
        assert!(algorithms.contains(&json!("RS256")) && !algorithms.contains(&json!("none")), "{member}");
    }
    world.change_client("demo-tv", |client| client.access_token_signed_response_alg = Algorithm::Rs256);
    world.wait(10);

    let started = world.approved();
    let tokens = json(&world.poll(&started.device_code));

    let header = header(tokens["access_token"].as_str().expect("a token"));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("RS256")));
    let keys = json(&world.get("/jwks.json"));
    let is_it = |key: &Value| key["kid"] == header["kid"] && key["alg"] == "RS256";
    assert!(keys["keys"].as_array().is_some_and(|keys| keys.iter().any(is_it)), "the key is published");
}

#[test]
fn j1_an_unsigned_token_is_refused() {
    let world = World::new();
    let started = world.approved();
    let tokens = json(&world.poll(&started.device_code));
    let token = tokens["access_token"].as_str().expect("a token");
    let (_, claims) = token.split_once('.').expect("a JWT");
    let (claims, signature) = claims.split_once('.').expect("a JWT");

    for alg in ["none", "None", "HS256"] {
        let mut forged = header(token);
        forged["alg"] = json!(alg);
        let forged = encode(forged.to_string().as_bytes());
        for token in [format!("{forged}.{claims}."), format!("{forged}.{claims}.{signature}")] {
            let authorization = Some(format!("Bearer {token}"));
            let asked = Request { authorization, path: "/userinfo".to_owned(), ..get() };
            assert_eq!(outcome(&world.send(&asked)), "invalid_token", "{alg}");
            let form =
                [("client_id", "demo-printer"), ("client_secret", "demo-printer-secret"), ("token", &*token)];
            assert_eq!(json(&world.send(&post("/introspect", &form))), json!({ "active": false }), "{alg}");
        }
    }
    let asked =
        Request { authorization: Some(format!("Bearer {token}")), path: "/userinfo".to_owned(), ..get() };
    assert_eq!(world.send(&asked).status, 200, "{ISSUER} accepts its own token");
}
