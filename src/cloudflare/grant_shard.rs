//! `GrantShard`: a share of one region's grants, with their families and an outbox of events.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::rc::Rc;

use futures_util::future::{Either, select};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Delay, Env, Result, SqlStorageValue, State};

use super::exported::{Object, answered, exported};
use super::object;
use super::object::{Table, column, json, number, ring_by};
use super::shipping::{self, Shipper};
use super::sockets::{self, Admitted};
use super::warnings;
use crate::alarm::{BATCH, BATCHES, Shipping, Work, next_alarm};
use crate::ask::Answer;
use crate::audit::outbox::Outbox;
use crate::audit::webhook::Webhook;
use crate::audit::{Event, warning};
use crate::endpoint::boxed::boxed;
use crate::family;
use crate::family::Family;
use crate::family::id::FamilyId;
use crate::grant::Grant;
use crate::grant::command::Command;
use crate::grant::expired_event::expired_row;
use crate::grant::instant::ends::Ends;
use crate::grant::instant::{self, Listen, Parting, Seats};
use crate::grant::live_codes::LiveCodes;
use crate::grant::routing::RowKey;
use crate::grant::shard::{Memory, Rows, apply};
use crate::network::Prefix;
use crate::time::Timestamp;

/// How often an alarm that ships events looks for WebSockets that end.
const LOOK: Duration = Duration::from_secs(1);

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS grants (
        key TEXT PRIMARY KEY, live_until INTEGER NOT NULL, network TEXT NOT NULL, ends_at INTEGER NOT NULL,
        record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS grants_ends_at ON grants (ends_at)",
    // No index on `ends_at`: the sweep finds a row by the last grant of its network.
    "CREATE TABLE IF NOT EXISTS live_codes (
        network TEXT PRIMARY KEY, ends_at INTEGER NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS families (
        id TEXT PRIMARY KEY, ends_at INTEGER NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS families_ends_at ON families (ends_at)",
    shipping::OUTBOX,
    shipping::OUTBOX_END,
    shipping::OUTBOX_GONE,
    shipping::SET_ASIDE,
    warnings::DELIVERIES,
];

/// Stores grants and families, deletes those that have ended, and ships the events in its outbox.
pub(super) struct GrantShard {
    state: State,
    rows: Rc<Stored>,
    memory: Rc<RefCell<Memory>>,
    alarm: Cell<Option<Timestamp>>,
    shipper: Shipper,
    seats: Cell<Seats>,
    ends: Cell<Ends>,
}

exported!(ExportedGrantShard: GrantShard);

impl Object for GrantShard {
    fn new(state: State, env: Env) -> Self {
        #[cfg(feature = "panic-probe")]
        super::probe::in_constructor();
        let rows = Rc::new(Stored {
            table: Table::open(&state, SCHEMA),
            written: Cell::default(),
            rings: Cell::default(),
            codes: RefCell::default(),
            webhook: warnings::webhook(&env),
            warnings: RefCell::default(),
            partings: RefCell::default(),
        });
        let (memory, alarm, shipper) = (Rc::default(), Cell::default(), Shipper::default());
        Self { state, rows, memory, alarm, shipper, seats: Cell::default(), ends: Cell::default() }
    }

    async fn command(&self, text: &str) -> Result<Answer> {
        let command: Command = object::parsed(text)?;
        let now = object::now();
        self.rows.partings.take();
        let answer = if command.needs_transaction() {
            self.rows.warnings.take();
            self.transact(command, now)?
        } else {
            apply(&*self.rows, &mut self.memory.borrow_mut(), command, now)?
        };
        for line in self.rows.warnings.take() {
            worker::console_warn!("{line}");
        }
        for (key, parting) in self.rows.partings.take() {
            sockets::end_of(&self.state, key, parting);
        }
        if let Some(due) = self.rows.due_after_writing(now) {
            self.rows.rings.set(ring_by(&self.state, &self.alarm, due).await);
        }
        Ok(answer)
    }

    async fn alarm(&self) -> Result<()> {
        self.alarm.set(None);
        // The runtime gives up an alarm that keeps failing, so a failure is logged, and the next alarm tries again.
        let is_behind = self.sweep(object::now()).unwrap_or_else(|error| {
            object::complain("sweep", &error);
            false
        });
        // When everything has been done, the alarm is set for all rows.
        self.rows.written.take();
        #[cfg(feature = "panic-probe")]
        super::probe::in_alarm();
        let live_codes = self.rows.codes().map(|codes| codes.at(object::now()).codes.count(None)).ok();
        let (table, webhook) = (&self.rows.table, self.rows.webhook.as_ref());
        let shipped = boxed(self.shipper.ship_and_warn(&self.state, table, live_codes, webhook));
        let (rest, first_end) = self.ending_sockets_until(shipped).await;
        let due = self.rows.due_with(rest, is_behind, object::now());
        let due = due.map(|due| [due, first_end].into_iter().flatten().min());
        self.rows.rings.set(ring_by(&self.state, &self.alarm, due).await);
        Ok(())
    }
}

#[wasm_bindgen]
impl ExportedGrantShard {
    /// Returns a device's end of a new WebSocket, or a text that says why there is none; or the promise of one of these.
    pub fn listen(&self, text: String) -> core::result::Result<JsValue, JsValue> {
        let shard = Rc::clone(&self.0);
        answered(async move { shard.listen(&text).await })
    }
}

impl GrantShard {
    async fn listen(&self, text: &str) -> Result<JsValue> {
        let (ask, now): (Listen, Timestamp) = (object::parsed(text)?, object::now());
        let grant = self.rows.grant(ask.key)?;
        match sockets::listen(&self.state, (&self.seats, &self.ends), &ask, grant.as_ref(), now)? {
            Admitted::Socket(socket, alarm) => {
                ring_by(&self.state, &self.alarm, Ok(Some(alarm))).await;
                Ok(socket)
            }
            Admitted::Refused(refusal) => Ok(refusal.into()),
        }
    }

    /// Waits for `work`, and meanwhile ends WebSockets whose codes end: a ledger may take long to answer, and no other alarm rings
    /// while this one runs. Returns also when the next WebSocket ends.
    async fn ending_sockets_until<T>(
        &self,
        mut work: impl Future<Output = T> + Unpin,
    ) -> (T, Option<Timestamp>) {
        loop {
            let next = sockets::end_due(&self.state, &self.ends, object::now());
            if let Either::Left((done, _)) = select(&mut work, Delay::from(LOOK)).await {
                return (done, next);
            }
        }
    }

    /// Applies a command in one transaction: the grant, its family and its event change together, or not at
    /// all.
    fn transact(&self, command: Command, now: Timestamp) -> Result<Answer> {
        let (rows, memory) = (Rc::clone(&self.rows), Rc::clone(&self.memory));
        let answer =
            object::transaction(&self.state, move || apply(&*rows, &mut memory.borrow_mut(), command, now));
        if answer.is_err() {
            self.rows.codes.take();
        }
        answer
    }

    /// Sweeps in one transaction: a row is deleted and its event is stored, or neither. Returns whether rows are left that
    /// have ended.
    fn sweep(&self, now: Timestamp) -> Result<bool> {
        let (rows, memory) = (Rc::clone(&self.rows), Rc::clone(&self.memory));
        object::transaction(&self.state, move || rows.sweep(&mut memory.borrow_mut(), now))
    }
}

struct Stored {
    table: Table,
    /// What the present command has written.
    written: Cell<Written>,
    /// Whether the alarm is known to ring for everything that was stored before.
    rings: Cell<bool>,
    /// The counts of all live codes, as they are stored with the newest event; `None` until they are needed.
    codes: RefCell<Option<LiveCodes>>,
    webhook: Option<Webhook>,
    /// Lines for the log, written once the transaction has succeeded.
    warnings: RefCell<Vec<String>>,
    /// The codes whose WebSockets end once the transaction has succeeded.
    partings: RefCell<Vec<(RowKey, Parting)>>,
}

/// Rows that a command has written.
#[derive(Clone, Copy, Default)]
struct Written {
    /// Whether there are any.
    some: bool,
    /// The first end of a grant or a family among them.
    first_end: Option<Timestamp>,
    /// Whether an event is among them.
    event: bool,
    /// Whether a delivery to the webhook is among them.
    delivery: bool,
}

impl Stored {
    fn run(&self, statement: &str, values: Vec<SqlStorageValue>) -> Result<()> {
        self.wrote(|written| written);
        self.table.run(statement, values)
    }

    fn wrote(&self, note: impl FnOnce(Written) -> Written) {
        self.written.set(note(Written { some: true, ..self.written.get() }));
    }

    fn wrote_until(&self, ends_at: Timestamp) {
        self.wrote(|written| {
            let first_end = Some(written.first_end.map_or(ends_at, |first| first.min(ends_at)));
            Written { first_end, ..written }
        });
    }

    /// Returns when the alarm must ring for what the present command has written; `None` if it has written nothing. Rows that
    /// were there before are asked only if the alarm might not ring for them: a start is not worth three queries.
    fn due_after_writing(&self, now: Timestamp) -> Option<Result<Option<Timestamp>>> {
        let written = self.written.take();
        if !written.some {
            return None;
        }
        if !self.rings.get() || written.delivery {
            return Some(self.due(now));
        }
        let events = written.event.then_some(Shipping::Soon);
        Some(Ok(next_alarm(Work { first_end: written.first_end, events, ..Work::default() }, now)))
    }

    fn due(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let events = shipping::has_events(&self.table)?.then_some(Shipping::Soon);
        self.due_with(events, false, now)
    }

    fn due_with(
        &self,
        events: Option<Shipping>,
        is_behind: bool,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let ends = "SELECT min(at) FROM (SELECT min(ends_at) AS at FROM grants
                    UNION ALL SELECT min(ends_at) FROM families)";
        let first_end = self.table.instant(ends, Vec::new())?;
        let first_delivery = warnings::first_due(&self.table)?;
        Ok(next_alarm(Work { first_end, is_behind, events, first_delivery }, now))
    }

    /// Removes rows that have ended, in batches. A grant that nobody decided, or whose tokens the device did
    /// not collect, leaves an event. Returns whether rows may be left that have ended.
    fn sweep(&self, memory: &mut Memory, now: Timestamp) -> Result<bool> {
        let mut more = true;
        for _ in 0..BATCHES {
            more = false;
            let query = "SELECT key, network, record FROM grants WHERE ends_at <= ? LIMIT ?";
            let ended = self.table.rows(query, vec![column(now), number(BATCH)])?;
            for row in ended {
                let [Some(key), Some(network), Some(record)] = texts(row) else { continue };
                expired_row(&key, &record, memory, now).iter().try_for_each(|event| self.tell(event))?;
                self.run("DELETE FROM grants WHERE key = ?", vec![key.into()])?;
                let counts = "DELETE FROM live_codes WHERE network = ? AND ends_at <= ?";
                self.run(counts, vec![network.into(), column(now)])?;
                more = true;
            }
            if !more {
                break;
            }
        }
        Ok(self.table.sweep("families", "id", now)? || more)
    }
}

