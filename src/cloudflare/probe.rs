//! Faults that the tests provoke, a clock that they set, and the size of the memory, in a build of its own: cargo
//! feature `panic-probe`.
//!
//! A request to `/panic-probe/…` chooses a fault, sets the clock, or reads the size. All objects of a class share the
//! isolate with the Worker in `workerd`, and so this memory, too. A panic makes the runtime start the module again, so a
//! fault that panics happens once.

use core::cell::Cell;
use core::time::Duration;

use js_sys::{ArrayBuffer, WebAssembly};
use wasm_bindgen::JsCast as _;
use worker::Delay;

use crate::endpoint::SNAPSHOT_AGE;

#[derive(Clone, Copy, Eq, PartialEq)]
enum Fault {
    Transaction,
    Alarm,
    SlowLedger,
}

thread_local! {
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
    static AHEAD: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Answers a request to the probe; `None` for other paths.
pub(super) fn answer(path: &str) -> Option<String> {
    let fault = match path {
        "/panic-probe" => panic!("provoked by /panic-probe"),
        "/panic-probe/memory" => return Some(memory().to_string()),
        "/panic-probe/later" => {
            AHEAD.set(AHEAD.get() + SNAPSHOT_AGE);
            return Some("later".to_owned());
        }
        "/panic-probe/transaction" => Some(Fault::Transaction),
        "/panic-probe/alarm" => Some(Fault::Alarm),
        "/panic-probe/slow-ledger" => Some(Fault::SlowLedger),
        "/panic-probe/none" => None,
        _ => return None,
    };
    FAULT.set(fault);
    Some("armed".to_owned())
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

/// Panics at the end of a transaction, when everything is written.
pub(super) fn end_transaction() {
    assert!(FAULT.get() != Some(Fault::Transaction), "provoked in a transaction");
}

/// Panics in an alarm that has deleted rows and not yet shipped.
pub(super) fn in_alarm() {
    assert!(FAULT.get() != Some(Fault::Alarm), "provoked in an alarm");
}

/// Lets a ledger answer later than anybody waits.
pub(super) async fn delay_ledger() {
    if FAULT.get() == Some(Fault::SlowLedger) {
        Delay::from(Duration::from_secs(15)).await;
    }
}
