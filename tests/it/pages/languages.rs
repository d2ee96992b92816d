//! The language of the pages: how it is chosen, and that all of a page is in it.

use device_grant::endpoint::http::Request;
use device_grant::language::Language;

use crate::support::person::Person;
use crate::support::{World, get};

const ALICE: (&str, &str) = ("alice", "wonderland-8787");

fn speaking<'a>(world: &'a World, languages: Option<&'static str>) -> Person<'a> {
    Person::of(world).reading(languages)
}

fn lang(person: &Person<'_>) -> String {
    let page = person.page.borrow();
    let (_, rest) = page.body.split_once("<html lang=\"").expect("a page");
    let tag = rest.split('"').next().expect("a tag").to_owned();
    assert_eq!(page.header("content-language"), Some(tag.as_str()));
    assert_eq!(page.header("vary"), Some("accept-language, cookie"));
    tag
}

#[test]
fn the_language_is_the_one_that_the_browser_asks_for() {
    let world = World::new();
    for (languages, tag) in
        [(None, "en"), (Some("de-AT,de;q=0.9,en;q=0.8"), "de"), (Some("sv"), "en"), (Some(""), "en")]
    {
        let person = speaking(&world, languages);
        person.open("/device");
        assert_eq!(lang(&person), tag, "{languages:?}");
    }
}

#[test]
fn a_choice_comes_before_the_language_of_the_browser_and_is_remembered() {
    let world = World::new();
    let person = speaking(&world, Some("en"));
    person.open("/device");

    let page = person.submit(&[("step", "code"), ("language", "de")]);

    assert_eq!((page.status, lang(&person).as_str()), (200, "de"));
    let cookie = page.header("set-cookie").expect("a cookie");
    assert_eq!(
        cookie, "device-grant-language=de; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax",
        "the host's own, and only the tag"
    );
    assert!(person.open("/device").body.contains("Geben Sie den Code ein"));
    person.submit(&[("step", "code"), ("language", "en")]);
    person.open("/device");
    assert_eq!(lang(&person), "en");
}

