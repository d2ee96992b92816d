//! Futures in boxes.

use core::pin::Pin;

/// Puts a future into a box, where it has a function of its own. Otherwise the compiler makes one function, and one value,
/// of all futures that another future may become, and each request pays for the largest.
#[inline(never)]
pub(crate) fn boxed<'a, T>(future: impl Future<Output = T> + 'a) -> Pin<Box<dyn Future<Output = T> + 'a>> {
    Box::pin(future)
}
