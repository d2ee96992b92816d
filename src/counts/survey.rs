//! Reads what happened on some days from the rows of the object that counts.

use std::collections::BTreeMap;

use super::command::ReadOverview;
use super::day::{ABOVE, BOUNDS};
use super::detection::Detection;
use super::kind::{Kind, Tallied};
use super::overview::{DayCounts, MOST_DAYS, Overview, STEPS};
use super::rows::Rows;
use crate::order;

/// Sums over the days, by key.
#[derive(Default)]
struct Sums(BTreeMap<(Kind, String), u64>);

impl Sums {
    /// Returns the keys of a kind with the highest counts, highest first.
    fn top(&self, kind: Kind, most: u32) -> Vec<(String, u64)> {
        let of = self.0.iter().filter(|((other, _), _)| *other == kind);
        let mut all: Vec<(String, u64)> = of.map(|((_, key), count)| (key.clone(), *count)).collect();
        order::sort_by_key(&mut all, |(key, count)| (u64::MAX - count, key.clone()));
        all.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        all
    }

    /// Returns how many approvals took how long: one count for each of [`BOUNDS`], and one for those that took longer.
    fn latency(&self) -> Vec<u64> {
        let count = |key: &str| self.0.get(&(Kind::Latency, key.to_owned())).copied().unwrap_or_default();
        BOUNDS.iter().map(|bound| count(&bound.to_string())).chain([count(ABOVE)]).collect()
    }
}

/// Reads the overview of some days. At most [`MOST_DAYS`] of them are read.
pub(super) fn overview<R: Rows>(rows: &R, ask: &ReadOverview) -> Result<Overview, R::Error> {
    let (mut sums, mut days) = (Sums::default(), Vec::new());
    let first = ask.first_day.max(ask.last_day.saturating_sub(MOST_DAYS - 1));
    for day in first..=ask.last_day {
        let tallies = rows.counts(day)?;
        days.push(DayCounts { day, counts: STEPS.iter().map(|step| total(&tallies, *step)).collect() });
        for Tallied { kind, key, count } in tallies {
            if matches!(kind, Kind::Redeemed | Kind::StartedInCountry | Kind::Latency) {
                *sums.0.entry((kind, key)).or_default() += count;
            }
        }
    }
    let mut open_alerts = Vec::new();
    for detection in Detection::ALL {
        open_alerts.push((detection, rows.open_alerts(detection)?));
    }
    open_alerts.retain(|(_, open)| *open > 0);
    let clients = sums.top(Kind::Redeemed, ask.most);
    let countries = sums.top(Kind::StartedInCountry, ask.most);
    Ok(Overview { days, clients, countries, latency: sums.latency(), open_alerts })
}

fn total(tallies: &[Tallied], kind: Kind) -> u64 {
    tallies.iter().filter(|tallied| tallied.kind == kind).map(|tallied| tallied.count).sum()
}
