//! Initiation verification: an approval that is worth nothing until digits are typed at the device (RFC 10027 §6.1.16).

use device_grant::audit::What;
use device_grant::endpoint::http::Response;
use serde_json::{Value, json};

use super::{ALICE, Login, allow, berlin, lagos, policy, rule, text};
use crate::support::dpop::{self, Key};
use crate::support::person::Person;
use crate::support::{DEVICE_CODE, World, json as body, outcome};

const ASKS: (&str, &str) = ("initiation_verification_supported", "true");

fn rules(when: Option<&Value>) -> Value {
    let require = json!({ "initiation_verification": true });
    let members = match when {
        Some(when) => json!({ "when": when, "require": require }),
        None => json!({ "require": require }),
    };
    json!([allow(), rule("digits", "require", &members)])
}

/// Returns a server on which every login is verified.
fn verifying() -> World {
    let world = World::new();
    world.set_policy(&policy(&rules(None)));
    world
}

/// Starts a login at a device that can ask for digits.
fn start(login: &Login<'_>) -> Response {
    login.ask("/device_authorization", &[("scope", login.scope), ASKS])
}

/// Lets the person open the request. Returns the device code, and the browser.
fn entered<'a>(login: &Login<'a>) -> (String, Person<'a>) {
    let started = start(login);
    assert_eq!(started.status, 200, "{}", started.body);
    let browser = login.browser();
    browser.enter_as(login.who.0, login.who.1, &text(&started, "user_code"));
    (text(&started, "device_code"), browser)
}

/// Lets the person approve. Returns the device code, the browser and the digits that it shows.
fn approved<'a>(login: &Login<'a>) -> (String, Person<'a>, String) {
    let (device_code, browser) = entered(login);
    let page = browser.decide("approve");
    assert_eq!(page.status, 200, "{}", page.body);
    let digits = shown(&page).unwrap_or_else(|| panic!("no digits: {}", page.body));
    (device_code, browser, digits)
}

/// Returns the digits on a page.
fn shown(page: &Response) -> Option<String> {
    let (_, rest) = page.body.split_once("translate=\"no\">")?;
    let (digits, _) = rest.split_once("</span>")?;
    (digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.to_owned())
}

/// Returns other digits: the first, the second, and so on.
fn wrong(right: &str, number: u16) -> String {
    format!("{:04}", (right.parse::<u16>().expect("digits") + number) % 10_000)
}

fn send(login: &Login<'_>, device_code: &str, digits: &str) -> Response {
    login.ask(
        "/token",
        &[
            ("grant_type", DEVICE_CODE),
            ("device_code", device_code),
            ("initiation_verification_code", digits),
        ],
    )
}

fn events(world: &World) -> Vec<What> {
    world.recorded().iter().map(|event| event.what).collect()
}

#[test]
fn the_device_gets_tokens_only_with_the_digits_that_the_person_reads() {
    let world = verifying();
    let login = Login::of(&world);
    let (device_code, browser, digits) = approved(&login);
    let page = browser.page.borrow().body.clone();
    assert!(page.contains("Nothing is signed in yet") && page.contains("Tell nobody these digits"), "{page}");

    let answer = login.poll(&device_code);
    assert_eq!(outcome(&answer), "initiation_verification_required");
    assert_eq!(body(&answer)["interval"], 5, "it is polled no faster than before");
    assert_eq!(outcome(&login.poll(&device_code)), "slow_down");
    let tokens = send(&login, &device_code, &digits);
    assert_eq!(tokens.status, 200, "{}", tokens.body);

    let page = browser.reload();
    assert!(page.body.contains("Now go back to your device") && shown(&page).is_none(), "{}", page.body);
    assert_eq!(login.refresh(&text(&tokens, "refresh_token")).status, 200, "a refresh asks for no digits");
}

#[test]
fn the_person_can_reload_the_digits_and_nobody_else_sees_them() {
    let world = verifying();
    let login = Login::of(&world);
    let (_, browser, digits) = approved(&login);
    let address = browser.location();

    assert_eq!(shown(&browser.reload()), Some(digits.clone()));
    let stranger = login.browser();
    let page = stranger.open(&browser.location());
    assert!(!page.body.contains(&digits), "{}", page.body);
    world.end_all_sessions();
    let page = browser.open(&address);
    assert!(page.body.contains("no longer shown") && shown(&page).is_none(), "{}", page.body);
    let started = text(&start(&login), "user_code");
    browser.enter_as(ALICE.0, ALICE.1, &started);
    let page = browser.open(&address);
    assert!(page.body.contains("no longer shown"), "in another session, too: {}", page.body);
    world.wait(400);
    let page = browser.open(&address);
    assert!(page.body.contains("weren’t typed at the device in time"), "{}", page.body);
}

