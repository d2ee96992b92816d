//! Governance at the console: what an administrator does there is what the admin API does, by the administrator's account.

#![expect(clippy::indexing_slicing, clippy::string_slice, reason = "a page of another shape fails its test")]

use std::time::Duration;

use device_grant::client::demo::PRINTER_SECRET;
use serde_json::{Value, json};

use super::{NORA, at, shown};
use crate::support::admin::Admin;
use crate::support::person::{Person, hidden};
use crate::support::{World, json as body, outcome, post};

const DRAFT: &str =
    r#"{"default": "enforced", "rules": [{"id": "all", "description": "Everybody", "effect": "allow"}]}"#;
const PRINTER: &[(&str, &str)] = &[("client_id", "demo-printer"), ("client_secret", PRINTER_SECRET)];

/// Sends a form of the page that the browser shows, with the version that the page has.
pub(super) fn send(browser: &Person<'_>, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let version = hidden(&shown(browser).1, "version").unwrap_or_default().replace("&#34;", "\"");
    let own = [("version", version.as_str())];
    let path = path.split('?').next().unwrap_or_default();
    browser.submit_to(path, &[&own[usize::from(version.is_empty())..], fields].concat());
    shown(browser)
}

fn start(world: &World) -> String {
    let started = body(&world.send(&post("/device_authorization", PRINTER)));
    started["device_code"].as_str().expect("a code").to_owned()
}

fn poll(world: &World, device_code: &str) -> String {
    let own = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", device_code)];
    outcome(&world.send(&post("/token", &[PRINTER, &own].concat())))
}

fn sub_of_nora(world: &World) -> Value {
    body(&Admin(world).get("/accounts/local:nora"))["sub"].clone()
}

/// Returns the kind and the account of the newest change of the registry.
fn newest(world: &World) -> (Value, Value) {
    let change = world.changes().pop().expect("a change");
    (change["what"].clone(), change["by"]["account"].clone())
}

fn in_days(world: &World, days: u64) -> String {
    (world.now() + Duration::from_secs(days * 86_400)).to_string()
}

/// Returns what a form has of a date and time, which is without seconds.
fn minute(instant: &str) -> &str {
    &instant[..16]
}

fn exception(world: &World, id: &str, days: u64) -> Value {
    json!({
        "id": id, "when": { "clients": ["demo-tv"], "accounts": ["local:bob"] }, "owner": "alice@example.com",
        "reason": "A test", "ticket": "SEC-1", "expires_at": in_days(world, days),
    })
}

fn create(world: &World, exception: &Value) {
    let created = Admin(world).ask("POST", "/exceptions", None, Some(exception));
    assert_eq!(created.status, 201, "{}", created.body);
}

#[test]
fn a_draft_shows_what_it_would_change_and_becomes_the_policy_with_author_and_reason() {
    let world = World::new();
    let path = "/admin/policy/draft";
    let nora = at(&world, path, NORA);
    let before = world.changes().len();

    let (status, page) = send(&nora, path, &[("step", "try"), ("document", DRAFT)]);
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("<code>/rules/all</code>"), "{page}");
    assert!(page.contains("Protecting: a login that no rule allows is refused."), "{page}");
    assert!(page.contains("Of 0 approvals"), "the last days were judged: {page}");
    assert_eq!(world.changes().len(), before, "trying changes nothing");

    let (status, page) = send(&nora, path, &[("step", "save"), ("document", DRAFT), ("reason", "We begin")]);
    assert_eq!(status, 200, "{page}");
    assert_eq!(newest(&world), ("policy_changed".into(), sub_of_nora(&world)));
    let policy = body(&Admin(&world).get("/policy"));
    assert_eq!((&policy["reason"], &policy["rules"][0]["id"]), (&"We begin".into(), &"all".into()));
    assert_eq!(policy["author"]["account"], sub_of_nora(&world));
}

