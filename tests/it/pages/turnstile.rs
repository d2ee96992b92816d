//! Turnstile on the entry of codes, where it is configured: asked for while codes are being guessed, verified
//! before a code is looked up.

use crate::support::World;
use crate::support::person::Person;
use crate::support::siteverify::{SECRET_KEY, SITE_KEY, URL};
use device_grant::endpoint::http::Response;

const ALICE: (&str, &str) = ("alice", "wonderland-8787");
const BOB: (&str, &str) = ("bob", "builder-8787");
const KEYS: [(&str, &str); 3] = [
    ("TURNSTILE_SITE_KEY", SITE_KEY),
    ("TURNSTILE_SECRET_KEY", SECRET_KEY),
    ("TURNSTILE_SITEVERIFY_URL", URL),
];
const ALWAYS: (&str, &str) = ("TURNSTILE", "always");
/// The host of the world's issuer.
const HOST: &str = "127.0.0.1";
const ACTION: &str = "device_code";
const WIDGET: &str = "class=\"cf-turnstile\"";
const CLOUDFLARE: &str = "https://challenges.cloudflare.com";
const UNCHECKED: &str =
    "Your code hasn’t been looked up yet. It’s still filled in: complete the check below, then continue.";
const NOT_ACCEPTED: &str = "The check wasn’t accepted: a check works only once, and only for five minutes. Your code \
                            is still filled in: complete the new check below, then continue.";

fn calm() -> World {
    World::with(&KEYS)
}

fn always() -> World {
    World::with(&[&KEYS[..], &[ALWAYS]].concat())
}

/// Somebody guesses until codes get longer: six wrong entries, with a code live.
fn strain(world: &World) {
    world.start();
    for (account, wrong) in
        [(ALICE, ["BBBB-BBBB", "CCCC-CCCC", "DDDD-DDDD"]), (BOB, ["FFFF-FFFF", "GGGG-GGGG", "HHHH-HHHH"])]
    {
        let guesser = Person::at(world, "203.0.113.66");
        guesser.enter_as(account.0, account.1, wrong[0]);
        wrong[1..].iter().for_each(|code| assert_ne!(guesser.enter(code).status, 429));
    }
    world.server.platform.reset_counters("code/");
    world.wait(10);
}

fn solve(world: &World, token: &str) {
    world.server.platform.siteverify.solve(token, HOST, ACTION);
}

/// Sends the code form of the page shown.
fn send(person: &Person<'_>, user_code: &str, token: &str) -> Response {
    person.submit(&[("step", "code"), ("user_code", user_code), ("cf-turnstile-response", token)])
}

fn policy(page: &Response) -> &str {
    page.header("content-security-policy").expect("every page has one")
}

fn reason(page: &Response) -> (&'static str, &'static str) {
    let decision = page.decisions.iter().find(|decision| decision.what == "code_entry");
    decision.map(|decision| (decision.outcome, decision.reason)).expect("a code was entered")
}

fn assert_asks(page: &Response, user_code: &str, problem: &str) {
    assert!(page.body.contains(WIDGET), "{}", page.body);
    assert!(page.body.contains(problem), "{}", page.body);
    assert!(page.body.contains(&format!("value=\"{user_code}\"")), "the code is kept: {}", page.body);
    assert_eq!(page.header("location"), None);
}

// --- When it is asked for ---

#[test]
fn a_server_without_keys_never_asks_though_codes_are_guessed() {
    let world = World::new();
    let before = Person::of(&world).open("/device");
    strain(&world);
    let person = Person::of(&world);

    let page = person.open("/device");

    assert!(!page.body.contains(WIDGET) && !page.body.contains("<script"));
    assert_eq!(policy(&page), policy(&before));
    let started = world.start();
    assert_eq!(person.enter_as(ALICE.0, ALICE.1, &started.user_code).status, 200);
}

