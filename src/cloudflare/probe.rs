//! Faults that the tests provoke, in a build of its own: cargo feature `panic-probe`.
//!
//! A request to `/panic-probe/…` chooses a fault. All objects of a class share the isolate with the Worker in
//! `workerd`, and so this memory, too. A panic makes the runtime start the module again, so a fault that panics happens
//! once.

use core::cell::Cell;
use core::time::Duration;

use worker::Delay;

#[derive(Clone, Copy, Eq, PartialEq)]
enum Fault {
    Transaction,
    Alarm,
    SlowLedger,
}

thread_local! {
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Chooses the fault that the path names. Returns whether it names one.
pub(super) fn arm(path: &str) -> bool {
    let fault = match path {
        "/panic-probe" => panic!("provoked by /panic-probe"),
        "/panic-probe/transaction" => Some(Fault::Transaction),
        "/panic-probe/alarm" => Some(Fault::Alarm),
        "/panic-probe/slow-ledger" => Some(Fault::SlowLedger),
        "/panic-probe/none" => None,
        _ => return false,
    };
    FAULT.set(fault);
    true
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
