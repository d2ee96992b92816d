//! Events reach their destinations at least once, whatever the receivers do; and security event tokens say what happened.

#![expect(clippy::indexing_slicing, reason = "an answer of another shape fails its test")]

use device_grant::audit::ledger_name::LedgerName;
use device_grant::courier::command::{Command, Discard, Hear};
use device_grant::courier::delivery::Delivery;
use device_grant::courier::rows::Rows as _;
use device_grant::courier::shard::{MOST_DEAD, MOST_WAITING, NO_ROOM, apply};
use device_grant::endpoint::courier::Course;
use device_grant::endpoint::http::Response;
use device_grant::endpoint::platform::NotPushed;
use device_grant::time::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::errors;
use crate::support::admin::Admin;
use crate::support::courier_rows::{CourierRows, Pushed};
use crate::support::{ISSUER, World, header, json as body, verified};

const SIEM: &str = "https://siem.example/events";
const SIGNALS: &str = "https://signals.example/push";
const DAY: u64 = 86_400;
const AT: Timestamp = Timestamp::from_millis(1_795_262_400_000);

/// Adds a webhook with these further members. Returns its secret.
fn webhook(world: &World, id: &str, url: &str, more: &Value) -> String {
    let mut destination = json!({ "id": id, "kind": "webhook", "url": url });
    for (name, value) in more.as_object().expect("members") {
        destination[name] = value.clone();
    }
    let created = Admin(world).ask("POST", "/destinations", None, Some(&destination));
    assert_eq!(created.status, 201, "{}", created.body);
    body(&created)["secret"].as_str().expect("a secret").to_owned()
}

const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

fn shared_signals(world: &World) {
    let destination = json!({
        "id": "signals", "kind": "shared_signals", "url": SIGNALS, "audience": "https://signals.example",
        "authorization": "Bearer s3cret",
    });
    let created = Admin(world).ask("POST", "/destinations", None, Some(&destination));
    assert_eq!(created.status, 201, "{}", created.body);
    assert!(!created.body.contains("s3cret"), "{}", created.body);
}

/// Returns what receivers have got since the last call, at one address.
fn got(world: &World, url: &str) -> Vec<Pushed> {
    world.server.platform.receivers.take().into_iter().filter(|pushed| pushed.url == url).collect()
}

