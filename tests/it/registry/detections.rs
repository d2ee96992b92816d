//! Each detection opens an alert when its threshold is reached, and not before.

use device_grant::audit::alert::AlertKind;
use device_grant::audit::change::Actor;
use device_grant::audit::ledger_name::LedgerName;
use device_grant::counts::alert::{Alert, MOST_EVIDENCE, MOST_OPEN};
use device_grant::counts::command::{CloseAlert, Command, NoteWrongCodes, Tell};
use device_grant::counts::detection::Detection;
use device_grant::counts::shard::apply;
use device_grant::time::Timestamp;
use serde_json::{Value, json};

use crate::support::counts_rows::CountsRows;

/// Noon, in seconds.
const NOON: u64 = 1_795_262_400;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// An object that counts, and a ledger that tells it events.
#[derive(Default)]
struct Lab {
    rows: CountsRows,
    number: i64,
}

impl Lab {
    /// Tells an event of a client that happened `at`, in seconds after noon.
    fn see(&mut self, what: &str, at: u64, members: &Value) {
        self.number += 1;
        let mut event = json!({
            "what": what, "at": (NOON + at) * 1_000, "client_id": "tv",
            "started": { "at": NOON * 1_000, "country": "NL", "asn": 64_500, "kind": "tv" },
        });
        let others = members.as_object().expect("members").clone();
        event.as_object_mut().expect("members").extend(others);
        let record = json!({ "id": format!("weur/0/{}", self.number), "event": event }).to_string();
        let ledger = LedgerName { day: 20_778, object: "weur/0".to_owned(), block: 0 };
        self.apply(Tell { ledger, up_to: self.number, records: vec![(self.number, record)] }, at);
    }

    fn apply(&self, command: impl Into<Command>, at: u64) {
        let Ok(_) = apply(&self.rows, command.into(), Timestamp::from_millis((NOON + at) * 1_000));
    }

    fn approve(&mut self, account: &str, at: u64, verdict: &Value) {
        let spot = |country: &str| json!({ "country": country, "kind": "tv" });
        let comparison = json!({ "verdict": verdict, "device": spot("NL"), "person": spot("DE") });
        self.see("approved", at, &json!({ "account": account, "comparison": comparison }));
    }

    fn wrong_codes(&self, times: u64, at: u64) {
        self.apply(NoteWrongCodes { by_network: vec![(64_500, times)] }, at);
    }

    fn alerts(&self, detection: Detection) -> Vec<Alert> {
        let alerts = self.rows.alerts.borrow();
        alerts.values().filter(|alert| alert.detection == detection).cloned().collect()
    }

    /// Checks that there is no alert, and that there is one after `last`. Returns it.
    fn opens(&mut self, detection: Detection, last: impl FnOnce(&mut Self)) -> Alert {
        assert_eq!(self.alerts(detection), [], "{detection:?} comes too early");
        last(self);
        let alerts = self.alerts(detection);
        assert_eq!(alerts.len(), 1, "{detection:?}");
        alerts.into_iter().next().expect("an alert")
    }
}

fn near() -> Value {
    json!({ "is": "near" })
}

fn far() -> Value {
    json!({ "is": "far" })
}

fn hosting() -> Value {
    json!({ "is": "unknown", "why": "hosting", "whose": "device" })
}

fn of(account: &str) -> Value {
    json!({ "account": account })
}

#[test]
fn a_hundred_codes_of_a_client_for_one_network_in_ten_minutes_are_a_burst() {
    let mut lab = Lab::default();
    let elsewhere = json!({ "started": { "at": 1, "asn": 64_501, "kind": "tv" } });
    // The first one is too old, and another network counts apart.
    for at in 0..100 {
        lab.see("device_authorization", if at == 0 { 0 } else { 601 + at }, &json!({}));
        lab.see(
            "device_authorization",
            601,
            &if at < 99 { elsewhere.clone() } else { json!({ "client_id": "b" }) },
        );
    }

    let alert = lab.opens(Detection::CodeBurst, |lab| lab.see("device_authorization", 701, &json!({})));

    assert_eq!(
        (alert.subject.asn, alert.subject.client_id.as_deref(), alert.count),
        (Some(64_500), Some("tv"), 100)
    );
    assert_eq!(alert.evidence.len(), MOST_EVIDENCE);
}

