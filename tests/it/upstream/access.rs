//! Signing in through Cloudflare Access, which stands in front of the server.

use device_grant::endpoint::http::{Request, Response};
use device_grant::endpoint::platform::Incoming;
use device_grant::identity::account_key::AccountKey;
use device_grant::secret::encode;
use device_grant::token::signing_key::Algorithm;
use serde_json::{Value, json};

use crate::support::admin::Admin;
use crate::support::person::{Person, hidden};
use crate::support::{Started, World, json as body, made, outcome, post, rsa_signature};

const TEAM: &str = "https://corp.cloudflareaccess.com";
const TAG: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";
const CONSENT: &str = "name=\"confirm_device\"";

/// Returns a server behind Access, whose team has the key 7.
fn world() -> World {
    let world = World::with(&[("ACCESS_TEAM", "corp"), ("ACCESS_AUDIENCE", TAG)]);
    publish(&world, 7);
    world
}

fn publish(world: &World, number: u8) {
    let key = serde_json::to_value(made(Algorithm::Rs256, number).public).unwrap();
    let set = json!({ "keys": [key], "public_cert": { "kid": "x", "cert": "PEM" }, "public_certs": [] });
    let uri = format!("{TEAM}/cdn-cgi/access/certs");
    world.server.platform.documents.borrow_mut().insert(uri, set.to_string());
}

