//! Requests for codes that were refused. They reach no object, so the isolate counts them, and reports the counts.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::collections::BTreeMap;

use crate::counts::OTHER;
use crate::counts::command::{NoteRefusedStarts, RefusedStarts as Counted};
use crate::time::Timestamp;

/// How long the isolate counts before it reports.
const SPAN: Duration = Duration::from_secs(10);
/// The most different refusals in a report. The others count as those of [`OTHER`] clients at no known place.
const MOST: usize = 100;
/// What refused requests can have in common.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Refusal {
    pub(super) client_id: String,
    pub(super) is_registered: bool,
    pub(super) decided_by: String,
    pub(super) is_by_policy: bool,
    pub(super) matched: Vec<String>,
    pub(super) country: Option<String>,
    pub(super) asn: Option<u32>,
}

/// The refused requests that are not reported yet.
#[derive(Default)]
pub(super) struct RefusedStarts {
    reported_at: Cell<Timestamp>,
    counts: RefCell<BTreeMap<Refusal, u64>>,
}

impl RefusedStarts {
    /// Notes a refused request. Returns the report if one is due. What comes after the last one is reported with the next
    /// refused request, or lost with the isolate.
    pub(super) fn note(&self, refusal: Refusal, now: Timestamp) -> Option<NoteRefusedStarts> {
        let mut counts = self.counts.borrow_mut();
        let has_room = counts.len() < MOST || counts.contains_key(&refusal);
        let other = |refusal| Refusal { client_id: OTHER.to_owned(), country: None, asn: None, ..refusal };
        *counts.entry(if has_room { refusal } else { other(refusal) }).or_default() += 1;
        if now.since(self.reported_at.get()) < SPAN {
            return None;
        }
        self.reported_at.set(now);
        let counted = |(refusal, times)| {
            let Refusal { client_id, is_registered, decided_by, is_by_policy, matched, country, asn } =
                refusal;
            Counted { client_id, is_registered, decided_by, is_by_policy, matched, country, asn, times }
        };
        Some(NoteRefusedStarts { starts: core::mem::take(&mut *counts).into_iter().map(counted).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn refusal(client_id: &str) -> Refusal {
        Refusal {
            client_id: client_id.to_owned(),
            is_registered: true,
            decided_by: "default".to_owned(),
            is_by_policy: true,
            matched: vec!["abroad".to_owned()],
            country: Some("DE".to_owned()),
            asn: Some(64_500),
        }
    }

    #[test]
    fn refused_requests_are_reported_at_most_every_ten_seconds_and_none_is_counted_twice() {
        let starts = RefusedStarts::default();
        let note = |client, after| {
            let report = starts.note(refusal(client), START + Duration::from_secs(after))?;
            let counted = report.starts.into_iter().map(|one| (one.client_id, one.times));
            Some(counted.collect::<Vec<_>>())
        };

        assert_eq!(note("tv", 0), Some(vec![("tv".to_owned(), 1)]));
        assert_eq!((note("tv", 1), note("cli", 9)), (None, None));
        assert_eq!(note("tv", 10), Some(vec![("cli".to_owned(), 1), ("tv".to_owned(), 2)]));
        assert_eq!(note("tv", 20), Some(vec![("tv".to_owned(), 1)]));
    }

    #[test]
    fn a_report_names_a_bounded_number_of_clients() {
        let starts = RefusedStarts::default();
        starts.note(refusal("first"), START);
        for number in 0..150 {
            starts.note(refusal(&number.to_string()), START);
        }

        let report = starts.note(refusal("0"), START + SPAN).expect("it is due").starts;

        assert_eq!(report.len(), MOST + 1);
        assert_eq!(report.iter().map(|one| one.times).sum::<u64>(), 151);
        assert!(report.iter().any(|one| one.client_id == OTHER && one.times == 50 && one.country.is_none()));
    }
}