fn answer(world: &World, url: &str, answer: Result<(u16, &'static str), NotPushed>) {
    world.server.platform.receivers.answer(url, answer);
}

/// Returns the kinds of the events in deliveries of a webhook.
fn kinds(pushed: &[Pushed]) -> Vec<String> {
    let kind = |pushed: &Pushed| {
        let message: Value = serde_json::from_str(&pushed.body).expect("JSON");
        message["data"]["event"]["what"].as_str().unwrap_or_default().to_owned()
    };
    pushed.iter().map(kind).collect()
}

/// Returns how a destination does.
fn state(world: &World, id: &str) -> Value {
    body(&Admin(world).get(&format!("/destinations/{id}")))["deliveries"].clone()
}

fn deliveries(world: &World, id: &str, state: &str) -> Vec<Value> {
    let answer = Admin(world).get(&format!("/destinations/{id}/deliveries?state={state}"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    body(&answer)["deliveries"].as_array().expect("a list").clone()
}

/// Returns the signature of Standard Webhooks.
fn signature(secret: &str, pushed: &Pushed) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a prefix")).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
    let [id, at] = ["webhook-id", "webhook-timestamp"].map(|name| pushed.headers[name].clone());
    mac.update(format!("{id}.{at}.{}", pushed.body).as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[test]
fn a_webhook_gets_the_events_that_meet_its_conditions_signed_and_once() {
    let world = World::new();
    let secret = webhook(&world, "siem", SIEM, &json!({ "what": ["approved"], "clients": ["demo-tv"] }));
    world.approved();
    world.start();

    assert_eq!(world.deliver(), [Course::Goes]);
    let pushed = got(&world, SIEM);
    world.deliver();

    assert_eq!(kinds(&pushed), ["approved"]);
    assert_eq!(pushed[0].headers["webhook-signature"], signature(&secret, &pushed[0]));
    let message: Value = serde_json::from_str(&pushed[0].body).expect("JSON");
    assert_eq!(message["type"], "grant.approved");
    assert_eq!(message["data"]["id"], pushed[0].headers["webhook-id"]);
    let events = body(&Admin(&world).get("/events?what=approved"));
    assert_eq!(events["events"], json!([message["data"]]), "the API returns what was delivered");
    assert!(got(&world, SIEM).is_empty(), "no second time");
    assert_eq!(state(&world, "siem"), json!({ "waiting": 0, "dead": 0, "dropped": 0 }));
}

#[test]
fn what_happened_before_a_destination_was_created_or_while_it_was_off_is_not_delivered() {
    let world = World::new();
    world.start();
    world.wait(1);
    webhook(&world, "siem", SIEM, &json!({ "what": ["device_authorization"] }));
    world.deliver();
    assert_eq!(got(&world, SIEM).len(), 0);

    world.start();
    let off = json!({ "kind": "webhook", "url": SIEM, "what": ["device_authorization"], "enabled": false });
    assert_eq!(Admin(&world).ask("PUT", "/destinations/siem", Some("*"), Some(&off)).status, 200);
    assert_eq!(world.deliver(), [Course::Off]);
    assert_eq!(got(&world, SIEM).len(), 0);
}

/// A ledger crashes before it hears the acknowledgment, and tells the same records again, with others or in other messages.
#[test]
fn records_that_a_courier_hears_again_are_delivered_once() {
    let ledger = LedgerName { day: 20_778, object: "weur/0".to_owned(), block: 0 };
    let record = |number: i64| {
        let event = json!({ "what": "approved", "at": AT });
        (number, json!({ "id": format!("weur/0/{number}"), "event": event }).to_string())
    };
    for heard in [1, 7, 29, 30] {
        for again_from in [0, heard / 2, heard - 1] {
            let rows = CourierRows::default();
            let hear = |from: i64, up_to: i64| {
                let records = (from + 1..=up_to).map(record).collect();
                let Ok(_) = apply(&rows, Command::from(Hear { ledger: ledger.clone(), up_to, records }), AT);
            };
            hear(0, heard);
            hear(again_from, 30);
            hear(again_from, heard);
            hear(0, 30);

            let all = rows.deliveries.borrow();
            let ids: Vec<String> = all.values().map(|(delivery, _)| delivery.id.clone()).collect();
            let expected: Vec<String> = (1..=30).map(|number| format!("weur/0/{number}")).collect();
            assert_eq!(ids, expected, "{heard} {again_from}");
        }
    }
}

#[test]
fn a_receiver_that_fails_is_tried_for_three_days_and_then_there_is_a_dead_letter_that_can_be_resent() {
    let world = World::new();
    webhook(&world, "siem", SIEM, &json!({ "what": ["approved"] }));
    world.approved();
    let failures = [Ok((500, "")), Err(NotPushed::Late), Err(NotPushed::Unreachable), Ok((302, ""))];
    for failure in failures.into_iter().cycle().take(200) {
        answer(&world, SIEM, failure);
    }

    let mut tries = Vec::new();
    for _ in 0..400 {
        world.deliver();
        tries.extend(got(&world, SIEM));
        if !deliveries(&world, "siem", "dead").is_empty() {
            break;
        }
        world.wait(1_800);
    }

    assert!((70..80).contains(&tries.len()), "once an hour at last: {}", tries.len());
    assert!(tries.iter().all(|pushed| pushed.headers["webhook-id"] == tries[0].headers["webhook-id"]));
    assert!(tries.iter().all(|pushed| pushed.body == tries[0].body));
    let dead = deliveries(&world, "siem", "dead");
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0]["tries"], tries.len());
    assert!(
        ["status 500", "timeout", "unreachable", "status 302"]
            .contains(&dead[0]["last_error"].as_str().expect("an error"))
    );
    assert_eq!(dead[0]["event_id"], json!(tries[0].headers["webhook-id"]));
    assert!(state(&world, "siem")["failing_since"].is_u64());

    let resend = format!("/destinations/siem/deliveries/{}/resend", dead[0]["id"].as_str().expect("an id"));
    assert_eq!(body(&Admin(&world).ask("POST", &resend, None, None)), json!({ "resent": 1 }));
    assert_eq!(Admin(&world).ask("POST", &resend, None, None).status, 404, "it is no dead letter any more");
    world.server.platform.receivers.answers.borrow_mut().clear();
    world.deliver();
    assert_eq!(got(&world, SIEM)[0].headers["webhook-id"], tries[0].headers["webhook-id"]);
    assert_eq!(state(&world, "siem"), json!({ "waiting": 0, "dead": 0, "dropped": 0 }));
}

#[test]
fn a_delivery_that_is_deleted_or_sent_again_is_an_event_with_its_name_and_who_did_it() {
    let world = World::new();
    webhook(&world, "siem", SIEM, &json!({ "what": ["approved"] }));
    world.approved();
    answer(&world, SIEM, Ok((500, "")));
    world.deliver();
    let told = || -> Vec<Value> {
        let changes = world.server.platform.counts.changes.borrow();
        changes.iter().skip(1).map(|change| json!(change)).collect()
    };
    let ask = |method: &str, path: &str| {
        Admin(&world).ask(method, &format!("/destinations/siem/deliveries{path}"), None, None)
    };
    let waiting = deliveries(&world, "siem", "waiting");
    let (id, event) = (waiting[0]["id"].as_str().expect("an id"), &waiting[0]["event_id"]);

    assert_eq!(ask("POST", &format!("/{id}/resend")).status, 404, "it waits");
    assert_eq!(ask("DELETE", "/99").status, 404);
    assert_eq!(body(&ask("POST", "/resend")), json!({ "resent": 0 }));
    assert_eq!(told(), Vec::<Value>::new(), "nothing has happened");
    assert_eq!(ask("DELETE", &format!("/{id}")).status, 204);

    let told = told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["what"], "delivery_discarded");
    assert_eq!((&told[0]["subject"], &told[0]["members"]), (&json!("siem"), &json!([event])));
    assert!(told[0]["by"]["operator"].is_string(), "{}", told[0]);
}

#[test]
fn a_dead_letter_is_kept_for_thirty_days() {
    let rows = CourierRows::default();
    let dead: Delivery = serde_json::from_value(json!({
        "format": 1, "id": "weur/0/1", "at": AT, "event": "{}", "since": AT, "tries": 1, "died_at": AT,
    }))
    .expect("a delivery");
    let Ok(()) = rows.add(&dead, AT + device_grant::courier::shard::KEPT);

    let Ok(()) = rows.remove_ended(AT + std::time::Duration::from_secs(30 * DAY - 1));
    assert_eq!(rows.count(true), Ok(1));
    let Ok(()) = rows.remove_ended(AT + std::time::Duration::from_secs(30 * DAY));
    assert_eq!(rows.count(true), Ok(0));
}

#[test]
fn a_receiver_that_fails_delays_no_other() {
    let world = World::new();
    webhook(&world, "bad", "https://bad.example/", &json!({}));
    webhook(&world, "good", SIEM, &json!({ "what": ["approved"] }));
    world.approved();
    for _ in 0..9 {
        answer(&world, "https://bad.example/", Err(NotPushed::Late));
    }

    world.deliver();

    let all = world.server.platform.receivers.take();
    let of = |url: &str| all.iter().filter(|pushed| pushed.url == url).count();
    assert_eq!((of("https://bad.example/"), of(SIEM)), (1, 1), "after a failure, the others wait");
    assert!(state(&world, "bad")["waiting"].as_u64().expect("a number") > 1);
}

#[test]
fn a_courier_whose_destination_is_gone_hears_it() {
    let world = World::new();
    webhook(&world, "siem", SIEM, &json!({}));
    world.start();
    world.count();
    let courier = format!("siem/{}", world.now().millis());
    assert_eq!(world.deliver_to(&courier), Course::Goes);

    assert_eq!(Admin(&world).ask("DELETE", "/destinations/siem", Some("*"), None).status, 204);
    assert_eq!(world.deliver_to(&courier), Course::Gone);
    world.wait(1);
    webhook(&world, "siem", SIEM, &json!({}));
    assert_eq!(world.deliver_to(&courier), Course::Gone, "another one with the same id has another courier");
}

#[test]
fn what_waits_and_what_is_dead_is_bounded() {
    let rows = CourierRows::default();
    let ledger = LedgerName { day: 20_778, object: "weur/0".to_owned(), block: 0 };
    let record = |number: i64| {
        (
            number,
            json!({ "id": format!("weur/0/{number}"), "event": { "what": "approved", "at": AT } })
                .to_string(),
        )
    };
    let most = i64::from(MOST_WAITING);
    let hear = |from: i64, up_to: i64| {
        let records = (from..=up_to).map(record).collect();
        let Ok(_) = apply(&rows, Command::from(Hear { ledger: ledger.clone(), up_to, records }), AT);
    };

    hear(1, most);
    hear(most + 1, most + 1);

    assert_eq!((rows.count(false), rows.count(true)), (Ok(MOST_WAITING), Ok(1)));
    let Ok(dead) = rows.deliveries(true, 0, 2);
    assert_eq!(dead[0].delivery.last_error.as_deref(), Some(NO_ROOM));
    let oldest = dead[0].number;
    let full = most + i64::from(MOST_DEAD);
    hear(most + 2, full);
    assert_eq!((rows.count(true), rows.condition.borrow().dropped), (Ok(MOST_DEAD), 0));
    hear(full + 1, full + 3);
    assert_eq!((rows.count(false), rows.count(true)), (Ok(MOST_WAITING), Ok(MOST_DEAD)));
    assert_eq!(rows.condition.borrow().dropped, 3);
    let Ok(left) = rows.deliveries(true, 0, 1);
    assert_eq!(left[0].number, oldest + 3, "the oldest made room");
    let Ok(_) = apply(&rows, Command::from(Discard { number: oldest + 3 }), AT);
    assert_eq!(rows.count(true), Ok(MOST_DEAD - 1));
}

#[test]
fn an_operator_adds_changes_and_tries_destinations_and_sees_a_secret_once() {
    let world = World::new();
    let admin = Admin(&world);
    let first = webhook(&world, "siem", SIEM, &json!({}));
    let shown = admin.get("/destinations/siem");
    assert!(!shown.body.contains("whsec_"), "{}", shown.body);
    let rotated = admin.ask("POST", "/destinations/siem/secret", None, None);
    let second = body(&rotated)["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(body(&rotated)["secrets"], 2);
    assert_ne!(first, second);

    let tried = body(&admin.ask("POST", "/destinations/siem/test", None, None));
    let pushed = got(&world, SIEM);

    assert_eq!((&tried["delivered"], &tried["status"]), (&json!(true), &json!(202)));
    assert_eq!(tried["id"], json!(pushed[0].headers["webhook-id"]));
    let both = format!("{} {}", signature(&second, &pushed[0]), signature(&first, &pushed[0]));
    assert_eq!(pushed[0].headers["webhook-signature"], both);
    answer(&world, SIEM, Err(NotPushed::Late));
    let failed = body(&admin.ask("POST", "/destinations/siem/test", None, None));
    assert_eq!((&failed["delivered"], &failed["error"]), (&json!(false), &json!("timeout")));
    assert_eq!(failed.get("status"), None);

    let replacement = json!({ "kind": "webhook", "url": SIEM, "warnings": true });
    let changed = admin.ask("PUT", "/destinations/siem", Some("*"), Some(&replacement));
    assert_eq!((changed.status, &body(&changed)["secrets"]), (200, &json!(2)), "{}", changed.body);
    let stale = admin.ask("PUT", "/destinations/siem", Some("\"1.1\""), Some(&replacement));
    assert_eq!(stale.status, 412);
    let other = json!({ "kind": "shared_signals", "url": SIEM, "audience": "x" });
    assert_eq!(admin.ask("PUT", "/destinations/siem", Some("*"), Some(&other)).status, 409);
    let told = serde_json::to_string(&*world.server.platform.counts.changes.borrow()).expect("JSON");
    assert!(!told.contains("whsec_") && told.contains("\"members\":[\"warnings\"]"), "{told}");
    let again = json!({ "id": "siem", "kind": "webhook", "url": SIEM });
    assert_eq!(admin.ask("POST", "/destinations", None, Some(&again)).status, 409);
    for number in 1..20 {
        webhook(&world, &format!("d{number}"), SIEM, &json!({}));
    }
    let full = json!({ "id": "full", "kind": "webhook", "url": SIEM });
    assert!(admin.ask("POST", "/destinations", None, Some(&full)).body.contains("There are 20 destinations"));
}

#[test]
fn what_is_wrong_with_a_destination_is_said_exactly() {
    let world = World::new();
    let refused = |members: Value| errors(&Admin(&world).ask("POST", "/destinations", None, Some(&members)));
    let at = |pointer: &str, detail: &str| (pointer.to_owned(), detail.to_owned());

    assert_eq!(
        refused(json!({})),
        [
            at("/kind", "kind is missing: it is webhook or shared_signals"),
            at("/id", "id is missing"),
            at("/url", "url is missing"),
        ]
    );
    for url in
        ["http://siem.example/", "https://10.0.0.1/x", "https://host.internal/x", "https://a:b@siem.example/"]
    {
        let faults = refused(json!({ "id": "siem", "kind": "webhook", "url": url }));
        assert_eq!(faults.len(), 1, "{url}");
        assert!(faults[0].1.ends_with("it must be an https URL of a public server"), "{faults:?}");
    }
    assert_eq!(
        refused(json!({ "id": "siem", "kind": "webhook", "url": SIEM, "audience": "x" })),
        [at("/audience", "unknown member \"audience\"")]
    );
    assert_eq!(
        refused(json!({ "id": "siem", "kind": "shared_signals", "url": SIEM, "what": ["other"] })),
        [
            at("/what/0", "what has \"other\": each entry must be a kind of event"),
            at("/audience", "audience is missing: it is the aud of the tokens, which the receiver names"),
        ]
    );
}

/// Returns the claims of pushed tokens, whose signatures and headers are checked.
fn tokens(world: &World) -> Vec<Value> {
    let pushed = got(world, SIGNALS);
    let token = |pushed: &Pushed| {
        assert_eq!(pushed.content_type, "application/secevent+jwt");
        assert_eq!(pushed.headers["authorization"], "Bearer s3cret");
        assert_eq!(header(&pushed.body)["typ"], "secevent+jwt");
        assert_eq!(header(&pushed.body)["alg"], "ES256");
        let claims = verified(&pushed.body);
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!(ISSUER), &json!("https://signals.example")));
        claims
    };
    pushed.iter().map(token).collect()
}