#[test]
fn three_people_who_approve_devices_in_a_network_of_servers_are_an_alert() {
    let mut lab = Lab::default();
    for account in ["a", "b", "b"] {
        lab.approve(account, 0, &hosting());
    }
    lab.approve("c", 0, &near());

    let alert = lab.opens(Detection::HostingNetwork, |lab| lab.approve("c", DAY, &hosting()));

    assert_eq!((alert.subject.asn, alert.count), (Some(64_500), 3));
}

#[test]
fn five_approvals_of_a_person_within_an_hour_are_an_alert() {
    let mut lab = Lab::default();
    for at in [0, 1, 2, 3] {
        lab.approve("a", at, &near());
    }
    lab.approve("b", 3, &near());
    // The first four are too old by then.
    for at in [4, 5, 6, 7] {
        lab.approve("a", at + HOUR, &near());
    }

    let alert = lab.opens(Detection::ManyDevices, |lab| lab.approve("a", 8 + HOUR, &near()));

    assert_eq!((alert.subject.account.as_deref(), alert.count), (Some("a"), 5));
}

#[test]
fn five_people_who_approve_devices_in_a_network_that_is_not_near_are_a_campaign() {
    let mut lab = Lab::default();
    for (account, verdict) in [("a", far()), ("b", hosting()), ("c", far()), ("c", far()), ("d", far())] {
        lab.approve(account, 0, &verdict);
    }
    lab.approve("e", 0, &near());

    let alert = lab.opens(Detection::Campaign, |lab| lab.approve("e", DAY, &far()));

    assert_eq!((alert.subject.asn, alert.count), (Some(64_500), 5));
    let told = lab.rows.told.borrow();
    let event = told.iter().find(|event| event.detection == "campaign").expect("an event");
    assert_eq!((event.what, event.asn, event.evidence.len()), (AlertKind::AlertOpened, Some(64_500), 5));
}

#[test]
fn an_approval_of_a_device_far_away_is_an_alert() {
    let mut lab = Lab::default();
    lab.approve("a", 0, &near());
    lab.approve("a", 0, &hosting());

    let alert = lab.opens(Detection::FarApproval, |lab| lab.approve("a", 1, &far()));

    assert_eq!(alert.subject.account.as_deref(), Some("a"));
}

#[test]
fn an_approval_of_a_device_behind_tor_is_one_from_far_away_and_counts_for_a_campaign() {
    let tor = |whose: &str| json!({ "is": "unknown", "why": "tor", "whose": whose });
    let mut lab = Lab::default();
    lab.approve("a", 0, &tor("person"));

    let alert = lab.opens(Detection::FarApproval, |lab| lab.approve("a", 1, &tor("device")));

    assert_eq!(alert.subject.account.as_deref(), Some("a"));
    for account in ["b", "c", "d"] {
        lab.approve(account, 2, &tor("both"));
    }
    lab.approve("e", 2, &tor("person"));
    let alert = lab.opens(Detection::Campaign, |lab| lab.approve("e", 3, &tor("device")));
    assert_eq!((alert.subject.asn, alert.count), (Some(64_500), 5));
    assert_eq!(lab.alerts(Detection::HostingNetwork), []);
}

#[test]
fn a_redemption_that_was_refused_elsewhere_is_an_alert_like_one_that_was_not() {
    let mut lab = Lab::default();
    lab.see("redemption_refused", 0, &of("a"));

    let alert = lab.opens(Detection::RedeemedElsewhere, |lab| lab.see("refused_elsewhere", 0, &of("a")));

    assert_eq!((alert.subject.account.as_deref(), alert.count), (Some("a"), 1));
}

#[test]
fn a_redemption_elsewhere_than_the_start_is_an_alert() {
    let mut lab = Lab::default();
    lab.see("redeemed", 0, &of("a"));

    let alert = lab.opens(Detection::RedeemedElsewhere, |lab| lab.see("redeemed_elsewhere", 0, &of("a")));

    assert_eq!(alert.evidence, ["weur/0/2"]);
}

#[test]
fn fifty_wrong_codes_from_a_network_in_ten_minutes_are_a_storm() {
    let mut lab = Lab::default();
    lab.wrong_codes(49, 0);
    lab.wrong_codes(30, 601);

    let alert = lab.opens(Detection::WrongCodes, |lab| lab.wrong_codes(20, 1_201));

    assert_eq!((alert.subject.asn, alert.count), (Some(64_500), 50));
    assert_eq!(alert.evidence, [""; 0], "there is no event of a wrong code");
}

