//! Clients with certificates, and tokens that are bound to certificates (RFC 8705).

use device_grant::client::Authentication;
use device_grant::client::certificate::Certificate;
use device_grant::endpoint::http::{Request, Response};
use device_grant::secret::{Digest, encode};
use serde_json::{Value, json};

use crate::support::person::Person;
use crate::support::{DEVICE_CODE, ISSUER, World, claims, get, json, outcome, post};

const MTLS: &str = "http://localhost:8787";
const SCOPE: (&str, &str) = ("scope", "openid offline_access");
const PRINTER: &str = "demo-printer";
const TV: &str = "demo-tv";

fn world() -> World {
    World::with(&[("ISSUER", ISSUER), ("MTLS_ORIGIN", MTLS)])
}

/// A client with or without a certificate. It sends its requests to `host`.
struct Device<'a> {
    world: &'a World,
    client_id: &'a str,
    certificate: Option<Certificate>,
    host: &'a str,
}

fn certificate(der: &str, subject_dn: &str, verified: bool) -> Certificate {
    Certificate { verified, subject_dn: subject_dn.to_owned(), sha256: sha256(der) }
}

fn sha256(der: &str) -> String {
    encode(Digest::of(der.as_bytes()).bytes())
}

impl<'a> Device<'a> {
    fn new(world: &'a World, client_id: &'a str, certificate: Option<Certificate>) -> Self {
        Self { world, client_id, certificate, host: "localhost:8787" }
    }

    fn with(&self, certificate: Option<Certificate>) -> Self {
        Self { certificate, ..*self }
    }

    fn at(&self, host: &'a str) -> Self {
        Self { certificate: self.certificate.clone(), host, ..*self }
    }

    fn send(&self, request: Request) -> Response {
        let host = self.host.to_owned();
        self.world.send(&Request { host, certificate: self.certificate.clone(), ..request })
    }

    fn ask(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.send(post(path, &[&[("client_id", self.client_id)], form].concat()))
    }

    fn start(&self) -> Response {
        self.ask("/device_authorization", &[SCOPE])
    }

    fn poll(&self, device_code: &str) -> Response {
        self.ask("/token", &[("grant_type", DEVICE_CODE), ("device_code", device_code)])
    }

