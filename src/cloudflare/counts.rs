//! `Counts`: counts what the ledgers recorded, and opens alerts. One object.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{Env, Result, SqlStorageValue, State};

use super::exported::{Object, exported};
use super::object::{self, Table, column, json, number, ring_by};
use super::shipping::{self, Shipper};
use super::warnings;
use crate::alarm::{Shipping, Work, next_alarm};
use crate::ask::Answer;
use crate::audit::alert::AlertEvent;
use crate::audit::change::Change;
use crate::audit::ledger::RETENTION_DAYS;
use crate::audit::warning;
use crate::audit::webhook::Webhook;
use crate::counts::alert::{Alert, AlertId, KEPT};
use crate::counts::command::{Command, ListAlerts};
use crate::counts::day::{EVER, day};
use crate::counts::detection::Detection;
use crate::counts::kind::{Kind, Tallied};
use crate::counts::rows::{Place, Rows, Space};
use crate::counts::shard::apply;
use crate::counts::subject::Subject;
use crate::counts::usage::ClientUse;
use crate::courier::destination::Destination;
use crate::policy::name::Name;
use crate::time::Timestamp;

/// Rows that have ended may stay for this long, so that the alarm does not ring for each of them.
const PATIENCE: Duration = Duration::from_hours(1);

/// A number that no alert has: the highest one that JavaScript knows exactly.
const BEYOND: AlertId = (1 << 53) - 1;

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS counts (
        day INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (day, kind, key)
    ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS memories (
        space TEXT NOT NULL, key TEXT NOT NULL, part TEXT NOT NULL, ends_at INTEGER NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY (space, key, part)
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS memories_ends_at ON memories (ends_at)",
    "CREATE TABLE IF NOT EXISTS alerts (
        id INTEGER PRIMARY KEY, detection TEXT NOT NULL, subject TEXT NOT NULL, is_open INTEGER NOT NULL,
        ends_at INTEGER NOT NULL, record TEXT NOT NULL
    )",
    "CREATE INDEX IF NOT EXISTS alerts_about ON alerts (detection, is_open, subject)",
    "CREATE TABLE IF NOT EXISTS destinations (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
    shipping::OUTBOX,
    shipping::OUTBOX_END,
    shipping::OUTBOX_GONE,
    shipping::SET_ASIDE,
    warnings::DELIVERIES,
];

/// Stores counts and alerts, deletes those that have ended, and ships the events of alerts.
pub(super) struct Counts {
    state: State,
    rows: Rc<Stored>,
    alarm: Cell<Option<Timestamp>>,
    shipper: Shipper,
}

struct Stored {
    table: Table,
    webhook: Option<Webhook>,
    /// Lines for the log, written once the transaction has succeeded.
    warnings: RefCell<Vec<String>>,
}

exported!(ExportedCounts: Counts);

impl Object for Counts {
    fn new(state: State, env: Env) -> Self {
        let (table, webhook) = (Table::open(&state, SCHEMA), warnings::webhook(&env));
        let rows = Rc::new(Stored { table, webhook, warnings: RefCell::default() });
        Self { state, rows, alarm: Cell::default(), shipper: Shipper::default() }
    }

    async fn command(&self, text: &str) -> Result<Answer> {
        let command: Command = object::parsed(text)?;
        let now = object::now();
        self.rows.warnings.take();
        let rows = Rc::clone(&self.rows);
        let answer = object::transaction(&self.state, move || apply(&*rows, command, now))?;
        for line in self.rows.warnings.take() {
            worker::console_warn!("{line}");
        }
        let events = shipping::has_events(&self.rows.table)?.then_some(Shipping::Soon);
        ring_by(&self.state, &self.alarm, self.rows.due(events, false, now)).await;
        Ok(answer)
    }

    async fn alarm(&self) -> Result<()> {
        self.alarm.set(None);
        // A failure is logged, and the next alarm tries again: see `GrantShard`.
        let is_behind = self.rows.sweep(object::now()).unwrap_or_else(|error| {
            object::complain("sweep", &error);
            false
        });
        let (table, webhook) = (&self.rows.table, self.rows.webhook.as_ref());
        let rest = self.shipper.ship_and_warn(&self.state, table, None, webhook).await;
        ring_by(&self.state, &self.alarm, self.rows.due(rest, is_behind, object::now())).await;
        Ok(())
    }
}

