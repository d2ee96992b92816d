//! The rows of the table: each resource of one object, with its peaks, its limit, and what moves it.

use device_grant::alarm;
use device_grant::audit::outbox::{BATCH_BYTES, BATCH_EVENTS, BATCHES};
use device_grant::counts::telling;
use device_grant::courier::feeding;
use device_grant::settings::Settings;

use crate::bounds::{self, OUTBOX, PLATFORM};
use crate::costs::{Class, Costs};
use crate::courier;
use crate::day::Day;
use crate::limits::{ALARM_SECONDS, COMMITS, FILL_IN_ORDER, HOP_SECONDS, REQUESTS, STORAGE};

/// Live codes of a client in a /24 or /48, in times of the setting: see `docs/limits.md`.
const WIDEST: f64 = 4.0;

const SHARDS: &str = "`SHARDS_PER_REGION`";
const ACCOUNTS: &str = "the number of account objects, which is fixed (`src/sharding.rs`)";
const REPLICAS: &str = "`REGISTRY_REPLICAS`";
const FILTER: &str =
    "what the destination wants, and deliveries one after the other (`src/endpoint/courier.rs`)";
const KEPT: &str = "what a courier keeps (`src/courier/shard.rs`)";

/// A column of the table: its name and its day.
pub(crate) type Column = (&'static str, Day);

/// A resource of one object.
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) limit: f64,
    /// One for each column.
    pub(crate) peaks: Vec<f64>,
    pub(crate) mover: &'static str,
    pub(crate) is_in_bytes: bool,
    /// Whether the deployment of the column does not have it: a registry without replicas, or a destination that wants much.
    pub(crate) is_aside: bool,
}

impl Row {
    pub(crate) fn shares(&self) -> impl Iterator<Item = f64> {
        self.peaks.iter().map(|peak| peak / self.limit)
    }

    fn in_bytes(self) -> Self {
        Self { is_in_bytes: true, ..self }
    }

    fn aside(self) -> Self {
        Self { is_aside: true, ..self }
    }
}

/// The days of all columns.
struct Days<'a>(&'a [Column]);

impl Days<'_> {
    fn row(&self, what: &'static str, peak: fn(&Day) -> f64, limit: f64, mover: &'static str) -> Row {
        let peaks = self.0.iter().map(|(_, day)| peak(day)).collect();
        Row { what, limit, peaks, mover, is_in_bytes: false, is_aside: false }
    }

    /// Makes a row that is the same whatever the day is.
    fn same(&self, what: &'static str, peak: f64, limit: f64, mover: &'static str) -> Row {
        Row { peaks: vec![peak; self.0.len()], ..self.row(what, |_| 0.0, limit, mover) }
    }
}

/// Returns the resources that have a limit.
pub(crate) fn rows(columns: &[Column], costs: &Costs, settings: &Settings) -> Vec<Row> {
    let days = Days(columns);
    let classes = [
        grants(&days, settings),
        alarms_of_grants(&days, costs),
        ledgers(&days, costs),
        counts(&days),
        accounts(&days),
        registry(&days),
        couriers(&days),
    ];
    classes.into_iter().flatten().collect()
}

fn grants(days: &Days<'_>, settings: &Settings) -> Vec<Row> {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let (live, network) = (settings.live_codes_per_shard as f64, settings.live_codes as f64 * WIDEST);
    let limit = "the platform's rate limit (`wrangler.toml`)";
    let codes = "`LIVE_CODES_PER_SHARD`, `SHARDS_PER_REGION`";
    let codes_of_network = "`LIVE_CODES_PER_CLIENT_AND_NETWORK`, `shards_per_network`";
    let families = "`SHARDS_PER_REGION`, `REFRESH_TOKEN_IDLE_SECONDS`";
    vec![
        days.row("GrantShard: requests a second", |day| day.grants.requests, REQUESTS, SHARDS),
        days.row("The same, under a phishing campaign", |day| day.attacked.requests, REQUESTS, limit),
        days.row("GrantShard: requests a second that write", |day| day.grants.commits, COMMITS, SHARDS),
        days.row("GrantShard: live codes", |day| day.live_codes, live, codes),
        days.row("Largest network: live codes", |day| day.network_codes, network, codes_of_network),
        days.row("GrantShard: bytes stored", |day| day.grant_bytes, STORAGE, families).in_bytes(),
    ]
}

fn alarms_of_grants(days: &Days<'_>, costs: &Costs) -> Vec<Row> {
    let (shipped, ended) =
        ("GrantShard: events a second to its ledgers", "GrantShard: grants and families a second that end");
    let batch = "the size of a batch (`src/audit/outbox.rs`)";
    vec![
        days.row(shipped, |day| day.grants.events / 60.0, carried(costs), batch),
        days.row(ended, |day| day.ended, deleted(), "rows that an alarm deletes (`src/alarm.rs`)"),
    ]
}