#[test]
fn a_draft_that_is_wrong_or_too_late_is_not_saved_and_nothing_that_was_written_is_lost() {
    let world = World::new();
    let path = "/admin/policy/draft";
    let nora = at(&world, path, NORA);

    let (status, page) = send(&nora, path, &[("step", "try"), ("document", "{\"default\": \"enforcd\"}")]);
    assert_eq!(status, 422);
    assert!(page.contains("default is") && page.contains("enforcd&#34;}</textarea>"), "{page}");
    let (status, page) = send(&nora, path, &[("step", "try"), ("document", "{\"default\" \"enforced\"}")]);
    assert!(status == 422 && page.contains("not valid JSON: see line 1, column"), "{page}");

    send(&nora, path, &[("step", "try"), ("document", DRAFT)]);
    world.allow_all();
    let (status, page) = send(&nora, path, &[("step", "save"), ("document", DRAFT), ("reason", "Too late")]);
    assert_eq!(status, 412, "{page}");
    assert!(page.contains("&#34;description&#34;: &#34;Everybody&#34;"), "the draft is still there: {page}");
    assert_ne!(body(&Admin(&world).get("/policy"))["reason"], "Too late");
}

#[test]
fn an_earlier_version_of_the_policy_is_read_and_made_the_newest_again() {
    let world = World::new();
    for default in ["enforced", "report_only"] {
        world.set_policy(&json!({ "default": default }));
    }
    let nora = at(&world, "/admin/policy", NORA);
    let (_, page) = shown(&nora);
    assert!(page.contains("Not protecting"), "{page}");

    nora.open("/admin/policy/versions");
    assert!(shown(&nora).1.contains("href=\"/admin/policy/versions/1\""), "{}", shown(&nora).1);
    nora.open("/admin/policy/versions/1");
    let (status, page) =
        send(&nora, "/admin/policy/versions/1", &[("step", "rollback"), ("reason", "It was right")]);

    assert_eq!(status, 200, "{page}");
    let policy = body(&Admin(&world).get("/policy"));
    assert_eq!((&policy["version"], &policy["default"]), (&3.into(), &"enforced".into()));
    assert_eq!(policy["author"]["account"], sub_of_nora(&world));
}

#[test]
fn an_exception_is_added_renewed_and_ended_by_the_account() {
    let world = World::with_policy(&[]);
    let list = "/admin/exceptions";
    let nora = at(&world, list, NORA);
    let draft = "/admin/exceptions?id=bob&when=%7B%22accounts%22%3A%5B%22local%3Abob%22%5D%7D";
    let form = nora.open(draft).body;
    assert!(
        form.contains("value=\"bob\"") && form.contains("local:bob&#34;"),
        "a link fills the form in: {form}"
    );

    let end = in_days(&world, 10);
    let when = r#"{"clients": ["demo-tv"], "accounts": ["local:bob"]}"#;
    let fields = [
        ("step", "create"),
        ("id", "bob"),
        ("when", when),
        ("owner", "Ann"),
        ("ticket", "T-1"),
        ("expires_at", minute(&end)),
    ];
    let (status, page) = send(&nora, list, &fields);
    assert!(status == 422 && page.contains("reason is missing"), "{page}");
    let (status, page) = send(&nora, list, &[&fields[..], &[("reason", "He travels")]].concat());
    assert!(status == 200 && page.contains(" days left"), "{page}");
    assert_eq!(newest(&world), ("exception_created".into(), sub_of_nora(&world)));

    let one = "/admin/exceptions/bob";
    nora.open(one);
    let later = in_days(&world, 20);
    let (status, page) =
        send(&nora, one, &[("step", "renew"), ("expires_at", minute(&later)), ("reason", "He travels on")]);
    assert!(status == 200 && page.contains("He travels on"), "{page}");
    assert_eq!(newest(&world), ("exception_renewed".into(), sub_of_nora(&world)));
    let (status, page) = send(&nora, one, &[("step", "end")]);
    assert!(status == 200 && !page.contains("End it now"), "{page}");
    assert_eq!(newest(&world), ("exception_ended".into(), sub_of_nora(&world)));
}

#[test]
fn who_profits_from_an_exception_cannot_renew_it() {
    let world = World::with_policy(&[]);
    let own = json!({ "when": { "clients": ["demo-tv"], "accounts": ["local:nora"] } });
    let mut given = exception(&world, "own", 5);
    given.as_object_mut().expect("members").extend(own.as_object().expect("members").clone());
    create(&world, &given);
    let nora = at(&world, "/admin/exceptions/own", NORA);
    let before = world.changes().len();

    let later = in_days(&world, 20);
    let (status, page) = send(
        &nora,
        "/admin/exceptions/own",
        &[("step", "renew"), ("expires_at", minute(&later)), ("reason", "I like it")],
    );

    assert_eq!(status, 422, "{page}");
    assert_eq!(world.changes().len(), before);
}

