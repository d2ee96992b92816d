//! How far a ledger has told `Counts` and fed couriers, and when it ends.

use worker::{Result, SqlStorageValue};

use super::rows::names_in;
use crate::cloudflare::object::{Table, column};
use crate::courier::destination::Destination;
use crate::time::Timestamp;

impl Table {
    pub(super) fn begin_telling(&self, ends_at: Timestamp) -> Result<()> {
        self.run("INSERT OR IGNORE INTO told (one, seq, ends_at) VALUES (1, 0, ?)", vec![column(ends_at)])
    }

    pub(super) fn ends_at(&self) -> Result<Option<Timestamp>> {
        self.instant("SELECT ends_at FROM told", Vec::new())
    }

    /// Returns whether the courier of a destination that is known here lacks records.
    pub(super) fn is_behind(&self) -> Result<bool> {
        let behind = "SELECT 1 FROM fed WHERE seq < (SELECT max(seq) FROM events) LIMIT 1";
        Ok(!self.rows(behind, Vec::new())?.is_empty())
    }

    /// Notes the couriers of all destinations, and forgets those of destinations that are gone.
    pub(super) fn keep_fed(&self, destinations: &[Destination]) -> Result<()> {
        let known = names_in(self.rows("SELECT courier FROM fed", Vec::new())?);
        let is_gone = |courier: &String| !destinations.iter().any(|one| one.courier() == *courier);
        known
            .into_iter()
            .filter(is_gone)
            .try_for_each(|courier| self.run("DELETE FROM fed WHERE courier = ?", vec![courier.into()]))?;
        let note = "INSERT OR IGNORE INTO fed (courier, seq) VALUES (?, 0)";
        destinations.iter().try_for_each(|one| self.run(note, vec![one.courier().into()]))
    }

    /// Returns the number of the last record that was looked at for a courier.
    pub(super) fn fed(&self, courier: &str) -> Result<i64> {
        let rows = self.rows("SELECT seq FROM fed WHERE courier = ?", vec![courier.into()])?;
        let fed = rows.first().and_then(|row| row.first());
        Ok(if let Some(SqlStorageValue::Integer(fed)) = fed { *fed } else { 0 })
    }

    pub(super) fn put_fed(&self, courier: &str, seq: i64) -> Result<()> {
        let values = vec![courier.into(), SqlStorageValue::Integer(seq)];
        self.run("INSERT OR REPLACE INTO fed (courier, seq) VALUES (?, ?)", values)
    }

    /// Returns the number of the last record that was counted.
    pub(super) fn told(&self) -> Result<i64> {
        let rows = self.rows("SELECT seq FROM told", Vec::new())?;
        let told = rows.first().and_then(|row| row.first());
        Ok(if let Some(SqlStorageValue::Integer(told)) = told { *told } else { 0 })
    }
}
