//! Asking for access: a person who is denied asks, an administrator answers, and the login goes on.

#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a response of another shape fails its test"
)]

use std::time::Duration;

use device_grant::audit::change::Actor;
use device_grant::endpoint::http::{Request, Response};
use device_grant::identity::account_key::AccountKey;
use device_grant::policy::access_request::Terms;
use device_grant::policy::name::Name;
use device_grant::registry::governance::access_requests;
use device_grant::registry::governance::access_requests::{AnswerRefusal, GrantAccess};
use device_grant::registry::governance::exceptions::Person as Answerer;
use serde_json::{Value, json};

use super::{ALICE, BOB, Login, allow, berlin, lagos, policy, rule, text};
use crate::support::admin::Admin;
use crate::support::person::{Person, hidden};
use crate::support::{World, json as body, outcome, post};

const DAY: u64 = 86_400;
const REASON: &str = "I release <b>on Friday</b>.";
const SIGN_IN: [(&str, &str); 3] = [("step", "sign_in"), ("username", BOB.0), ("password", BOB.1)];
const FORM: &str = "name=\"reason\"";
const WAITING: &str = "<h1>Waiting for an answer</h1>";
const CONSENT: &str = "name=\"confirm_device\"";

/// Returns a server where people may ask, and where nobody from abroad gets in, with `members` added to the policy.
fn world_with(members: &Value) -> World {
    let world = World::new();
    let abroad = json!({ "unless": { "device": { "countries": ["DE"] } }, "message": "Not from abroad." });
    let mut document = policy(&json!([allow(), rule("abroad", "deny", &abroad)]));
    let all = document.as_object_mut().expect("it is an object");
    all.insert("access_requests".to_owned(), true.into());
    all.extend(members.as_object().expect("members").clone());
    world.set_policy(&document);
    world
}

/// Returns a server where nobody gets in but staff, and everybody may ask.
fn staff_only() -> World {
    let staff = rule("staff", "allow", &json!({ "when": { "groups": ["local:nobody"] } }));
    world_with(&json!({ "rules": [staff] }))
}

/// A login of Bob whose device is in the office, and whose person is, too.
fn bob(world: &World) -> Login<'_> {
    Login { who: BOB, ..Login::of(world) }
}

fn ask(browser: &Person<'_>, reason: &str) -> Response {
    let request = hidden(&browser.page.borrow().body, "request").unwrap_or_default();
    browser.submit_only(&[("step", "ask"), ("request", &request), ("reason", reason)])
}

/// Sends a form of the page of requests, at its address.
fn submit(browser: &Person<'_>, address: &str, fields: &[(&str, &str)]) -> Response {
    let csrf = hidden(&browser.page.borrow().body, "csrf").expect("a token");
    let (path, query) = address.split_once('?').expect("a query");
    let request = post(path, &[&[("csrf", csrf.as_str())], fields].concat());
    browser.send(Request { query: query.to_owned(), ..request })
}

/// Lets Bob start, enter the code, and ask. Returns the device code, and the browser, which waits.
fn asked<'a>(login: &Login<'a>) -> (String, Person<'a>) {
    let (device_code, browser) = login.entered();
    assert!(browser.page.borrow().body.contains(FORM), "{}", browser.page.borrow().body);
    let page = ask(&browser, REASON);
    assert!(page.status == 200 && page.body.contains(WAITING), "{}", page.body);
    (device_code, browser)
}

fn open(world: &World) -> Vec<Value> {
    let listed = body(&Admin(world).get("/access-requests?state=open"));
    listed["access_requests"].as_array().cloned().unwrap_or_default()
}

fn id_of(request: &Value) -> String {
    request["id"].as_str().expect("an id").to_owned()
}

/// Lets an administrator answer the only open request.
fn answer(world: &World, what: &str, members: &Value) -> Response {
    let requests = open(world);
    let [request] = requests.as_slice() else { panic!("there is one: {requests:?}") };
    let path = format!("/access-requests/{}/{what}", id_of(request));
    Admin(world).ask("POST", &path, None, Some(members))
}

