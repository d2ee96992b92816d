//! The rows of a ledger, as its rules read and write them.

use worker::{Result, SqlStorageValue};

use crate::audit::ledger::{OutboxReport, Rows};
use crate::audit::ledger_name::LedgerName;
use crate::audit::verification::Link;
use crate::cloudflare::object::{Table, json, number, text};

impl Rows for Table {
    fn has(&self, id: &str) -> Result<bool> {
        Ok(!self.rows("SELECT 1 FROM events WHERE id = ?", vec![id.into()])?.is_empty())
    }

    fn record(&self, id: &str) -> Result<Option<String>> {
        let rows = self.rows("SELECT record FROM events WHERE id = ?", vec![id.into()])?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).and_then(text))
    }

    fn head(&self) -> Result<String> {
        let rows = self.rows("SELECT head FROM events ORDER BY seq DESC LIMIT 1", Vec::new())?;
        let head = rows.into_iter().next().and_then(|row| row.into_iter().next()).and_then(text);
        Ok(head.unwrap_or_default())
    }

    fn append(&self, id: &str, record: &str, head: &str) -> Result<()> {
        let values = vec![id.into(), record.into(), head.into()];
        self.run("INSERT INTO events (id, record, head) VALUES (?, ?, ?)", values)
    }

    fn records_after(&self, after: i64, limit: u32) -> Result<Vec<(i64, String)>> {
        let query = "SELECT seq, record FROM events WHERE seq > ? ORDER BY seq LIMIT ?";
        let rows = self.rows(query, vec![SqlStorageValue::Integer(after), number(limit)])?;
        let record = |row: Vec<SqlStorageValue>| match <[SqlStorageValue; 2]>::try_from(row) {
            Ok([SqlStorageValue::Integer(seq), SqlStorageValue::String(record)]) => Some((seq, record)),
            Ok(_) | Err(_) => None,
        };
        Ok(rows.into_iter().filter_map(record).collect())
    }

    fn links_after(&self, after: i64, limit: u32) -> Result<Vec<Link>> {
        let query = "SELECT seq, record, head FROM events WHERE seq > ? ORDER BY seq LIMIT ?";
        let rows = self.rows(query, vec![SqlStorageValue::Integer(after), number(limit)])?;
        let link = |row: Vec<SqlStorageValue>| {
            let mut columns = row.into_iter();
            let Some(SqlStorageValue::Integer(row)) = columns.next() else { return None };
            let mut column = || columns.next().and_then(text).unwrap_or_default();
            Some(Link { row, record: column(), head: column() })
        };
        Ok(rows.into_iter().filter_map(link).collect())
    }

    fn put_report(&self, report: &OutboxReport) -> Result<()> {
        let values = vec![report.object.as_str().into(), json(report)?];
        self.run("INSERT OR REPLACE INTO outboxes (object, record) VALUES (?, ?)", values)
    }

    fn reports(&self) -> Result<Vec<OutboxReport>> {
        self.records("SELECT record FROM outboxes ORDER BY object", Vec::new())
    }

    fn note(&self, LedgerName { day, object, block }: &LedgerName, first_day: u32) -> Result<()> {
        let values = vec![number(*day), object.as_str().into(), number(*block)];
        self.run("INSERT OR IGNORE INTO ledgers (day, object, block) VALUES (?, ?, ?)", values)?;
        self.run("DELETE FROM ledgers WHERE day < ?", vec![number(first_day)])
    }

    fn noted(&self, first: &LedgerName, last_day: u32, limit: u32) -> Result<Vec<LedgerName>> {
        let query = "SELECT day || '/' || object || '/' || block FROM ledgers
                     WHERE (day, object, block) >= (?, ?, ?) AND day <= ? ORDER BY day, object, block LIMIT ?";
        let LedgerName { day, object, block } = first;
        let values =
            vec![number(*day), object.as_str().into(), number(*block), number(last_day), number(limit)];
        Ok(names(self.rows(query, values)?))
    }
}

/// Reads the texts in the first column.
pub(super) fn names_in(rows: Vec<Vec<SqlStorageValue>>) -> Vec<String> {
    rows.into_iter().filter_map(|row| row.into_iter().next().and_then(text)).collect()
}

/// Reads names of ledgers in the first column.
pub(super) fn names(rows: Vec<Vec<SqlStorageValue>>) -> Vec<LedgerName> {
    names_in(rows).into_iter().filter_map(|name| name.parse().ok()).collect()
}