/// Returns an assertion about Alice with other claims, signed with a key of the team.
fn assertion(world: &World, number: u8, changes: &Value) -> String {
    let now = world.now().seconds();
    let mut claims = json!({
        "iss": TEAM, "aud": [TAG], "type": "app", "sub": "7335d417-61da-459d-899c-0a01c76a2f94",
        "email": "alice@corp.example", "iat": now, "nbf": now, "exp": now + 86_400
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let key = made(Algorithm::Rs256, number).public;
    let part = |value: &Value| encode(value.to_string().as_bytes());
    let header = json!({ "alg": "RS256", "kid": key.kid, "typ": "JWT" });
    let input = format!("{}.{}", part(&header), part(&claims));
    format!("{input}.{}", encode(&rsa_signature(&key, input.as_bytes()).unwrap()))
}

/// Enters a code.
fn enter(world: &World) -> (Person<'_>, Started) {
    let started = world.start();
    let person = Person::of(world);
    person.enter(&started.user_code);
    (person, started)
}

/// Presses the button. Access adds the assertion to the request.
fn press(person: &Person<'_>, assertion: Option<String>) -> Response {
    let form = person.form(&[("step", "access")]);
    person.send(Request { access_assertion: assertion, ..form })
}

fn reason(page: &Response) -> &'static str {
    page.decisions.iter().rev().find(|line| line.what == "sign_in").map_or("no line", |line| line.reason)
}

#[test]
fn a_person_behind_access_signs_in_with_one_button_and_keeps_the_code() {
    let world = world();
    let (person, started) = enter(&world);
    assert!(person.page.borrow().body.contains("Cloudflare Access"));

    let page = press(&person, Some(assertion(&world, 7, &json!({}))));

    assert!(page.body.contains(CONSENT) && page.body.contains("alice@corp.example"), "{}", page.body);
    person.decide("approve");
    assert_eq!(outcome(&world.poll(&started.device_code)), "issued");
    let key = AccountKey::access("7335d417-61da-459d-899c-0a01c76a2f94").unwrap();
    let account = world.find_account(&key).unwrap();
    assert_eq!((account.username.as_str(), account.email_verified), ("alice@corp.example", true));
}

#[test]
fn an_assertion_that_is_not_good_signs_nobody_in_and_loses_nothing() {
    for (changes, expected) in [
        (json!({ "iss": "https://other.cloudflareaccess.com" }), "access_issuer_wrong"),
        (json!({ "aud": ["0".repeat(64)] }), "access_audience_wrong"),
        (json!({ "exp": 1 }), "access_assertion_expired"),
        (json!({ "type": "org" }), "access_assertion_of_nobody"),
        (json!({ "sub": "", "common_name": "robot.access" }), "access_assertion_of_nobody"),
    ] {
        let world = world();
        let (person, started) = enter(&world);
        let page = press(&person, Some(assertion(&world, 7, &changes)));
        assert_eq!((page.status, reason(&page), world.sessions()), (400, expected, 0), "{changes}");
        let page = press(&person, Some(assertion(&world, 7, &json!({}))));
        assert!(page.body.contains(CONSENT) && page.body.contains(&started.user_code), "{}", page.body);
    }
}

#[test]
fn only_the_keys_of_the_team_count_and_new_ones_are_found() {
    let world = world();
    let (person, _) = enter(&world);
    let page = press(&person, Some(assertion(&world, 8, &json!({}))));
    assert_eq!((page.status, reason(&page)), (400, "access_key_unknown"));
    let good = assertion(&world, 7, &json!({}));
    let (input, _) = good.rsplit_once('.').unwrap();
    let page = press(&person, Some(format!("{input}.{}", "A".repeat(342))));
    assert_eq!((page.status, reason(&page), world.sessions()), (400, "access_signature_wrong", 0));

    publish(&world, 8);
    world.wait(60);
    assert!(press(&person, Some(assertion(&world, 8, &json!({})))).body.contains(CONSENT));
}

#[test]
fn a_request_that_did_not_come_through_access_signs_nobody_in() {
    let world = world();
    let (person, _) = enter(&world);
    let page = press(&person, None);
    assert_eq!((page.status, reason(&page), world.sessions()), (400, "access_assertion_missing", 0));

    let world = World::new();
    let (person, _) = enter(&world);
    assert!(!person.page.borrow().body.contains("Cloudflare Access"));
    let page = press(&person, Some(assertion(&world, 7, &json!({}))));
    assert_eq!((reason(&page), world.sessions()), ("provider_gone", 0), "it is not set up");
}

#[test]
fn while_the_keys_of_the_team_cannot_be_read_nobody_signs_in() {
    let world = world();
    world.server.platform.documents.borrow_mut().clear();
    let (person, _) = enter(&world);
    let page = press(&person, Some(assertion(&world, 7, &json!({}))));
    assert_eq!((page.status, reason(&page)), (503, "keys_unreachable"));
}

#[test]
fn a_blocked_account_is_refused_however_often_access_lets_it_through() {
    let world = world();
    let (person, _) = enter(&world);
    press(&person, Some(assertion(&world, 7, &json!({}))));
    let path = "/accounts/access:7335d417-61da-459d-899c-0a01c76a2f94/block";
    assert_eq!(Admin(&world).ask("POST", path, None, Some(&json!({}))).status, 200);
    assert_eq!(world.sessions(), 0);

    let (person, _) = enter(&world);
    assert_eq!(press(&person, Some(assertion(&world, 7, &json!({})))).status, 403);
}

#[test]
fn access_never_counts_as_recent_or_strong() {
    for demand in [json!({ "max_age": 3600 }), json!({ "phishing_resistant": true })] {
        let world = world();
        world.start();
        assert_eq!(Admin(&world).patch("demo-tv", &json!({ "sign_in": demand })).status, 200);
        let (person, _) = enter(&world);
        let page = press(&person, Some(assertion(&world, 7, &json!({}))));
        assert!(!page.body.contains(CONSENT), "{demand}");
        assert_eq!(world.sessions(), 1);
    }
}

const DISK: &str = "f6f9391e-6776-4878-9c60-0cc807dc7dc8";
const FIREWALL: &str = "a0a8e83d-be75-4aa6-bfa0-5791da6e9186";
const SUBJECT: &str = "7335d417-61da-459d-899c-0a01c76a2f94";

/// Returns a server behind Access with a rule that denies machines that are not managed: those whose disk is not encrypted or
/// that have no firewall.
fn for_managed() -> World {
    let posture = format!("{DISK},{FIREWALL}");
    let settings = [("ACCESS_TEAM", "corp"), ("ACCESS_AUDIENCE", TAG), ("ACCESS_MANAGED_POSTURE", &posture)];
    let world = World::with(&settings);
    publish(&world, 7);
    let rules = json!([
        { "id": "all", "description": "for a test", "effect": "allow" },
        { "id": "ours", "description": "for a test", "effect": "deny", "when": { "person": { "managed": false } } },
    ]);
    world.set_policy(&json!({ "default": "enforced", "rules": rules }));
    world
}

/// Lets the team say of a person with which checks their machine succeeded.
fn know(world: &World, status: u16, subject: &str, checks: &[(&str, bool)]) {
    let checks = checks.iter().map(|(id, success)| ((*id).to_owned(), json!({ "success": success })));
    let checks: serde_json::Map<String, Value> = checks.collect();
    let body = json!({ "user_uuid": subject, "devicePosture": checks }).to_string();
    let uri = format!("{TEAM}/cdn-cgi/access/get-identity");
    world.server.platform.answers.borrow_mut().insert(uri, Incoming { status, body });
}

#[test]
fn a_rule_for_managed_machines_lets_in_those_whose_checks_succeeded_from_the_sign_in_to_the_refresh() {
    let world = for_managed();
    know(&world, 200, SUBJECT, &[(DISK, true), (FIREWALL, true)]);
    let (person, started) = enter(&world);
    let text = assertion(&world, 7, &json!({}));
    assert!(press(&person, Some(text.clone())).body.contains(CONSENT));
    let asked = world.server.platform.cookies.borrow().clone();
    assert_eq!(asked, [Some(format!("CF_Authorization={text}"))], "once, at the sign-in");

    world.server.platform.answers.borrow_mut().clear();
    assert_eq!(person.decide("approve").status, 200, "it stays with the session");
    let tokens = world.poll(&started.device_code);
    assert_eq!(outcome(&tokens), "issued", "and with the approval");
    let token = body(&tokens)["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(outcome(&world.refresh(&token)), "issued");
    assert_eq!(world.server.platform.cookies.borrow().len(), 1, "Access was asked no more");
}

#[test]
fn a_machine_is_not_managed_if_a_check_failed_or_access_says_nothing_about_this_person() {
    for (status, subject, checks) in [
        (200, SUBJECT, [(DISK, true), (FIREWALL, false)].as_slice()),
        (200, SUBJECT, &[(DISK, true)]),
        (200, "somebody-else", &[(DISK, true), (FIREWALL, true)]),
        (400, SUBJECT, &[(DISK, true), (FIREWALL, true)]),
    ] {
        let world = for_managed();
        know(&world, status, subject, checks);
        let (person, _) = enter(&world);
        let page = press(&person, Some(assertion(&world, 7, &json!({}))));
        assert_eq!((page.status, world.sessions()), (403, 0), "{status} {subject} {checks:?}");
    }
    let world = for_managed();
    let (person, _) = enter(&world);
    assert_eq!(press(&person, Some(assertion(&world, 7, &json!({})))).status, 403, "Access is out of reach");
}

#[test]
fn posture_counts_whichever_way_somebody_behind_access_signs_in_and_only_with_a_good_assertion() {
    let sign_in = |changes: Option<&Value>| {
        let world = for_managed();
        know(&world, 200, SUBJECT, &[(DISK, true), (FIREWALL, true)]);
        let (person, _) = enter(&world);
        let fields = [("step", "sign_in"), ("username", "alice"), ("password", "wonderland-8787")];
        let form = person.form(&fields);
        let access_assertion = changes.map(|changes| assertion(&world, 7, changes));
        let page = person.send(Request { access_assertion, ..form });
        let asked = world.server.platform.cookies.borrow().len();
        (page.status, asked)
    };
    assert_eq!(sign_in(Some(&json!({}))), (200, 1));
    assert_eq!(sign_in(None), (403, 0), "the request did not come through Access");
    assert_eq!(sign_in(Some(&json!({ "aud": ["0".repeat(64)] }))), (403, 0), "Access is not asked");
}

#[test]
fn without_checks_in_the_settings_access_is_not_asked() {
    let world = world();
    let (person, _) = enter(&world);
    assert!(press(&person, Some(assertion(&world, 7, &json!({})))).body.contains(CONSENT));
    assert!(world.server.platform.cookies.borrow().is_empty());
}

#[test]
fn a_session_that_began_at_a_page_of_the_persons_own_knows_the_machine_too() {
    for (checks, status) in
        [([(DISK, true), (FIREWALL, true)], 200), ([(DISK, true), (FIREWALL, false)], 403)]
    {
        let world = for_managed();
        know(&world, 200, SUBJECT, &checks);
        let person = Person::of(&world);
        person.open("/account");
        let page = send_to(&person, "/account", "access", Some(assertion(&world, 7, &json!({}))));
        assert_eq!(page.status, 200, "policy does not decide who sees their own pages");
        let started = world.start();
        person.open("/device");
        assert_eq!(person.enter(&started.user_code).status, status);
    }
}

/// Sends a form of the page that the browser shows to one of the person's own pages.
fn send_to(person: &Person<'_>, path: &str, step: &str, assertion: Option<String>) -> Response {
    let csrf = hidden(&person.page.borrow().body, "csrf").unwrap();
    person.send(Request { access_assertion: assertion, ..post(path, &[("csrf", &csrf), ("step", step)]) })
}

#[test]
fn people_behind_access_see_their_own_pages() {
    for (path, heading) in [("/account", "Your account"), ("/account/passkeys", "Your passkeys")] {
        let world = world();
        let person = Person::of(&world);
        assert!(person.open(path).body.contains("Continue with <bdi>Cloudflare Access</bdi>"), "{path}");

        let other = assertion(&world, 7, &json!({ "aud": ["0".repeat(64)] }));
        for (sent, status) in [(None, 400), (Some(other), 400)] {
            let page = send_to(&person, path, "access", sent);
            assert_eq!((page.status, world.sessions()), (status, 0), "{path}");
            assert!(page.body.contains("Sign in to continue"), "{}", page.body);
        }
        let page = send_to(&person, path, "access", Some(assertion(&world, 7, &json!({}))));
        assert_eq!((page.status, world.sessions()), (200, 1), "{}", page.body);
        assert!(page.body.contains(&format!("<h1>{heading}</h1>")), "{}", page.body);
        assert!(person.open("/account").body.contains("With <bdi>Cloudflare Access</bdi>."));
    }
    let world = World::new();
    let person = Person::of(&world);
    assert!(!person.open("/account").body.contains("Cloudflare Access"));
    let page = send_to(&person, "/account", "access", Some("x".to_owned()));
    assert_eq!((page.status, world.sessions()), (400, 0), "it is not set up");
}

#[test]
fn somebody_known_by_access_alone_reads_why_no_passkey_can_be_added() {
    let world = world();
    let person = Person::of(&world);
    person.open("/account/passkeys");
    send_to(&person, "/account/passkeys", "access", Some(assertion(&world, 7, &json!({}))));
    let page = person.page.borrow().body.clone();
    assert!(page.contains("which doesn’t say when you last proved who you are"), "{page}");
    assert!(!page.contains("Add a passkey"));

    let again = send_to(&person, "/account/passkeys", "add", None);
    assert!(again.body.contains("you signed in too long ago"), "{}", again.body);
    assert!(
        !again.body.contains("Continue with <bdi>Cloudflare Access</bdi>"),
        "it would never be recent enough"
    );
}
