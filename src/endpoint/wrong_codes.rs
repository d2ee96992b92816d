//! Wrong codes that people have entered. There is no event of them, so the isolate counts them, and reports the counts.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::collections::BTreeMap;

use crate::counts::command::NoteWrongCodes;
use crate::time::Timestamp;

/// How long the isolate counts before it reports.
const SPAN: Duration = Duration::from_secs(10);
/// The most networks in a report. The others count as a network that is not known.
const MOST: usize = 100;

/// The wrong codes that are not reported yet, by the AS number of the person's network.
#[derive(Default)]
pub(super) struct WrongCodes {
    reported_at: Cell<Timestamp>,
    by_network: RefCell<BTreeMap<u32, u64>>,
}

impl WrongCodes {
    /// Notes a wrong code. Returns the report if one is due. What comes after the last one is reported with the next wrong
    /// code, or lost with the isolate.
    pub(super) fn note(&self, asn: Option<u32>, now: Timestamp) -> Option<NoteWrongCodes> {
        let mut counts = self.by_network.borrow_mut();
        let asn = asn.filter(|asn| counts.len() < MOST || counts.contains_key(asn)).unwrap_or_default();
        *counts.entry(asn).or_default() += 1;
        if now.since(self.reported_at.get()) < SPAN {
            return None;
        }
        self.reported_at.set(now);
        Some(NoteWrongCodes { by_network: core::mem::take(&mut *counts).into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_codes_are_reported_at_most_every_ten_seconds_and_none_is_counted_twice() {
        let (codes, start) = (WrongCodes::default(), Timestamp::from_millis(1_000_000_000));
        let note = |asn, after| codes.note(asn, start + Duration::from_secs(after)).map(|ask| ask.by_network);

        assert_eq!(note(Some(64_500), 0), Some(vec![(64_500, 1)]));
        assert_eq!(note(Some(64_500), 1), None);
        assert_eq!(note(None, 9), None);
        assert_eq!(note(Some(64_500), 10), Some(vec![(0, 1), (64_500, 2)]));
        assert_eq!(note(Some(64_501), 20), Some(vec![(64_501, 1)]));
    }

    #[test]
    fn a_report_names_a_bounded_number_of_networks() {
        let (codes, start) = (WrongCodes::default(), Timestamp::from_millis(1_000_000_000));
        codes.note(Some(1), start);
        for asn in 1..=150 {
            codes.note(Some(asn), start);
        }

        let report = codes.note(Some(1), start + SPAN).expect("it is due").by_network;

        assert_eq!(report.len(), MOST + 1);
        assert_eq!(report.iter().map(|(_, count)| count).sum::<u64>(), 151);
    }
}
