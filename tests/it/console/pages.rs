//! The pages of the console: what they show, and that their buttons are calls of the admin API.

#![expect(clippy::indexing_slicing, reason = "an answer of another shape fails its test")]

use device_grant::audit::ledger::OUTBOXES;
use device_grant::audit::ledger_name::LedgerName;
use serde_json::{Value, json};

use super::{NORA, at, shown};
use crate::support::admin::Admin;
use crate::support::person::{Person, hidden};
use crate::support::{World, json as body, outcome};

/// Sends a form to a page, and returns what it shows then.
fn sent(person: &Person<'_>, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
    person.submit_to(path, fields);
    shown(person)
}

/// Returns the kinds of all events, and who caused them.
fn changes(world: &World) -> Vec<(String, Value)> {
    world.count();
    let events = body(&Admin(world).get("/events"));
    let events = events["events"].as_array().cloned().unwrap_or_default();
    let of = |event: &Value| {
        (event["event"]["what"].as_str().unwrap_or_default().to_owned(), event["event"]["by"].clone())
    };
    events.iter().map(of).collect()
}

#[test]
fn every_page_opens_and_marks_its_entry_of_the_menu() {
    let world = World::new();
    world.poll(&world.approved().device_code);
    world.start();
    world.count();
    let nora = at(&world, "/admin", NORA);

    for (path, heading, entry) in [
        ("/admin", "Overview", "Overview"),
        ("/admin/clients", "Clients", "Clients"),
        ("/admin/clients/demo-tv", "Demo TV", "Clients"),
        ("/admin/people", "People", "People"),
        ("/admin/people/local%3Aalice", "Alice", "People"),
        ("/admin/invitations", "Invitations", "Invitations"),
        ("/admin/codes", "Live codes", "Live codes"),
        ("/admin/devices", "Devices", "Devices"),
        ("/admin/devices?client_id=demo-tv", "Devices", "Devices"),
        ("/admin/sessions", "Sessions", "Sessions"),
        ("/admin/ledger", "Ledger", "Ledger"),
        ("/admin/ledger/verify?day=2026-01-01", "Verify a day", "Ledger"),
        ("/admin/keys", "Keys", "Keys"),
        ("/admin/providers", "Providers", "Providers"),
        ("/admin/settings", "Settings", "Settings"),
    ] {
        let page = nora.open(path);
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        assert!(page.body.contains(&format!("<h1>{heading}")), "{path}: {}", page.body);
        assert!(page.body.contains(&format!("aria-current=\"page\">{entry}")), "{path}");
        assert!(page.body.contains("API: <code>"), "{path} names the call that does the same");
        assert!(!page.body.contains(" style="), "{path}: the content security policy blocks such a style");
    }
    assert_eq!(nora.open("/admin/clients/absent").status, 404);
    assert_eq!(nora.open("/admin/nowhere").status, 404);
}

#[test]
fn the_overview_shows_how_logins_end_and_the_numbers_behind_each_picture() {
    let world = World::new();
    world.poll(&world.approved().device_code);
    world.count();

    let page = at(&world, "/admin", NORA).open("/admin").body;

    assert!(page.contains("<svg") && page.contains("<th scope=\"row\">demo-tv</th><td>1</td>"), "{page}");
    assert!(page.contains("<th scope=\"row\">tokens collected</th><td>1</td>"), "{page}");
}