impl Stored {
    /// Deletes what has ended. Returns whether memories are left that have ended. Days have at most some thousand counts, and few
    /// alerts end at a time, so these are deleted at once.
    fn sweep(&self, now: Timestamp) -> Result<bool> {
        let is_behind = self.table.sweep("memories", "space, key, part", now)?;
        self.table.run("DELETE FROM alerts WHERE NOT is_open AND ends_at <= ?", vec![column(now)])?;
        let first_day = day(now).saturating_sub(RETENTION_DAYS);
        self.table
            .run("DELETE FROM counts WHERE day > ? AND day < ?", vec![number(EVER), number(first_day)])?;
        Ok(is_behind)
    }

    fn due(&self, events: Option<Shipping>, is_behind: bool, now: Timestamp) -> Result<Option<Timestamp>> {
        let first_end = self.table.instant("SELECT min(ends_at) FROM memories", Vec::new())?;
        let first_end = first_end.map(|first_end| first_end + PATIENCE);
        let first_delivery = warnings::first_due(&self.table)?;
        Ok(next_alarm(Work { first_end, is_behind, events, first_delivery }, now))
    }

    /// Keeps the newest event of the outbox for the webhook, and its line for the log, if it is a warning.
    fn warn(&self, line: Option<String>) -> Result<()> {
        let Some(line) = line else { return Ok(()) };
        self.warnings.borrow_mut().push(line);
        if self.webhook.is_some() { warnings::keep(&self.table) } else { Ok(()) }
    }

    /// Reads the number in the first column of the first row.
    fn number(&self, query: &str, values: Vec<SqlStorageValue>) -> Result<Option<u64>> {
        let rows = self.table.rows(query, values)?;
        Ok(rows.first().and_then(|row| row.first()).and_then(object::natural))
    }
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<SqlStorageValue> {
    texts.into_iter().map(SqlStorageValue::from).collect()
}

fn at(Place { space, key, part }: &Place) -> Vec<SqlStorageValue> {
    texts([space.name(), key, part])
}

fn big(number: u64) -> SqlStorageValue {
    column(Timestamp::from_millis(number))
}

impl Rows for Stored {
    type Error = worker::Error;

    fn count(&self, day: u32, kind: Kind, key: &str) -> Result<Option<u64>> {
        let values = vec![number(day), kind.name().into(), key.into()];
        self.number("SELECT count FROM counts WHERE day = ? AND kind = ? AND key = ?", values)
    }

    fn keys(&self, day: u32, kind: Kind) -> Result<u32> {
        let values = vec![number(day), kind.name().into()];
        let keys = self.number("SELECT count(*) FROM counts WHERE day = ? AND kind = ?", values)?;
        Ok(u32::try_from(keys.unwrap_or_default()).unwrap_or(u32::MAX))
    }

    fn put_count(&self, day: u32, kind: Kind, key: &str, count: u64) -> Result<()> {
        let values = vec![number(day), kind.name().into(), key.into(), big(count)];
        self.table.run("INSERT OR REPLACE INTO counts (day, kind, key, count) VALUES (?, ?, ?, ?)", values)
    }

    fn counts(&self, day: u32) -> Result<Vec<Tallied>> {
        let query = "SELECT json_object('kind', kind, 'key', key, 'count', count) FROM counts WHERE day = ? ORDER BY kind, key";
        self.table.records(query, vec![number(day)])
    }

    fn memory<T: DeserializeOwned>(&self, place: &Place) -> Result<Option<T>> {
        self.table.record("SELECT record FROM memories WHERE space = ? AND key = ? AND part = ?", at(place))
    }

    fn remember<T: Serialize>(&self, place: &Place, memory: &T, until: Timestamp) -> Result<()> {
        let insert =
            "INSERT OR REPLACE INTO memories (space, key, part, ends_at, record) VALUES (?, ?, ?, ?, ?)";
        let mut values = at(place);
        values.extend([column(until), json(memory)?]);
        self.table.run(insert, values)
    }

    fn forget(&self, place: &Place) -> Result<()> {
        self.table.run("DELETE FROM memories WHERE space = ? AND key = ? AND part = ?", at(place))
    }

