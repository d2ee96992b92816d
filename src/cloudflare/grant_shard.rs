//! `GrantShard`: grants, refresh families and the outbox of one region's share of the codes.

use core::cell::{Cell, RefCell};

use worker::{DurableObject, Env, Request, Response, Result, SqlStorageValue, State, durable_object};

use super::object::{self, Table, column, json, number, ring_by};
use super::platform::{LEDGER, send};
use crate::audit::{Event, Shipment, What};
use crate::grant::routing::RowKey;
use crate::grant::shard::{Memory, Rows, apply, event};
use crate::grant::sweep::{BATCH, Work, next_alarm};
use crate::grant::{Grant, State as GrantState};
use crate::time::Timestamp;
use crate::token::family::Family;

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS grants (
        key TEXT PRIMARY KEY, live_until INTEGER NOT NULL, ends_at INTEGER NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS grants_live_until ON grants (live_until)",
    "CREATE INDEX IF NOT EXISTS grants_ends_at ON grants (ends_at)",
    "CREATE TABLE IF NOT EXISTS families (
        id TEXT PRIMARY KEY, ends_at INTEGER NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS families_ends_at ON families (ends_at)",
    "CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL)",
];

/// The object.
#[durable_object(alarm)]
pub struct GrantShard {
    state: State,
    env: Env,
    rows: Stored,
    memory: RefCell<Memory>,
    alarm: Cell<Option<Timestamp>>,
    swept: Cell<Option<Timestamp>>,
}

impl DurableObject for GrantShard {
    fn new(state: State, env: Env) -> Self {
        let rows = Stored { table: Table::open(&state, SCHEMA), written: Cell::new(false) };
        Self { state, env, rows, memory: RefCell::default(), alarm: Cell::default(), swept: Cell::default() }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let command = object::command(request).await?;
        let now = object::now();
        // From here to the reply nothing is awaited: the rows stand still.
        let reply = apply(&self.rows, &mut self.memory.borrow_mut(), command, now)?;
        if self.rows.written.replace(false) {
            let due = next_alarm(self.rows.work()?, self.swept.get(), now);
            ring_by(&self.state, &self.alarm, due).await?;
        }
        object::reply(&reply)
    }

    async fn alarm(&self) -> Result<Response> {
        let now = object::now();
        self.alarm.set(None);
        self.swept.set(Some(now));
        self.rows.sweep(now)?;
        let shipped = self.ship(now).await;
        let due = next_alarm(self.rows.work()?, Some(now), now);
        ring_by(&self.state, &self.alarm, due).await?;
        if shipped.is_err() {
            worker::console_error!("{{\"what\":\"ledger\",\"outcome\":\"unavailable\",\"reason\":\"kept\"}}");
        }
        Response::empty()
    }
}

impl GrantShard {
    /// Ships events to the ledger and forgets those that it has. What is not acknowledged is kept.
    async fn ship(&self, now: Timestamp) -> Result<()> {
        let shard = self.state.id().name().unwrap_or_default();
        loop {
            let (events, last) = self.rows.outbox(&shard)?;
            let Some(last) = last else { return Ok(()) };
            let name = ledger_name(&shard, now);
            let _: () = send(&self.env.durable_object(LEDGER)?, &name, None, &events).await?;
            self.rows.table.run("DELETE FROM outbox WHERE seq <= ?", vec![SqlStorageValue::Integer(last)])?;
        }
    }
}

/// One ledger a day, in four parts.
fn ledger_name(shard: &str, now: Timestamp) -> String {
    const DAY: u64 = 86_400;
    let part = shard.bytes().map(u64::from).sum::<u64>() % 4;
    format!("{}/{part}", now.seconds() / DAY)
}

struct Stored {
    table: Table,
    written: Cell<bool>,
}

impl Stored {
    fn run(&self, statement: &str, values: Vec<SqlStorageValue>) -> Result<()> {
        self.written.set(true);
        self.table.run(statement, values)
    }