fn ledgers(days: &Days<'_>, costs: &Costs) -> Vec<Row> {
    let reports = "Ledger `outboxes`: reports a second, all of which write";
    let at_once = "Ledger `outboxes`: requests when all alarms ring at once after midnight";
    let patience = COMMITS * bounds::number(PLATFORM, "PATIENCE");
    let told = "Ledger: records a second to `Counts` and to couriers";
    let message = "records in a message (`src/counts/telling.rs`, `src/courier/feeding.rs`)";
    let full = bounds::number(OUTBOX, "BLOCK") * costs.bytes(Class::Ledger, "events") / FILL_IN_ORDER;
    let block = "events in a ledger (`src/audit/outbox.rs`)";
    vec![
        days.row(reports, |day| day.reports, COMMITS, SHARDS),
        days.row(at_once, |day| day.at_once, patience, SHARDS),
        days.row(told, |day| day.grants.events / 60.0, self::told(), message),
        days.same("Ledger: bytes stored, once full", full, STORAGE, block).in_bytes(),
    ]
}

fn counts(days: &Days<'_>) -> Vec<Row> {
    let message = "events in a message (`src/counts/telling.rs`)";
    let remembered = "days for which accounts are remembered (`src/counts/alert.rs`)";
    let requests = "Counts: requests a second, all of which write";
    vec![
        days.row(requests, |day| day.counts.commits, COMMITS, message),
        days.row("Counts: bytes stored", |day| day.counts_bytes, STORAGE, remembered).in_bytes(),
    ]
}

fn accounts(days: &Days<'_>) -> Vec<Row> {
    let limiters = "the number of limiters, which is fixed (`src/sharding.rs`)";
    let attempts = "LimiterShard: requests a second that write";
    let commits = "AccountShard: requests a second that write";
    vec![
        days.row("AccountShard: requests a second", |day| day.accounts.requests, REQUESTS, ACCOUNTS),
        days.row(commits, |day| day.accounts.commits, COMMITS, ACCOUNTS),
        days.row("AccountShard: bytes stored", |day| day.account_bytes, STORAGE, ACCOUNTS).in_bytes(),
        days.row(attempts, |day| day.limiter.commits, COMMITS, limiters),
    ]
}

fn registry(days: &Days<'_>) -> Vec<Row> {
    let alone = "Registry, without replicas: reads a second";
    let source = "Registry, with replicas: requests a second";
    let leases = "`REGISTRY_REPLICAS`, `REGISTRY_LEASE_SECONDS`";
    let wait = "Registry, with replicas: seconds for the slowest answer after a change";
    let questions =
        "`REGISTRY_REPLICAS`, and one question for each read (`src/cloudflare/registry/replica.rs`)";
    let patience = bounds::number(PLATFORM, "SHORT_PATIENCE");
    vec![
        days.row(alone, |day| day.registry.requests, REQUESTS, REPLICAS).aside(),
        days.row("Registry, a replica: reads a second", |day| day.replica.requests, REQUESTS, REPLICAS),
        days.row(source, |day| day.source, REQUESTS, leases),
        days.row(wait, |day| day.after_change.slowest, patience, questions),
    ]
}

fn couriers(days: &Days<'_>) -> Vec<Row> {
    let writes = "Courier, everything wanted: messages and deliveries a second, all of which write";
    let message = "records in a message (`src/courier/feeding.rs`)";
    let (rate, keeps) = (courier::delivered(), courier::kept());
    let (events, while_down) = (
        "Courier, everything wanted: events a second",
        "Courier, everything wanted: events in an hour in which its receiver is down",
    );
    let (approvals, approvals_while_down) = (
        "Courier, approvals wanted: events a second",
        "Courier, approvals wanted: events in an hour in which its receiver is down",
    );
    vec![
        days.row(writes, |day| day.courier.commits + courier::delivered(), COMMITS, message).aside(),
        days.row(events, |day| day.everything.a_second(), rate, FILTER).aside(),
        days.row(while_down, |day| day.everything.in_an_hour(), keeps, KEPT).aside(),
        days.row(approvals, |day| day.approvals.a_second(), rate, FILTER).aside(),
        days.row(approvals_while_down, |day| day.approvals.in_an_hour(), keeps, KEPT).aside(),
        days.row("Courier: bytes stored, once full", |day| day.courier_bytes, STORAGE, KEPT).in_bytes(),
    ]
}

/// Returns the events a second that an outbox carries to a ledger far away.
fn carried(costs: &Costs) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let (events, bytes) = (BATCH_EVENTS as f64, BATCH_BYTES as f64);
    let batch = events.min(bytes / costs.bytes(Class::GrantShard, "outbox"));
    let batches = f64::from(BATCHES);
    batches * batch / batches.mul_add(HOP_SECONDS, ALARM_SECONDS)
}

/// Returns the grants a second that alarms of a shard delete while they also ship as many events as they may.
fn deleted() -> f64 {
    let in_an_alarm = f64::from(alarm::BATCHES * alarm::BATCH);
    in_an_alarm / f64::from(BATCHES).mul_add(HOP_SECONDS, ALARM_SECONDS)
}

/// Returns the records a second that a ledger tells the object that counts, and then a courier, both far away.
fn told() -> f64 {
    let records = (telling::MESSAGES * telling::MOST).min(feeding::STEPS * feeding::MOST);
    let messages = f64::from(telling::MESSAGES + feeding::STEPS);
    f64::from(records) / messages.mul_add(HOP_SECONDS, telling::SOON.as_secs_f64())
}