#[test]
fn the_third_wrong_digits_end_the_request_with_a_warning_and_the_person_is_told() {
    let world = verifying();
    let login = Login::of(&world);
    let (device_code, browser, digits) = approved(&login);

    for left in [2, 1] {
        let answer = send(&login, &device_code, &wrong(&digits, left));
        assert_eq!(
            (outcome(&answer), body(&answer)["tries_left"].clone()),
            ("initiation_verification_incorrect".to_owned(), json!(left))
        );
        let again = send(&login, &device_code, &wrong(&digits, left));
        assert_eq!(body(&again)["tries_left"], left, "the same digits again cost no other try");
    }
    assert_eq!(outcome(&send(&login, &device_code, &wrong(&digits, 3))), "access_denied");

    assert_eq!(
        outcome(&send(&login, &device_code, &digits)),
        "access_denied",
        "the right ones come too late"
    );
    assert_eq!(events(&world).iter().filter(|what| **what == What::VerificationFailed).count(), 1);
    let page = browser.reload();
    assert!(page.body.contains("Wrong digits were typed at the device three times"), "{}", page.body);
    assert!(shown(&page).is_none());
}

#[test]
fn digits_that_nobody_types_lapse_and_the_person_is_told() {
    let world = verifying();
    let login = Login::of(&world);
    let (device_code, browser, digits) = approved(&login);
    world.wait(301);

    assert_eq!(outcome(&send(&login, &device_code, &digits)), "expired_token");
    for _ in 0..2 {
        let page = browser.reload();
        assert!(page.body.contains("weren’t typed at the device in time"), "{}", page.body);
        world.wait(60);
    }
}

#[test]
fn the_person_can_end_what_waits_for_digits() {
    let world = verifying();
    let login = Login::of(&world);
    let (device_code, browser, digits) = approved(&login);

    let request = crate::support::person::hidden(&browser.page.borrow().body, "request").expect("a form");
    let page = browser.submit(&[("step", "withdraw"), ("request", &request)]);
    assert!(page.body.contains("Access ended"), "{}", page.body);
    assert_eq!(outcome(&send(&login, &device_code, &digits)), "access_denied");
}

#[test]
fn a_try_is_spent_only_after_everything_else_was_right() {
    let world = verifying();
    let login = Login::of(&world);
    let (device_code, _, digits) = approved(&login);
    let miss = wrong(&digits, 1);

    let stranger = Login {
        client: &[("client_id", "demo-printer"), ("client_secret", "demo-printer-secret")],
        ..Login::of(&world)
    };
    for _ in 0..3 {
        assert_eq!(outcome(&send(&stranger, &device_code, &miss)), "invalid_grant");
        assert_eq!(outcome(&send(&login, &device_code, "12x4")), "invalid_request");
        let form = [
            ("grant_type", DEVICE_CODE),
            ("device_code", device_code.as_str()),
            ("initiation_verification_code", miss.as_str()),
        ];
        let verifier = ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(outcome(&login.ask("/token", &[form.as_slice(), &[verifier]].concat())), "invalid_grant");
        let target = ("resource", "https://other.example");
        assert_eq!(outcome(&login.ask("/token", &[form.as_slice(), &[target]].concat())), "invalid_target");
        world.set_policy(&policy(&json!([])));
        assert_eq!(outcome(&send(&login, &device_code, &miss)), "access_denied");
        world.set_policy(&policy(&rules(None)));
    }

    assert_eq!(body(&send(&login, &device_code, &wrong(&digits, 2)))["tries_left"], 2);
    assert_eq!(send(&login, &device_code, &digits).status, 200);
}

#[test]
fn right_and_wrong_digits_get_the_same_answer_if_something_else_is_wrong() {
    let world = verifying();
    let login = Login::of(&world);
    let (device_code, _, digits) = approved(&login);
    world.set_policy(&policy(&json!([])));

    let answers = [digits.clone(), wrong(&digits, 1)].map(|digits| send(&login, &device_code, &digits));
    assert_eq!((answers[0].status, &answers[0].body), (answers[1].status, &answers[1].body));
}

#[test]
fn a_device_that_cannot_ask_is_refused_at_once_with_what_to_send() {
    let world = verifying();
    let login = Login::of(&world);

    let started = login.start();
    assert_eq!(outcome(&started), "invalid_request");
    let description = text(&started, "error_description");
    assert!(description.contains("initiation_verification_supported=true"), "{description}");
    assert!(started.decisions.iter().any(|line| line.policy.is_some()), "the log names the rule");
    assert_eq!(events(&world), []);
    let odd = login.ask("/device_authorization", &[("initiation_verification_supported", "yes")]);
    assert!(text(&odd, "error_description").contains("must be true or false"));
}