fn grant(world: &World, days: u64) -> Value {
    let expires_at = (world.now() + Duration::from_secs(days * DAY)).to_string();
    let granted = answer(world, "grant", &json!({ "owner": "Alice", "expires_at": expires_at }));
    assert_eq!(granted.status, 200, "{}", granted.body);
    body(&granted)
}

/// Returns the kinds of the events of requests and exceptions so far.
fn told(world: &World) -> Vec<String> {
    let whats = world.changes().into_iter().filter_map(|change| change["what"].as_str().map(str::to_owned));
    whats.filter(|what| what.starts_with("access_") || what.starts_with("exception_")).collect()
}

#[test]
fn a_person_who_is_denied_asks_and_once_let_through_approves_the_same_code() {
    // A rule that nobody can judge before the consent page, and a default that refuses at the sign-in.
    let far = rule("far", "deny", &json!({ "when": { "verdict": ["far"] } }));
    for (world, device) in
        [(world_with(&json!({ "rules": [allow(), far] })), lagos()), (staff_only(), berlin())]
    {
        let login = Login { device, ..bob(&world) };
        let (device_code, browser) = asked(&login);
        assert_eq!(outcome(&login.poll(&device_code)), "authorization_pending");
        assert!(browser.reload().body.contains(WAITING), "nobody has answered");

        let granted = grant(&world, 2);
        world.wait(5);
        let page = browser.reload();

        assert!(page.status == 200 && page.body.contains(CONSENT), "{}", page.body);
        assert_eq!(granted["granted"]["exception"], json!(format!("access-{}", id_of(&granted))));
        assert_eq!(browser.decide("approve").status, 200);
        assert_eq!(outcome(&login.poll(&device_code)), "issued");
        assert_eq!(told(&world), ["access_requested", "exception_created", "access_granted"]);

        world.wait(2 * DAY);
        world.server.forget_snapshot();
        let (_, browser) = login.entered();
        assert_eq!(browser.page.borrow().status, 403, "the exception has lapsed");
        assert!(browser.page.borrow().body.contains(FORM), "the person can ask again");
    }
}

#[test]
fn an_exception_that_is_ended_early_leads_back_to_the_form() {
    let world = staff_only();
    let (_, browser) = asked(&bob(&world));
    let granted = grant(&world, 2);
    assert!(browser.reload().body.contains(CONSENT));
    let exception = granted["granted"]["exception"].as_str().expect("a name").to_owned();
    let ended = Admin(&world).ask("POST", &format!("/exceptions/{exception}/end"), None, None);
    assert_eq!(ended.status, 200, "{}", ended.body);

    let page = browser.reload();

    assert!(page.status == 403 && page.body.contains(FORM), "{}", page.body);
    let list = browser.open("/account/access");
    assert!(list.body.contains("This access has ended"), "{}", list.body);
}

