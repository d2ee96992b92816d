//! Records of counters and events.

use device_grant::audit::change::{Actor, Change, Changed, OfException};
use device_grant::audit::ledger::Shipment;
use device_grant::audit::outcome::Outcome;
use device_grant::audit::sign_in::SignInEvent;
use device_grant::audit::{Event, What};
use device_grant::format::Format;
use device_grant::grant::live_codes::LiveCodes;
use device_grant::grant::routing::RowKey;
use device_grant::limiter;
use device_grant::limiter::command::{Expose, Rule, Take};
use device_grant::sub::Sub;
use device_grant::tally::Part;
use device_grant::verdict::{Doubt, Spot, Verdict, Whose, compare};
use device_grant::web_origin::WebOrigin;

use super::pin;
use crate::properties::records::{AT, approval, journey, network, request};

const KEY: RowKey = RowKey([7; 16]);

#[test]
fn a_counter() {
    let mut row = limiter::Row::default();
    let (key, live) = ("k".to_owned(), std::collections::BTreeMap::from([("weur/0".to_owned(), 3)]));
    let rule = Rule::Window { limit: 5, window: 300 };
    row.apply(&Take { key: key.clone(), rule, network: Some(network()) }.into(), AT);
    row.apply(&Expose { key, live, wrong: 1, right: 2, window: 300, allowed: 5 }.into(), AT);
    pin(
        &row,
        r#"{"format":1,"attempts":[[1763733780123,0,1,0,[[959331267,1]]]],"entries":[{"at":1763733780123,"wrong":1,"right":2}],"shards":{"weur/0":[3,1763733780123]},"ends_at":1763734080123}"#,
    );
}

