//! What all Durable Objects share: they take one command, send one reply, and keep rows in SQLite.

use core::arch::wasm32::unreachable;
use core::convert::Infallible;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use getrandom::rand_core::UnwrapErr;
use js_sys::Array;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::worker_sys::DurableObjectStorage;
use worker::{Error, Result, SqlStorage, SqlStorageValue, State};

use super::known::Known;
use crate::alarm::{BATCH, BATCHES};
use crate::json::{self, Flaw};
use crate::time::Timestamp;

#[wasm_bindgen(module = "/src/cloudflare/objects.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = transaction)]
    fn in_transaction(storage: &DurableObjectStorage, run: &JsValue) -> core::result::Result<(), JsValue>;
}

/// Reads the clock. Everything outside this ring gets the time as an argument.
pub(super) fn now() -> Timestamp {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds are whole")]
    let now = Timestamp::from_millis(js_sys::Date::now() as u64);
    #[cfg(feature = "panic-probe")]
    let now = now + super::probe::ahead();
    now
}

/// Returns the random generator: the runtime's `crypto.getRandomValues`, which does not fail.
#[expect(clippy::disallowed_types, reason = "the one place where randomness comes from")]
pub(super) const fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

#[inline(never)]
pub(super) fn parsed<C: DeserializeOwned>(command: &str) -> Result<C> {
    json::read(command).map_err(broken)
}

/// Returns the error for a record or a message that does not parse.
pub(super) fn broken(flaw: Flaw) -> Error {
    Error::RustError(format!("a record does not parse: {flaw}"))
}

/// Writes a record or a message.
#[inline(never)]
pub(super) fn written<T: Serialize>(record: &T) -> Result<String> {
    // A message of serde could quote values.
    serde_json::to_string(record).map_err(|_| Error::from("a record cannot be written"))
}

/// Runs `f` in one transaction of the object's storage. If `f` fails, nothing is written.
///
/// JavaScript calls `f`, so a trap in it arrives here as an exception. What `f` had borrowed stays borrowed, so the
/// call must not go on: it traps, too.
pub(super) fn transaction<T: 'static>(state: &State, f: impl FnOnce() -> Result<T> + 'static) -> Result<T> {
    let outcome = Rc::new(RefCell::new(Outcome::NotRun));
    let slot = Rc::clone(&outcome);
    let run = Closure::once_into_js(move || {
        slot.replace(Outcome::Unfinished);
        let result = f();
        let failed = result.is_err();
        #[cfg(feature = "panic-probe")]
        super::probe::end_transaction();
        slot.replace(Outcome::Finished(result));
        if failed { Err(JsValue::from("rolled back")) } else { Ok(JsValue::UNDEFINED) }
    });
    let ended = in_transaction(&state.as_raw().storage()?, &run).map_err(Error::from);
    match outcome.replace(Outcome::NotRun) {
        Outcome::Finished(Ok(value)) => ended.map(|()| value),
        Outcome::Finished(Err(error)) => Err(error),
        Outcome::Unfinished => unreachable(),
        Outcome::NotRun => Err(ended.err().unwrap_or_else(|| Error::from("a transaction did not run"))),
    }
}

/// What has become of the function that a transaction runs.
enum Outcome<T> {
    NotRun,
    /// It has begun. If it has also ended, then by a trap.
    Unfinished,
    Finished(Result<T>),
}

/// Converts an instant to a column: milliseconds since 1970.
pub(super) fn column(at: Timestamp) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(at.millis()).unwrap_or(i64::MAX))
}

/// Converts a number to a column.
pub(super) fn number(number: u32) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::from(number))
}