#[test]
fn a_device_that_gets_no_code_names_the_page_where_its_user_can_ask() {
    let world = world_with(&json!({ "help_uri": null }));
    let login = Login { device: lagos(), ..bob(&world) };
    let refused = login.start();
    assert_eq!((refused.status, text(&refused, "error").as_str()), (400, "unauthorized_client"));
    let uri = text(&refused, "error_uri");
    assert_eq!(uri, "http://127.0.0.1:8787/account/access?client_id=demo%2Dtv&rule=abroad");
    let path = uri.strip_prefix("http://127.0.0.1:8787").expect("the address of this server").to_owned();

    let browser = login.browser();
    let page = browser.open(&path);
    assert!(page.body.contains("To ask for access, or to see what became of your requests, sign in."));
    let page = submit(&browser, &path, &SIGN_IN);
    assert!(page.body.contains(FORM) && page.body.contains(">Demo TV</bdi>"), "{}", page.body);
    let page = submit(&browser, &path, &[("step", "ask"), ("reason", REASON)]);
    assert!(page.body.contains("Waiting for an answer until"), "{}", page.body);

    let requests = open(&world);
    assert_eq!((requests.len(), &requests[0]["denied_by"]), (1, &json!(["abroad"])));
    assert!(
        requests[0].get("comparison").is_none() && requests[0]["person"]["city"] == "Berlin",
        "{requests:?}"
    );
    let warnings = [
        "the exception is for every scope of the client",
        "the person asked without a code: where the device is, is not known",
    ];
    let address = format!("/access-requests/{}", id_of(&requests[0]));
    assert_eq!(body(&Admin(&world).get(&address))["warnings"], json!(warnings));
    let nora = Person::of(&world);
    nora.open(&format!("/admin{address}"));
    let sign_in = [("step", "sign_in"), ("username", "nora"), ("password", "keeper-8787")];
    let page = nora.submit_to(&format!("/admin{address}"), &sign_in).body;
    assert!(page.contains("The exception is for every scope of the client."), "{page}");
    assert_eq!(grant(&world, 1)["warnings"], json!(warnings));
    assert_eq!(body(&Admin(&world).get(&address)).get("warnings"), None, "it is answered");
    assert!(browser.open("/account/access").body.contains("Granted until"), "the person sees the answer");
    world.server.forget_snapshot();
    let (device_code, browser) = login.entered();
    assert_eq!(browser.decide("approve").status, 200);
    assert_eq!(outcome(&login.poll(&device_code)), "issued");
}

#[test]
fn nobody_can_ask_unless_the_policy_lets_them() {
    let world = world_with(&json!({ "access_requests": false, "help_uri": null }));
    let login = Login { device: lagos(), ..bob(&world) };
    assert_eq!(body(&login.start()).get("error_uri"), None);
    let (browser, path) = (login.browser(), "/account/access?client_id=demo-tv&rule=abroad");
    browser.open(path);
    let page = submit(&browser, path, &SIGN_IN);
    assert!(
        page.body.contains("This can’t be granted on request.") && !page.body.contains(FORM),
        "{}",
        page.body
    );
    let page = submit(&browser, path, &[("step", "ask"), ("reason", REASON)]);
    assert!(page.status == 409 && !page.body.contains(FORM), "{}", page.body);
    assert_eq!(open(&world), [] as [Value; 0]);
}

#[test]
fn an_address_asks_only_for_a_client_that_exists_and_a_rule_that_can_deny_the_person() {
    let others = rule("others", "deny", &json!({ "when": { "accounts": ["local:alice"] } }));
    let world = world_with(&json!({ "rules": [allow(), others] }));
    let browser = bob(&world).browser();
    for (query, words) in [
        ("client_id=nobody", "This can’t be granted on request."),
        ("client_id=demo-tv", "Nothing stops you from using"),
        ("client_id=demo-tv&rule=others", "Nothing stops you from using"),
        ("client_id=demo-tv&rule=all", "Nothing stops you from using"),
        ("client_id=demo-tv&rule=unknown", "Nothing stops you from using"),
        ("", "You haven’t asked for access yet."),
    ] {
        let path = format!("/account/access?{query}");
        let page = browser.open(&path);
        let page =
            if page.body.contains("name=\"password\"") { submit(&browser, &path, &SIGN_IN) } else { page };
        assert!(page.body.contains(words) && !page.body.contains(FORM), "{query}: {}", page.body);
        submit(&browser, &path, &[("step", "ask"), ("reason", REASON)]);
        assert_eq!(open(&world), [] as [Value; 0], "{query}");
    }
}