impl Outbox for Stored {
    type Error = worker::Error;

    fn tell(&self, event: &Event) -> Result<()> {
        self.wrote(|written| Written { event: true, ..written });
        let codes = self.codes()?.at(event.at);
        shipping::tell_with(&self.table, event, event.at, json(&codes)?)?;
        let Some(line) = warning::line(event) else { return Ok(()) };
        self.warnings.borrow_mut().push(line);
        if self.webhook.is_none() {
            return Ok(());
        }
        self.wrote(|written| Written { delivery: true, ..written });
        warnings::keep(&self.table)
    }
}

impl family::rows::Rows for Stored {
    fn family(&self, id: FamilyId) -> Result<Option<Family>> {
        self.table.record("SELECT record FROM families WHERE id = ?", vec![id.to_string().into()])
    }

    fn put_family(&self, id: FamilyId, family: &Family) -> Result<()> {
        self.wrote_until(family.ends_at);
        let values = vec![id.to_string().into(), column(family.ends_at), json(family)?];
        self.run("INSERT OR REPLACE INTO families (id, ends_at, record) VALUES (?, ?, ?)", values)
    }
}

impl Rows for Stored {
    fn grant(&self, key: RowKey) -> Result<Option<Grant>> {
        self.table.record("SELECT record FROM grants WHERE key = ?", vec![key.to_string().into()])
    }

