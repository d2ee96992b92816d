//! Closes a ledger, and stores what is left of closed days: heads and signed roots.

use worker::{Error, Result, SqlStorageValue};

use super::rows::names;
use crate::audit::closing::{Head, NewestClosing, ReadHeads, ReadRoots, Rows, Seal, SignedRoot};
use crate::audit::ledger::Rows as _;
use crate::audit::ledger_name::LedgerName;
use crate::cloudflare::object::{Table, number, text};

impl Rows for Table {
    type Error = Error;

    fn is_closed(&self) -> Result<bool> {
        Ok(!self.rows("SELECT 1 FROM closed", Vec::new())?.is_empty())
    }

    fn close(&self) -> Result<()> {
        self.run("INSERT OR IGNORE INTO closed (one) VALUES (1)", Vec::new())
    }

    fn seal(&self) -> Result<Seal> {
        let query = "SELECT (SELECT min(seq) FROM events), (SELECT max(seq) FROM events)";
        let ends = self.rows(query, Vec::new())?.into_iter().next();
        let [first, last] = match ends.as_deref() {
            Some([SqlStorageValue::Integer(first), SqlStorageValue::Integer(last)]) => [*first, *last],
            Some(_) | None => [0, 0],
        };
        Ok(Seal { first, last, head: self.head()? })
    }

    fn noted_day_after(&self, day: Option<u32>) -> Result<Option<u32>> {
        let after = SqlStorageValue::Integer(day.map_or(-1, i64::from));
        Ok(first_day(&self.rows("SELECT min(day) FROM ledgers WHERE day > ?", vec![after])?))
    }

    fn newest_closing(&self) -> Result<Option<NewestClosing>> {
        let rows = self.rows("SELECT day, root FROM roots ORDER BY day DESC LIMIT 1", Vec::new())?;
        let is_signed =
            rows.first().is_some_and(|row| matches!(row.get(1), Some(SqlStorageValue::String(_))));
        Ok(first_day(&rows).map(|day| NewestClosing { day, is_signed }))
    }

    fn begin_closing(&self, day: u32) -> Result<()> {
        self.run("INSERT OR IGNORE INTO roots (day) VALUES (?)", vec![number(day)])
    }

    fn without_head(&self, day: u32, limit: u32) -> Result<Vec<LedgerName>> {
        let query = "SELECT day || '/' || object || '/' || block FROM ledgers WHERE day = ? AND NOT EXISTS (
                         SELECT 1 FROM heads WHERE (heads.day, heads.object, heads.block)
                                                 = (ledgers.day, ledgers.object, ledgers.block)
                     ) ORDER BY object, block LIMIT ?";
        Ok(names(self.rows(query, vec![number(day), number(limit)])?))
    }

    fn put_head(&self, Head { ledger, seal }: &Head) -> Result<()> {
        let LedgerName { day, object, block } = ledger;
        let [first, last] = [seal.first, seal.last].map(SqlStorageValue::Integer);
        let name = [number(*day), object.as_str().into(), number(*block)];
        let insert =
            "INSERT OR IGNORE INTO heads (day, object, block, first, last, head) VALUES (?, ?, ?, ?, ?, ?)";
        self.run(insert, name.into_iter().chain([first, last, seal.head.as_str().into()]).collect())
    }

    fn heads(&self, ReadHeads { first, last_day, limit }: &ReadHeads) -> Result<Vec<Head>> {
        let query = "SELECT json_object('ledger', day || '/' || object || '/' || block,
                                        'seal', json_object('first', first, 'last', last, 'head', head))
                     FROM heads WHERE (day, object, block) >= (?, ?, ?) AND day <= ?
                     ORDER BY day, object, block LIMIT ?";
        let LedgerName { day, object, block } = first;
        let values =
            vec![number(*day), object.as_str().into(), number(*block), number(*last_day), number(*limit)];
        self.records(query, values)
    }

    fn put_root(&self, SignedRoot { day, root }: &SignedRoot) -> Result<()> {
        let values = vec![root.as_str().into(), number(*day)];
        self.run("UPDATE roots SET root = ? WHERE day = ? AND root IS NULL", values)
    }

    fn roots(&self, ReadRoots { before, limit }: &ReadRoots) -> Result<Vec<SignedRoot>> {
        let query =
            "SELECT day, root FROM roots WHERE day < ? AND root IS NOT NULL ORDER BY day DESC LIMIT ?";
        let rows = self.rows(query, vec![number(*before), number(*limit)])?;
        let root = |row: Vec<SqlStorageValue>| {
            let day = first_day(core::slice::from_ref(&row))?;
            row.into_iter().nth(1).and_then(text).map(|root| SignedRoot { day, root })
        };
        Ok(rows.into_iter().filter_map(root).collect())
    }
}

/// Reads the day in the first column of the first row.
fn first_day(rows: &[Vec<SqlStorageValue>]) -> Option<u32> {
    let Some(SqlStorageValue::Integer(day)) = rows.first().and_then(|row| row.first()) else { return None };
    u32::try_from(*day).ok()
}
