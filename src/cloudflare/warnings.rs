//! Sends warnings to the webhook. The rules are in [`crate::audit::webhook`].

use serde::Serialize;
use worker::{Env, Result, SqlStorageValue, State};

use super::fetch;
use super::object::{self, Table, column, count};
use crate::audit::webhook::{Delivery, MOST_WAITING, Round, Webhook};
use crate::settings;
use crate::time::Timestamp;

/// Warnings that the webhook does not have yet, by the number of their event in the outbox. Row 0 is none: after a failure, its
/// `due` is when the next one may be tried, so that not every row is rewritten.
pub(super) const DELIVERIES: &str = "CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, due INTEGER NOT NULL, event TEXT NOT NULL
)";

/// Returns the webhook. A setting that cannot be used stops the Worker, which says so.
pub(super) fn webhook(env: &Env) -> Option<Webhook> {
    settings::webhook(|name| env.var(name).ok().map(|value| value.to_string())).ok().flatten()
}

/// Keeps the newest event of the outbox for the webhook, unless too many wait already.
pub(super) fn keep(table: &Table) -> Result<()> {
    let waiting = table.rows("SELECT count(*) FROM deliveries WHERE seq > 0", Vec::new())?;
    let waiting = waiting.first().and_then(|row| row.first()).and_then(count).unwrap_or_default();
    if waiting >= MOST_WAITING {
        log("dropped", "too many warnings wait for the webhook");
        return Ok(());
    }
    let newest = "INSERT OR IGNORE INTO deliveries (seq, at, due, event)
                  SELECT seq, at, at, event FROM outbox ORDER BY seq DESC LIMIT 1";
    table.run(newest, Vec::new())
}

/// Returns when the first delivery is due.
pub(super) fn first_due(table: &Table) -> Result<Option<Timestamp>> {
    let first = "SELECT max(min(due), ifnull((SELECT due FROM deliveries WHERE seq = 0), 0)) FROM deliveries WHERE seq > 0";
    table.instant(first, Vec::new())
}

/// Delivers what is due, within the bounds of one alarm. A failure is logged.
pub(super) async fn deliver(state: &State, table: &Table, webhook: Option<&Webhook>) {
    let delivered = match webhook {
        Some(webhook) => deliver_to(webhook, state, table).await,
        // The webhook was taken out of the settings.
        None => table.run("DELETE FROM deliveries", Vec::new()),
    };
    if let Err(error) = delivered {
        object::complain("webhook", &error);
    }
}

async fn deliver_to(webhook: &Webhook, state: &State, table: &Table) -> Result<()> {
    let object = state.id().name().unwrap_or_default();
    let mut round = Round::begin(object::now());
    while let Some((seq, delivery)) = due(table, &object)?
        && round.goes_on(object::now())
    {
        let body = delivery.body();
        let headers = delivery.headers(&webhook.secrets, &body, object::now());
        if let Err(error) = fetch::post_signed(&webhook.url, &headers, &body).await {
            object::complain("webhook", &error);
            try_later(table, seq, &delivery)?;
            pause(table, round.failed(object::now()))?;
        } else {
            forget(table, seq)?;
        }
    }
    Ok(())
}

/// Makes sure that no delivery is tried before `until`.
fn pause(table: &Table, until: Timestamp) -> Result<()> {
    let put = "INSERT OR REPLACE INTO deliveries (seq, at, due, event) VALUES (0, 0, ?, '')";
    table.run(put, vec![column(until)])
}

/// Postpones a delivery that failed, or gives it up.
fn try_later(table: &Table, seq: i64, delivery: &Delivery) -> Result<()> {
    if let Some(due) = delivery.retry_at(object::now()) {
        let values = vec![column(due), SqlStorageValue::Integer(seq)];
        return table.run("UPDATE deliveries SET due = ? WHERE seq = ?", values);
    }
    log("given_up", &format!("event {} was not delivered within three days", delivery.id));
    forget(table, seq)
}

/// Reads the delivery that has been due for the longest time, with its number.
fn due(table: &Table, object: &str) -> Result<Option<(i64, Delivery)>> {
    let query = "SELECT seq, at, event FROM deliveries WHERE seq > 0 AND due <= ?
        AND NOT EXISTS (SELECT 1 FROM deliveries WHERE seq = 0 AND due > ?) ORDER BY due, seq LIMIT 1";
    let now = column(object::now());
    let row = table.rows(query, vec![now.clone(), now])?.into_iter().next();
    Ok(match row.as_deref() {
        Some([SqlStorageValue::Integer(seq), at, SqlStorageValue::String(event)]) => {
            let at = object::instant(at).unwrap_or_default();
            Some((*seq, Delivery { id: format!("{object}/{seq}"), at, event: event.clone() }))
        }
        Some(_) | None => None,
    })
}

/// Removes a delivery that is done or given up, and the pause after an earlier failure.
fn forget(table: &Table, seq: i64) -> Result<()> {
    table.run("DELETE FROM deliveries WHERE seq IN (0, ?)", vec![SqlStorageValue::Integer(seq)])
}

/// Logs a warning that the webhook does not get.
fn log(outcome: &'static str, reason: &str) {
    #[derive(Serialize)]
    struct Line<'a> {
        what: &'static str,
        outcome: &'static str,
        reason: &'a str,
    }
    let line = Line { what: "webhook", outcome, reason };
    worker::console_error!("{}", serde_json::to_string(&line).expect("texts can always be written"));
}