/// Converts a large number to a column.
pub(super) fn whole(number: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Reads a column as a count of what fits into memory: in the runtime, below 2^32.
pub(super) fn count(value: &SqlStorageValue) -> Option<usize> {
    natural(value).and_then(|count| usize::try_from(count).ok())
}

/// Reads a column as a number that may have more than the 32 bits of a count, such as the number of an alert.
pub(super) fn natural(value: &SqlStorageValue) -> Option<u64> {
    let SqlStorageValue::Integer(number) = value else { return None };
    u64::try_from(*number).ok()
}

/// Reads a column as an instant.
pub(super) fn instant(value: &SqlStorageValue) -> Option<Timestamp> {
    natural(value).map(Timestamp::from_millis)
}

/// Reads a column as text.
pub(super) fn text(value: SqlStorageValue) -> Option<String> {
    if let SqlStorageValue::String(text) = value { Some(text) } else { None }
}

#[wasm_bindgen(module = "/src/cloudflare/objects.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn run(sql: &JsValue, statement: &JsValue, values: Vec<JsValue>) -> core::result::Result<(), JsValue>;

    #[wasm_bindgen(catch)]
    fn rows(sql: &JsValue, query: &JsValue, values: Vec<JsValue>) -> core::result::Result<Array, JsValue>;

    #[wasm_bindgen(catch)]
    fn first(sql: &JsValue, query: &JsValue, values: Vec<JsValue>) -> core::result::Result<JsValue, JsValue>;
}

thread_local! {
    /// The statements that this isolate has run, as texts of JavaScript.
    static STATEMENTS: RefCell<Known> = RefCell::default();
}

/// Converts a statement of SQL. There are few, and they are long.
fn statement(text: &str) -> JsValue {
    let Ok(value) = STATEMENTS.with_borrow_mut(|known| known.of(text, || Ok::<_, Infallible>(text.into())));
    value
}

/// Converts values for a statement. Integers are exact up to 2^53, far beyond any instant or count.
fn columns(values: Vec<SqlStorageValue>) -> Vec<JsValue> {
    #[expect(clippy::cast_precision_loss, reason = "instants and counts are small")]
    let value = |value| match value {
        SqlStorageValue::Integer(number) => JsValue::from_f64(number as f64),
        SqlStorageValue::String(text) => JsValue::from_str(&text),
        SqlStorageValue::Null
        | SqlStorageValue::Boolean(_)
        | SqlStorageValue::Float(_)
        | SqlStorageValue::Blob(_) => value.into(),
    };
    values.into_iter().map(value).collect()
}

/// An object's SQLite database.
pub(super) struct Table(SqlStorage);

impl Table {
    /// Opens the object's database, and creates the tables in `schema` that are missing.
    pub(super) fn open(state: &State, schema: &[&str]) -> Self {
        let sql = state.storage().sql();
        if !schema.is_empty() {
            sql.exec(&schema.join(";\n"), None).expect("the schema is a constant that SQLite accepts");
        }
        Self(sql)
    }

    pub(super) fn run(&self, text: &str, values: Vec<SqlStorageValue>) -> Result<()> {
        run(self.0.as_ref(), &statement(text), columns(values)).map_err(Error::from)
    }

