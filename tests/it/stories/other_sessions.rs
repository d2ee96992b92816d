//! A request is decided only by a session that has looked its code up and shows its page. A server that lets any session
//! decide about any pending code (better-auth did: CVE-2026-45337) gives the device of a stranger to whoever is signed in.

use super::{ALICE, BOB, enter};
use crate::support::World;
use crate::support::person::{Person, hidden};

/// What a person sends who knows the code of somebody else's request, and perhaps the hidden field of its page.
fn decide<'a>(
    decision: &'a str,
    user_code: &'a str,
    transaction: Option<&'a str>,
) -> Vec<(&'a str, &'a str)> {
    let fields =
        [("step", "decide"), ("decision", decision), ("confirm_device", "yes"), ("user_code", user_code)];
    fields.into_iter().chain(transaction.map(|sealed| ("transaction", sealed))).collect()
}

#[test]
fn cve_2026_45337_a_session_that_did_not_look_the_code_up_decides_nothing() {
    for decision in ["approve", "deny", "report"] {
        let world = World::new();
        let started = world.start();
        let code = started.user_code.as_str();
        let alice = enter(&world, ALICE, code);
        let sealed = hidden(&alice.page.borrow().body, "transaction").expect("a field");
        let pending = |why: &str| {
            assert_eq!(
                world.poll_outcome(&started.device_code),
                "authorization_pending",
                "{why}: {decision}"
            );
            world.wait(5);
        };

        for account in [BOB, ALICE] {
            // Both are signed in, and have a request of their own open.
            let own = world.start();
            let other = enter(&world, account, &own.user_code);
            assert_eq!(other.window().submit_only(&decide(decision, code, None)).status, 403);
            pending("without a hidden field");
            assert_eq!(other.window().submit_only(&decide(decision, code, Some(&sealed))).status, 403);
            pending("with the hidden field of the page");
            other.submit(&decide(decision, code, None));
            pending("with the page of another request");
            assert_ne!(
                world.poll_outcome(&own.device_code),
                "authorization_pending",
                "it decides about its own"
            );
        }
        let stranger = Person::of(&world);
        stranger.open("/device");
        stranger.submit_only(&decide(decision, code, Some(&sealed)));
        pending("without a session");

        assert_eq!(
            alice.decide("approve").status,
            200,
            "the page of the session that looked it up still decides"
        );
        assert_eq!(world.poll_outcome(&started.device_code), "issued");
    }
}

#[test]
fn cve_2026_45337_a_session_that_only_typed_the_code_decides_nothing() {
    let world = World::new();
    let started = world.start();
    let bob = enter(&world, BOB, &world.start().user_code);
    bob.submit(&[("step", "sign_out")]);
    bob.enter(&started.user_code);

    let page = bob.submit(&decide("approve", &started.user_code, None));

    assert_eq!(page.status, 403, "he typed the code, and is not signed in: {}", page.body);
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending");
}
