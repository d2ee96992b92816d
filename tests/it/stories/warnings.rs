//! Warnings: a report, and a code in two hands.

use device_grant::audit::warning;
use device_grant::verdict::{Doubt, Verdict, Whose};
use serde_json::{Value, json};

use super::verdicts::{berlin, in_berlin, lagos, start};
use super::{ALICE, BOB};
use crate::support::World;
use crate::support::person::Person;

const SUBS: [&str; 2] = ["acct-7f3a51c2", "acct-b42c9e07"];

#[test]
fn a_report_is_a_warning_and_an_ordinary_refusal_is_not() {
    let world = World::new();
    for decision in ["approve", "deny", "report"] {
        let person = in_berlin(&world);
        person.enter_as(ALICE.0, ALICE.1, &start(&world, lagos()));
        person.decide(decision);
    }

    let lines: Vec<Value> = warnings(&world);

    let [line] = &*lines else { panic!("one warning: {lines:?}") };
    assert_eq!((&line["what"], &line["outcome"]), (&json!("warning"), &json!("reported")));
    let event = &line["event"];
    assert_eq!((&event["at"], &event["account"]), (&json!(world.now().millis()), &json!(SUBS[0])));
    assert_eq!(event["client_id"], "demo-tv");
    assert_eq!(event["subject"].as_str().map(str::len), Some(22), "the grant");
    assert_eq!(event["comparison"]["verdict"]["is"], "far");
    assert_eq!(event["comparison"]["device"]["city"], "Lagos");
}

#[test]
fn a_code_in_two_hands_is_a_warning_that_names_both_accounts() {
    let world = World::new();
    let code = start(&world, lagos());
    in_berlin(&world).enter_as(ALICE.0, ALICE.1, &code);
    let wrong = Person::of(&world).enter_as(BOB.0, BOB.1, "BCDF-GHJK");

    let second = Person::of(&world).enter_as(BOB.0, BOB.1, &code);

    assert_eq!(second.status, wrong.status, "the page does not tell");
    let lines = warnings(&world);
    let [line] = &*lines else { panic!("one warning: {lines:?}") };
    assert_eq!(line["outcome"], "contested");
    assert_eq!(line["event"]["account"], SUBS[1]);
    assert_eq!(line["event"]["other_account"], SUBS[0]);
    let verdict = &line["event"]["comparison"]["verdict"];
    let expected = Verdict::Unknown { why: Doubt::NotKnown, whose: Some(Whose::Person) };
    assert_eq!(*verdict, serde_json::to_value(expected).expect("it serializes"));
}

#[test]
fn a_second_person_who_enters_a_code_after_its_end_is_a_warning() {
    for ending in ["approve", "deny", "collect", "expire"] {
        let world = World::new();
        let started = world.start();
        let alice = in_berlin(&world);
        alice.enter_as(ALICE.0, ALICE.1, &started.user_code);
        match ending {
            "expire" => world.wait(300),
            "collect" => {
                alice.decide("approve");
                assert_eq!(world.poll_outcome(&started.device_code), "issued");
            }
            decision => drop(alice.decide(decision)),
        }
        in_berlin(&world).enter_as(ALICE.0, ALICE.1, &started.user_code);
        assert_eq!(warnings(&world), Vec::<Value>::new(), "{ending}: one person in two browsers");
        let wrong = Person::of(&world).enter_as(BOB.0, BOB.1, "BCDF-GHJK");

        let second = Person::of(&world).enter_as(BOB.0, BOB.1, &started.user_code);

        assert_eq!(second.status, wrong.status, "the page does not tell");
        let lines = warnings(&world);
        let [line] = &*lines else { panic!("{ending}: one warning: {lines:?}") };
        assert_eq!(line["outcome"], "ended_code_entered", "{ending}");
        assert_eq!(line["event"]["account"], SUBS[1]);
        assert_eq!(line["event"]["other_account"], SUBS[0]);
        assert!(line["event"]["comparison"].is_object() && line["event"]["started"].is_object(), "{line}");
    }
    let world = World::new();
    let nobodys = world.start();
    world.wait(300);
    Person::of(&world).enter_as(BOB.0, BOB.1, &nobodys.user_code);
    assert_eq!(warnings(&world), Vec::<Value>::new(), "nobody else had it");
}

#[test]
fn one_person_in_two_browsers_is_no_warning() {
    let world = World::new();
    let code = start(&world, berlin());
    in_berlin(&world).enter_as(ALICE.0, ALICE.1, &code);
    in_berlin(&world).enter_as(ALICE.0, ALICE.1, &code);

    assert_eq!(warnings(&world), Vec::<Value>::new());
}

/// Returns the warnings that the shards write to the log.
fn warnings(world: &World) -> Vec<Value> {
    let lines = world.recorded().iter().filter_map(warning::line).collect::<Vec<_>>();
    lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}