    fn work(&self) -> Result<Work> {
        let ends = "SELECT min(at) FROM (SELECT min(ends_at) AS at FROM grants
                    UNION ALL SELECT min(ends_at) FROM families)";
        let first_end = self.table.instant(ends, Vec::new())?;
        let events = !self.table.rows("SELECT 1 FROM outbox LIMIT 1", Vec::new())?.is_empty();
        Ok(Work { first_end, events })
    }

    /// Removes rows that have ended, in batches; a grant that nobody decided leaves an event.
    fn sweep(&self, now: Timestamp) -> Result<()> {
        loop {
            let query = "SELECT key, record FROM grants WHERE ends_at <= ? LIMIT ?";
            let ended = self.table.rows(query, vec![column(now), number(BATCH)])?;
            for row in &ended {
                let [SqlStorageValue::String(key), SqlStorageValue::String(record)] = row.as_slice() else {
                    continue;
                };
                self.tell_expired(key, record, now)?;
                self.run("DELETE FROM grants WHERE key = ?", vec![key.as_str().into()])?;
            }
            if ended.len() < BATCH as usize {
                break;
            }
        }
        self.run("DELETE FROM families WHERE ends_at <= ?", vec![column(now)])
    }

    fn tell_expired(&self, key: &str, record: &str, now: Timestamp) -> Result<()> {
        let grant = serde_json::from_str::<Grant>(record);
        // A row that cannot be read any more is removed all the same, or it would stop every sweep.
        let (Ok(grant), Ok(key)) = (grant, serde_json::from_value::<RowKey>(key.into())) else {
            return Ok(());
        };
        match grant.state {
            GrantState::Pending { .. } | GrantState::Approved { .. } => {
                self.tell(&event(What::Expired, key, &grant, now))
            }
            GrantState::Denied { .. } | GrantState::Redeemed { .. } => Ok(()),
        }
    }

    fn outbox(&self, shard: &str) -> Result<(Vec<Shipment>, Option<i64>)> {
        let query = "SELECT seq, event FROM outbox ORDER BY seq LIMIT ?";
        let mut last = None;
        let mut shipments = Vec::new();
        for row in self.table.rows(query, vec![number(BATCH)])? {
            if let [SqlStorageValue::Integer(seq), SqlStorageValue::String(event)] = row.as_slice() {
                let event = serde_json::from_str(event).map_err(object::broken)?;
                shipments.push(Shipment { id: format!("{shard}/{seq}"), event });
                last = Some(*seq);
            }
        }
        Ok((shipments, last))
    }
}

impl Rows for Stored {
    type Error = worker::Error;

    fn grant(&self, key: RowKey) -> Result<Option<Grant>> {
        self.table.record("SELECT record FROM grants WHERE key = ?", vec![key.to_string().into()])
    }

    fn put_grant(&self, key: RowKey, grant: &Grant, now: Timestamp) -> Result<()> {
        let values = vec![
            key.to_string().into(),
            column(grant.live_until(now)),
            column(grant.ends_at()),
            json(grant)?,
        ];
        self.run(
            "INSERT OR REPLACE INTO grants (key, live_until, ends_at, record) VALUES (?, ?, ?, ?)",
            values,
        )
    }

    fn live(&self, now: Timestamp) -> Result<(u64, Option<Timestamp>)> {
        let query = "SELECT count(*), min(live_until) FROM grants WHERE live_until > ?";
        let rows = self.table.rows(query, vec![column(now)])?;
        match rows.first().map(Vec::as_slice) {
            Some([SqlStorageValue::Integer(count), first]) => {
                Ok((u64::try_from(*count).unwrap_or_default(), object::instant(first)))
            }
            Some(_) | None => Ok((0, None)),
        }
    }

    fn family(&self, id: &str) -> Result<Option<Family>> {
        self.table.record("SELECT record FROM families WHERE id = ?", vec![id.into()])
    }

    fn put_family(&self, id: &str, family: &Family) -> Result<()> {
        let values = vec![id.into(), column(family.ends_at), json(family)?];
        self.run("INSERT OR REPLACE INTO families (id, ends_at, record) VALUES (?, ?, ?)", values)
    }

    fn tell(&self, event: &Event) -> Result<()> {
        self.run("INSERT INTO outbox (event) VALUES (?)", vec![json(event)?])
    }
}