#[test]
fn a_calm_server_has_the_pages_it_would_have_without_keys() {
    let (with, without) = (calm(), World::new());

    let [page, same] = [&with, &without].map(|world| Person::of(world).open("/device"));

    assert_eq!((page.body, page.status), (same.body, same.status));
    let started = with.start();
    Person::of(&with).approve_as(ALICE.0, ALICE.1, &started.user_code);
    assert!(with.server.platform.siteverify.asked.borrow().is_empty(), "nothing is sent anywhere");
}

#[test]
fn a_strained_server_asks_on_the_entry_page_and_widens_that_policy_only() {
    let world = calm();
    let calm = policy(&Person::of(&world).open("/device")).to_owned();
    strain(&world);
    let person = Person::of(&world);

    let entry = person.open("/device");

    assert!(entry.body.contains(&format!(
        "{WIDGET} data-sitekey=\"{SITE_KEY}\" data-action=\"{ACTION}\" data-size=\"flexible\"></div>"
    )));
    assert!(entry.body.contains("<noscript>") && !entry.body.contains(SECRET_KEY));
    assert_eq!(policy(&entry), format!("{calm}; script-src {CLOUDFLARE}; frame-src {CLOUDFLARE}"));
    let started = world.start();
    solve(&world, "good");
    for page in [
        send(&person, &started.user_code, "good"),
        person.sign_in(ALICE.0, ALICE.1),
        person.decide("approve"),
    ] {
        assert_eq!((page.status, policy(&page)), (200, calm.as_str()));
        assert!(!page.body.contains("<script"));
    }
    assert_eq!(world.poll_outcome(&started.device_code), "issued");
}

#[test]
fn it_is_asked_for_no_longer_once_the_guesses_are_forgotten() {
    let world = calm();
    strain(&world);
    world.wait(330);
    let started = world.start();

    Person::of(&world).approve_as(ALICE.0, ALICE.1, &started.user_code);

    assert!(world.server.platform.siteverify.asked.borrow().is_empty());
}

#[test]
fn it_can_be_asked_for_at_all_times() {
    let world = always();
    let started = world.start();
    let person = Person::of(&world);

    assert!(person.open("/device").body.contains(WIDGET));

    assert_asks(&person.enter(&started.user_code), &started.user_code, UNCHECKED);
}

// --- What a token is worth ---

#[test]
fn without_a_token_the_page_is_shown_again_with_the_code() {
    let world = calm();
    strain(&world);
    let started = world.start();
    let person = Person::of(&world);

    let page = person.enter(&started.user_code);

    assert_eq!((page.status, reason(&page)), (400, ("unchecked", "turnstile_missing")));
    assert_asks(&page, &started.user_code, UNCHECKED);
    solve(&world, "good");
    assert_eq!(send(&person, &started.user_code, "good").status, 200, "the page shown goes on");
    assert_eq!(person.sign_in(ALICE.0, ALICE.1).status, 200);
}

#[test]
fn a_code_from_a_link_needs_a_token_too() {
    let world = always();
    let started = world.start();
    let person = Person::of(&world);

    let page = person.open(&format!("/device?user_code={}", started.user_code));

    assert!(page.body.contains(WIDGET) && page.body.contains("Yes, continue"));
    let page = person.submit(&[("step", "code"), ("user_code", &started.user_code)]);
    assert_asks(&page, &started.user_code, UNCHECKED);
}

#[test]
fn a_token_counts_once_and_only_here() {
    let world = always();
    let started = world.start();
    let siteverify = &world.server.platform.siteverify;
    siteverify.solve("token-elsewhere", "evil.example", ACTION);
    siteverify.solve("token-other-action", HOST, "login");
    solve(&world, "token-good");
    let person = Person::of(&world);
    person.open("/device");
    assert_eq!(send(&person, &started.user_code, "token-good").status, 200);
    person.open("/device");

    let too_long = "x".repeat(2_049);
    for (token, expected) in [
        ("token-good", "turnstile_spent"),
        ("token-elsewhere", "turnstile_other_host"),
        ("token-other-action", "turnstile_other_action"),
        ("token-made-up", "turnstile_invalid"),
        (&too_long, "turnstile_invalid"),
    ] {
        let page = send(&person, &started.user_code, token);

        assert_eq!((page.status, reason(&page)), (400, ("unchecked", expected)));
        assert_asks(&page, &started.user_code, NOT_ACCEPTED);
        assert!(!page.body.contains(token));
    }
    assert!(!siteverify.asked.borrow().contains(&too_long), "no token is that long");
}

