//! Turnstile on the page where people enter codes. If it is configured, the page has the widget while codes
//! are being guessed, and the server verifies its token before it looks a code up.

mod tokens;
mod unverified;
mod when_asked;

use device_grant::endpoint::http::Response;

use crate::support::person::Person;
use crate::support::siteverify::{SECRET_KEY, SITE_KEY, URL};
use crate::support::{World, now_or_never};

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

/// Returns a server with Turnstile at its default, `strained`, and with no guesses yet.
fn calm() -> World {
    World::with(&KEYS)
}

/// Returns a server that always has the widget.
fn always() -> World {
    World::with(&[&KEYS[..], &[ALWAYS]].concat())
}

/// Guesses until codes get longer, in this isolate and in many others.
fn guess_codes(world: &World) {
    world.start();
    for (account, wrong) in
        [(ALICE, ["BBBB-BBBB", "CCCC-CCCC", "DDDD-DDDD"]), (BOB, ["FFFF-FFFF", "GGGG-GGGG", "HHHH-HHHH"])]
    {
        let guesser = Person::at(world, "203.0.113.66");
        guesser.enter_as(account.0, account.1, wrong[0]);
        wrong[1..].iter().for_each(|code| assert_ne!(guesser.enter(code).status, 429));
    }
    now_or_never(world.server.expose(30_000, world.now()));
    world.server.platform.reset_counters("code/");
    world.wait(10);
}

/// Makes `token` good, as if a person solved the widget here.
fn solve(world: &World, token: &str) {
    world.server.platform.siteverify.solve(token, HOST, ACTION);
}

/// Sends the form of the entry page that the browser shows.
fn send(person: &Person<'_>, user_code: &str, token: &str) -> Response {
    person.submit(&[("step", "code"), ("user_code", user_code), ("cf-turnstile-response", token)])
}

fn policy(page: &Response) -> &str {
    page.header("content-security-policy").expect("every page has a policy")
}

/// Returns outcome and reason of the log line about a code entry.
fn reason(page: &Response) -> (&'static str, &'static str) {
    let decision = page.decisions.iter().find(|decision| decision.what == "code_entry");
    decision.map(|decision| (decision.outcome, decision.reason)).expect("a code was entered")
}

/// Checks that a page has the widget, the problem and the code that was entered.
fn assert_asks(page: &Response, user_code: &str, problem: &str) {
    assert!(page.body.contains(WIDGET), "{}", page.body);
    assert!(page.body.contains(problem), "{}", page.body);
    assert!(
        page.body.contains(&format!("value=\"{user_code}\"")),
        "the code is still filled in: {}",
        page.body
    );
    assert_eq!(page.header("location"), None);
}