#[test]
fn a_device_that_cannot_ask_is_refused_at_the_consent_page_if_only_then_the_rule_applies() {
    let world = World::new();
    world.set_policy(&policy(&rules(Some(&json!({ "verdict": ["far", "unknown"] })))));
    assert_eq!(Login::of(&world).play(), "done", "nothing changes for those that the rule is not about");

    let far = Login { person: lagos(), ..Login::of(&world) };
    let (_, browser) = far.entered();
    let page = browser.page.borrow().clone();
    assert_eq!(page.status, 403);
    assert!(page.body.contains("Access is given only to devices that ask you for digits"), "{}", page.body);
    assert!(page.decisions.iter().any(|line| line.reason == "unverified"), "{:?}", page.decisions);
    let (device_code, _, digits) = approved(&far);
    assert_eq!(send(&far, &device_code, &digits).status, 200, "a device that can ask is let in");
}

#[test]
fn a_device_that_can_ask_notices_nothing_where_no_rule_needs_it() {
    let world = World::new();
    let login = Login::of(&world);
    let (device_code, browser) = entered(&login);
    assert!(shown(&browser.decide("approve")).is_none());

    assert_eq!(send(&login, &device_code, "0000").status, 200, "digits that nothing needs are ignored");
}

#[test]
fn what_is_required_after_the_approval_is_judged_at_the_redemption_by_what_was_true_then() {
    for (before, after, expected) in [
        (false, true, "access_denied"),
        (true, false, "initiation_verification_required"),
        (true, true, "initiation_verification_required"),
    ] {
        let (world, required) = (World::new(), policy(&rules(None)));
        let set = |is_required: bool| {
            world.set_policy(&if is_required { required.clone() } else { policy(&json!([allow()])) });
        };
        let login = Login { person: berlin(), ..Login::of(&world) };
        set(before);
        let (device_code, browser) = entered(&login);
        browser.decide("approve");
        set(after);

        assert_eq!(outcome(&login.poll(&device_code)), expected, "{before} {after}");
    }
}

#[test]
fn digits_are_in_no_log_event_or_error() {
    let world = verifying();
    let login = Login::of(&world);
    let (device_code, browser, digits) = approved(&login);
    let miss = wrong(&digits, 1);
    let answers = [send(&login, &device_code, &miss), browser.reload(), send(&login, &device_code, &digits)];

    let events = serde_json::to_string(&world.events()).expect("events are JSON");
    let answers_of_the_device = [&answers[0].body, &answers[2].body].map(String::as_str).concat();
    for secret in [&digits, &miss] {
        let quoted = format!("\"{secret}\"");
        assert!(!events.contains(&quoted) && !answers_of_the_device.contains(&quoted));
        for line in answers.iter().flat_map(|answer| &answer.decisions) {
            assert!(!format!("{line:?}").contains(&quoted), "{line:?}");
        }
    }
    assert!(!browser.location().contains(&digits));
}

#[test]
fn one_of_many_polls_with_the_right_digits_wins() {
    let world = verifying();
    let login = Login::of(&world);
    let (device_code, _, digits) = approved(&login);

    assert_eq!(send(&login, &device_code, &digits).status, 200);
    assert_eq!(outcome(&send(&login, &device_code, &digits)), "invalid_grant", "it lost the race");
    world.wait(10);
    assert_eq!(outcome(&send(&login, &device_code, &wrong(&digits, 1))), "invalid_grant", "it is a replay");
    assert_eq!(events(&world).last(), Some(&What::DeviceCodeReplayed));
}

#[test]
fn a_used_dpop_proof_does_not_tell_right_digits_from_wrong_ones() {
    let world = verifying();
    let login = Login::of(&world);
    let (device_code, _, digits) = approved(&login);
    let key = Key::new(1);
    let used = key.proof(&world, "/token");
    let ask = |digits: &str, proof: &str| {
        let form = [
            ("grant_type", DEVICE_CODE),
            ("client_id", "demo-tv"),
            ("device_code", device_code.as_str()),
            ("initiation_verification_code", digits),
        ];
        dpop::send(&world, "/token", &form, Some(proof.to_owned()))
    };
    assert_eq!(outcome(&ask(&wrong(&digits, 1), &used)), "initiation_verification_incorrect");

    world.cost();
    let [refused, right] =
        [wrong(&digits, 2), digits.clone()].map(|digits| (ask(&digits, &used), world.cost()));

    assert_eq!(outcome(&right.0), "invalid_dpop_proof");
    assert_eq!((right.0.status, &right.0.body), (refused.0.status, &refused.0.body));
    assert_eq!(right.1, refused.1, "right digits take no longer, and go no further");
    assert_eq!(outcome(&ask(&digits, &key.proof(&world, "/token"))), "issued");
}