    fn parts(&self, space: Space, key: &str, most: u32) -> Result<u32> {
        let query = "SELECT count(*) FROM (SELECT 1 FROM memories WHERE space = ? AND key = ? LIMIT ?)";
        let found = self.number(query, vec![space.name().into(), key.into(), number(most)])?;
        Ok(u32::try_from(found.unwrap_or_default()).unwrap_or(most))
    }

    fn memories<T: DeserializeOwned>(
        &self,
        (space, key): (Space, &str),
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, T)>> {
        let query = "SELECT part, record FROM memories WHERE space = ? AND key = ? AND part > ? ORDER BY part LIMIT ?";
        let mut values = texts([space.name(), key, after]);
        values.push(number(limit));
        self.table.each_keyed(query, values)?.collect()
    }

    fn clients(&self, after: &str, limit: u32) -> Result<Vec<(String, ClientUse)>> {
        let query = "SELECT key, record FROM memories WHERE space = ? AND key > ? ORDER BY key LIMIT ?";
        let values = vec![Space::Client.name().into(), after.into(), number(limit)];
        self.table.each_keyed(query, values)?.collect()
    }

    fn alert(&self, id: AlertId) -> Result<Option<Alert>> {
        self.table.record("SELECT record FROM alerts WHERE id = ?", vec![big(id)])
    }

    fn open_alert(&self, detection: Detection, subject: &Subject) -> Result<Option<Alert>> {
        let query = "SELECT record FROM alerts WHERE detection = ? AND is_open = 1 AND subject = ?";
        self.table.record(query, texts([detection.name(), &subject.to_string()]))
    }

    fn alerts(&self, ListAlerts { is_open, before, limit }: &ListAlerts) -> Result<Vec<Alert>> {
        let query = "SELECT record FROM alerts WHERE is_open = ? AND id < ? ORDER BY id DESC LIMIT ?";
        let before = big(before.unwrap_or(BEYOND));
        self.table.records(query, vec![number(u32::from(*is_open)), before, number(*limit)])
    }

    fn open_alerts(&self, detection: Detection) -> Result<u64> {
        let query = "SELECT count(*) FROM alerts WHERE detection = ? AND is_open = 1";
        Ok(self.number(query, texts([detection.name()]))?.unwrap_or_default())
    }

    fn newest_alert(&self) -> Result<AlertId> {
        Ok(self.number("SELECT max(id) FROM alerts", Vec::new())?.unwrap_or_default())
    }

    fn put_alert(&self, alert: &Alert) -> Result<()> {
        let insert = "INSERT OR REPLACE INTO alerts (id, detection, subject, is_open, ends_at, record)
                      VALUES (?, ?, ?, ?, ?, ?)";
        let mut values = vec![big(alert.id)];
        values.extend(texts([alert.detection.name(), &alert.subject.to_string()]));
        let ends_at = alert.last_at + KEPT;
        values.extend([number(u32::from(alert.is_open())), column(ends_at), json(alert)?]);
        self.table.run(insert, values)
    }

    fn remove_oldest_open(&self, detection: Detection) -> Result<()> {
        let delete = "DELETE FROM alerts
                      WHERE id = (SELECT min(id) FROM alerts WHERE detection = ? AND is_open = 1)";
        self.table.run(delete, texts([detection.name()]))
    }

    fn destinations(&self) -> Result<Vec<Destination>> {
        self.table.records("SELECT record FROM destinations ORDER BY id", Vec::new())
    }

    fn put_destination(&self, destination: &Destination) -> Result<()> {
        let values = vec![destination.id.as_str().into(), json(destination)?];
        self.table.run("INSERT OR REPLACE INTO destinations (id, record) VALUES (?, ?)", values)
    }

    fn remove_destination(&self, id: &Name) -> Result<()> {
        self.table.run("DELETE FROM destinations WHERE id = ?", texts([id.as_str()]))
    }

    fn tell_change(&self, change: &Change) -> Result<()> {
        shipping::tell(&self.table, change, change.at)?;
        self.warn(warning::line_of_change(change))
    }

    fn tell(&self, event: &AlertEvent) -> Result<()> {
        shipping::tell(&self.table, event, event.at)?;
        self.warn(warning::line_of_alert(event))
    }
}