#[test]
fn what_no_exception_lifts_offers_no_form() {
    let near = rule("near", "require", &json!({ "require": { "near": true } }));
    let cut = rule("cut", "limit", &json!({ "when": { "verdict": ["far"] }, "limit": { "scope": "email" } }));
    for rules in [json!([allow(), near]), json!([allow(), cut])] {
        let world = world_with(&json!({ "rules": rules }));
        let (_, browser) = Login { person: lagos(), ..bob(&world) }.entered();
        let page = browser.page.borrow().clone();
        assert!(page.status == 403 && !page.body.contains(FORM), "{}", page.body);
    }

    let world = staff_only();
    let until = (world.now() + Duration::from_secs(DAY)).to_string();
    let stop =
        json!({ "id": "stop", "target": { "account": "local:bob" }, "reason": "A test", "until": until });
    let (_, browser) = bob(&world).entered();
    assert!(browser.page.borrow().body.contains(FORM));
    assert_eq!(Admin(&world).ask("POST", "/kill-switches", None, Some(&stop)).status, 201);
    let page = ask(&browser, REASON);
    assert!(page.status != 200 && !page.body.contains(FORM), "{}", page.body);
    assert_eq!(open(&world), [] as [Value; 0]);
}

#[test]
fn a_form_without_a_session_or_of_another_browser_asks_for_nothing() {
    let world = staff_only();
    let (_, browser) = bob(&world).entered();
    let request = hidden(&browser.page.borrow().body, "request").expect("the request's name");
    let other = bob(&world).browser();
    other.open("/device");
    let form = [("step", "ask"), ("request", request.as_str()), ("reason", REASON)];

    assert_eq!(other.submit_only(&form).status, 409);
    assert_eq!(Person::of(&world).submit_only(&form).status, 403, "without a CSRF token");
    assert_eq!(open(&world), [] as [Value; 0]);
}

#[test]
fn an_administrator_sees_who_asks_for_what_and_from_where() {
    let world = staff_only();
    let login = Login { device: lagos(), ..bob(&world) };
    asked(&login);
    let groups = json!({ "groups": ["local:staff"] });
    let set = Admin(&world).ask("PUT", "/accounts/local:bob/groups", Some("*"), Some(&groups));
    assert_eq!(set.status, 200, "{}", set.body);

    let requests = open(&world);
    let shown = body(&Admin(&world).get(&format!("/access-requests/{}", id_of(&requests[0]))));

    for (member, expected) in [
        ("state", json!("open")),
        ("account", json!("local:bob")),
        ("client_id", json!("demo-tv")),
        ("scope", json!("offline_access openid")),
        ("reason", json!(REASON)),
        ("denied_by", json!([])),
        ("exceptions", json!([])),
        ("groups", json!(["local:staff"])),
    ] {
        assert_eq!(shown[member], expected, "{member}: {shown}");
    }
    let comparison = &shown["comparison"];
    assert_eq!(comparison["verdict"], json!({ "is": "far" }), "{shown}");
    assert_eq!(
        (&comparison["device"]["city"], &comparison["person"]["city"]),
        (&json!("Lagos"), &json!("Berlin"))
    );
    let event = world.changes().pop().expect("an event");
    assert_eq!(event["what"], "access_requested");
    assert_eq!(event["access_request"]["client_id"], "demo-tv");
    assert_eq!(event["access_request"]["comparison"], *comparison);
    assert!(event["by"]["account"] == event["access_request"]["account"], "{event}");
    assert!(!event.to_string().contains("Friday"), "the reason is in no event: {event}");
    let page = body(&Admin(&world).get("/access-requests?limit=1"));
    assert_eq!(page.get("next_cursor"), None);
    assert_eq!(body(&Admin(&world).get("/access-requests?state=granted"))["access_requests"], json!([]));
}

