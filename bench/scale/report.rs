//! The table: each resource with its peak, its limit, and what to change when it falls.

use device_grant::audit::outbox::{BATCH_BYTES, BATCH_EVENTS, BATCHES};
use device_grant::settings::Settings;

use crate::costs::{Class, Costs};
use crate::day::Day;

/// Requests a second of an object: a soft limit of the platform.
const REQUESTS: f64 = 1_000.0;
/// Requests a second of an object that write: the low end of what the platform's documents state, 200 to 500.
const COMMITS: f64 = 200.0;
/// Bytes that an object can store.
const STORAGE: f64 = 10e9;
/// Seconds until a ledger on another continent has answered, and until an alarm that is due at once rings.
const LEDGER_SECONDS: f64 = 0.2;
const ALARM_SECONDS: f64 = 1.0;
/// Live codes of a client in a /24 or /48, in times of the setting: see `docs/limits.md`.
const WIDEST: f64 = 4.0;
/// Events in a ledger: see `src/audit/outbox.rs`.
const BLOCK: f64 = 1e6;
/// The part of a page of SQLite that rows fill which arrive in order.
const FILL: f64 = 0.9;

/// A column of the table: its name and its day.
pub(crate) type Column = (&'static str, Day);

/// A resource of one object.
pub(crate) struct Row {
    pub(crate) what: &'static str,
    limit: f64,
    peaks: Vec<f64>,
    mover: &'static str,
}

impl Row {
    pub(crate) fn shares(&self) -> impl Iterator<Item = f64> {
        self.peaks.iter().map(|peak| peak / self.limit)
    }
}

/// Returns the resources that have a limit.
pub(crate) fn rows(columns: &[Column], costs: &Costs, settings: &Settings) -> Vec<Row> {
    let row = |what, peak: fn(&Day) -> f64, limit, mover| {
        let peaks = columns.iter().map(|(_, day)| peak(day)).collect();
        Row { what, limit, peaks, mover }
    };
    let shards = "`SHARDS_PER_REGION`";
    let accounts = "the number of account objects, which is fixed (`src/sharding.rs`)";
    let replicas = "`REGISTRY_REPLICAS`";
    let message = "events in a message (`src/counts/telling.rs`)";
    let remembered = "days for which accounts are remembered (`src/counts/alert.rs`)";
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let (live, network) = (settings.live_codes_per_shard as f64, settings.live_codes as f64 * WIDEST);
    let ledger = BLOCK * costs.bytes(Class::Ledger, "events") / FILL;
    let mut all = vec![
        row("GrantShard: requests a second", |day| day.grants.requests, REQUESTS, shards),
        row(
            "The same, under a phishing campaign",
            |day| day.attacked.requests,
            REQUESTS,
            "the platform's rate limit (`wrangler.toml`)",
        ),
        row("GrantShard: requests a second that write", |day| day.grants.commits, COMMITS, shards),
        row(
            "GrantShard: live codes",
            |day| day.live_codes,
            live,
            "`LIVE_CODES_PER_SHARD`, `SHARDS_PER_REGION`",
        ),
        row(
            "Largest network: live codes",
            |day| day.network_codes,
            network,
            "`LIVE_CODES_PER_CLIENT_AND_NETWORK`, `shards_per_network`",
        ),
        row(
            "GrantShard: bytes stored",
            |day| day.grant_bytes,
            STORAGE,
            "`SHARDS_PER_REGION`, `REFRESH_TOKEN_IDLE_SECONDS`",
        ),
        row(
            "GrantShard: events a second to its ledgers",
            |day| day.grants.events / 60.0,
            carried(costs),
            "the size of a batch (`src/audit/outbox.rs`)",
        ),
        row("Ledger `outboxes`: reports a second", |day| day.reports, REQUESTS, shards),
        row("Counts: requests a second, all of which write", |day| day.counts.commits, COMMITS, message),
        row("Counts: bytes stored", |day| day.counts_bytes, STORAGE, remembered),
        row("AccountShard: requests a second", |day| day.accounts.requests, REQUESTS, accounts),
        row("AccountShard: requests a second that write", |day| day.accounts.commits, COMMITS, accounts),
        row("AccountShard: bytes stored", |day| day.account_bytes, STORAGE, accounts),
        row(
            "LimiterShard: requests a second that write",
            |day| day.limiter.commits,
            COMMITS,
            "the number of limiters, which is fixed (`src/sharding.rs`)",
        ),
        row("Registry, without replicas: reads a second", |day| day.registry.requests, REQUESTS, replicas),
        row("Registry, a replica: reads a second", |day| day.replica.requests, REQUESTS, replicas),
    ];
    let peaks = columns.iter().map(|_| ledger).collect();
    let what = "Ledger: bytes stored, once full";
    all.push(Row { what, limit: STORAGE, peaks, mover: "events in a ledger (`src/audit/outbox.rs`)" });
    all
}

/// Returns the events a second that an outbox carries to a ledger far away.
fn carried(costs: &Costs) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let (events, bytes) = (BATCH_EVENTS as f64, BATCH_BYTES as f64);
    let batch = events.min(bytes / costs.bytes(Class::GrantShard, "outbox"));
    let batches = f64::from(BATCHES);
    batches * batch / batches.mul_add(LEDGER_SECONDS, ALARM_SECONDS)
}

/// Writes the table, with what falls first in each column.
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
    let body = rows.iter().map(|row| {
        let cell = |(peak, share): (&f64, f64)| format!("{}; {}", shown(*peak), percent(share));
        let cells = row.peaks.iter().zip(row.shares()).map(cell);
        line([row.what.to_owned()].into_iter().chain(cells).chain([shown(row.limit), row.mover.to_owned()]))
    });
    let lines: Vec<String> = [head, rule].into_iter().chain(body).collect();
    let last = columns.iter().enumerate().filter_map(|(at, column)| nearest(at, column, &rows));
    let notes: Vec<String> = last.collect();
    format!("{}\n\n{}", lines.join("\n"), notes.join("\n"))
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("| {} |", cells.join(" | "))
}

/// Says what falls first in a column, or what is nearest to its limit. The registry without replicas is only for comparison.
fn nearest(at: usize, (name, day): &Column, rows: &[Row]) -> Option<String> {
    let share = |row: &Row| row.shares().nth(at).unwrap_or_default();
    let of_deployment = rows.iter().filter(|row| !row.what.contains("without replicas"));
    let row = of_deployment.max_by(|a, b| share(a).total_cmp(&share(b)))?;
    let (what, mover, percent) = (row.what, row.mover, percent(share(row)));
    let word = if share(row) > 1.0 { "falls first" } else { "is nearest to its limit" };
    Some(format!(
        "- {name}: \"{what}\" {word}, at {percent}. What moves it: {mover}. A login and a day of its refreshes write {} rows.",
        shown(day.rows)
    ))
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn shown(value: f64) -> String {
    match value {
        small if small < 10.0 => format!("{small:.1}"),
        large if large >= 1e8 => format!("{:.1} GB", large / 1e9),
        usual => format!("{usual:.0}"),
    }
}
