use std::collections::BTreeMap;

use super::*;

const AT: Timestamp = Timestamp::from_millis(1_763_733_780_123);

fn delivery(id: &str) -> Delivery {
    Delivery { id: id.to_owned(), at: AT, event: r#"{"at":1763733780123,"what":"reported"}"#.to_owned() }
}

/// Returns deliveries that are due at once.
fn due(count: u32) -> BTreeMap<String, Timestamp> {
    (0..count).map(|number| (format!("{number:02}"), AT)).collect()
}

/// A table of deliveries with their due times, and a receiver.
#[derive(Default)]
struct Office {
    waiting: BTreeMap<String, Timestamp>,
    /// Whether the receiver answers with 2xx.
    is_up: bool,
    arrived: Vec<String>,
    given_up: Vec<String>,
    attempts: u32,
}

impl Office {
    /// Does what ring 3 does in one alarm. Returns when the next one is due.
    fn ring(&mut self, now: Timestamp) -> Option<Timestamp> {
        let mut round = Round::begin(now);
        while let Some(id) = self.first_due(now)
            && round.goes_on(now)
        {
            self.attempts += 1;
            if self.is_up {
                self.waiting.remove(&id);
                self.arrived.push(id);
                continue;
            }
            let pause = round.failed(now);
            if let Some(at) = delivery(&id).retry_at(now) {
                self.waiting.insert(id, at);
            } else {
                self.waiting.remove(&id);
                self.given_up.push(id);
            }
            self.waiting.values_mut().for_each(|due| *due = (*due).max(pause));
        }
        self.waiting.values().min().copied()
    }

    fn first_due(&self, now: Timestamp) -> Option<String> {
        self.waiting.iter().find(|(_, due)| **due <= now).map(|(id, _)| id.clone())
    }
}

#[test]
fn a_delivery_is_signed_as_standard_webhooks_says() {
    let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let delivery = Delivery { id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(), ..delivery("") };
    let now = Timestamp::from_millis(1_614_265_330_000);

    let [id, timestamp, signature] = delivery.headers(&[secret], r#"{"test": 2432232314}"#, now);

    assert_eq!(id, ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned()));
    assert_eq!(timestamp, ("webhook-timestamp", "1614265330".to_owned()));
    assert_eq!(signature.1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[test]
fn during_a_change_of_secret_each_of_both_signs() {
    let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"];
    let secrets = secrets.map(|text| Secret::parse(text).unwrap());

    let [.., both] = delivery("a").headers(&secrets, "{}", AT);
    let each = secrets.map(|secret| delivery("a").headers(&[secret], "{}", AT)[2].1.clone());

    assert_eq!(both.1, each.join(" "));
    for bad in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_AAAA", "whsec_!"] {
        assert!(Secret::parse(bad).is_none(), "{bad}");
    }
}

#[test]
fn the_body_has_kind_time_and_event() {
    let body: serde_json::Value = serde_json::from_str(&delivery("weur/3/17").body()).unwrap();

    let expected = serde_json::json!({
        "type": "grant.reported",
        "timestamp": "2025-11-21T14:03:00.123Z",
        "data": { "id": "weur/3/17", "event": { "at": 1_763_733_780_123_u64, "what": "reported" } },
    });
    assert_eq!(body, expected);
}

#[test]
fn a_receiver_that_fails_gets_everything_once_it_answers() {
    let mut office = Office { waiting: due(25), ..Office::default() };
    let mut now = AT;
    for _ in 0..4 {
        now = office.ring(now).unwrap();
    }
    assert_eq!(office.attempts, 4, "an alarm stops at the first failure");
    office.is_up = true;

    while let Some(next) = office.ring(now) {
        assert!(office.attempts <= 4 + 25);
        now = now.max(next);
    }

    let all: Vec<String> = (0..25).map(|n| format!("{n:02}")).collect();
    office.arrived.sort();
    assert_eq!(office.arrived, all);
}

#[test]
fn a_delivery_that_keeps_failing_is_tried_less_and_less_often_and_given_up_after_three_days() {
    let mut office = Office { waiting: BTreeMap::from([("a".to_owned(), AT)]), ..Office::default() };
    let (mut now, mut waits) = (AT, Vec::new());
    while let Some(next) = office.ring(now) {
        waits.push(next.since(now).as_secs());
        now = next;
    }

    assert_eq!(waits.get(..5), Some(&[5, 5, 10, 20, 40][..]));
    assert_eq!(waits.last(), Some(&3_600));
    assert_eq!(office.given_up, ["a"]);
    assert!(delivery("a").retry_at((AT + GIVE_UP).before(Duration::from_millis(1))).is_some());
    assert_eq!(delivery("a").retry_at(AT + GIVE_UP), None, "exactly then");
    assert!((GIVE_UP..GIVE_UP + LONGEST_WAIT).contains(&now.since(AT)));
}

#[test]
fn an_alarm_delivers_a_bounded_number_in_a_bounded_time() {
    let mut office = Office { waiting: due(25), is_up: true, ..Office::default() };

    office.ring(AT);

    assert_eq!(office.attempts, MOST_IN_ROUND);
    let mut round = Round::begin(AT);
    assert!(round.goes_on(AT));
    assert!(!round.goes_on(AT + ROUND));
}