#[test]
fn on_https_the_choice_is_bound_to_the_host() {
    let world = World::with(&[
        ("ENVIRONMENT", "production"),
        ("ISSUER", "https://login.example.net"),
        ("MASTER_KEY", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"),
    ]);
    let asks = |cookie: &str| Request {
        secure: true,
        host: "login.example.net".to_owned(),
        path: "/device".to_owned(),
        cookie: Some(cookie.to_owned()),
        ..get()
    };

    let page = |cookie| world.send(&asks(cookie)).body;

    assert!(page("a=b; __Host-device-grant-language=de").contains(r#"<html lang="de""#));
    assert!(
        page("device-grant-language=de").contains(r#"<html lang="en""#),
        "a neighbor may set that cookie"
    );
    assert!(page("__Host-device-grant-language=xx").contains(r#"<html lang="en""#));
}

#[test]
fn a_choice_needs_a_form_of_ours_so_that_no_link_can_make_it() {
    let world = World::new();
    let person = speaking(&world, None);
    person.open("/device?language=de");
    assert_eq!(lang(&person), "en");

    let page = person.submit(&[("step", "code"), ("language", "de"), ("csrf", "guess")]);
    assert_eq!(page.status, 400, "a repeated parameter");
    person.page.borrow_mut().body.clear();
    let page = person.submit(&[("step", "code"), ("language", "de")]);
    assert_eq!((page.status, lang(&person).as_str()), (403, "en"));
    assert!(!page.headers.iter().any(|(name, value)| *name == "set-cookie" && value.contains("language")));
}

#[test]
fn a_code_typed_so_far_survives_a_change_of_language() {
    let world = World::new();
    let code = world.start().user_code;
    world.cost();
    for (typed, heading) in [
        ("bcd", "Geben Sie den Code ein, den Ihr Gerät anzeigt"),
        (code.as_str(), "Zeigt Ihr Gerät genau diesen Code?"),
    ] {
        let person = speaking(&world, None);
        person.open("/device");
        let page = person.submit(&[("step", "code"), ("language", "de"), ("user_code", typed)]);

        assert_eq!(page.status, 200);
        assert!(page.body.contains(heading), "{}", page.body);
        assert!(page.body.contains(&format!("value=\"{typed}\"")), "{typed}");
    }
    assert_eq!(world.cost().limit_hops, 0, "no attempt was taken");
}

#[test]
fn sign_in_and_consent_go_on_in_the_new_language() {
    let world = World::new();
    let started = world.start();
    let person = speaking(&world, None);
    person.enter(&started.user_code);

    let page = person.submit(&[("step", "sign_in"), ("username", "alice"), ("language", "de")]);
    assert!(page.status == 200 && page.body.contains("Melden Sie sich an"), "{}", page.body);
    assert!(page.body.contains(r#"value="alice""#), "the name need not be typed again");
    person.sign_in(ALICE.0, ALICE.1);
    assert_eq!(lang(&person), "de");

    let page = person.submit(&[
        ("step", "decide"),
        ("language", "en"),
        ("decision", "approve"),
        ("confirm_device", "yes"),
    ]);
    assert!(
        page.status == 200 && page.body.contains("Let <bdi class=\"client\">Demo TV</bdi> use your account?")
    );
    assert_eq!(world.poll_outcome(&started.device_code), "authorization_pending", "nothing was decided");
    assert!(person.decide("approve").body.contains("Now go back to your device."));
}

#[test]
fn the_locales_of_the_device_come_last() {
    let world = World::new();
    for (languages, tag) in [(None, "de"), (Some("sv"), "de"), (Some("en"), "en")] {
        let started = world.start_with(&[("client_id", "demo-tv"), ("ui_locales", "xx de-CH en")]);
        let person = speaking(&world, languages);
        person.enter_as(ALICE.0, ALICE.1, &started.user_code);
        assert_eq!(lang(&person), tag, "the consent page for {languages:?}");
        person.decide("deny");
        assert_eq!(lang(&person), tag, "the result for {languages:?}");
    }
}

#[test]
fn a_page_in_german_has_no_english_words() {
    let world = World::new();
    let started =
        world.start_with(&[("client_id", "demo-tv"), ("scope", "openid profile email offline_access")]);
    let person = speaking(&world, Some("de"));
    person.enter_as(ALICE.0, ALICE.1, &started.user_code);

    let page = person.page.borrow().body.clone();
    for words in [
        "Darf <bdi class=\"client\">Demo TV</bdi> Ihr Konto verwenden?",
        "Ihre E-Mail-Adresse sehen",
        "Gerade eben, 12:00 UTC",
        "Unbekannter Ort",
        "Läuft in 5 Minuten ab",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
}

#[test]
fn a_wait_and_an_expiry_have_a_unit_in_the_right_number() {
    let world = World::new();
    let started = world.start();
    let person = speaking(&world, None);
    person.enter_as(ALICE.0, ALICE.1, &started.user_code);
    for (wait, words) in [(0, "in 5 minutes"), (190, "in 1 minute"), (70, "in less than a minute")] {
        world.wait(wait);
        let page = person.submit(&[("step", "decide"), ("language", "en")]);
        assert!(page.body.contains(&format!("Expires {words}")), "{words} {}", page.body);
    }
}

#[test]
fn every_language_has_every_page_and_arabic_is_written_from_right_to_left() {
    let world = World::new();
    for language in Language::ALL {
        let person = speaking(&world, Some(language.tag()));
        let started = world.start();
        let mut pages = vec![person.open("/device"), person.open("/authorize")];
        pages.push(person.enter(&started.user_code));
        pages.push(person.sign_in(ALICE.0, "looking-glass"));
        pages.push(person.sign_in(ALICE.0, ALICE.1));
        pages.push(person.decide("report"));
        pages.push(person.decide("report"));
        pages.push(person.open(&format!("/device?user_code={}", started.user_code)));

        let root = format!("<html lang=\"{}\" dir=\"{}\">", language.tag(), language.direction());
        for page in pages {
            assert!(page.body.contains(&root), "{language:?}: {}", page.body);
            assert!(page.body.len() < 30_000, "{language:?}: {} bytes", page.body.len());
        }
    }
}
