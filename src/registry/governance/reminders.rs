//! What happens to exceptions without anybody doing it: owners are reminded of the end, exceptions lapse, and those that
//! lapsed long ago are forgotten.

use core::time::Duration;

use super::exceptions::tell;
use crate::alarm::BATCH;
use crate::audit::change::{Actor, Changed};
use crate::policy::exception::{Due, Exception};
use crate::registry::rows::Rows;
use crate::time::Timestamp;

/// Attends to the exceptions for which something is due: one batch. What Workers apply does not change.
///
/// # Errors
///
/// A row could not be read or written.
pub fn attend<R: Rows>(rows: &R, now: Timestamp) -> Result<(), R::Error> {
    let due = rows.due_exceptions(now, BATCH)?;
    due.iter().try_for_each(|(exception, due)| attend_to(rows, exception, *due, now))
}

fn attend_to<R: Rows>(
    rows: &R,
    exception: &Exception,
    due: Timestamp,
    now: Timestamp,
) -> Result<(), R::Error> {
    let (mut next, mut what) = exception.due_after(due.before(Duration::from_millis(1)));
    while next <= now {
        match what {
            // If an alarm rang much too late, nothing is left to remind anybody of.
            Due::Reminder if !exception.is_live(now) => {}
            Due::Reminder => report(rows, Changed::ExceptionEnding, exception, now)?,
            Due::Lapse => report(rows, Changed::ExceptionLapsed, exception, now)?,
            Due::Removal => return rows.remove_exception(&exception.id),
        }
        (next, what) = exception.due_after(next);
    }
    rows.put_exception(exception, next)
}

fn report<R: Rows>(rows: &R, what: Changed, exception: &Exception, now: Timestamp) -> Result<(), R::Error> {
    tell(rows, what, exception, Vec::new(), Actor::Server, now)
}