    fn put_grant(&self, key: RowKey, grant: &Grant, now: Timestamp) -> Result<()> {
        self.wrote_until(grant.ends_at());
        let parting = instant::parting(grant, now).map(|parting| (key, parting));
        self.partings.borrow_mut().extend(parting);
        let values = vec![
            key.to_string().into(),
            column(grant.live_until(now)),
            grant.request.network.widest().to_string().into(),
            column(grant.ends_at()),
            json(grant)?,
        ];
        // The index is not written again: a grant keeps its end.
        let put = "INSERT INTO grants (key, live_until, network, ends_at, record) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (key) DO UPDATE SET live_until = excluded.live_until, record = excluded.record";
        self.run(put, values)
    }

    fn codes_of(&self, widest: &Prefix) -> Result<LiveCodes> {
        let query = "SELECT record FROM live_codes WHERE network = ?";
        Ok(self.table.record(query, vec![widest.to_string().into()])?.unwrap_or_default())
    }

    /// Asks once for both. No record is an empty text.
    fn codes_unless_taken(&self, key: RowKey, widest: &Prefix) -> Result<Option<LiveCodes>> {
        let query = "SELECT iif(EXISTS (SELECT 1 FROM grants WHERE key = ?), '',
            (SELECT record FROM live_codes WHERE network = ?))";
        let found = self.table.text(query, vec![key.to_string().into(), widest.to_string().into()])?;
        match found.as_deref() {
            Some("") => Ok(None),
            Some(record) => object::parsed(record).map(Some),
            None => Ok(Some(LiveCodes::default())),
        }
    }

    fn put_codes_of(&self, widest: &Prefix, codes: &LiveCodes) -> Result<()> {
        let network = widest.to_string().into();
        let Some(ends_at) = codes.ends_at() else {
            return self.run("DELETE FROM live_codes WHERE network = ?", vec![network]);
        };
        let put = "INSERT OR REPLACE INTO live_codes (network, ends_at, record) VALUES (?, ?, ?)";
        self.run(put, vec![network, column(ends_at), json(codes)?])
    }

    fn codes(&self) -> Result<LiveCodes> {
        if self.codes.borrow().is_none() {
            self.put_codes(shipping::note(&self.table)?.unwrap_or_default());
        }
        Ok(self.codes.borrow().clone().unwrap_or_default())
    }

    fn put_codes(&self, codes: LiveCodes) {
        self.codes.replace(Some(codes));
    }

    fn each(
        &self,
        after: Option<RowKey>,
        most: u32,
        now: Timestamp,
        mut see: impl FnMut(RowKey, Option<Grant>) -> bool,
    ) -> Result<()> {
        let query =
            "SELECT key, iif(live_until > ?, record, 'null') FROM grants WHERE key > ? ORDER BY key LIMIT ?";
        let after = after.map_or_else(String::new, |after| after.to_string()).into();
        for row in self.table.each_keyed(query, vec![column(now), after, number(most)])? {
            let (key, live): (String, Option<Grant>) = row?;
            let key =
                RowKey::parse(&key).ok_or_else(|| worker::Error::from("the key of a grant is no key"))?;
            if !see(key, live) {
                break;
            }
        }
        Ok(())
    }
}

/// Returns the three texts of a row.
fn texts(row: Vec<SqlStorageValue>) -> [Option<String>; 3] {
    let mut columns = row.into_iter().map(object::text);
    [(); 3].map(|()| columns.next().flatten())
}
