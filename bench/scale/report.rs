//! The table of `docs/performance.md`, and what it comes to.

use device_grant::settings::Settings;

use crate::costs::Costs;
use crate::courier::{self, RECEIVER_SECONDS};
use crate::rows::{Column, Row, rows};

/// Writes the table, with what falls first in each column, and what couriers and the registry make of the first one.
pub(crate) fn table(columns: &[Column], costs: &Costs, settings: &Settings) -> String {
    let rows = rows(columns, costs, settings);
    let names = columns.iter().map(|(name, _)| (*name).to_owned());
    let head = line(
        ["The busiest object".to_owned()]
            .into_iter()
            .chain(names)
            .chain(["Limit", "What moves it"].map(str::to_owned)),
    );
    let rule = line(columns.iter().map(|_| "---".to_owned()).chain(["---"; 3].map(str::to_owned)));
    let lines: Vec<String> = [head, rule].into_iter().chain(rows.iter().map(cells)).collect();
    let last = columns.iter().enumerate().filter_map(|(at, column)| nearest(at, column, &rows));
    let of_first = columns.iter().take(1).flat_map(|column| [of_registry(column), of_courier(column, costs)]);
    let notes: Vec<String> = last.chain(of_first).collect();
    format!("{}\n\n{}", lines.join("\n"), notes.join("\n"))
}

fn cells(row: &Row) -> String {
    let shown = |value| if row.is_in_bytes { bytes(value) } else { shown(value) };
    let cell = |(peak, share): (&f64, f64)| format!("{}; {}", shown(*peak), percent(share));
    let cells = row.peaks.iter().zip(row.shares()).map(cell);
    line([row.what.to_owned()].into_iter().chain(cells).chain([shown(row.limit), row.mover.to_owned()]))
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("| {} |", cells.join(" | "))
}

/// Says what falls first in a column, or what is nearest to its limit, of what its deployment has.
fn nearest(at: usize, (name, day): &Column, rows: &[Row]) -> Option<String> {
    let share = |row: &Row| row.shares().nth(at).unwrap_or_default();
    let of_deployment = rows.iter().filter(|row| !row.is_aside);
    let row = of_deployment.max_by(|a, b| share(a).total_cmp(&share(b)))?;
    let (what, mover, percent) = (row.what, row.mover, percent(share(row)));
    let word = if share(row) > 1.0 { "falls first" } else { "is nearest to its limit" };
    Some(format!(
        "- {name}: \"{what}\" {word}, at {percent}. What moves it: {mover}. A login and a day of its refreshes write {} rows.",
        shown(day.rows)
    ))
}

/// Says what the registry is asked if it has replicas.
fn of_registry((name, day): &Column) -> String {
    let [renewals, snapshots, questions] =
        [day.asked.renewals, day.asked.snapshots, day.after_change.questions].map(shown);
    format!(
        "- {name}: in the busiest minute, replicas renew {renewals} leases a second at the registry, and isolates take \
         {snapshots} snapshots a second there if the copy in KV has expired. In the second after a change, replicas ask \
         {questions} questions."
    )
}

/// Says with how much a courier keeps up, and what becomes of the rest.
fn of_courier((_, day): &Column, costs: &Costs) -> String {
    let logins = |events: f64| rough(day.logins * courier::delivered() / events);
    let (everything, approvals) = (logins(day.everything.a_second()), logins(day.approvals.a_second()));
    let (delivered, in_an_alarm) = (shown(courier::delivered()), courier::in_an_alarm());
    let (kept, at) = (rough(courier::kept()), costs.courier);
    let rows = shown(day.everything.in_all() * at.delivered.rows.min(at.dropped.rows));
    format!(
        "- A courier delivers {delivered} events a second if its receiver answers after {RECEIVER_SECONDS} s: \
         {in_an_alarm} in an alarm, one after the other. So it keeps up with all events of {everything} logins a day, or \
         with the approvals of {approvals}. Of what it is told beyond, it keeps {kept} events, and drops the oldest. An \
         event that is delivered has written {} rows, and one that is dropped {}: all events of this day, at least {rows}.",
        at.delivered.rows, at.dropped.rows
    )
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn shown(value: f64) -> String {
    match value {
        small if small < 10.0 => format!("{small:.1}"),
        large if large >= 1e6 => format!("{:.1} million", large / 1e6),
        usual => format!("{usual:.0}"),
    }
}

fn bytes(value: f64) -> String {
    if value < 1e8 { format!("{:.0} MB", value / 1e6) } else { format!("{:.1} GB", value / 1e9) }
}

/// Writes a number from a thousand to a million with two digits that are not 0.
fn rough(value: f64) -> String {
    let unit = 10f64.powf(value.log10().floor() - 1.0);
    let rounded = (value / unit).round() * unit;
    format!("{:.0},000", rounded / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.04, 9.9, 35_909.4, 15_480_000.0].map(shown), ["0.0", "9.9", "35909", "15.5 million"]);
        assert_eq!([1.3e7, 6e8, 2.47e10].map(bytes), ["13 MB", "0.6 GB", "24.7 GB"]);
        assert_eq!([20_000.0, 25_812.0, 738_000.0].map(rough), ["20,000", "26,000", "740,000"]);
    }
}