#[test]
fn an_exception_that_names_nobody_is_renewed_by_who_neither_owns_it_nor_made_it() {
    let world = World::with_policy(&[]);
    let with = |id: &str, owner: &str| {
        let mut wide = exception(&world, id, 5);
        wide["when"] = json!({ "clients": ["demo-tv"] });
        wide["owner"] = owner.into();
        create(&world, &wide);
    };
    with("wide", "alice@example.com");
    with("owned", "NORA");
    let nora = at(&world, "/admin/exceptions", NORA);
    let made =
        [("step", "create"), ("id", "made"), ("when", r#"{"clients": ["demo-tv"]}"#), ("owner", "Ann")];
    let why = [("reason", "A test"), ("ticket", "T-1"), ("expires_at", &in_days(&world, 5)[..16])];
    assert_eq!(send(&nora, "/admin/exceptions", &[&made[..], &why].concat()).0, 200);
    let renew = |id: &str| {
        let path = format!("/admin/exceptions/{id}");
        nora.open(&path);
        let later = in_days(&world, 20);
        send(&nora, &path, &[("step", "renew"), ("expires_at", minute(&later)), ("reason", "Still needed")])
    };

    for id in ["owned", "made"] {
        let (status, page) = renew(id);
        assert!(
            status == 422 && page.contains("you own it, or have made it, so somebody else"),
            "{id}: {page}"
        );
    }
    let (status, page) = renew("wide");
    assert!(status == 200 && page.contains("The exception has its new end."), "{page}");
    assert_eq!(newest(&world), ("exception_renewed".into(), sub_of_nora(&world)));
}

#[test]
fn an_exception_that_has_ended_begins_again_by_a_renewal() {
    let world = World::with_policy(&[]);
    create(&world, &exception(&world, "bob", 5));
    let path = "/admin/exceptions/bob";
    let nora = at(&world, path, NORA);

    let (_, page) = send(&nora, path, &[("step", "end")]);
    assert!(page.contains("Renew it") && !page.contains("End it now"), "{page}");
    let later = in_days(&world, 20);
    let again = [("step", "renew"), ("expires_at", minute(&later)), ("reason", "He travels again")];
    let (status, page) = send(&nora, path, &again);

    assert!(status == 200 && page.contains("End it now"), "{page}");
    assert_eq!(body(&Admin(&world).get("/exceptions/bob"))["is_live"], true);
}

#[test]
fn nobody_writes_an_exception_that_names_them() {
    let world = World::with_policy(&[]);
    let nora = at(&world, "/admin/exceptions", NORA);
    let end = in_days(&world, 5);
    let add = |id: &str, whom: &str| {
        let fields = [
            ("step", "create"),
            ("id", id),
            ("when", whom),
            ("owner", "Nora"),
            ("reason", "I like it"),
            ("ticket", "SEC-1"),
            ("expires_at", minute(&end)),
        ];
        send(&nora, "/admin/exceptions", &fields)
    };

    for whom in [r#"{"accounts": ["local:bob", "local:nora"]}"#, r#"{"groups": ["local:administrators"]}"#] {
        let (status, page) = add("own", whom);
        assert!(status == 422 && page.contains("somebody else must write it"), "{page}");
    }
    let (status, page) = add("theirs", r#"{"accounts": ["local:bob"]}"#);
    assert_eq!(status, 200, "{page}");
}

#[test]
fn exceptions_are_read_by_key_and_those_that_are_over_stand_apart() {
    let world = World::with_policy(&[]);
    for number in 0..60 {
        create(&world, &exception(&world, &format!("e-{number:02}"), 1 + number % 2));
    }
    world.wait(86_400 + 1);
    let nora = at(&world, "/admin/exceptions", NORA);

    let (_, page) = shown(&nora);
    let over = page.find("<h2>Ended</h2>").expect("some have ended");
    assert!(page[..over].contains(">e-01<") && !page[..over].contains(">e-00<"), "{page}");
    assert!(page[over..].contains(">e-00<"));
    let (_, rest) = page.split_once("href=\"/admin/exceptions?cursor=").expect("there is a next page");
    let cursor = rest.split('"').next().unwrap_or_default();
    let next = nora.open(&format!("/admin/exceptions?cursor={cursor}")).body;
    assert!(next.contains(">e-59<") && !next.contains(">e-00<"), "{next}");
}

#[test]
fn a_kill_switch_counts_first_and_ends_only_when_it_is_set() {
    let world = World::new();
    let code = start(&world);
    let path = "/admin/kill-switches";
    let nora = at(&world, path, NORA);
    let until = in_days(&world, 1);
    let target =
        [("id", "stop"), ("reason", "A campaign"), ("until", minute(&until)), ("client", "demo-printer")];

    let (status, page) = send(&nora, path, &[&target[..], &[("step", "try")]].concat());
    assert!(status == 200 && page.contains("This would end 0 devices, 0 sessions and 1 code."), "{page}");
    assert_eq!(poll(&world, &code), "authorization_pending");

    let (status, page) = send(&nora, path, &[&target[..], &[("step", "set")]].concat());
    assert!(status == 200 && page.contains("It has ended 0 devices, 0 sessions and 1 code."), "{page}");
    assert_eq!(newest(&world), ("kill_switch_set".into(), sub_of_nora(&world)));
    world.wait(5);
    assert_eq!(poll(&world, &code), "access_denied");

    let (status, page) = send(&nora, path, &[("step", "end"), ("id", "stop")]);
    assert!(status == 200 && page.contains("No kill switch is on."), "{page}");
    assert_eq!(newest(&world), ("kill_switch_ended".into(), sub_of_nora(&world)));
}

#[test]
fn a_kill_switch_for_a_user_code_says_until_when_its_jwts_may_be_good_elsewhere() {
    let world = World::new();
    let (code, other) = (world.approved(), world.approved());
    assert_eq!(world.poll_outcome(&code.device_code), "issued");
    let path = "/admin/kill-switches";
    let nora = at(&world, path, NORA);
    let target =
        [("id", "mail"), ("reason", "A mail"), ("until", &in_days(&world, 1)), ("code", &*code.user_code)];

    let (status, page) = send(&nora, path, &[&target[..], &[("step", "try")]].concat());
    assert!(status == 200 && page.contains("This would end 1 device, 0 sessions and 0 codes."), "{page}");
    assert_eq!(hidden(&page, "code").as_deref(), Some(&*code.user_code), "the next button is about it, too");

    let (status, page) = send(&nora, path, &[&target[..], &[("step", "set")]].concat());
    assert!(status == 200 && page.contains("It has ended 1 device, 0 sessions and 0 codes."), "{page}");
    let until = world.now() + Duration::from_secs(world.settings().access_token);
    assert!(page.contains(&format!("without asking this server may accept them until {until}.")), "{page}");
    assert_eq!(world.poll_outcome(&other.device_code), "issued");
}

#[test]
fn every_page_of_governance_says_what_to_do_where_there_is_nothing_yet() {
    let world = World::new();
    let nora = at(&world, "/admin", NORA);
    for (page, says) in [
        ("alerts", "There is no open alert"),
        ("alerts?state=closed", "No alert has been closed."),
        ("kill-switches", "No kill switch is on."),
        ("access-requests", "There is no such request."),
        ("exceptions", "No exception lets anybody through."),
        ("policy", "There is no rule yet."),
        ("policy/draft", "Show what it would change"),
        ("policy/what-if", "Describe a login."),
        ("policy/versions", "Nobody has written a policy yet."),
        ("report", "Nobody: in these days"),
    ] {
        let shown = nora.open(&format!("/admin/{page}"));
        assert!(shown.status == 200 && shown.body.contains(says), "{page}: {}", shown.body);
        assert!(shown.body.contains("API: <code>"), "{page} names the call that does the same");
    }
}

#[test]
fn a_described_login_is_judged_at_every_point() {
    let world = World::new();
    world.set_policy(&json!({ "default": "enforced" }));
    let path = "/admin/policy/what-if";
    let nora = at(&world, path, NORA);

    let fields = [
        ("step", "login"),
        ("client_id", "demo-tv"),
        ("country", "DE"),
        ("others", "{\"verdict\": \"far\"}"),
    ];
    let (status, page) = send(&nora, path, &fields);

    assert!(status == 200 && page.contains("device authorization") && page.contains("default"), "{page}");
    let (status, page) = send(&nora, path, &[("step", "login"), ("others", "[]")]);
    assert!(status == 400 && page.contains("must be a JSON object"), "{page}");
}
