//! The overview: what happened lately, and what needs attention.

use rand_core::CryptoRng;
use serde_json::Value;

use super::api::Api;
use super::block::{Block, Cell, Chart, Page, Tone};
use super::value::{count, duration, list, text};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::platform::Platform;
use crate::time::Timestamp;

/// The ends of a login, with what people call them.
const OUTCOMES: [(&str, &str); 7] = [
    ("redeemed", "Logins that succeeded, by day"),
    ("denied", "Logins that a person refused, by day"),
    ("reported", "Logins that a person reported, by day"),
    ("refused_start", "Requests for codes that were refused, by day"),
    ("refused", "Approvals, redemptions and refreshes that were refused, by day"),
    ("contested", "Codes that two people entered, by day"),
    ("expired", "Codes that ran out, by day"),
];
const FUNNEL: [(&str, &str); 4] = [
    ("started", "started on a device"),
    ("entered", "code entered"),
    ("approved", "approved"),
    ("redeemed", "tokens collected"),
];

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let seen = api.get("/overview").await?.body;
    let mut blocks = vec![attention(&seen), Block::Facts(facts(&seen))];
    blocks.push(Block::Chart(funnel(&seen)));
    let days = list(&seen, "days");
    let (first, rest) = OUTCOMES.split_at(1);
    let happened = rest.iter().filter(|(name, _)| sum(&days, name) > 0);
    blocks.extend(first.iter().chain(happened).map(|(name, title)| Block::Chart(by_day(&days, name, title))));
    blocks.push(Block::Chart(keyed(&seen, ("clients", "client_id", "logins"), "Clients by logins")));
    blocks.push(Block::Chart(keyed(
        &seen,
        ("countries", "country", "starts"),
        "Codes by country of the device",
    )));
    blocks.push(Block::Chart(waits(&seen)));
    blocks.push(Block::Call("GET /admin/api/overview".to_owned()));
    Ok(Page::new("Overview", blocks))
}

/// Says whether an alert is open.
fn attention(seen: &Value) -> Block {
    let open: u64 = list(seen, "open_alerts").iter().map(|alerts| count(alerts, "alerts")).sum();
    match open {
        0 => Block::Notice(Tone::Good, "No alert is open.".to_owned()),
        1 => Block::Notice(Tone::Warning, "An alert is open.".to_owned()),
        several => Block::Notice(Tone::Warning, format!("{several} alerts are open.")),
    }
}

fn facts(seen: &Value) -> Vec<(&'static str, Cell)> {
    let days = list(seen, "days");
    let alerts = list(seen, "open_alerts");
    let named = alerts.iter().map(|alerts| {
        let said = format!("{}: {}", text(alerts, "detection").replace('_', " "), count(alerts, "alerts"));
        Cell::link("/alerts", said)
    });
    let named: Vec<Cell> = named.collect();
    let half = seen["half_approved_within"].as_u64();
    let half = half
        .map_or_else(|| Cell::of(None), |seconds| Cell::Text(format!("made within {}", duration(seconds))));
    vec![
        ("Period", Cell::Text(format!("the last {} days, in UTC, today included", days.len()))),
        ("Logins", Cell::Text(sum(&days, "redeemed").to_string())),
        ("Half of all approvals", half),
        ("Open alerts", if named.is_empty() { Cell::of(None) } else { Cell::Lines(named) }),
    ]
}

fn sum(days: &[Value], name: &str) -> u64 {
    days.iter().map(|day| count(day, name)).sum()
}

fn funnel(seen: &Value) -> Chart {
    let days = list(seen, "days");
    let bars = FUNNEL.iter().map(|(name, label)| ((*label).to_owned(), sum(&days, name)));
    Chart { title: "How far logins came", unit: "logins", bars: bars.collect(), upright: false }
}

fn by_day(days: &[Value], name: &str, title: &'static str) -> Chart {
    let bars = days.iter().map(|day| (date(count(day, "day")), count(day, name)));
    Chart { title, unit: "logins", bars: bars.collect(), upright: true }
}

/// Returns `2026-11-28`.
fn date(day: u64) -> String {
    let text = Timestamp::from_millis(day.saturating_mul(86_400_000)).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

fn keyed(seen: &Value, (of, key, unit): (&str, &str, &'static str), title: &'static str) -> Chart {
    let bars = list(seen, of).iter().map(|one| (text(one, key).to_owned(), count(one, unit))).collect();
    Chart { title, unit, bars, upright: false }
}

fn waits(seen: &Value) -> Chart {
    let label = |waits: &Value| match waits["up_to"].as_u64() {
        Some(seconds) => format!("up to {}", duration(seconds)),
        None => "longer".to_owned(),
    };
    let bars = list(seen, "approval_seconds")
        .iter()
        .map(|waits| (label(waits), count(waits, "approvals")))
        .collect();
    Chart { title: "Approvals by time since the code was requested", unit: "approvals", bars, upright: false }
}
