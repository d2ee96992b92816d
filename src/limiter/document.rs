//! A document of another server, shared by all isolates: who fetches it, and what was fetched.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::command::{DocumentNow, FindDocument, KeepDocument, KeptDocument};
use crate::time::{Timestamp, ceil_seconds, span};

/// How long a document that cannot be fetched again is still good, after it should have been (RFC 5861 §4): a day.
const STALE: Duration = Duration::from_secs(86_400);

/// What a row knows of its document.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Shared {
    /// The last good document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kept: Option<KeptDocument>,
    /// When the next fetch may begin.
    next_fetch: Timestamp,
}

impl Shared {
    pub(super) fn find(&mut self, ask: &FindDocument, now: Timestamp) -> DocumentNow {
        let kept = self.kept.clone().filter(|kept| now < kept.fresh_until + STALE);
        match kept {
            Some(kept) if now < kept.fresh_until => DocumentNow::Fresh(kept),
            stale if now < self.next_fetch => {
                DocumentNow::Wait { seconds: ceil_seconds(self.next_fetch.since(now)), stale }
            }
            stale => {
                self.next_fetch = now + span(ask.pause);
                DocumentNow::Fetch { stale }
            }
        }
    }

    pub(super) fn keep(&mut self, ask: &KeepDocument) {
        self.kept.clone_from(&ask.document);
    }

    /// Returns when the row need not be kept any more.
    pub(super) fn ends_at(&self) -> Timestamp {
        let kept = self.kept.as_ref().map(|kept| kept.fresh_until + STALE);
        kept.unwrap_or_default().max(self.next_fetch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn find(shared: &mut Shared, after: u64) -> DocumentNow {
        shared.find(&FindDocument { key: String::new(), pause: 10 }, NOW + span(after))
    }

    fn keep(shared: &mut Shared, document: Option<&KeptDocument>) {
        shared.keep(&KeepDocument { key: String::new(), document: document.cloned() });
    }

    #[test]
    fn one_fetch_begins_in_ten_seconds_and_everybody_else_waits_or_uses_what_it_brought() {
        let mut shared = Shared::default();
        let kept = KeptDocument { text: "{}".to_owned(), fresh_until: NOW + span(300) };
        assert_eq!(find(&mut shared, 0), DocumentNow::Fetch { stale: None });
        assert_eq!(find(&mut shared, 1), DocumentNow::Wait { seconds: 9, stale: None });

        keep(&mut shared, Some(&kept));
        assert_eq!(find(&mut shared, 2), DocumentNow::Fresh(kept.clone()));
        assert_eq!(find(&mut shared, 299), DocumentNow::Fresh(kept.clone()));
        assert_eq!(find(&mut shared, 300), DocumentNow::Fetch { stale: Some(kept.clone()) });
        assert_eq!(find(&mut shared, 301), DocumentNow::Wait { seconds: 9, stale: Some(kept.clone()) });
        assert_eq!(shared.ends_at(), kept.fresh_until + STALE);
        assert_eq!(find(&mut shared, 300 + 86_400), DocumentNow::Fetch { stale: None }, "too old");
    }

    #[test]
    fn a_document_that_is_gone_is_forgotten() {
        let mut shared = Shared::default();
        keep(&mut shared, Some(&KeptDocument { text: "{}".to_owned(), fresh_until: NOW }));
        find(&mut shared, 0);

        keep(&mut shared, None);
        assert_eq!(find(&mut shared, 10), DocumentNow::Fetch { stale: None });
        assert_eq!(shared.ends_at(), NOW + span(20));
    }
}
