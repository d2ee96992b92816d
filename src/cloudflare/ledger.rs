//! `Ledger`: the events of one day, in a hash chain.

use core::time::Duration;
use std::rc::Rc;

use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::object::{self, Table, text};
use crate::ask::Answer;
use crate::audit::{Record, Shipment, link};

const RETENTION: Duration = Duration::from_hours(24 * 400);

const SCHEMA: &[&str] = &["CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL, head TEXT NOT NULL
)"];

/// Stores the events of one day, and deletes them after [`RETENTION`].
#[durable_object(alarm)]
pub struct Ledger {
    state: State,
    table: Rc<Table>,
}

impl DurableObject for Ledger {
    fn new(state: State, _: Env) -> Self {
        let table = Rc::new(Table::open(&state, SCHEMA));
        Self { state, table }
    }

    /// Appends shipments. Skips those that it already has: a shard ships an event again until it hears that
    /// the event has arrived.
    async fn fetch(&self, request: Request) -> Result<Response> {
        let Record { shipments } = object::command(request).await?;
        let table = Rc::clone(&self.table);
        object::transaction(&self.state, move || append_all(&table, &shipments))?;
        if self.state.storage().get_alarm().await?.is_none() {
            self.state.storage().set_alarm(RETENTION).await?;
        }
        object::reply(Answer::to::<Record>(&()))
    }

    async fn alarm(&self) -> Result<Response> {
        self.state.storage().delete_all().await?;
        Response::empty()
    }
}

fn append_all(table: &Table, shipments: &[Shipment]) -> Result<()> {
    let mut head = head(table)?;
    for shipment in shipments {
        let known = "SELECT 1 FROM events WHERE id = ?";
        if table.rows(known, vec![shipment.id.as_str().into()])?.is_empty() {
            head = append(table, shipment, &head)?;
        }
    }
    Ok(())
}

fn head(table: &Table) -> Result<String> {
    let rows = table.rows("SELECT head FROM events ORDER BY seq DESC LIMIT 1", Vec::new())?;
    let head = rows.into_iter().next().and_then(|row| row.into_iter().next()).and_then(text);
    Ok(head.unwrap_or_default())
}

fn append(table: &Table, shipment: &Shipment, head: &str) -> Result<String> {
    let record = serde_json::to_string(shipment).map_err(object::broken)?;
    let next = link(head, &record);
    let values = vec![shipment.id.as_str().into(), record.into(), next.as_str().into()];
    table.run("INSERT INTO events (id, record, head) VALUES (?, ?, ?)", values)?;
    Ok(next)
}
