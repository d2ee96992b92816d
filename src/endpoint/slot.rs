//! A cached value with its age.

use core::cell::RefCell;
use core::time::Duration;

use crate::time::Timestamp;

pub(super) struct Slot<T>(RefCell<Option<(T, Timestamp)>>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(RefCell::new(None))
    }
}

impl<T: Clone> Slot<T> {
    pub(super) fn fresh(&self, age: Duration, now: Timestamp) -> Option<T> {
        let slot = self.0.borrow();
        slot.as_ref().filter(|(_, at)| now.since(*at) < age).map(|(value, _)| value.clone())
    }

    /// Returns the value regardless of its age.
    pub(super) fn last(&self) -> Option<T> {
        self.0.borrow().as_ref().map(|(value, _)| value.clone())
    }

    pub(super) fn forget(&self) {
        self.0.replace(None);
    }

    pub(super) fn keep(&self, value: T, now: Timestamp) -> T {
        self.0.replace(Some((value.clone(), now)));
        value
    }
}
