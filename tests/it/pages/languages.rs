//! The language of the pages: how it is chosen, and that all of a page is in it.

use std::time::Duration;

use device_grant::endpoint::http::{Request, Response};
use device_grant::language::Language;
use device_grant::place::Place;

use crate::support::person::{Person, hidden};
use crate::support::{World, get, post};

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
fn a_page_runs_in_the_direction_of_its_script() {
    let world = World::new();
    for (languages, html) in
        [("ar", "<html lang=\"ar\" dir=\"rtl\">"), ("en", "<html lang=\"en\" dir=\"ltr\">")]
    {
        let page = speaking(&world, Some(languages)).open("/device");
        assert!(page.body.contains(html), "{html}");
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

/// Sends the form of the language menu with the hidden fields of the page, as its button for German does.
fn choose_german(person: &Person<'_>) -> Response {
    let page = person.page.borrow().body.clone();
    let (_, form) = page.split_once("<form id=\"form\"").expect("the form of the menu");
    let (form, menu) = form.split_once("</form>").expect("its end");
    assert!(menu.contains("<details class=\"languages\">"), "the menu comes last");
    assert!(menu.contains(r#"form="form" name="language" value="de""#));
    assert!(!form.contains("decision") && !form.contains("transaction"), "{form}");
    let mut fields = vec![("language", "de".to_owned())];
    for name in ["step", "notice", "request", "kept"] {
        fields.extend(hidden(form, name).map(|value| (name, value)));
    }
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    person.send(post("/device", &fields))
}

#[test]
fn a_result_can_be_read_in_another_language_and_nothing_is_decided_again() {
    for (decision, english, german) in [
        ("approve", "<h1>Approved</h1>", "<h1>Genehmigt</h1>"),
        ("deny", "<h1>Refused</h1>", "<h1>Abgelehnt</h1>"),
        ("report", "<h1>Refused and reported</h1>", "<h1>Abgelehnt und gemeldet</h1>"),
    ] {
        let world = World::new();
        let person = speaking(&world, Some("en"));
        person.enter_as(ALICE.0, ALICE.1, &world.start().user_code);
        let page = person.decide(decision);
        assert!(page.body.contains(english), "{}", page.body);
        let events = world.recorded().len();

        let page = choose_german(&person);

        assert_eq!((page.status, lang(&person).as_str()), (200, "de"));
        assert!(page.body.contains(german), "{}", page.body);
        assert_eq!(world.recorded().len(), events, "no object has learned anything");
        assert!(person.reload().body.contains(german), "the choice is remembered");
    }
}

#[test]
fn a_result_still_says_in_another_language_that_the_button_changed_nothing() {
    let world = World::new();
    let person = speaking(&world, Some("en"));
    person.enter_as(ALICE.0, ALICE.1, &world.start().user_code);
    let consent = person.window();
    person.decide("approve");
    let page = consent.decide("deny");
    assert!(page.body.contains("changed nothing"), "{}", page.body);

    let page = choose_german(&consent);

    assert!(page.body.contains("hat deshalb nichts geändert"), "{}", page.body);
}

#[test]
fn a_notice_can_be_read_in_another_language_whatever_led_to_it() {
    let world = World::new();
    let person = speaking(&world, Some("en"));
    let at = |path: &str| Request { path: path.to_owned(), accept: Some("text/html".to_owned()), ..get() };
    let foreign = Request { sec_fetch_site: Some("cross-site".to_owned()), ..post("/device", &[]) };
    for (request, status, title) in [
        (at("/nowhere"), 404, "Hier ist nichts"),
        (foreign, 403, "Formular abgelehnt"),
        (Request { query: "request=unknown".to_owned(), ..at("/device") }, 409, "Diese Anfrage ist beendet"),
        (at("/authorize"), 400, "Melden Sie sich auf Ihrem Gerät an"),
    ] {
        person.forget_cookies();
        assert_eq!(person.send(request).status, status, "{title}");
        let page = choose_german(&person);
        assert_eq!(page.status, status, "{title}");
        assert!(page.body.contains(&format!("<h1>{title}</h1>")), "{}", page.body);
    }
}

#[test]
fn the_menu_leads_nowhere_else() {
    let world = World::new();
    let person = speaking(&world, Some("en"));
    for (name, value) in [
        ("request", "x\r\nset-cookie: a=b"),
        ("request", "//evil.example"),
        ("notice", "<script>"),
        ("notice", "expired-99999999999999999999"),
    ] {
        let answer =
            person.exchange(post("/device", &[("step", "language"), ("language", "de"), (name, value)]));
        assert_eq!((answer.status, answer.header("location")), (303, Some("/device")), "{value}");
    }
    let foreign = Request {
        sec_fetch_site: Some("cross-site".to_owned()),
        ..post("/device", &[("step", "language"), ("language", "de")])
    };
    assert_eq!(person.exchange(foreign).status, 403, "no other site chooses");
}

/// Returns a browser in this time zone.
fn in_zone<'a>(world: &'a World, zone: Option<&'static str>) -> Person<'a> {
    let place = move || Place { zone: zone.map(str::to_owned), ..Place::default() };
    Person::before(
        move |request| world.send(&Request { place: place().into(), ..request.clone() }),
        "198.51.100.23",
    )
}

#[test]
fn times_are_in_the_time_zone_of_the_reader_and_name_it() {
    for (zone, clock) in
        [(Some("Europe/Berlin"), "13:40 GMT+1"), (Some("Mars/Olympus"), "12:40 UTC"), (None, "12:40 UTC")]
    {
        let world = World::new();
        let person = in_zone(&world, zone);
        let clock = clock
            .replace("12:40", &world.now().clock())
            .replace("13:40", &(world.now() + Duration::from_secs(3_600)).clock());
        let page = person.enter_as(ALICE.0, ALICE.1, &world.start().user_code);
        assert_eq!(page.body.matches(&format!("Just now, {clock}")).count(), 2, "{}", page.body);

        let page = person.decide("approve");

        assert!(page.body.contains(&format!("You approved this at {clock}.")), "{}", page.body);
    }
}

#[test]
fn the_end_of_a_link_is_told_by_its_day_when_it_is_long_ago() {
    let world = World::new();
    let link = world.start().answer["verification_uri_complete"].as_str().unwrap().to_owned();
    let path = link.trim_start_matches("http://127.0.0.1:8787").to_owned();
    let end = world.now() + Duration::from_secs(300);
    world.wait(300 + 43_199);
    let clock = format!("expired at {} UTC", end.clock());
    let page = Person::of(&world).open(&path);
    assert!(page.body.contains(&clock), "{}", page.body);

    world.wait(1);
    let page = Person::of(&world).open(&path);
    assert!(page.body.contains(&format!("expired on day {}.", end.seconds() / 86_400)), "{}", page.body);
}