#[test]
fn the_live_codes_of_a_network() {
    let mut counted = LiveCodes::default();
    counted.codes.add(AT, &[Part::of(&["32.def"]), Part::of(&["demo-tv", "24.abc"])]);
    pin(&counted, r#"{"format":1,"codes":[[1763733780123,0,1,0,[[959331267,1],[996268214,1]]]]}"#);
    pin(&LiveCodes::default(), r#"{"format":1,"codes":[]}"#);
}

#[test]
fn an_event_and_its_shipment() {
    let event = Event {
        format: Format,
        what: What::DeviceCodeReplayed,
        outcome: Outcome::Ended,
        at: AT,
        subject: KEY.to_string(),
        client_id: "demo-tv".to_owned(),
        account: Some(Sub::from("acct-a")),
        other_account: None,
        page: None,
        journey: None,
        comparison: None,
        approval_id: None,
        grant: None,
        started: None,
        approved: None,
        by: None,
        polls: None,
        reason: None,
        policy: None,
    };
    let json = r#"{"format":2,"what":"device_code_replayed","outcome":"ended","at":1763733780123,"subject":"BwcHBwcHBwcHBwcHBwcHBw","client_id":"demo-tv","account":"acct-a"}"#;
    pin(&event, json);
    let page = WebOrigin::parse("null").ok();
    let more = r#","page":"null","journey":{"start":{"country":"FR","asn":64500},"redemption":{}}}"#;
    let full = Event { page, journey: Some(journey()), ..event.clone() };
    pin(&full, &format!("{}{more}", json.trim_end_matches('}')));
    let (approval_id, by) = (Some(approval().id), Some(Actor::Provider("corp".to_owned())));
    let ended = Event { approval_id, by, ..event.clone() };
    let more = r#","approval_id":"approval","by":{"provider":"corp"}}"#;
    pin(&ended, &format!("{}{more}", json.trim_end_matches('}')));
    pin(&What::RedemptionRefused, r#""redemption_refused""#);
    pin(&What::RefreshRefused, r#""refresh_refused""#);
    let redeemed = Event { polls: Some(6), ..event.clone() };
    pin(&redeemed, &format!(r#"{},"polls":6}}"#, json.trim_end_matches('}')));
    let expired = Event { reason: Some("undecided".to_owned()), ..event.clone() };
    pin(&expired, &format!(r#"{},"reason":"undecided"}}"#, json.trim_end_matches('}')));
    let stage = r#"{"at":1763733780123,"country":"FR","asn":64500,"kind":"Apple TV"}"#;
    let provenance = approval().provenance(KEY, &request());
    let approved = serde_json::to_string(&provenance.approved).expect("JSON");
    let more = format!(
        r#","approval_id":"approval","grant":"device_code","started":{stage},"approved":{approved}}}"#
    );
    pin(&event.clone().following(&provenance), &format!("{}{more}", json.trim_end_matches('}')));
    let comparison = compare(&request().side(), &request().side());
    let compared = Event {
        other_account: Some(Sub::from("acct-b")),
        comparison: Some(comparison),
        page: None,
        journey: None,
        ..full
    };
    let spot = r#"{"country":"FR","asn":64500,"kind":"Apple TV"}"#;
    let more = format!(
        r#","other_account":"acct-b","comparison":{{"verdict":{{"is":"near"}},"device":{spot},"person":{spot}}}}}"#
    );
    pin(&compared, &format!("{}{more}", json.trim_end_matches('}')));
    pin(&Verdict::Near, r#"{"is":"near"}"#);
    pin(&Verdict::Far, r#"{"is":"far"}"#);
    let hosting = Verdict::Unknown { why: Doubt::Hosting, whose: Some(Whose::Device) };
    pin(&hosting, r#"{"is":"unknown","why":"hosting","whose":"device"}"#);
    pin(&What::EndedCodeEntered, r#""ended_code_entered""#);
    pin(&What::RedeemedElsewhere, r#""redeemed_elsewhere""#);
    pin(&What::RefusedElsewhere, r#""refused_elsewhere""#);
    pin(&What::VerificationFailed, r#""verification_failed""#);
    pin(&What::BindingFailed, r#""binding_failed""#);
    pin(&What::AccessEnded, r#""access_ended""#);
    pin(&What::FirstAccess, r#""first_access""#);
    pin(&What::BreakGlass, r#""break_glass""#);
    pin(&What::Ended, r#""ended""#);
    pin(&What::Withdrawn, r#""withdrawn""#);
    pin(&What::DeviceCodeWithoutKey, r#""device_code_without_key""#);
    let event = serde_json::json!({ "at": 1 });
    pin(&Shipment { id: "weur/3/17".to_owned(), event }, r#"{"id":"weur/3/17","event":{"at":1}}"#);
}

#[test]
fn a_sign_in() {
    let spot = Spot::of(&request().origin);
    let place = r#""person":{"country":"FR","asn":64500,"kind":"Apple TV"}"#;
    pin(
        &SignInEvent::signed_in(Sub::from("acct-a"), "passkey", spot.clone(), AT),
        &format!(
            r#"{{"format":2,"what":"signed_in","outcome":"granted","at":1763733780123,"account":"acct-a","how":"passkey",{place}}}"#
        ),
    );
    pin(
        &SignInEvent::refused(Sub::from("acct-a"), "credentials", spot, AT),
        &format!(
            r#"{{"format":2,"what":"sign_in_refused","outcome":"refused","at":1763733780123,"account":"acct-a","reason":"credentials",{place}}}"#
        ),
    );
}

#[test]
fn a_change_of_the_registry() {
    let change = Change {
        format: Format,
        what: Changed::ClientChanged,
        outcome: Outcome::Changed,
        at: AT,
        subject: Some("demo-tv".to_owned()),
        by: Actor::Operator("9f86d081".to_owned()),
        members: vec!["scope".to_owned()],
        granted: Vec::new(),
        exception: None,
        kill_switch: None,
        access_request: None,
    };
    let json = r#"{"format":2,"what":"client_changed","outcome":"changed","at":1763733780123,"subject":"demo-tv","by":{"operator":"9f86d081"},"members":["scope"]}"#;
    pin(&change, json);
    let rotated = Change {
        what: Changed::KeysRotated,
        subject: None,
        by: Actor::Registration,
        members: Vec::new(),
        ..change
    };
    pin(
        &rotated,
        r#"{"format":2,"what":"keys_rotated","outcome":"changed","at":1763733780123,"by":"registration"}"#,
    );
    let exception = Some(OfException { owner: "Alice".to_owned(), expires_at: AT });
    let ending = Change { exception, ..Change::of(Changed::ExceptionEnding, Some("bob"), Actor::Server, AT) };
    pin(
        &ending,
        r#"{"format":2,"what":"exception_ending","outcome":"noted","at":1763733780123,"subject":"bob","by":"server","exception":{"owner":"Alice","expires_at":1763733780123}}"#,
    );
    let granted = r#"{"format":2,"what":"access_granted","outcome":"changed","at":1763733780123,"subject":"019aa7d1","by":{"operator":"9f86d081"},"access_request":{"account":"bobs","client_id":"cli","denied_by":["abroad"],"comparison":{"verdict":{"is":"near"},"device":{"country":"DE","kind":"Unknown device"},"person":{"country":"DE","kind":"Unknown device"}},"until":1763733780123,"exception":"access-019aa7d1"}}"#;
    pin(&serde_json::from_str::<Change>(granted).expect("it parses"), granted);
    let by = Actor::Token { id: "ci".to_owned(), owner: "Team".to_owned() };
    let granted = vec!["read".to_owned()];
    let made = Change { granted, ..Change::of(Changed::AdminTokenCreated, Some("other"), by, AT) };
    pin(
        &made,
        r#"{"format":2,"what":"admin_token_created","outcome":"changed","at":1763733780123,"subject":"other","by":{"token":{"id":"ci","owner":"Team"}},"granted":["read"]}"#,
    );
    let by = Actor::Account("acct-a".into());
    pin(
        &Change::of(Changed::InvitationUsed, Some("i"), by, AT),
        r#"{"format":2,"what":"invitation_used","outcome":"changed","at":1763733780123,"subject":"i","by":{"account":"acct-a"}}"#,
    );
}
