//! The page for a code: what it accepts, what it says about everything else, and that nothing typed is lost.

use crate::support::World;
use crate::support::person::{Person, hidden};

const ALICE: (&str, &str) = ("alice", "wonderland-8787");

/// Returns the value of the field for the code.
fn typed(person: &Person<'_>) -> String {
    hidden(&person.page.borrow().body, "user_code").expect("the field")
}

#[test]
fn what_cannot_be_a_code_is_told_why_stays_typed_and_costs_no_try() {
    let world = World::new();
    let person = Person::of(&world);
    person.enter_as(ALICE.0, ALICE.1, &world.start().user_code);
    world.cost();
    for (text, words) in [
        ("-", "Enter the code that your device shows."),
        ("WDJB", "codes here have at least 8 characters"),
        ("WDJB-MJHT-W", "No code here has 9 characters."),
        ("WDJB-MJHT-WDJB", "codes here have at most 10 characters"),
        ("ЦДЖБ-МЖХТ", "typed in another script"),
        ("WDJA-MJHT", ">A</bdi>"),
    ] {
        let page = person.enter(text);

        assert!(page.status == 400 && page.body.contains(words), "{text}: {}", page.body);
        assert_eq!(typed(&person), text);
    }
    let cost = world.cost();
    assert_eq!((cost.limit_writes, cost.grant_hops), (0, 0), "{cost:?}");
}

#[test]
fn a_code_is_read_from_any_keyboard() {
    let world = World::with(&[("USER_CODE_CHARSET", "BCHKMPTX0123456789"), ("USER_CODE_LENGTH", "10")]);
    let started = world.start();
    let cyrillic = |symbol: char| match symbol {
        'B' => 'В',
        'C' => 'С',
        'H' => 'Н',
        'K' => 'К',
        'M' => 'М',
        'P' => 'Р',
        'T' => 'Т',
        'X' => 'Х',
        '0'..='9' => char::from_u32(u32::from(symbol) - u32::from('0') + 0x660).expect("a digit"),
        other => other,
    };
    let typed: String = started.user_code.chars().map(cyrillic).collect();

    Person::of(&world).approve_as(ALICE.0, ALICE.1, &typed);

    assert_eq!(world.poll_outcome(&started.device_code), "issued");
}

#[test]
fn a_typed_code_survives_every_error() {
    let world = World::new();
    let person = Person::of(&world);
    let user_code = world.start().user_code;
    person.open("/device");
    let entry = person.window();

    // A tab that was left open while the person signed in elsewhere.
    person.enter_as(ALICE.0, ALICE.1, &world.start().user_code);
    let form = entry.form(&[("step", "code"), ("user_code", &user_code)]);
    let page = person.send(device_grant::endpoint::http::Request { cookie: person.cookie(), ..form });
    assert!(page.status == 403 && page.body.contains("You signed in or out in another tab"), "{}", page.body);
    assert_eq!(typed(&person), user_code);
    assert_eq!(person.submit(&[("step", "code"), ("user_code", &user_code)]).status, 200, "it goes on");

    // A dead code, and too many of them.
    for _ in 0..5 {
        assert_eq!(person.enter("BBBB-BBBB").status, 400);
        assert_eq!(typed(&person), "BBBB-BBBB");
    }
    assert_eq!(person.enter("CCCC-CCCC").status, 429);
    assert_eq!(typed(&person), "CCCC-CCCC");
}

#[test]
fn each_reason_why_a_form_is_not_accepted_has_its_own_words_and_keeps_the_code() {
    let world = World::new();
    let user_code = world.start().user_code;
    let code = [("step", "code"), ("user_code", user_code.as_str())];

    let blocked = Person::of(&world);
    blocked.open("/device");
    for _ in 0..2 {
        blocked.forget_cookies();
        let page = blocked.submit(&code);
        assert!(page.status == 403 && page.body.contains("This page needs cookies"), "{}", page.body);
        assert_eq!(typed(&blocked), user_code);
    }
    assert!(blocked.submit(&code).body.contains("name=\"password\""), "it works once cookies are allowed");

    let old = Person::of(&world);
    old.enter(&user_code);
    world.wait(1_800);
    let page = old.sign_in(ALICE.0, ALICE.1);
    assert!(page.status == 400 && page.body.contains("open for more than 30 minutes"), "{}", page.body);
    assert_eq!(typed(&old), user_code.replace('-', ""));

    let (one, other) = (Person::of(&world), Person::of(&world));
    one.enter(&user_code);
    other.enter(&user_code);
    let field = hidden(&one.page.borrow().body, "transaction").expect("a field");
    let page = other.submit_only(&[("step", "sign_in"), ("username", ALICE.0), ("transaction", &field)]);
    assert!(page.status == 400 && page.body.contains("opened in another browser"), "{}", page.body);

    let page = other.submit_only(&[("step", "sign_in"), ("username", ALICE.0), ("transaction", "guess")]);
    assert!(page.body.contains("didn’t arrive complete"), "{}", page.body);

    let cookie = Some("device-grant=guess".to_owned());
    let form = other.form(&code);
    let page = world.send(&device_grant::endpoint::http::Request { cookie, ..form });
    assert!(page.status == 403 && page.body.contains("cookie was too old"), "{}", page.body);
}

#[test]
fn the_hint_and_the_keyboard_fit_the_codes() {
    let page = Person::of(&World::new()).open("/device").body;
    assert!(page.contains("XXXX-XXXX</bdi>, sometimes with two more characters."), "{page}");
    assert_eq!(page.matches("<input class=\"code-input").count(), 1, "one field, so that pasting works");
    assert!(page.contains("class=\"code-input cells-9\""), "a line is drawn for each symbol");
    for attribute in [
        "inputmode=\"text\"",
        "autocapitalize=\"characters\"",
        "autocomplete=\"off\"",
        "spellcheck=\"false\"",
    ] {
        assert!(page.contains(attribute), "{attribute}");
    }

    let digits = World::with(&[("USER_CODE_CHARSET", "0123456789"), ("USER_CODE_LENGTH", "12")]);
    let page = Person::of(&digits).open("/device").body;
    assert!(page.contains("inputmode=\"numeric\"") && page.contains("0000-0000-0000</bdi>, sometimes with"));
}