#[test]
fn a_client_is_created_changed_disabled_and_deleted_by_the_administrator_who_is_signed_in() {
    let world = World::new();
    let nora = at(&world, "/admin/clients", NORA);
    let (path, scope) = ("/admin/clients/radio", ("scope", "openid"));

    let made = [
        ("step", "create"),
        ("client_name", "Radio"),
        ("client_id", "radio"),
        scope,
        ("token_endpoint_auth_method", "client_secret_basic"),
    ];
    let (status, page) = sent(&nora, "/admin/clients", &made);
    assert!(status == 200 && page.contains("this is the only time that it is shown"), "{status}: {page}");

    nora.open(path);
    let (_, page) = sent(&nora, path, &[("step", "change"), ("client_name", "Kitchen radio"), scope]);
    assert!(page.contains("The client is changed.") && page.contains("Kitchen radio"), "{page}");
    let (_, page) = sent(&nora, path, &[("step", "disable")]);
    assert!(page.contains("disabled"), "{page}");
    assert_eq!(body(&Admin(&world).get("/clients/radio"))["enabled"], false);

    let (_, page) = sent(&nora, path, &[("step", "delete")]);
    assert!(page.contains("0 devices have access through this client"), "nothing is deleted yet: {page}");
    assert_eq!(Admin(&world).get("/clients/radio").status, 200);
    let (status, _) = sent(&nora, path, &[("step", "delete_now")]);
    assert_eq!((status, Admin(&world).get("/clients/radio").status), (200, 404));

    let sub = body(&Admin(&world).get("/accounts/local:nora"))["sub"].clone();
    let mine: Vec<String> =
        changes(&world).into_iter().filter(|(_, by)| by["account"] == sub).map(|(what, _)| what).collect();
    assert_eq!(mine, ["client_created", "client_changed", "client_changed", "client_deleted"]);
}

#[test]
fn the_page_of_a_client_says_how_it_is_used_and_which_rules_name_it() {
    let world = World::new();
    let nora = at(&world, "/admin/clients/demo-tv", NORA);
    assert!(shown(&nora).1.contains("none in the last 400 days"), "{}", shown(&nora).1);
    world.poll(&world.approved().device_code);
    world.count();
    let end = json!({ "clients": ["demo-tv"], "time": { "not_before": "2027-07-01T00:00:00Z" } });
    world.set_policy(&json!({ "default": "enforced", "rules": [
        { "id": "tv-end", "description": "The end", "effect": "deny", "state": "report_only", "when": end },
        { "id": "others", "description": "No", "effect": "deny", "when": { "clients": ["other"] } },
    ]}));
    let exception = json!({
        "id": "bob", "when": { "clients": ["demo-tv"], "accounts": ["local:bob"] }, "owner": "a", "reason": "b",
        "ticket": "c", "expires_at": (world.now() + core::time::Duration::from_secs(86_400)).to_string(),
    });
    assert_eq!(Admin(&world).ask("POST", "/exceptions", None, Some(&exception)).status, 201);

    let page = nora.open("/admin/clients/demo-tv").body;

    assert!(page.contains("1 account") && page.contains("The first of them ends"), "{page}");
    assert!(page.contains("tv-end: deny, from 2027-07-01T00:00:00Z on (report only)"), "{page}");
    assert!(!page.contains("others: deny"), "{page}");
    world.set_down("counts", true);
    assert!(nora.open("/admin/clients/demo-tv").body.contains("not known now"));
}

#[test]
fn what_was_written_stays_when_the_api_refuses_it() {
    let world = World::new();
    let nora = at(&world, "/admin/clients", NORA);

    let fields = [("step", "create"), ("client_name", "Radio <1>"), ("scope", "no such scope")];
    let (status, page) = sent(&nora, "/admin/clients", &fields);

    assert_eq!(status, 422, "{page}");
    assert!(page.contains("role=\"alert\"") && page.contains("value=\"Radio &#60;1&#62;\""), "{page}");
}

#[test]
fn a_form_that_somebody_else_overtook_changes_nothing() {
    let world = World::new();
    let path = "/admin/clients/demo-tv";
    let nora = at(&world, path, NORA);
    let old = body(&Admin(&world).get("/clients/demo-tv"))["version"].to_string();
    let old = format!("\"{old}\"");
    Admin(&world).patch("demo-tv", &json!({ "owner": "Somebody" }));

    let fields =
        [("step", "change"), ("version", old.as_str()), ("client_name", "Mine"), ("scope", "openid")];
    let (status, page) = sent(&nora, path, &fields);

    assert_eq!(status, 412, "{page}");
    assert!(
        page.contains("value=\"Mine\"") && page.contains("Somebody"),
        "what was written and what is now: {page}"
    );
    assert_eq!(body(&Admin(&world).get("/clients/demo-tv"))["owner"], "Somebody");
}

