//! Faults that the tests provoke, a clock that they set, and the size of the memory, in a build of its own: cargo
//! feature `panic-probe`.
//!
//! A request to `/panic-probe/…` chooses the faults, separated by commas, sets the clock, or reads the size. All objects of
//! a class share the isolate with the Worker in `workerd`, and so this memory, too. A trap makes the entry start the module
//! again, so a fault that traps happens once.

use core::arch::wasm32::unreachable;
use core::cell::{Cell, RefCell};
use core::hint::black_box;
use core::time::Duration;

use js_sys::{ArrayBuffer, WebAssembly};
use wasm_bindgen::JsCast as _;
use worker::{Delay, Error, Result};

use crate::derived_keys::DEVELOPMENT_KEY;
use crate::endpoint::SNAPSHOT_AGE;
use crate::grant::routing::{Address, draw_in};
use crate::policy::Point;
use crate::policy::evaluation::decide;
use crate::settings::Settings;
use crate::sharding::{Region, Replica, Shard};

#[path = "../../bench/policy_sample.rs"]
mod policy_sample;

thread_local! {
    static FAULTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static AHEAD: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

const SOON: Duration = Duration::from_millis(200);
/// Later than anybody waits.
const LATE: Duration = Duration::from_secs(15);

/// Answers a request to the probe; `None` for other paths.
pub(super) fn answer(path: &str) -> Option<String> {
    assert!(path != "/panic-probe", "provoked by /panic-probe");
    match path.strip_prefix("/panic-probe/")? {
        "memory" => Some(memory().to_string()),
        "policy" => Some(decisions().to_string()),
        "codes" => Some(codes().to_string()),
        "later" => {
            AHEAD.set(AHEAD.get() + SNAPSHOT_AGE);
            Some("later".to_owned())
        }
        faults => {
            FAULTS.set(faults.split(',').map(str::to_owned).collect());
            Some("armed".to_owned())
        }
    }
}

/// Decides a login 10,000 times by a policy of 200 rules. Returns how often it was allowed. The caller measures it: a Worker's
/// clock stands still while it computes.
fn decisions() -> usize {
    let (governance, login) = (policy_sample::governance(), policy_sample::Login::new());
    let facts = login.facts(Point::Approval);
    (0..10_000).filter(|_| decide(black_box(&governance), black_box(&facts)).is_allowed()).count()
}

/// Draws 10,000 codes for a shard, and reads each. Returns how many lead back to the shard.
fn codes() -> usize {
    let settings = Settings::read(|name| {
        let value = match name {
            "ENVIRONMENT" => "development",
            "MASTER_KEY" => DEVELOPMENT_KEY,
            _ => return None,
        };
        Some(value.to_owned())
    });
    let settings = settings.expect("a development server needs no more");
    let (keys, shape) = (&settings.keyring.current, &settings.user_code);
    let shard = Shard { region: Region::Weur, index: 0 };
    let mut rng = super::object::rng();
    let leads_back = |_: &u32| {
        let (code, _) = draw_in(shard, (shape, false), shape, keys, &mut rng);
        Address::of(&code, shape, keys).shard == shard
    };
    (0..10_000).filter(leads_back).count()
}

/// Returns the size of the module's memory in bytes. It never shrinks.
fn memory() -> u32 {
    let memory: WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    let buffer: ArrayBuffer = memory.buffer().unchecked_into();
    buffer.byte_length()
}

/// Returns how far the clock is ahead of the machine's.
pub(super) fn ahead() -> Duration {
    AHEAD.get()
}

fn is_armed(fault: &str) -> bool {
    FAULTS.with_borrow(|faults| faults.iter().any(|armed| armed == fault))
}

/// Panics in the Worker after an object has answered.
pub(super) fn after_an_answer() {
    assert!(!is_armed("answer"), "provoked after an answer");
}

/// Traps without a panic, in a call without an await: the constructor of an object.
pub(super) fn in_constructor() {
    if is_armed("constructor") {
        unreachable();
    }
}

/// Traps without a panic at the end of a transaction, when everything is written.
pub(super) fn end_transaction() {
    if is_armed("transaction") {
        unreachable();
    }
}

/// Panics in an object that has written a row outside a transaction.
pub(super) fn after_a_write() {
    assert!(!is_armed("write"), "provoked after a write");
}

/// Panics in an alarm that has deleted rows and not yet shipped.
pub(super) fn in_alarm() {
    assert!(!is_armed("alarm"), "provoked in an alarm");
}

/// Panics in the alarm of a courier that has not yet delivered.
pub(super) fn in_courier() {
    assert!(!is_armed("courier"), "provoked in a courier");
}

/// Traps without a panic when a device has sent a message over a WebSocket.
pub(super) fn on_message() {
    if is_armed("message") {
        unreachable();
    }
}

/// Lets a ledger answer late.
pub(super) async fn delay_ledger() {
    if is_armed("slow-ledger") {
        Delay::from(LATE).await;
    }
}

/// Keeps a signing key from being made for as long as `no-keys` is armed.
pub(super) async fn before_a_key() {
    while is_armed("no-keys") {
        worker::console_log!("provoked: a key waits");
        Delay::from(SOON).await;
    }
}

/// Fails if the fault `cut-` and the name of this replica is armed, such as `cut-replica/weur/1`: the source and the replica
/// do not reach each other.
pub(super) fn reach(replica: Replica) -> Result<()> {
    if is_armed(&format!("cut-{replica}")) { Err(Error::from("provoked: cut off")) } else { Ok(()) }
}

/// Lets the registry fail, or answer late. A log line tells the test that a request waits.
pub(super) async fn in_registry() -> Result<()> {
    if is_armed("slow-registry") {
        worker::console_log!("provoked: the registry waits");
        Delay::from(LATE).await;
    }
    if is_armed("failing-registry") {
        return Err(Error::from("provoked in the registry"));
    }
    Ok(())
}