#[test]
fn a_request_is_granted_once_for_a_limited_time_and_by_somebody_else() {
    let world = staff_only();
    asked(&bob(&world));
    let id = Name::parse(&id_of(&open(&world)[0])).expect("a name");
    let expires_at = world.now() + Duration::from_secs(DAY);
    let by_account = |account: &str, sub: &str| {
        let terms = Terms { owner: account.to_owned(), reason: None, ticket: None, expires_at };
        let person =
            Some(Answerer { account: AccountKey::local(account), groups: Vec::new(), names: Vec::new() });
        let by = Actor::Account(sub.into());
        world.registry(GrantAccess { id: id.clone(), terms, person, dry_run: false, by })
    };
    let bobs = open(&world)[0]["sub"].as_str().expect("a sub").to_owned();

    assert_eq!(by_account("bob", "other"), Err(AnswerRefusal::Own), "the account is Bob's");
    assert_eq!(by_account("alice", &bobs), Err(AnswerRefusal::Own), "the sub is Bob's");
    let late = (world.now() + Duration::from_secs(91 * DAY)).to_string();
    for (members, pointer) in [
        (json!({ "owner": "Alice" }), "/expires_at"),
        (json!({ "expires_at": expires_at.to_string() }), "/owner"),
        (json!({ "owner": "Alice", "expires_at": late }), "/expires_at"),
        (json!({ "owner": "Alice", "expires_at": world.now().to_string() }), "/expires_at"),
        (json!({ "owner": "Alice", "expires_at": expires_at.to_string(), "until": 1 }), "/until"),
    ] {
        let refused = answer(&world, "grant", &members);
        assert_eq!(
            (refused.status, &body(&refused)["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{members}"
        );
    }
    let tried = format!("/access-requests/{id}/grant?dry_run=true");
    let terms = json!({ "owner": "Alice", "expires_at": expires_at.to_string() });
    let tried = Admin(&world).ask("POST", &tried, None, Some(&terms));
    assert_eq!((tried.status, &body(&tried)["state"]), (200, &json!("granted")), "{}", tried.body);
    assert_eq!((open(&world).len(), told(&world).len()), (1, 1), "a dry run changes nothing");
    let granted = by_account("alice", "alices").expect("alice may");
    assert_eq!(granted.exception.when.accounts, [AccountKey::local("bob")]);
    assert_eq!(
        by_account("alice", "alices"),
        Err(AnswerRefusal::Over(granted.request.standing(world.now())))
    );
    let again = format!("/access-requests/{id}/refuse");
    assert_eq!(Admin(&world).ask("POST", &again, None, Some(&json!({}))).status, 409);
    let absent = Admin(&world).ask("POST", "/access-requests/none/refuse", None, Some(&json!({})));
    assert_eq!(absent.status, 404);
}

#[test]
fn a_person_reads_why_the_answer_is_no_and_can_ask_again() {
    let world = staff_only();
    let (device_code, browser) = asked(&bob(&world));
    let refused = answer(&world, "refuse", &json!({ "message": "Use the <printer>." }));
    assert_eq!(refused.status, 200, "{}", refused.body);

    let page = browser.reload();

    assert!(page.status == 403 && page.body.contains(FORM), "{}", page.body);
    assert!(page.body.contains("Your last request wasn’t granted."), "{}", page.body);
    assert!(page.body.contains("Use the &#60;printer&#62;."), "{}", page.body);
    let list = browser.open("/account/access");
    assert!(list.body.contains("Not granted.") && list.body.contains("Use the &#60;printer&#62;."));
    assert_eq!(outcome(&bob(&world).poll(&device_code)), "authorization_pending");
    assert_eq!(told(&world), ["access_requested", "access_refused"]);
    browser.reload();
    assert!(ask(&browser, REASON).body.contains(WAITING), "the person asks again");
}

#[test]
fn a_request_that_nobody_answers_lapses_after_a_week_and_is_forgotten_after_400_days() {
    let world = staff_only();
    asked(&bob(&world));
    let rows = &world.server.platform.registry;
    let ring = || {
        let Ok(()) = access_requests::attend(rows, world.now());
    };
    world.wait(7 * DAY - 1);
    ring();
    assert_eq!(open(&world).len(), 1);
    world.wait(1);
    let late = answer(&world, "grant", &json!({ "owner": "Alice", "expires_at": "2027-01-01T00:00:00Z" }));
    assert!(late.status == 409 && late.body.contains("has lapsed"), "{}", late.body);
    ring();
    assert_eq!(open(&world), [] as [Value; 0]);
    assert_eq!(told(&world), ["access_requested", "access_request_lapsed"]);
    world.wait(400 * DAY);
    ring();
    assert!(rows.access_requests.borrow().is_empty());
    assert_eq!(told(&world).len(), 2, "forgetting is no event");
}

#[test]
fn after_the_end_of_the_code_the_answer_serves_the_next_one() {
    let world = staff_only();
    let login = bob(&world);
    let (device_code, browser) = asked(&login);
    world.wait(3_000);
    assert_eq!(outcome(&login.poll(&device_code)), "expired_token");

    let page = browser.reload();
    assert!(page.body.contains("Waiting for an answer until"), "the request goes on: {}", page.body);
    grant(&world, 1);
    let page = browser.open("/account/access");
    assert!(page.body.contains("Start again on your device, and enter the new code."), "{}", page.body);

    let (device_code, browser) = login.entered();
    assert_eq!(browser.decide("approve").status, 200);
    assert_eq!(outcome(&login.poll(&device_code)), "issued");
}

#[test]
fn a_person_has_three_open_requests_at_most_one_for_each_client_and_ten_in_a_week() {
    let world = staff_only();
    for number in 0..4 {
        let client = json!({ "client_id": format!("app-{number}"), "client_name": format!("App {number}"),
            "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"], "scope": "openid",
            "token_endpoint_auth_method": "none" });
        Admin(&world).created(&client);
    }
    let clients: [&'static [(&str, &str)]; 4] = [
        &[("client_id", "app-0")],
        &[("client_id", "app-1")],
        &[("client_id", "app-2")],
        &[("client_id", "app-3")],
    ];
    let login = |number: usize| Login { client: clients[number], scope: "openid", ..bob(&world) };
    for number in 0..3 {
        asked(&login(number));
    }
    let (_, browser) = login(3).entered();
    let page = ask(&browser, REASON);
    assert!(
        page.status == 409 && page.body.contains("Three of your requests are still waiting"),
        "{}",
        page.body
    );
    assert!(page.body.contains("I release &#60;b&#62;on Friday"), "what was typed stays: {}", page.body);
    let (_, browser) = login(0).entered();
    assert!(browser.page.borrow().body.contains(WAITING), "there is a request for this client already");
    assert_eq!(open(&world).len(), 3);

    for number in 0..8 {
        for request in open(&world) {
            let path = format!("/access-requests/{}/refuse", id_of(&request));
            assert_eq!(Admin(&world).ask("POST", &path, None, None).status, 200);
        }
        world.wait(60);
        let (_, browser) = login(3).entered();
        let page = ask(&browser, REASON);
        let is_too_often = page.body.contains("asked too often this week");
        assert_eq!(
            (page.status, is_too_often),
            if number < 7 { (200, false) } else { (409, true) },
            "{number}"
        );
    }
    world.wait(7 * DAY);
    let (_, browser) = login(3).entered();
    assert!(ask(&browser, REASON).body.contains(WAITING), "a week later");
}

#[test]
fn a_reason_is_needed_and_a_page_that_lacks_it_keeps_the_rest() {
    let world = staff_only();
    let (_, browser) = bob(&world).entered();

    for (reason, words) in [
        ("", "Write a few words about why you need access."),
        ("please", "Write a few words"),
        (&"a".repeat(501), "Write at most 500 characters."),
    ] {
        let page = ask(&browser, reason);
        assert!(page.status == 400 && page.body.contains(words), "{}", page.body);
        assert!(page.body.contains("aria-invalid=\"true\"") && page.body.contains(FORM));
    }
    assert!(ask(&browser, REASON).body.contains(WAITING));
}

#[test]
fn a_denied_approval_offers_the_form_at_once() {
    let world = world_with(&json!({ "rules": [allow()] }));
    let (device_code, browser) = bob(&world).entered();
    assert!(browser.page.borrow().body.contains(CONSENT));
    world.set_policy(&json!({ "default": "enforced", "access_requests": true, "longest_exception_days": 5 }));

    let page = browser.decide("approve");

    assert!(page.status == 403 && page.body.contains(FORM), "{}", page.body);
    assert!(ask(&browser, REASON).body.contains(WAITING));
    grant(&world, 1);
    assert!(browser.reload().body.contains(CONSENT));
    assert_eq!(browser.decide("approve").status, 200);
    assert_eq!(outcome(&bob(&world).poll(&device_code)), "issued");
}

#[test]
fn a_page_that_waits_writes_no_event_and_is_loaded_again_by_itself() {
    let world = staff_only();
    let (_, browser) = asked(&bob(&world));
    let before = world.recorded().len();

    let page = browser.reload();

    assert_eq!((page.status, page.header("refresh")), (200, Some("20")));
    assert!(page.body.contains("I release &#60;b&#62;on Friday&#60;/b&#62;."), "{}", page.body);
    assert_eq!(world.recorded().len(), before, "waiting is no event");
    let refused = world.recorded().iter().filter(|event| json!(event)["what"] == "approval_refused").count();
    assert_eq!(refused, 1, "the refusal is one event");
}

#[test]
fn the_language_menu_keeps_the_page_and_the_account_links_to_the_requests() {
    let world = staff_only();
    let (_, browser) = asked(&bob(&world));
    let request = hidden(&browser.page.borrow().body, "request").expect("the request's name");
    let german =
        browser.submit_only(&[("step", "language"), ("language", "de"), ("request", request.as_str())]);
    assert!(german.body.contains("<h1>Warten auf eine Antwort</h1>"), "{}", german.body);
    assert!(browser.open("/account").body.contains("href=\"/account/access\""));
    let without = World::with_policy(&[]);
    let alice = Person::of(&without);
    alice.approve_as(ALICE.0, ALICE.1, &without.start().user_code);
    assert!(!alice.open("/account").body.contains("/account/access"));
}

#[test]
fn an_administrator_grants_at_the_console_and_the_same_code_completes_but_not_the_own_request() {
    let world = staff_only();
    let login = bob(&world);
    let (device_code, browser) = asked(&login);
    let id = id_of(&open(&world)[0]);
    let path = format!("/admin/access-requests/{id}");
    let carol = Person::of(&world);
    carol.open("/admin/access-requests");
    let page = carol.submit_to(
        "/admin/access-requests",
        &[("step", "sign_in"), ("username", "nora"), ("password", "keeper-8787")],
    );
    assert!(page.body.contains(&format!("href=\"{path}\"")), "{}", page.body);
    let page = carol.open(&path).body;
    assert!(
        page.contains("&#60;b&#62;on Friday") && page.contains("Berlin") && page.contains("near"),
        "{page}"
    );

    let until = (world.now() + Duration::from_secs(DAY)).to_string();
    let page = carol.submit_to(&path, &[("step", "grant"), ("owner", "Carol"), ("expires_at", &until[..16])]);

    assert!(page.status == 200 && page.body.contains("Access is granted."), "{}", page.body);
    let change = world.changes().pop().expect("a change");
    assert_eq!(change["what"], "access_granted");
    assert!(change["by"]["account"].is_string(), "{change}");
    world.wait(5);
    assert!(browser.reload().body.contains(CONSENT));
    assert_eq!(browser.decide("approve").status, 200);
    assert_eq!(outcome(&login.poll(&device_code)), "issued");

    let own = Login { who: ("nora", "keeper-8787"), ..Login::of(&world) };
    asked(&own);
    let path = format!("/admin/access-requests/{}", id_of(&open(&world)[0]));
    carol.open(&path);
    let page = carol.submit_to(&path, &[("step", "grant"), ("owner", "Carol"), ("expires_at", &until[..16])]);
    assert!(page.status == 409 && page.body.contains("somebody else must grant it"), "{}", page.body);
    carol.submit_to(&path, &[("step", "refuse"), ("message", "Ask Alice.")]);
    assert_eq!(open(&world), [] as [Value; 0]);
}