#[test]
fn the_first_tokens_of_an_account_are_an_alert_and_later_ones_are_not() {
    let mut lab = Lab::default();
    lab.approve("a", 0, &near());

    let alert = lab.opens(Detection::FirstSignIn, |lab| lab.see("redeemed", 0, &of("a")));
    lab.see("redeemed", DAY, &of("a"));

    assert_eq!(lab.alerts(Detection::FirstSignIn), [alert]);
}

#[test]
fn a_client_that_is_used_again_after_twenty_five_days_is_an_alert() {
    let mut lab = Lab::default();
    lab.see("redeemed", 0, &of("a"));
    lab.see("redeemed", 25 * DAY - 1, &of("a"));

    let alert = lab.opens(Detection::DormantClient, |lab| lab.see("redeemed", 50 * DAY - 1, &of("a")));

    assert_eq!(alert.subject.client_id.as_deref(), Some("tv"));
}

#[test]
fn an_approval_at_an_hour_or_in_a_country_that_is_unusual_for_the_account_is_an_alert() {
    let mut lab = Lab::default();
    for day in 0..10 {
        lab.approve("a", day * DAY, &near());
    }
    lab.approve("a", 10 * DAY + 2 * HOUR, &near());

    let alert = lab.opens(Detection::UnusualHabit, |lab| lab.approve("a", 11 * DAY + 8 * HOUR, &near()));

    assert_eq!(alert.subject.account.as_deref(), Some("a"));
    let person = json!({ "country": "BR", "kind": "tv" });
    let comparison = json!({ "verdict": near(), "device": person, "person": person });
    lab.see("approved", 12 * DAY, &json!({ "account": "a", "comparison": comparison }));
    assert_eq!(lab.alerts(Detection::UnusualHabit).first().map(|alert| alert.count), Some(2), "it is added");
}

#[test]
fn a_code_or_refresh_token_that_comes_back_is_an_alert() {
    for what in ["device_code_replayed", "refresh_token_reused"] {
        let mut lab = Lab::default();
        lab.see("refreshed_again", 0, &of("a"));

        let alert = lab.opens(Detection::Replay, |lab| lab.see(what, 0, &of("a")));

        assert_eq!(alert.subject.client_id.as_deref(), Some("tv"));
    }
}

#[test]
fn reports_of_two_people_within_a_day_are_an_alert() {
    let mut lab = Lab::default();
    lab.see("reported", 0, &of("a"));
    lab.see("reported", 1, &of("a"));
    lab.see("denied", 2, &of("b"));
    lab.see("reported", 2 * DAY, &of("b"));

    let alert = lab.opens(Detection::Reports, |lab| lab.see("reported", 3 * DAY, &of("c")));

    assert_eq!((alert.subject.client_id.as_deref(), alert.count), (Some("tv"), 2));
}

#[test]
fn an_open_alert_grows_and_after_it_was_closed_another_one_is_opened() {
    let mut lab = Lab::default();
    for at in 0..3 {
        lab.see("device_code_replayed", at, &of("a"));
    }
    let Some(open) = lab.alerts(Detection::Replay).into_iter().next() else { panic!("no alert") };
    assert_eq!((open.count, open.evidence.len(), open.last_at.seconds()), (3, 3, NOON + 2));
    assert_eq!(lab.rows.told.borrow().len(), 1, "one event");

    for _ in 0..2 {
        lab.apply(CloseAlert { id: open.id, by: Actor::Registration }, 9);
    }
    lab.see("device_code_replayed", 10, &of("a"));

    let alerts = lab.alerts(Detection::Replay);
    assert_eq!(alerts.iter().map(Alert::is_open).collect::<Vec<_>>(), [false, true]);
    let told: Vec<_> = lab.rows.told.borrow().iter().map(|event| event.what).collect();
    assert_eq!(told, [AlertKind::AlertOpened, AlertKind::AlertClosed, AlertKind::AlertOpened]);
}

#[test]
fn open_alerts_are_bounded_and_the_newest_stay() {
    let mut lab = Lab::default();
    for account in 0..=MOST_OPEN {
        lab.approve(&account.to_string(), 0, &far());
    }

    let alerts = lab.alerts(Detection::FarApproval);

    assert_eq!(alerts.len() as u64, u64::from(MOST_OPEN));
    let accounts = alerts.iter().filter_map(|alert| alert.subject.account.as_deref());
    assert!(accounts.clone().any(|account| account == MOST_OPEN.to_string()));
    assert!(accounts.clone().all(|account| account != "0"), "the oldest one made room");
}