#[test]
fn all_devices_that_match_end_only_after_their_number_was_shown() {
    let world = World::new();
    let tokens = [world.approved(), world.approved()].map(|started| world.poll(&started.device_code));
    assert!(tokens.iter().all(|tokens| outcome(tokens) == "issued"));
    let nora = at(&world, "/admin/devices", NORA);
    let devices = || body(&Admin(&world).get("/devices"))["devices"].as_array().map_or(0, Vec::len);

    let (_, page) = sent(&nora, "/admin/devices", &[("step", "end_all"), ("client_id", "demo-tv")]);
    assert!(page.contains("2 devices would end.") && page.contains("client_id demo-tv"), "{page}");
    assert_eq!(devices(), 2);

    let (_, page) = sent(&nora, "/admin/devices", &[("step", "end_all_now"), ("client_id", "demo-tv")]);
    assert!(page.contains("2 devices are ended."), "{page}");
    assert_eq!(devices(), 0);

    let (status, _) = sent(&nora, "/admin/devices", &[("step", "end_all_now")]);
    assert_eq!(status, 422, "without a condition, nothing is selected");
}

#[test]
fn a_person_is_blocked_with_a_reason_and_let_in_again() {
    let world = World::new();
    let path = "/admin/people/local%3Aalice";
    // An account of a development server is there once its person has signed in.
    world.approved();
    let nora = at(&world, path, NORA);

    let (_, page) = sent(&nora, path, &[("step", "block"), ("why", "left the company")]);
    assert!(page.contains("blocked") && page.contains("left the company"), "{page}");
    let is = || body(&Admin(&world).get("/accounts/local:alice"))["standing"]["is"].clone();
    assert_eq!(is(), "blocked");

    let (_, page) = sent(&nora, path, &[("step", "unblock")]);
    assert!(page.contains("can be used again"), "{page}");
    assert_eq!(is(), "active");
}

#[test]
fn an_invitation_shows_its_link_once_and_can_be_revoked() {
    let world = World::new();
    let nora = at(&world, "/admin/invitations", NORA);

    let (status, page) = sent(&nora, "/admin/invitations", &[("step", "invite"), ("kind", "account")]);
    assert!(status == 200 && page.contains("/invitation"), "{page}");
    let list = body(&Admin(&world).get("/invitations"));
    let id = list["invitations"][0]["id"].as_str().expect("an invitation").to_owned();

    let (_, page) = sent(&nora, "/admin/invitations", &[("step", "revoke"), ("id", &id)]);
    assert!(page.contains("is revoked"), "{page}");
}

#[test]
fn a_live_code_is_listed_and_ended() {
    let world = World::new();
    let started = world.start();
    let nora = at(&world, "/admin/codes", NORA);
    let (_, page) = shown(&nora);
    let id = hidden(&page, "id").expect("a code with a button");
    assert!(page.contains("demo-tv"), "{page}");

    let (_, page) = sent(&nora, "/admin/codes", &[("step", "end_code"), ("id", &id)]);

    assert!(page.contains("The code is ended.") && page.contains("No code is live."), "{page}");
    assert_ne!(outcome(&world.poll(&started.device_code)), "authorization_pending");
}

#[test]
fn an_event_is_found_and_shown_whole_and_a_wrong_search_says_what_was_wrong() {
    let world = World::new();
    world.poll(&world.approved().device_code);
    world.count();
    let nora = at(&world, "/admin/ledger?what=approved", NORA);
    let page = nora.open("/admin/ledger?what=approved").body;
    let link = page.split("href=\"").find(|rest| rest.starts_with("/admin/ledger/event?")).expect("a link");
    let link = link.split('"').next().expect("an end").replace("&#38;", "&").replace("&amp;", "&");

    let page = nora.open(&link);
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("<h1>Approved") && page.body.contains("approval_id"), "{}", page.body);

    let page = nora.open("/admin/ledger?what=nonsense").body;
    assert!(page.contains("there is no such kind of event") && page.contains("value=\"nonsense\""), "{page}");
}

