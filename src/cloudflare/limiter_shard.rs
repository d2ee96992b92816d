//! `LimiterShard`: counts attempts, and remembers used names.

use core::cell::Cell;

use worker::{Env, Result, State};

use super::exported::{Object, exported};
use super::object;
use super::object::{Table, column, json, ring_by};
use crate::alarm::{Work, next_alarm};
use crate::ask::Answer;
use crate::limiter::Row;
use crate::limiter::command::Command;
use crate::time::Timestamp;

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS counters (
        key TEXT PRIMARY KEY, ends_at INTEGER NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS counters_ends_at ON counters (ends_at)",
];

/// Stores the rows of the limiter, and deletes those that have ended.
pub(super) struct LimiterShard {
    state: State,
    table: Table,
    alarm: Cell<Option<Timestamp>>,
}

exported!(ExportedLimiterShard: LimiterShard);

impl Object for LimiterShard {
    fn new(state: State, _: Env) -> Self {
        let table = Table::open(&state, SCHEMA);
        Self { state, table, alarm: Cell::default() }
    }

    async fn command(&self, text: &str) -> Result<Answer> {
        let command: Command = object::parsed(text)?;
        let now = object::now();
        let query = "SELECT record FROM counters WHERE key = ?";
        let mut row: Row = self.table.record(query, vec![command.key().into()])?.unwrap_or_default();
        let before = row.clone();
        let answer = row.apply(&command, now);
        if row != before {
            let values = vec![command.key().into(), column(row.ends_at), json(&row)?];
            self.table
                .run("INSERT OR REPLACE INTO counters (key, ends_at, record) VALUES (?, ?, ?)", values)?;
            #[cfg(feature = "panic-probe")]
            super::probe::after_a_write();
            ring_by(&self.state, &self.alarm, self.due(now)).await;
        }
        Ok(answer)
    }

    async fn alarm(&self) -> Result<()> {
        let now = object::now();
        self.alarm.set(None);
        // A failure is logged, and the next alarm tries again: see `GrantShard`.
        if let Err(error) = self.table.run("DELETE FROM counters WHERE ends_at <= ?", vec![column(now)]) {
            object::complain("sweep", &error);
        }
        ring_by(&self.state, &self.alarm, self.due(now)).await;
        Ok(())
    }
}

impl LimiterShard {
    fn due(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let first_end = self.table.instant("SELECT min(ends_at) FROM counters", Vec::new())?;
        Ok(next_alarm(Work { first_end, events: None, ..Work::default() }, now))
    }
}