#[test]
fn receivers_of_shared_signals_hear_that_a_device_was_ended_and_an_account_blocked() {
    let world = World::new();
    shared_signals(&world);
    let approved = world.approved();
    world.poll(&approved.device_code);
    let device = body(&Admin(&world).get("/accounts/local:alice/devices"))["devices"][0].clone();
    world.deliver();
    assert!(tokens(&world).is_empty(), "nothing has ended");

    Admin(&world).ask("POST", "/accounts/local:alice/devices/end", None, Some(&json!({})));
    world.deliver();
    let ended = tokens(&world);
    assert_eq!(ended[0]["events"][REVOKED]["event_timestamp"], world.now().seconds());
    // The world orders the events of one instant by their text, and these have been shipped.
    world.wait(1);
    Admin(&world).ask("POST", "/accounts/local:alice/block", None, Some(&json!({})));
    world.deliver();
    let blocked = tokens(&world);

    let user = json!({ "format": "iss_sub", "iss": ISSUER, "sub": "acct-7f3a51c2" });
    assert_eq!(
        ended[0]["sub_id"],
        json!({
            "format": "complex", "user": user, "device": { "format": "opaque", "id": device["approval_id"] },
            "session": { "format": "opaque", "id": device["id"] },
        })
    );
    assert_eq!(ended[0]["events"][REVOKED]["initiating_entity"], "admin");
    let events = body(&Admin(&world).get("/events?what=access_ended"));
    assert_eq!(ended[0]["jti"], events["events"][0]["id"]);
    assert_eq!(ended.len(), 1);
    assert_eq!(blocked.last().expect("a token")["sub_id"], user);
    assert_eq!(
        blocked.last().expect("a token")["events"][REVOKED]["reason_admin"],
        json!({ "en": "The account was blocked." })
    );
}

