//! `Ledger`: a day's events, hash-chained.

use core::time::Duration;

use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::object::{self, Table, json, text};
use crate::audit::{Shipment, link};

/// How long events are kept.
const RETENTION: Duration = Duration::from_hours(24 * 400);

const SCHEMA: &[&str] = &["CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL, head TEXT NOT NULL
)"];

/// The object.
#[durable_object(alarm)]
pub struct Ledger {
    state: State,
    table: Table,
}

impl DurableObject for Ledger {
    fn new(state: State, _: Env) -> Self {
        let table = Table::open(&state, SCHEMA);
        Self { state, table }
    }

    /// Appends shipments; one that is here already is not appended again.
    async fn fetch(&self, request: Request) -> Result<Response> {
        let shipments: Vec<Shipment> = object::command(request).await?;
        let mut head = self.head()?;
        for shipment in &shipments {
            head = self.append(shipment, head)?;
        }
        if self.state.storage().get_alarm().await?.is_none() {
            self.state.storage().set_alarm(RETENTION).await?;
        }
        object::reply(&())
    }

    async fn alarm(&self) -> Result<Response> {
        self.state.storage().delete_all().await?;
        Response::empty()
    }
}

impl Ledger {
    fn head(&self) -> Result<String> {
        let rows = self.table.rows("SELECT head FROM events ORDER BY seq DESC LIMIT 1", Vec::new())?;
        let head = rows.into_iter().next().and_then(|row| row.into_iter().next()).and_then(text);
        Ok(head.unwrap_or_default())
    }

    fn append(&self, shipment: &Shipment, head: String) -> Result<String> {
        let known = "SELECT 1 FROM events WHERE id = ?";
        if !self.table.rows(known, vec![shipment.id.as_str().into()])?.is_empty() {
            return Ok(head);
        }
        let record = serde_json::to_string(shipment).map_err(object::broken)?;
        let next = link(&head, &record);
        let values = vec![shipment.id.as_str().into(), json(shipment)?, next.as_str().into()];
        self.table.run("INSERT INTO events (id, record, head) VALUES (?, ?, ?)", values)?;
        Ok(next)
    }
}
