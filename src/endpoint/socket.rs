//! A WebSocket that an object has accepted.

use core::any::Any;
use core::fmt;
use std::rc::Rc;

/// The device's end of a WebSocket, which only the platform can look into. A response with status 101 hands it over.
#[derive(Clone)]
pub struct Socket(Rc<dyn Any>);

impl Socket {
    /// Wraps what the platform has.
    pub fn new(inner: impl Any) -> Self {
        Self(Rc::new(inner))
    }

    /// Returns what the platform wrapped.
    #[must_use]
    pub fn inner<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Socket {}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Socket(..)")
    }
}
