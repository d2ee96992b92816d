//! `LimiterShard`: counts attempts, and remembers used names. Attempts that were given back are not stored: see
//! [`crate::limiter::unsaved`].

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::future::{AbortHandle, abortable};
use worker::{Delay, Env, Result, State};

use super::exported::{Object, exported};
use super::object;
use super::object::{Table, column, json, ring_by};
use crate::alarm::{Work, next_alarm};
use crate::ask::Answer;
use crate::limiter::Row;
use crate::limiter::command::Command;
use crate::limiter::unsaved::{SETTLE, Unsaved};
use crate::time::Timestamp;

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS counters (
        key TEXT PRIMARY KEY, ends_at INTEGER NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS counters_ends_at ON counters (ends_at)",
];

/// Stores the rows of the limiter, and deletes those that have ended.
pub(super) struct LimiterShard(Rc<Stored>);

struct Stored {
    state: State,
    table: Table,
    alarm: Cell<Option<Timestamp>>,
    unsaved: RefCell<Unsaved>,
    /// Ends the timer that stores what is unsaved, if there is one.
    timer: RefCell<Option<AbortHandle>>,
}

exported!(ExportedLimiterShard: LimiterShard);

impl Object for LimiterShard {
    fn new(state: State, _: Env) -> Self {
        let table = Table::open(&state, SCHEMA);
        let (alarm, unsaved, timer) = (Cell::default(), RefCell::default(), RefCell::default());
        Self(Rc::new(Stored { state, table, alarm, unsaved, timer }))
    }

    async fn command(&self, text: &str) -> Result<Answer> {
        let (command, now): (Command, Timestamp) = (object::parsed(text)?, object::now());
        let query = "SELECT record FROM counters WHERE key = ?";
        let stored = || self.0.table.record(query, vec![command.key().into()]);
        let (answer, saving) = self.0.unsaved.borrow_mut().apply(&command, now, stored)?;
        if saving.later {
            self.save_later();
        } else if let Some(timer) = self.0.timer.take() {
            timer.abort();
        }
        if let Some(row) = saving.at_once {
            self.0.put(command.key(), &row)?;
            self.0.ring(now).await;
        }
        Ok(answer)
    }

    async fn alarm(&self) -> Result<()> {
        let now = object::now();
        self.0.alarm.set(None);
        // A failure is logged, and the next alarm tries again: see `GrantShard`.
        let is_behind = self.0.table.sweep("counters", "key", now).unwrap_or_else(|error| {
            object::complain("sweep", &error);
            false
        });
        ring_by(&self.0.state, &self.0.alarm, self.0.due(is_behind, now)).await;
        Ok(())
    }
}

impl LimiterShard {
    /// Stores what is unsaved in a moment. A failure is logged, and the next attempt tries again.
    fn save_later(&self) {
        if self.0.timer.borrow().is_some() {
            return;
        }
        let (settled, timer) = abortable(Delay::from(SETTLE));
        self.0.timer.replace(Some(timer));
        let stored = Rc::clone(&self.0);
        self.0.state.wait_until(async move {
            if settled.await.is_err() {
                return;
            }
            stored.timer.take();
            match stored.save() {
                Ok(()) => stored.ring(object::now()).await,
                Err(error) => object::complain("attempts", &error),
            }
        });
    }
}

impl Stored {
    /// Stores the rows that wait for it. Most were given back meanwhile, and wait no more.
    fn save(&self) -> Result<()> {
        let mut unsaved = self.unsaved.borrow_mut();
        unsaved.rows().try_for_each(|(key, row)| self.put(key, row))?;
        unsaved.clear();
        Ok(())
    }

    fn put(&self, key: &str, row: &Row) -> Result<()> {
        let values = vec![key.into(), column(row.ends_at), json(row)?];
        self.table.run("INSERT OR REPLACE INTO counters (key, ends_at, record) VALUES (?, ?, ?)", values)?;
        #[cfg(feature = "panic-probe")]
        super::probe::after_a_write();
        Ok(())
    }

    async fn ring(&self, now: Timestamp) {
        ring_by(&self.state, &self.alarm, self.due(false, now)).await;
    }

    fn due(&self, is_behind: bool, now: Timestamp) -> Result<Option<Timestamp>> {
        let first_end = self.table.instant("SELECT min(ends_at) FROM counters", Vec::new())?;
        Ok(next_alarm(Work { first_end, is_behind, ..Work::default() }, now))
    }
}
