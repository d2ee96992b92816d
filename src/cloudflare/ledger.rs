//! `Ledger`: the events of one object and one day, in a hash chain; and, in one object of its own, the reports of all
//! outboxes.

use core::time::Duration;
use std::rc::Rc;

use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::object::{self, Table, json, text};
use crate::ask::Answer;
use crate::audit::ledger::{Command, ListOutboxes, OutboxReport, Record, ReportOutbox, Shipment, link};

const RETENTION: Duration = Duration::from_hours(24 * 400);
/// How long a ledger that could not be deleted waits before it tries again.
const AGAIN: Duration = Duration::from_hours(1);

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL, head TEXT NOT NULL
    )",
    "CREATE TABLE IF NOT EXISTS outboxes (object TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID",
];

/// Stores the events of one object and one day, and deletes them after [`RETENTION`].
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

    async fn fetch(&self, request: Request) -> Result<Response> {
        let command: Command = object::command(request).await?;
        #[cfg(feature = "panic-probe")]
        super::probe::delay_ledger().await;
        object::reply(match command {
            Command::Record(Record { shipments }) => {
                self.record(shipments).await?;
                Answer::to::<Record>(&())
            }
            Command::ReportOutbox(ReportOutbox { report }) => {
                let values = vec![report.object.as_str().into(), json(&report)?];
                self.table.run("INSERT OR REPLACE INTO outboxes (object, record) VALUES (?, ?)", values)?;
                Answer::to::<ReportOutbox>(&())
            }
            Command::ListOutboxes(_) => Answer::to::<ListOutboxes>(&self.reports()?),
        })
    }

    async fn alarm(&self) -> Result<Response> {
        // The runtime gives up an alarm that keeps failing, so a failure is logged, and another alarm tries again.
        if let Err(error) = self.state.storage().delete_all().await {
            object::complain("sweep", &error);
            self.state.storage().set_alarm(AGAIN).await?;
        }
        Response::empty()
    }
}

impl Ledger {
    /// Appends shipments. Skips those that it already has: an object ships an event again until it hears that the event
    /// has arrived.
    async fn record(&self, shipments: Vec<Shipment>) -> Result<()> {
        let table = Rc::clone(&self.table);
        object::transaction(&self.state, move || append_all(&table, &shipments))?;
        if self.state.storage().get_alarm().await?.is_none() {
            self.state.storage().set_alarm(RETENTION).await?;
        }
        Ok(())
    }

    fn reports(&self) -> Result<Vec<OutboxReport>> {
        self.table.records("SELECT record FROM outboxes ORDER BY object", Vec::new())
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