/// Puts an event after 50,000 others of the same object and day, and returns its identifier and day.
fn buried(world: &World) -> (String, u32) {
    let day = u32::try_from(world.now().seconds() / 86_400).expect("a day");
    let name = LedgerName { day, object: "weur/3".to_owned(), block: 0 };
    let ids = || (1..=50_001).map(|number| format!("weur/3/{number}"));
    let at = world.now().millis();
    world.server.platform.with_ledger(OUTBOXES, |rows| rows.noted.borrow_mut().insert(name.clone()));
    world.server.platform.with_ledger(&name.to_string(), |rows| {
        let event = json!({ "format": 2, "what": "reported", "outcome": "refused", "at": at });
        let record = |id: String| {
            let record = json!({ "id": id, "event": event }).to_string();
            (id, record, String::new())
        };
        rows.records.borrow_mut().extend(ids().map(record));
    });
    (ids().next_back().expect("an identifier"), day)
}

#[test]
fn an_event_opens_however_many_were_before_it() {
    let world = World::new();
    let (id, day) = buried(&world);
    let nora = at(&world, "/admin", NORA);
    let (at, id) = (u64::from(day) * 86_400, id.replace('/', "%2F"));

    let link = |at: u64, to: u64| nora.open(&format!("/admin/ledger/event?at={at}&to={to}&id={id}"));

    let page = link(at, at + 1);
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("<h1>Reported") && page.body.contains("weur/3/50001"), "{}", page.body);
    assert_eq!(link(at - 20 * 86_400, at + 1).status, 200, "an alert may be open for weeks");
    assert_eq!(link(at - 20 * 86_400, at - 19 * 86_400).status, 404);
}

#[test]
fn a_list_goes_on_by_key() {
    let world = World::new();
    for number in 0..60 {
        let client = json!({ "client_id": format!("c{number:03}"), "client_name": "C", "token_endpoint_auth_method": "none" });
        assert_eq!(Admin(&world).create(&client).status, 201);
    }
    let nora = at(&world, "/admin/clients", NORA);
    let page = nora.open("/admin/clients").body;
    let next =
        page.split("href=\"").find(|rest| rest.starts_with("/admin/clients?cursor=")).expect("a next page");
    let next = next.split('"').next().expect("an end").to_owned();

    let second = nora.open(&next).body;

    assert!(page.contains("c010") && !page.contains("c059"), "{page}");
    assert!(second.contains("c059") && !second.contains("c010"), "{second}");
}

#[test]
fn a_key_is_retired_only_after_its_consequence_was_shown() {
    let world = World::new();
    world.poll(&world.approved().device_code);
    let nora = at(&world, "/admin/keys", NORA);
    let keys = || body(&Admin(&world).get("/keys"))["keys"].as_array().cloned().unwrap_or_default();
    let active = keys().into_iter().find(|key| key["state"] == "active").expect("an active key");
    let kid = active["kid"].as_str().expect("a kid").to_owned();

    let (_, page) = sent(&nora, "/admin/keys", &[("step", "retire"), ("kid", &kid)]);
    assert!(page.contains("stops being good at once"), "{page}");
    assert_eq!(
        keys().into_iter().find(|key| key["kid"] == kid.as_str()).expect("it is there")["state"],
        "active"
    );

    let (_, page) = sent(&nora, "/admin/keys", &[("step", "retire_now"), ("kid", &kid)]);
    assert!(page.contains("is retired"), "{page}");
    assert_eq!(
        keys().into_iter().find(|key| key["kid"] == kid.as_str()).expect("it is there")["state"],
        "retired"
    );
}

#[test]
fn settings_are_listed_without_secrets_and_the_doctor_answers_a_button() {
    let world = World::new();
    let nora = at(&world, "/admin/settings", NORA);

    let settings = body(&Admin(&world).get("/settings"));
    let of = |name: &str| {
        settings["settings"].as_array().into_iter().flatten().find(|one| one["name"] == name).cloned()
    };
    assert_eq!(of("CODE_LIFETIME_SECONDS").expect("it was read")["name"], "CODE_LIFETIME_SECONDS");
    assert!(of("MASTER_KEY").expect("it was read").get("value").is_none());

    let (status, page) = sent(&nora, "/admin/settings", &[("step", "examine")]);
    assert!(status == 200 && page.contains("The doctor found"), "{page}");
}