#[test]
fn nothing_is_taken_from_a_budget_while_the_check_is_not_passed() {
    let world = always();
    let started = world.start();
    let person = Person::of(&world);
    solve(&world, "first");
    person.open("/device");
    send(&person, "BBBB-BBBB", "first");
    person.sign_in(ALICE.0, ALICE.1);
    world.server.platform.grant_hops.set(0);

    for _ in 0..40 {
        assert_eq!(send(&person, "CCCC-CCCC", "made up").status, 400);
        assert_eq!(person.enter("CCCC-CCCC").status, 400);
    }

    assert_eq!(world.server.platform.grant_hops.get(), 0, "no code was looked up");
    solve(&world, "second");
    let page = send(&person, &started.user_code, "second");
    assert_eq!((page.status, reason(&page)), (200, ("consent_shown", "consent_shown")));
}

#[test]
fn every_guess_needs_a_token_of_its_own() {
    let world = always();
    let person = Person::of(&world);
    solve(&world, "first");
    person.open("/device");
    send(&person, "BBBB-BBBB", "first");
    let page = person.sign_in(ALICE.0, ALICE.1);
    assert_eq!(reason(&page), ("wrong", "absent"));

    let page = send(&person, "CCCC-CCCC", "first");

    assert_eq!(reason(&page), ("unchecked", "turnstile_spent"));
}

#[test]
fn what_cannot_be_a_code_spends_no_token() {
    let world = always();
    solve(&world, "good");
    let person = Person::of(&world);
    person.open("/device");

    let page = send(&person, "AEIOU", "good");

    assert_eq!((page.status, reason(&page)), (400, ("wrong", "malformed")));
    assert!(page.body.contains(WIDGET), "the next entry needs one");
    assert!(world.server.platform.siteverify.asked.borrow().is_empty());
}

// --- What cannot be verified ---

