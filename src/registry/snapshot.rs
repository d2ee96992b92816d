//! The snapshot of the registry: a text with one line for each client and a last line for the outline.
//!
//! Every isolate keeps all clients in memory, and two copies of them while it loads the next one. So it keeps a client as
//! the bytes of its record, which the quota counts, and parses it when a request needs it: parsed, a record of many small
//! members takes several times its bytes, so only a few stay parsed. An isolate reads the text line by line, and never holds it as a whole.

use core::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Serialize;

use super::outline::Outline;
use super::rows::Rows;
use crate::client::Client;
use crate::client::rules::UserCodeType;
use crate::json::{self, Flaw};
use crate::time::Timestamp;

/// A copy of what the registry publishes, cached in each isolate, so that most requests need not ask the registry.
///
/// It contains client secrets only as digests of 256 random bits, so none can be guessed.
#[derive(Debug)]
pub struct Snapshot {
    /// Everything but the clients.
    pub outline: Rc<Outline>,
    clients: Clients,
    /// Clients that were used, by identifier.
    parsed: RefCell<BTreeMap<Box<str>, Rc<Client>>>,
}

/// At this many parsed clients, all of them are dropped.
const MOST_PARSED: usize = 50;

/// The records of the clients, and what requests need to know of all clients together.
#[derive(Debug, Default)]
struct Clients {
    /// JSON by identifier.
    records: BTreeMap<Box<str>, Box<str>>,
    /// The origins that enabled clients list, each once.
    origins: BTreeSet<Box<str>>,
    /// The names of their logos.
    logos: BTreeSet<Box<str>>,
    longest_code_lifetime: Option<u64>,
    has_digit_codes: bool,
}

impl Snapshot {
    /// Returns the client with this identifier, parsed at its first use.
    #[must_use]
    pub fn client(&self, client_id: &str) -> Option<Rc<Client>> {
        if let Some(client) = self.parsed.borrow().get(client_id) {
            return Some(Rc::clone(client));
        }
        let client: Client = json::read(self.clients.records.get(client_id)?).ok()?;
        let (client, mut parsed) = (Rc::new(client), self.parsed.borrow_mut());
        if parsed.len() >= MOST_PARSED {
            parsed.clear();
        }
        parsed.insert(client_id.into(), Rc::clone(&client));
        Some(client)
    }

    /// Returns whether there is a client with this identifier.
    #[must_use]
    pub fn has(&self, client_id: &str) -> bool {
        self.clients.records.contains_key(client_id)
    }

    /// Returns whether an enabled client lists this `Origin` header in `allowed_origins`.
    #[must_use]
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.clients.origins.contains(origin)
    }

    /// Returns whether a client has the logo with this name.
    #[must_use]
    pub fn has_logo(&self, name: &str) -> bool {
        self.clients.logos.contains(name)
    }

    /// Returns the longest code lifetime that a client has, in seconds; `None` if all have the server's setting.
    #[must_use]
    pub const fn longest_code_lifetime(&self) -> Option<u64> {
        self.clients.longest_code_lifetime
    }

    /// Returns whether the user codes of a client have only digits.
    #[must_use]
    pub const fn has_digit_codes(&self) -> bool {
        self.clients.has_digit_codes
    }
}

impl Clients {
    fn add(&mut self, client: &Client, record: &str) {
        if client.enabled {
            let origins = client.codes.allowed_origins.iter();
            self.origins.extend(origins.map(|origin| origin.as_str().into()));
        }
        self.logos.extend(client.logo.as_deref().map(Box::from));
        self.longest_code_lifetime = self.longest_code_lifetime.max(client.codes.code_lifetime);
        self.has_digit_codes |= client.codes.user_code_type == UserCodeType::Digits;
        self.records.insert(client.client_id.as_str().into(), record.into());
    }
}

/// Reads the text of a snapshot while it arrives.
#[derive(Debug, Default)]
pub struct Reader {
    clients: Clients,
    /// The bytes of the line that has not ended. The outline's line has no end, so that a text that was cut off is never
    /// taken for a whole one.
    line: Vec<u8>,
}

impl Reader {
    /// Reads the next bytes of the text.
    ///
    /// # Errors
    ///
    /// A line is not the record of a client.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Flaw> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(end) => {
                    self.line.extend_from_slice(end);
                    self.end_line()?;
                }
                None => self.line.extend_from_slice(part),
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), Flaw> {
        let record = json::text(&self.line)?;
        self.clients.add(&json::read(record)?, record);
        self.line.clear();
        Ok(())
    }

    /// Returns the snapshot after the last byte of its text.
    ///
    /// # Errors
    ///
    /// The last line is not an outline.
    pub fn end(self) -> Result<Snapshot, Flaw> {
        Ok(Snapshot {
            outline: Rc::new(json::read_bytes(&self.line)?),
            clients: self.clients,
            parsed: RefCell::default(),
        })
    }
}

/// A client with a scope that has no description. Nobody could consent to that scope, so no snapshot is taken
/// and nothing is served.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names say what they are")]
pub struct Undescribed {
    pub client_id: String,
    pub scope: String,
}

impl Undescribed {
    /// Returns the first scope of the client that has no description.
    fn find(client: &Client, outline: &Outline) -> Option<Self> {
        let is_described = |token: &&str| outline.scopes.get(*token).is_some_and(|words| !words.is_empty());
        let scope = client.scope.iter().find(|token| !is_described(token))?;
        Some(Self { client_id: client.client_id.clone(), scope: scope.to_owned() })
    }
}

/// Takes a snapshot of the registry. Returns its text: see [`Reader`].
///
/// # Errors
///
/// A row could not be read.
pub fn take<R: Rows>(rows: &R, now: Timestamp) -> Result<Result<String, Undescribed>, R::Error> {
    let outline = Outline::take(rows, now)?;
    let last = json(&outline);
    let (vouched, open) = (rows.size(false)?, rows.size(true)?);
    let records = vouched.bytes + vouched.clients + open.bytes + open.clients;
    // A text that outgrows its room is copied to another of twice the size.
    let mut text = String::with_capacity(records + last.len());
    let mut undescribed = None;
    rows.each_client(|client| {
        if !client.has_ended(now) {
            undescribed = undescribed.take().or_else(|| Undescribed::find(&client, &outline));
            text.push_str(&json(&client));
            text.push('\n');
        }
    })?;
    text.push_str(&last);
    Ok(undescribed.map_or(Ok(text), Err))
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the maps of clients and outlines have string keys")
}
