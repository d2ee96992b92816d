//! The request on whose behalf something happens, in a Worker or in an object that it calls: its `CF-Ray` travels beside
//! each command, and gets into the events.

use core::cell::RefCell;
use core::future::poll_fn;
use core::pin::pin;
use std::rc::Rc;

thread_local! {
    /// The request that is being worked on right now. There are many at once, but only one at any moment.
    static CURRENT: RefCell<Option<Rc<str>>> = const { RefCell::new(None) };
}

/// Does work on behalf of the request with this `CF-Ray`; an empty one names none.
pub(super) async fn on_behalf_of<T>(ray: &str, work: impl Future<Output = T>) -> T {
    let ray = (!ray.is_empty()).then(|| Rc::from(ray));
    let mut work = pin!(work);
    poll_fn(|context| {
        let outer = CURRENT.replace(ray.clone());
        let polled = work.as_mut().poll(context);
        CURRENT.replace(outer);
        polled
    })
    .await
}

/// Returns the `CF-Ray` of the request that is being worked on; `None` if there is none.
pub(super) fn current() -> Option<String> {
    CURRENT.with_borrow(|ray| ray.as_deref().map(str::to_owned))
}
