//! Clients and devices that know another product's addresses.

use device_grant::client::Authentication;
use device_grant::endpoint::ALIASES;
use device_grant::endpoint::http::{Request, Response};
use device_grant::secret::{Digest, encode};
use serde_json::{Value, json};

use crate::support::dpop::Key;
use crate::support::person::Person;
use crate::support::signer::{Signer, by};
use crate::support::{DEVICE_CODE, ISSUER, World, get, json, outcome, post};

/// Every product.
const ALL: &str = "microsoft,wrangler,authentik,keycloak,hydra";
/// The path of the endpoint where grants start.
const START_PATH: &str = "/device_authorization";

/// Each product's paths for the device authorization and the token endpoint.
const PRODUCTS: [(&str, &str, &str); 5] = [
    ("microsoft", "/devicecode", "/token"),
    ("wrangler", "/oauth2/device/auth", "/oauth2/token"),
    ("authentik", "/application/o/device/", "/application/o/token/"),
    ("keycloak", "/protocol/openid-connect/auth/device", "/protocol/openid-connect/token"),
    ("hydra", "/oauth2/device/auth", "/oauth2/token"),
];

const START: [(&str, &str); 2] = [("client_id", "demo-tv"), ("scope", "openid offline_access")];

fn poll<'a>(grant_type: &'a str, device_code: &'a str) -> [(&'a str, &'a str); 3] {
    [("grant_type", grant_type), ("client_id", "demo-tv"), ("device_code", device_code)]
}

#[test]
fn each_products_paths_lead_to_tokens_where_it_is_switched_on_and_nowhere_where_it_is_not() {
    for (product, start, token) in PRODUCTS {
        let world = World::with(&[("COMPATIBILITY", product)]);
        let codes = json(&world.post(start, &START));
        let device_code = codes["device_code"].as_str().expect("a device code");

        assert_eq!(outcome(&world.post(token, &poll(DEVICE_CODE, device_code))), "authorization_pending");
        assert_eq!(outcome(&world.post(token, &poll(DEVICE_CODE, device_code))), "slow_down", "one pace");
        Person::of(&world).approve_as(
            "alice",
            "wonderland-8787",
            codes["user_code"].as_str().expect("a code"),
        );
        assert_eq!(world.post(token, &poll(DEVICE_CODE, device_code)).status, 200, "{product}");

        let without = World::with(&[("COMPATIBILITY", "none")]);
        assert_eq!(without.post(start, &START).status, 404, "{product}");
    }
}

#[test]
fn microsoft_and_wrangler_are_on_by_default() {
    let world = World::new();

    for (product, start, _) in PRODUCTS {
        let expected = if ["microsoft", "wrangler", "hydra"].contains(&product) { 200 } else { 404 };
        assert_eq!(
            world.post(start, &START).status,
            expected,
            "{product}; hydra shares a path with wrangler"
        );
    }
}

#[test]
fn the_short_grant_type_is_microsofts_only() {
    let device_code = |world: &World| world.start().device_code;
    let world = World::new();
    let code = device_code(&world);
    assert_eq!(outcome(&world.post("/token", &poll("device_code", &code))), "authorization_pending");

    let other = World::with(&[("COMPATIBILITY", "wrangler,authentik,keycloak,hydra")]);
    let code = device_code(&other);
    assert_eq!(outcome(&other.post("/token", &poll("device_code", &code))), "unsupported_grant_type");
}

/// The client of [`assertions_by`], with the form that starts a grant.
const PRINTER: &str = "demo-printer";

/// Lets `demo-printer` authenticate with assertions.
fn assertions_by<'a>(world: &'a World, signer: &Signer<'a>) {
    world.change_client(PRINTER, |client| {
        client.authentication = Authentication::PrivateKeyJwt;
        client.keys.jwks = Some(signer.jwks());
    });
}

/// Returns a request to an endpoint that reads no more of it than who sends it: a start, or a look at nothing.
fn form(own: &str) -> Vec<(&'static str, &'static str)> {
    match own {
        "/device_authorization" => vec![("scope", "openid")],
        "/token" => vec![("grant_type", DEVICE_CODE), ("device_code", "made-up")],
        _ => vec![("token", "made-up")],
    }
}

#[test]
fn the_metadata_name_no_alias_and_no_short_grant_type() {
    let world = World::with(&[("COMPATIBILITY", ALL)]);

    for document in
        ["openid-configuration", "oauth-authorization-server", "oauth-protected-resource/userinfo"]
    {
        let metadata = world.get(&format!("/.well-known/{document}"));
        assert_eq!(metadata.status, 200, "{document}");
        for (_, alias, own) in ALIASES {
            assert!(!metadata.body.contains(&format!("{ISSUER}{alias}\"")), "{document}: {alias} for {own}");
        }
        assert!(!metadata.body.contains("\"device_code\""), "{document}");
    }
}

#[test]
fn an_alias_answers_what_its_endpoint_answers() {
    for (product, alias, own) in ALIASES {
        let world = World::with(&[("COMPATIBILITY", product.name())]);
        let at = |path: &str, form: &[(&str, &str)]| {
            let answer = world.post(path, form);
            let headers: Vec<&str> = answer.headers.iter().map(|(name, _)| *name).collect();
            (answer.status, headers.join(" "), shape(&answer))
        };
        let tv = ("client_id", "demo-tv");
        for form in [vec![], vec![tv], vec![tv, tv], [&[tv][..], &form(own)].concat()] {
            assert_eq!(at(alias, &form), at(own, &form), "{product:?} {alias}: {form:?}");
        }
        let methods = |path: &str| {
            let options = world.send(&Request { method: "DELETE".to_owned(), ..post(path, &[]) });
            (options.status, options.header("allow").map(str::to_owned))
        };
        assert_eq!(methods(alias), methods(own), "{alias}");

        let without = World::with(&[("COMPATIBILITY", "none")]);
        assert_eq!(without.post(alias, &[tv]).status, 404, "{alias}");
    }
}

