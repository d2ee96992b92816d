//! Faults that the tests provoke, in a build of its own: cargo feature `panic-probe`.
//!
//! A request to `/panic-probe/…` chooses the faults, separated by commas. All objects of a class share the isolate with
//! the Worker in `workerd`, and so this memory, too. A trap makes the entry start the module again, so a fault that
//! traps happens once.

use core::arch::wasm32::unreachable;
use core::cell::RefCell;
use core::time::Duration;

use worker::{Delay, Error, Result};

thread_local! {
    static FAULTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Later than anybody waits.
const LATE: Duration = Duration::from_secs(15);

/// Chooses the faults that the path names. Returns whether it names any.
pub(super) fn arm(path: &str) -> bool {
    assert!(path != "/panic-probe", "provoked by /panic-probe");
    let Some(faults) = path.strip_prefix("/panic-probe/") else { return false };
    FAULTS.set(faults.split(',').map(str::to_owned).collect());
    true
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

/// Lets a ledger answer late.
pub(super) async fn delay_ledger() {
    if is_armed("slow-ledger") {
        Delay::from(LATE).await;
    }
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
