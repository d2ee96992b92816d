//! Which refusals of forged device codes are logged. They reach no object, so nothing else limits how many a stranger can
//! cause, and a log line costs more than the refusal itself.

use core::cell::Cell;
use core::time::Duration;

use crate::time::Timestamp;

/// How long the isolate counts before it starts again.
const SPAN: Duration = Duration::from_secs(10);
/// The most lines in a [`SPAN`].
const MOST: u32 = 10;

/// The forged device codes that an isolate has refused.
#[derive(Default)]
pub(super) struct ForgedCodes {
    since: Cell<Timestamp>,
    lines: Cell<u32>,
    unlogged: Cell<u64>,
}

impl ForgedCodes {
    /// Notes a forged code. Returns how many were not logged since the last line; `None` if this one is not logged either.
    pub(super) fn note(&self, now: Timestamp) -> Option<u64> {
        if now.since(self.since.get()) >= SPAN {
            self.since.set(now);
            self.lines.set(0);
        }
        if self.lines.get() == MOST {
            self.unlogged.set(self.unlogged.get() + 1);
            return None;
        }
        self.lines.set(self.lines.get() + 1);
        Some(self.unlogged.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_are_logged_in_ten_seconds_and_the_next_line_says_how_many_were_not() {
        let (codes, start) = (ForgedCodes::default(), Timestamp::from_millis(1_000_000_000));
        for _ in 0..10 {
            assert_eq!(codes.note(start), Some(0));
        }
        for _ in 0..3 {
            assert_eq!(codes.note(start + Duration::from_millis(9_999)), None);
        }

        assert_eq!(codes.note(start + SPAN), Some(3));
        assert_eq!(codes.note(start + SPAN), Some(0), "they are said once");
    }
}