#[test]
fn while_nobody_can_verify_the_answer_is_503_and_nothing_is_lost() {
    let world = always();
    let started = world.start();
    let person = Person::of(&world);
    person.open("/device");
    solve(&world, "good");
    let siteverify = &world.server.platform.siteverify;
    let says = |text: &str| siteverify.instead.replace(Some(text.to_owned()));

    world.set_down("siteverify", true);
    let entry = person.window();
    let unreachable = send(&person, &started.user_code, "good");
    world.set_down("siteverify", false);
    let mut failures = vec![(unreachable, "turnstile_unreachable")];
    for (answer, expected) in [
        ("<html>", "turnstile_unreadable"),
        (r#"{"success":"yes"}"#, "turnstile_unreadable"),
        (r#"{"success":false,"error-codes":["invalid-input-secret"]}"#, "turnstile_secret_key"),
        (r#"{"success":false,"error-codes":["internal-error"]}"#, "turnstile_error"),
    ] {
        says(answer);
        failures.push((send(&entry.window(), &started.user_code, "good"), expected));
    }

    for (page, expected) in failures {
        assert_eq!((page.status, page.header("retry-after")), (503, Some("5")), "{expected}");
        assert_eq!(reason(&page), ("unavailable", expected));
    }
    siteverify.instead.replace(None);
    assert_eq!(send(&entry, &started.user_code, "good").status, 200, "the same form, sent again");
    assert_eq!(entry.sign_in(ALICE.0, ALICE.1).status, 200);
}

#[test]
fn with_the_platforms_rate_limit_spent_nobody_is_asked() {
    let world = always();
    let started = world.start();
    let person = Person::of(&world);
    person.open("/device");
    solve(&world, "good");
    world.set_down("rate limit", true);

    let page = send(&person, &started.user_code, "good");

    assert_eq!((page.status, page.header("retry-after")), (429, Some("60")));
    assert!(world.server.platform.siteverify.asked.borrow().is_empty());
}

#[test]
fn a_secret_key_of_cloudflares_for_tests_is_taken_at_its_word_in_development() {
    let test_keys = [
        ("TURNSTILE_SITE_KEY", "1x00000000000000000000AA"),
        ("TURNSTILE_SECRET_KEY", "1x0000000000000000000000000000000AA"),
    ];
    let world = World::with(&[&KEYS[..], &test_keys, &[ALWAYS]].concat());
    let started = world.start();
    let answer = r#"{"success":true,"error-codes":[],"hostname":"example.com","metadata":{"result_with_testing_key":true}}"#;
    world.server.platform.siteverify.instead.replace(Some(answer.to_owned()));
    let person = Person::of(&world);
    person.open("/device");

    assert_eq!(send(&person, &started.user_code, "XXXX.DUMMY.TOKEN.XXXX").status, 200);
}

// --- Between the check and the look-up ---

#[test]
fn a_sign_in_begun_before_the_strain_needs_the_check_after_it() {
    let world = calm();
    let started = world.start();
    let person = Person::of(&world);
    person.enter(&started.user_code);
    strain(&world);

    let page = person.sign_in(ALICE.0, ALICE.1);

    assert_eq!((page.status, reason(&page)), (200, ("unchecked", "turnstile_missing")));
    assert_asks(&page, &started.user_code, UNCHECKED);
    assert!(page.body.contains("Signed in as"), "the password need not be typed again");
    solve(&world, "good");
    assert_eq!(reason(&send(&person, &started.user_code, "good")), ("consent_shown", "consent_shown"));
    assert_eq!(person.decide("approve").status, 200);
}

#[test]
fn a_check_counts_through_a_wrong_password_and_a_change_of_account() {
    let world = always();
    let started = world.start();
    let person = Person::of(&world);
    person.open("/device");
    solve(&world, "good");
    send(&person, &started.user_code, "good");
    person.sign_in(ALICE.0, "looking-glass");
    assert_eq!(person.sign_in(ALICE.0, ALICE.1).status, 200);

    person.submit(&[("step", "switch_account")]);
    let page = person.sign_in(BOB.0, BOB.1);

    assert_eq!(reason(&page), ("consent_shown", "consent_shown"));
    assert_eq!(*world.server.platform.siteverify.asked.borrow(), ["good"]);
}

#[test]
fn a_check_counts_no_longer_than_a_code_lives() {
    let world = always();
    let person = Person::of(&world);
    person.open("/device");
    solve(&world, "good");
    send(&person, "BBBB-BBBB", "good");
    let form = person.window();
    world.wait(299);
    assert_eq!(reason(&person.sign_in(ALICE.0, ALICE.1)), ("wrong", "absent"));
    world.wait(1);

    let page = form.sign_in(BOB.0, BOB.1);

    assert_eq!(reason(&page), ("unchecked", "turnstile_missing"));
}

#[test]
fn the_page_asks_whether_codes_are_guessed_and_changes_no_counter() {
    let world = calm();
    let started = world.start();
    world.wait(10);
    let before = world.server.platform.stored_counters();
    let page = format!("/device?user_code={}", started.user_code);

    assert!(!world.get(&page).body.contains(WIDGET));
    assert_eq!(world.server.platform.stored_counters(), before, "calm");

    strain(&world);
    let before = world.server.platform.stored_counters();
    assert!(world.get(&page).body.contains(WIDGET));
    assert_eq!(world.server.platform.stored_counters(), before, "nor what is over is forgotten by it");
}

#[test]
fn pages_that_ask_do_not_keep_live_codes_from_being_counted() {
    let world = calm();
    for _ in 0..3 {
        world.start();
        world.wait(9);
        world.get("/device");
    }
    world.wait(1);
    world.start();

    let counters = world.server.platform.stored_counters();
    let live: u64 = counters["exposure"].shards.values().map(|(live, _)| live).sum();
    assert!(live >= 3, "{live}");
}