#[test]
fn an_authorization_is_only_for_the_receiver_that_it_was_written_for() {
    let world = World::new();
    shared_signals(&world);
    let put = |url: &str, authorization: Value| {
        let destination = json!({
            "kind": "shared_signals", "url": url, "audience": "https://signals.example",
            "authorization": authorization,
        });
        Admin(&world).ask("PUT", "/destinations/signals", Some("*"), Some(&destination))
    };

    let (host, _) = SIGNALS.rsplit_once('/').expect("a path");
    for other in ["https://evil.example/push", "https://signals.example.evil.example/push"] {
        let refused = put(other, Value::Null);
        assert_eq!(
            (refused.status, errors(&refused)[0].0.as_str()),
            (422, "/authorization"),
            "{}",
            refused.body
        );
        assert!(!refused.body.contains("s3cret"), "{}", refused.body);
    }
    assert_eq!(body(&put(&format!("{host}/other"), Value::Null))["has_authorization"], true);
    assert_eq!(put("https://other.example/push", json!("Bearer other")).status, 200);
}

#[test]
fn receivers_of_shared_signals_hear_of_a_refresh_token_that_is_used_twice() {
    let world = World::new();
    shared_signals(&world);
    let approved = world.approved();
    let token =
        |answer: &Response| body(answer)["refresh_token"].as_str().expect("a refresh token").to_owned();
    let first = token(&world.poll(&approved.device_code));
    let second = token(&world.refresh(&first));
    world.refresh(&second);
    assert_eq!(world.refresh(&first).status, 400);

    world.deliver();

    let heard = tokens(&world);
    assert_eq!(
        heard[0]["events"][REVOKED]["reason_admin"],
        json!({ "en": "A refresh token was used a second time." })
    );
    assert_eq!(heard[0]["events"][REVOKED]["initiating_entity"], "policy");
    assert_eq!(heard[0]["sub_id"]["format"], "complex", "it is not about all that the person has");
    assert_eq!(heard.len(), 1);
}

