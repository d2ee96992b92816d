//! The newest governance that an isolate has seen: in a snapshot, or at its source.

use core::cell::RefCell;
use std::rc::Rc;

use crate::identity::latest_kill::Edition;
use crate::policy::governance::Governance;
use crate::time::Timestamp;

#[derive(Default)]
pub(super) struct GovernanceCache(RefCell<Option<Kept>>);

struct Kept {
    /// As the registry sent it. What [`Governance::of_server`] makes of it is beside it.
    sent: Rc<Governance>,
    applied: Rc<Governance>,
    /// When the registry read it, by the registry's clock.
    at: Timestamp,
}

impl GovernanceCache {
    /// Returns the revision, which the registry needs not send again; `None` if this isolate knows none.
    pub(super) fn revision(&self) -> Option<u64> {
        self.0.borrow().as_ref().map(|kept| kept.sent.revision)
    }

    /// Returns which copy of the governance this isolate has.
    pub(super) fn edition(&self) -> Option<Edition> {
        let edition = |kept: &Kept| Edition { revision: kept.sent.revision, read_at: kept.at };
        self.0.borrow().as_ref().map(edition)
    }

    /// Returns the governance as this server applies it.
    pub(super) fn last(&self) -> Option<Rc<Governance>> {
        self.0.borrow().as_ref().map(|kept| Rc::clone(&kept.applied))
    }

    /// Keeps what the registry read at `at`, unless this isolate has something newer.
    pub(super) fn keep(&self, sent: &Rc<Governance>, at: Timestamp, is_development: bool) {
        let mut slot = self.0.borrow_mut();
        let is_newer = |kept: &Kept| (kept.at, kept.sent.revision) > (at, sent.revision);
        let is_known = |kept: &Kept| is_newer(kept) || Rc::ptr_eq(&kept.sent, sent);
        if slot.as_ref().is_some_and(is_known) {
            return;
        }
        let applied = if sent.version > 0 {
            Rc::clone(sent)
        } else {
            Rc::new(Governance::clone(sent).of_server(is_development))
        };
        *slot = Some(Kept { sent: Rc::clone(sent), applied, at });
    }
}