    pub(super) fn rows(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<Vec<Vec<SqlStorageValue>>> {
        let found = rows(self.0.as_ref(), &statement(query), columns(values))?;
        let row =
            |row: JsValue| row.unchecked_into::<Array>().iter().map(SqlStorageValue::try_from).collect();
        found.iter().map(row).collect()
    }

    /// Returns the rows one at a time. Nothing must be written before the last one.
    pub(super) fn lines(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<impl Iterator<Item = Result<Vec<SqlStorageValue>>> + use<>> {
        Ok(self.0.exec(query, values)?.raw())
    }

    /// Returns the text in the first column of the first row.
    pub(super) fn text(&self, query: &str, values: Vec<SqlStorageValue>) -> Result<Option<String>> {
        Ok(first(self.0.as_ref(), &statement(query), columns(values))?.as_string())
    }

    /// Returns the record in the first column of the first row.
    pub(super) fn record<T: DeserializeOwned>(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<Option<T>> {
        let found = self.text(query, values)?;
        found.map(|record| json::read(&record).map_err(broken)).transpose()
    }

    /// Returns the texts in the first column of all rows, with the records in the second, one row at a time. Nothing must
    /// be written before the last one.
    pub(super) fn each_keyed<T: DeserializeOwned>(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<impl Iterator<Item = Result<(String, T)>> + use<T>> {
        let parsed = |row: Result<Vec<SqlStorageValue>>| {
            let mut columns = row?.into_iter().filter_map(text);
            let (key, record) = (columns.next().unwrap_or_default(), columns.next().unwrap_or_default());
            Ok((key, json::read(&record).map_err(broken)?))
        };
        Ok(self.0.exec(query, values)?.raw().map(parsed))
    }

    /// Returns the records in the first column of all rows.
    pub(super) fn records<T: DeserializeOwned>(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<Vec<T>> {
        self.each(query, values)?.collect()
    }

    /// Returns the same records one at a time. Nothing must be written before the last one.
    pub(super) fn each<T: DeserializeOwned>(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<impl Iterator<Item = Result<T>> + use<T>> {
        let parsed = |row: Result<Vec<SqlStorageValue>>| {
            let record = row.map(|row| row.into_iter().next().and_then(text)).transpose()?;
            Some(record.and_then(|record| json::read(&record).map_err(broken)))
        };
        Ok(self.0.exec(query, values)?.raw().filter_map(parsed))
    }

    /// Deletes the rows of a table that have ended, as many as one alarm may. `key` names the columns of its primary key. Returns
    /// whether others are left.
    pub(super) fn sweep(&self, table: &str, key: &str, now: Timestamp) -> Result<bool> {
        let ended = format!("FROM {table} WHERE ends_at <= ? LIMIT ?");
        let delete = format!("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} {ended})");
        self.run(&delete, vec![column(now), number(BATCH * BATCHES)])?;
        let left = self.rows(&format!("SELECT 1 {ended}"), vec![column(now), number(1)])?;
        Ok(!left.is_empty())
    }

    /// Returns the instant in the first column of the first row.
    pub(super) fn instant(&self, query: &str, values: Vec<SqlStorageValue>) -> Result<Option<Timestamp>> {
        let found = first(self.0.as_ref(), &statement(query), columns(values))?.as_f64();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds are whole")]
        Ok(found.map(|millis| Timestamp::from_millis(millis as u64)))
    }
}

/// Converts a record to a column.
pub(super) fn json<T: Serialize>(record: &T) -> Result<SqlStorageValue> {
    written(record).map(SqlStorageValue::String)
}

/// Makes sure that the object's alarm rings at `due` or earlier.
///
/// `known` is the alarm as this object last set it; after a restart, the storage is asked. A failure is
/// logged, and `false` is returned: the command itself has succeeded, and the object's next write tries again.
pub(super) async fn ring_by(
    state: &State,
    known: &Cell<Option<Timestamp>>,
    due: Result<Option<Timestamp>>,
) -> bool {
    let rung = match due {
        Ok(Some(due)) => set_alarm(state, known, due).await,
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    rung.map_err(|error| complain("alarm", &error)).is_ok()
}

async fn set_alarm(state: &State, known: &Cell<Option<Timestamp>>, due: Timestamp) -> Result<()> {
    if known.get().is_none() {
        let stored = state.storage().get_alarm().await?.and_then(|at| u64::try_from(at).ok());
        known.set(stored.map(Timestamp::from_millis));
    }
    if known.get().is_some_and(|at| at <= due) {
        return Ok(());
    }
    state.storage().set_alarm(due.since(now())).await?;
    known.set(Some(due));
    Ok(())
}

/// Logs one line about something that could not be reached or done. The line never contains the request.
pub(super) fn complain(what: &'static str, error: &Error) {
    #[derive(Serialize)]
    struct Line {
        what: &'static str,
        outcome: &'static str,
        reason: String,
    }
    let line = Line { what, outcome: "unavailable", reason: error.to_string() };
    worker::console_error!("{}", serde_json::to_string(&line).expect("texts can always be written"));
}
