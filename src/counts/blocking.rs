//! Adds what policy refused, or would have refused, to the rows of the report.

use std::collections::BTreeMap;

use super::OTHER;
use super::alert::KEPT;
use super::blocked::{Blocked, By, Step};
use super::rows::{Place, Rows, Space};

/// The rows that the steps of one message change, until they are written.
#[derive(Default)]
pub(super) struct Blocking {
    rows: BTreeMap<(By, String), Blocked>,
    /// The rows that are new, by kind.
    added: BTreeMap<By, u32>,
}

impl Blocking {
    /// Counts a step in all rows that it belongs to.
    pub(super) fn see<R: Rows>(&mut self, rows: &R, step: &Step) -> Result<(), R::Error> {
        for (by, key) in step.rows() {
            let key = self.found(rows, by, key)?;
            if let Some(row) = self.rows.get_mut(&(by, key)) {
                row.add(step);
            }
        }
        Ok(())
    }

    /// Reads a row, or makes it if there is room. Returns its key, which may be [`OTHER`].
    fn found<R: Rows>(&mut self, rows: &R, by: By, key: String) -> Result<String, R::Error> {
        if self.rows.contains_key(&(by, key.clone())) {
            return Ok(key);
        }
        let known: Option<Blocked> = rows.memory(&place(by, &key))?;
        let added = self.added.entry(by).or_default();
        let has_room =
            known.is_some() || rows.parts(Space::Blocked, by.name(), by.most())? + *added < by.most();
        if !has_room && key != OTHER {
            return self.found(rows, by, OTHER.to_owned());
        }
        *added += u32::from(known.is_none());
        self.rows.insert((by, key.clone()), known.unwrap_or_default());
        Ok(key)
    }

    /// Writes the rows.
    pub(super) fn write<R: Rows>(self, rows: &R) -> Result<(), R::Error> {
        self.rows.into_iter().try_for_each(|((by, key), row)| {
            let until = row.last_at + KEPT;
            rows.remember(&place(by, &key), &row, until)
        })
    }
}

fn place(by: By, key: &str) -> Place {
    Place::of(Space::Blocked, by.name(), key)
}