    fn refresh(&self, token: &str) -> Response {
        self.ask("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    fn userinfo(&self, token: &str) -> Response {
        let authorization = Some(format!("Bearer {token}"));
        self.send(Request { authorization, path: "/userinfo".to_owned(), ..get() })
    }

    fn approved(&self) -> String {
        let started = json(&self.start());
        Person::of(self.world).approve_as("alice", "wonderland-8787", &text(&started, "user_code"));
        text(&started, "device_code")
    }

    fn tokens(&self) -> Value {
        let response = self.poll(&self.approved());
        assert_eq!(response.status, 200, "{}", response.body);
        json(&response)
    }
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

fn reason(response: &Response) -> &'static str {
    response.decisions.first().expect("a log line").reason
}

/// Registers `demo-printer` for certificates with a subject.
fn by_subject(world: &World) {
    world.change_client(PRINTER, |client| {
        client.authentication =
            Authentication::TlsClientAuth { subject_dn: "CN=printer,O=Example".to_owned() };
    });
}

/// Registers `demo-tv` for tokens that are bound to its certificate.
fn bound(world: &World) {
    world.change_client(TV, |client| client.tokens.tls_client_certificate_bound_access_tokens = true);
}

#[test]
fn s5_a_client_is_known_by_the_subject_of_a_certificate_that_the_platform_verified() {
    let world = world();
    by_subject(&world);
    let good = certificate("one", "CN=printer,O=Example", true);
    let device = Device::new(&world, PRINTER, Some(good.clone()));

    let tokens = device.tokens();

    let introspected = json(&device.ask("/introspect", &[("token", &text(&tokens, "access_token"))]));
    assert_eq!(introspected.get("active"), Some(&json!(true)));
    for (shown, expected) in [
        (Some(Certificate { verified: false, ..good.clone() }), "wrong_certificate"),
        (Some(certificate("one", "CN=printer", true)), "wrong_certificate"),
        (Some(certificate("one", "", true)), "wrong_certificate"),
        (None, "no_proof"),
    ] {
        let refused = device.with(shown).start();
        assert_eq!(
            (refused.status, outcome(&refused).as_str(), reason(&refused)),
            (401, "invalid_client", expected)
        );
    }
}

#[test]
fn s5_a_client_is_known_by_its_own_self_signed_certificate() {
    let world = world();
    world.change_client(PRINTER, |client| {
        client.authentication = Authentication::SelfSignedTlsClientAuth;
        // RFC 7517 §4.7: base64 of the DER, here of the word "mine".
        client.keys.jwks = Some(json!({ "keys": [{ "kty": "EC", "crv": "P-384", "x5c": ["bWluZQ=="] }] }));
    });
    let device = Device::new(&world, PRINTER, Some(certificate("mine", "CN=whoever", false)));

    device.tokens();

    let other = device.with(Some(certificate("other", "CN=whoever", true))).start();
    assert_eq!((other.status, reason(&other)), (401, "wrong_certificate"));
    assert_eq!(reason(&device.with(None).start()), "no_proof");
}

#[test]
fn a_certificate_does_not_authenticate_a_public_client() {
    let world = world();
    let device = Device::new(&world, TV, Some(certificate("any", "CN=anybody", true)));
    let token = text(&device.tokens(), "access_token");

    let refused = device.ask("/introspect", &[("token", &token)]);

    assert_eq!(
        (refused.status, outcome(&refused).as_str(), reason(&refused)),
        (401, "invalid_client", "no_proof")
    );
}

#[test]
fn a_certificate_counts_only_at_the_mtls_host() {
    let world = world();
    by_subject(&world);
    let shown = Some(certificate("one", "CN=printer,O=Example", true));

    let device = Device::new(&world, PRINTER, shown.clone()).at("127.0.0.1:8787");

    assert_eq!(reason(&device.start()), "no_proof");
    let without = World::with(&[("ISSUER", ISSUER)]);
    by_subject(&without);
    assert_eq!(Device::new(&without, PRINTER, shown).start().status, 421, "the server has no such host");
}

#[test]
fn the_mtls_host_has_the_aliased_endpoints_and_no_other() {
    let world = world();
    let host = |path: &str| {
        let request = Request { host: "localhost:8787".to_owned(), path: path.to_owned(), ..get() };
        world.send(&request).status
    };

    for path in ["/device_authorization", "/token", "/introspect", "/revoke"] {
        assert_eq!(host(path), 405, "{path}");
    }
    assert_eq!(host("/userinfo"), 401);
    for path in ["/device", "/authorize", "/jwks.json", "/healthz", "/.well-known/openid-configuration", "/x"]
    {
        assert_eq!(host(path), 421, "{path}");
    }
    let secure = Request { host: "localhost:8787".to_owned(), secure: true, ..post("/token", &[]) };
    assert_eq!(world.send(&secure).status, 421, "another scheme is another origin");
}

#[test]
fn the_answers_of_the_mtls_host_name_the_issuer() {
    let world = world();
    let device = Device::new(&world, TV, None);

    let started = json(&device.start());

    assert_eq!(started.get("verification_uri"), Some(&json!(format!("{ISSUER}/device"))));
    assert_eq!(claims(&text(&device.tokens(), "access_token")).get("iss"), Some(&json!(ISSUER)));
}

#[test]
fn s2_a_bound_token_is_good_only_with_its_certificate() {
    let world = world();
    bound(&world);
    let device = Device::new(&world, TV, Some(certificate("one", "CN=tv", false)));

    let token = text(&device.tokens(), "access_token");

    assert_eq!(claims(&token).get("cnf"), Some(&json!({ "x5t#S256": sha256("one") })));
    assert_eq!(device.userinfo(&token).status, 200);
    let other = device.with(Some(certificate("two", "CN=tv", false)));
    for stranger in [device.with(None), other, device.at("127.0.0.1:8787")] {
        let refused = stranger.userinfo(&token);
        assert_eq!(refused.status, 401);
        assert!(refused.header("www-authenticate").is_some_and(|value| value.contains("invalid_token")));
    }
}

#[test]
fn introspection_shows_what_a_token_is_bound_to() {
    let world = world();
    by_subject(&world);
    let device = Device::new(&world, PRINTER, Some(certificate("one", "CN=printer,O=Example", true)));
    let tokens = device.tokens();

    let cnf =
        |name: &str| json(&device.ask("/introspect", &[("token", &text(&tokens, name))])).get("cnf").cloned();

    assert_eq!(cnf("access_token"), Some(json!({ "x5t#S256": sha256("one") })));
    assert_eq!(cnf("refresh_token"), None, "a client that authenticates has no bound refresh tokens");
}

#[test]
fn a_client_with_bound_tokens_is_refused_at_its_first_poll_without_a_certificate() {
    let world = world();
    bound(&world);
    world.wait(10);
    let device = Device::new(&world, TV, Some(certificate("one", "CN=tv", false)));
    let started = json(&device.start());

    for poll in [device.with(None), device.at("127.0.0.1:8787")] {
        let refused = poll.poll(&text(&started, "device_code"));
        assert_eq!((outcome(&refused).as_str(), reason(&refused)), ("invalid_request", "no_certificate"));
    }
    assert_eq!(outcome(&device.poll(&text(&started, "device_code"))), "authorization_pending");
}

#[test]
fn a_request_without_its_certificate_spends_nothing() {
    let world = world();
    let device = Device::new(&world, TV, Some(certificate("one", "CN=tv", false)));
    let code = device.approved();
    bound(&world);

    assert_eq!(
        reason(&device.with(None).poll(&code)),
        "no_certificate",
        "the registration is newer than the snapshot"
    );
    let tokens = json(&device.poll(&code));
    let refresh = text(&tokens, "refresh_token");
    assert_eq!(reason(&device.with(None).refresh(&refresh)), "refresh_token_without_key");
    assert_eq!(outcome(&device.refresh(&refresh)), "issued");
}

#[test]
fn s1_a_public_clients_refresh_token_is_bound_to_the_same_certificate_as_its_access_token() {
    let world = world();
    bound(&world);
    world.wait(10);
    let device = Device::new(&world, TV, Some(certificate("one", "CN=tv", false)));
    let refresh = text(&device.tokens(), "refresh_token");

    let stolen = device.with(Some(certificate("two", "CN=thief", false))).refresh(&refresh);

    assert_eq!((outcome(&stolen).as_str(), reason(&stolen)), ("invalid_grant", "refresh_token_without_key"));
    let next = json(&device.refresh(&refresh));
    assert_eq!(claims(&text(&next, "access_token")).get("cnf"), Some(&json!({ "x5t#S256": sha256("one") })));
}

#[test]
fn a_client_that_authenticates_may_renew_its_certificate_between_refreshes() {
    let world = world();
    by_subject(&world);
    let subject = "CN=printer,O=Example";
    let device = Device::new(&world, PRINTER, Some(certificate("one", subject, true)));
    let refresh = text(&device.tokens(), "refresh_token");

    let renewed = device.with(Some(certificate("two", subject, true)));
    let next = json(&renewed.refresh(&refresh));

    assert_eq!(claims(&text(&next, "access_token")).get("cnf"), Some(&json!({ "x5t#S256": sha256("two") })));
}

#[test]
fn a_subject_that_changed_between_approval_and_redemption_redeems_nothing() {
    let world = world();
    by_subject(&world);
    world.wait(10);
    let device = Device::new(&world, PRINTER, Some(certificate("one", "CN=printer,O=Example", true)));
    let code = device.approved();

    world.change_client(PRINTER, |client| {
        client.authentication = Authentication::TlsClientAuth { subject_dn: "CN=other".to_owned() };
    });

    assert_eq!(reason(&device.poll(&code)), "redemption_refused");
}

#[test]
fn a_certificate_binds_nothing_unless_the_client_is_registered_for_it() {
    let world = world();
    let tokens = Device::new(&world, TV, Some(certificate("one", "CN=tv", true))).tokens();

    assert_eq!(claims(&text(&tokens, "access_token")).get("cnf"), None);
}

#[test]
fn the_metadata_name_the_mtls_host_if_there_is_one() {
    let world = World::with(&[("ISSUER", &format!("{ISSUER}/auth")), ("MTLS_ORIGIN", MTLS)]);
    let metadata = json(&world.get("/auth/.well-known/openid-configuration"));

    let aliases = metadata.get("mtls_endpoint_aliases").and_then(Value::as_object).expect("aliases");
    for (name, url) in aliases {
        let own = text(&metadata, name);
        assert_eq!(url.as_str(), Some(own.replace(ISSUER, MTLS).as_str()));
    }
    assert_eq!(aliases.len(), 5);
    assert_eq!(metadata.get("tls_client_certificate_bound_access_tokens"), Some(&json!(true)));
    for endpoint in ["token", "revocation", "introspection"] {
        let methods = metadata.get(format!("{endpoint}_endpoint_auth_methods_supported")).expect("methods");
        for method in ["tls_client_auth", "self_signed_tls_client_auth"] {
            assert!(methods.as_array().expect("an array").contains(&json!(method)), "{endpoint}");
        }
    }
    let resource = json(&world.get("/.well-known/oauth-protected-resource/auth/userinfo"));
    assert_eq!(resource.get("tls_client_certificate_bound_access_tokens"), Some(&json!(true)));
}