/// Returns the members of a JSON answer, with the values of those that say what is wrong.
fn shape(answer: &Response) -> Vec<(String, Option<Value>)> {
    let says = |name: &str| name == "error" || name == "error_description" || name == "interval";
    let members = json(answer);
    let members = members.as_object().expect("an object").iter();
    members.map(|(name, value)| (name.clone(), says(name).then(|| value.clone()))).collect()
}

#[test]
fn an_alias_shares_every_limit_and_effect_of_its_endpoint() {
    for (product, alias, own) in ALIASES {
        let vars = [("COMPATIBILITY", product.name()), ("LIVE_CODES_PER_CLIENT_AND_NETWORK", "1")];
        let world = World::with(&vars);
        let tv = ("client_id", "demo-tv");
        let started = if own == "/device_authorization" {
            json(&world.post(alias, &START))
        } else {
            world.start().answer
        };
        let code = started["device_code"].as_str().expect("a device code");
        assert_eq!(world.post(own, &[&[tv][..], &form(own)].concat()).status == 429, own == START_PATH);
        if own == "/token" {
            assert_eq!(outcome(&world.post(alias, &poll(DEVICE_CODE, code))), "authorization_pending");
            assert_eq!(outcome(&world.post(own, &poll(DEVICE_CODE, code))), "slow_down", "one pace");
            continue;
        }
        Person::of(&world).approve_as(
            "alice",
            "wonderland-8787",
            started["user_code"].as_str().expect("a code"),
        );
        let tokens = json(&world.poll(code));
        let token = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        match own {
            "/revoke" => {
                let refresh_token = token("refresh_token");
                assert_eq!(world.post(alias, &[tv, ("token", &refresh_token)]).status, 200);
                assert_eq!(outcome(&world.refresh(&refresh_token)), "invalid_grant", "{alias}");
            }
            "/userinfo" => {
                let authorization = Some(format!("Bearer {}", token("access_token")));
                let told = |path: &str| {
                    let request = Request { path: path.to_owned(), ..get() };
                    json(&world.send(&Request { authorization: authorization.clone(), ..request }))
                };
                assert!(told(alias)["sub"].is_string());
                assert_eq!(told(alias), told(own), "{alias}");
            }
            _ => assert_eq!(own, START_PATH),
        }
    }
}

#[test]
fn an_alias_is_an_address_of_its_own_to_a_proof() {
    for (product, alias, own) in ALIASES.into_iter().filter(|(.., own)| *own != "/revoke") {
        let world = World::with(&[("COMPATIBILITY", product.name())]);
        let key = Key::new(1);
        let code = world.start().device_code;
        let tokens = json(&key.poll(&world, &world.approved().device_code));
        let access_token = tokens["access_token"].as_str().expect("a token");
        let send = |path: &str, proof_for: &str| {
            let (header, mut claims) = key.parts(&world, "POST", proof_for);
            let mut request = match own {
                "/token" => post(path, &poll(DEVICE_CODE, &code)),
                START_PATH => post(path, &START),
                _ => Request { content_type: None, ..post(path, &[]) },
            };
            if own == "/userinfo" {
                claims["ath"] = json!(encode(Digest::of(access_token.as_bytes()).bytes()));
                request.authorization = Some(format!("DPoP {access_token}"));
            }
            request.dpop = Some(key.sign(&(header, claims)));
            outcome(&world.send(&request))
        };

        let good = if own == "/token" { "authorization_pending" } else { "issued" };
        assert_eq!(send(alias, alias), good, "{alias}");
        assert_eq!(send(alias, own), "invalid_dpop_proof", "{alias}");
        assert_eq!(send(own, alias), "invalid_dpop_proof", "{alias}");
    }
}

#[test]
fn an_alias_is_an_address_of_its_own_to_an_assertion() {
    for (product, alias, own) in ALIASES.into_iter().filter(|(.., own)| *own != "/userinfo") {
        let world = World::with(&[("COMPATIBILITY", product.name())]);
        let signer = Signer::new(&world, PRINTER, 1);
        assertions_by(&world, &signer);
        let send = |path: &str, audience: &str| {
            let assertion = signer.assertion(&json!(format!("{ISSUER}{audience}")));
            outcome(&world.post(path, &[&by(&assertion)[..], &form(own)].concat()))
        };

        let good = if own == "/token" { "invalid_grant" } else { "issued" };
        assert_eq!((send(alias, alias), send(alias, "")), (good.to_owned(), good.to_owned()), "{alias}");
        assert_eq!(send(alias, own), "invalid_client", "{alias}");
        assert_eq!(send(own, alias), "invalid_client", "{alias}");
    }
}

#[test]
fn a_get_of_an_alias_is_405_like_that_of_its_endpoint() {
    let world = World::new();

    for path in ["/devicecode", "/device_authorization"] {
        assert_eq!(world.send(&Request { path: path.to_owned(), ..get() }).status, 405, "{path}");
    }
}

#[test]
fn the_answer_has_a_message_for_people() {
    let world = World::new();
    let started = world.start();

    let expected = format!("To sign in, open {ISSUER}/device and enter the code {}.", started.user_code);
    assert_eq!(started.answer["message"], json!(expected));
}