#[test]
fn receivers_of_shared_signals_hear_the_new_claims_of_an_account() {
    let world = World::new();
    Admin(&world).ask("POST", "/accounts", None, Some(&json!({ "username": "carol", "name": "Carol" })));
    shared_signals(&world);
    let groups = json!({ "groups": ["local:staff"] });
    let changed = Admin(&world).ask("PUT", "/accounts/local:carol/groups", None, Some(&groups));
    assert_eq!(changed.status, 200, "{}", changed.body);

    world.deliver();

    let heard = tokens(&world);
    let change = "https://schemas.openid.net/secevent/caep/event-type/token-claims-change";
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0]["events"][change]["claims"], groups);
    assert_eq!(heard[0]["sub_id"]["format"], "iss_sub");
    assert_eq!(heard[0]["sub_id"]["sub"], body(&Admin(&world).get("/accounts/local:carol"))["sub"]);
}

#[test]
fn an_error_that_another_push_meets_again_makes_a_dead_letter_at_once_and_delays_nothing() {
    let world = World::new();
    shared_signals(&world);
    for _ in 0..2 {
        let approved = world.approved();
        world.poll(&approved.device_code);
    }
    Admin(&world).ask("POST", "/accounts/local:alice/devices/end", None, Some(&json!({})));
    answer(&world, SIGNALS, Ok((400, r#"{"err":"invalid_audience","description":"my secret"}"#)));

    world.deliver();

    assert_eq!(tokens(&world).len(), 2);
    let dead = deliveries(&world, "signals", "dead");
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0]["last_error"], "status 400, invalid_audience");
    answer(&world, SIGNALS, Ok((400, r#"{"err":"invalid_key"}"#)));
    assert_eq!(
        body(&Admin(&world).ask("POST", "/destinations/signals/deliveries/resend", None, None)),
        json!({ "resent": 1 })
    );
    world.deliver();
    assert_eq!(deliveries(&world, "signals", "waiting")[0]["last_error"], "status 400, invalid_key");

    let number = deliveries(&world, "signals", "waiting")[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/destinations/signals/deliveries/{number}");
    assert_eq!(Admin(&world).ask("DELETE", &path, None, None).status, 204);
    assert_eq!(Admin(&world).ask("DELETE", &path, None, None).status, 404);
    assert_eq!(state(&world, "signals")["waiting"], 0);
}

#[test]
fn deliveries_are_listed_page_by_page() {
    let world = World::new();
    webhook(&world, "siem", SIEM, &json!({ "what": ["device_authorization"] }));
    for _ in 0..3 {
        world.start();
    }
    answer(&world, SIEM, Ok((500, "")));
    world.deliver();
    let admin = Admin(&world);

    let first = body(&admin.get("/destinations/siem/deliveries?limit=2"));
    let cursor = first["next_cursor"].as_str().expect("another page");
    let second = body(&admin.get(&format!("/destinations/siem/deliveries?limit=2&cursor={cursor}")));

    assert_eq!(first["deliveries"].as_array().map(Vec::len), Some(2));
    assert_eq!(second["deliveries"].as_array().map(Vec::len), Some(1));
    assert_eq!(second.get("next_cursor"), None);
    for (path, member) in [("?state=open", "/state"), ("?cursor=x", "/cursor"), ("?limit=0", "/limit")] {
        let answer = admin.get(&format!("/destinations/siem/deliveries{path}"));
        assert_eq!(errors(&answer)[0].0, member);
    }
}

#[test]
fn the_doctor_and_the_metrics_say_which_destination_fails() {
    let world = World::new();
    webhook(&world, "siem", SIEM, &json!({ "what": ["approved"] }));
    world.approved();
    answer(&world, SIEM, Ok((500, "")));
    world.deliver();
    let found = || {
        let checks = body(&Admin(&world).get("/doctor"))["checks"].clone();
        let checks = checks.as_array().expect("checks").clone();
        let check =
            checks.into_iter().find(|check| check["name"] == "destinations").expect("it is looked at");
        (
            check["state"].as_str().expect("a state").to_owned(),
            check["found"].as_str().expect("words").to_owned(),
        )
    };
    assert_eq!(found().0, "ok", "a single failure is nothing");

    world.wait(3_601);

    assert_eq!(found(), ("problem".to_owned(), "nothing has arrived for an hour at siem".to_owned()));
    world.set_down("couriers", true);
    assert_eq!(found().0, "skipped");
}

#[test]
fn a_failure_pauses_all_deliveries_and_rewrites_only_the_one_that_failed() {
    let world = World::new();
    webhook(&world, "siem", SIEM, &json!({ "what": ["device_authorization"] }));
    (0..10).for_each(|_| drop(world.start()));
    let due = || -> Vec<_> {
        let couriers = world.server.platform.couriers.borrow();
        couriers
            .values()
            .flat_map(|rows| rows.deliveries.borrow().values().map(|(_, due)| *due).collect::<Vec<_>>())
            .collect()
    };
    answer(&world, SIEM, Ok((500, "")));
    world.deliver();

    assert_eq!(got(&world, SIEM).len(), 1, "the others would fail as well");
    assert_eq!(due().iter().filter(|due| **due > world.now()).count(), 1);
    world.wait(4);
    world.deliver();
    assert_eq!(got(&world, SIEM).len(), 0, "nothing is tried for five seconds");
    world.wait(1);
    world.deliver();
    assert_eq!(got(&world, SIEM).len(), 10);
    assert_eq!(state(&world, "siem"), json!({ "waiting": 0, "dead": 0, "dropped": 0 }));
}
