//! Any number of futures at once.
//!
//! futures-util has the same, but compiles some 4 kB for each type of future. This compiles a few hundred bytes for each type
//! of output.

use core::pin::Pin;
use core::task::{Context, Poll};

use futures_util::future::{MaybeDone, maybe_done};

use super::boxed::boxed;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Waits for futures at once. Its output is the list of theirs, in the same order.
pub(crate) struct All<'a, T>(Vec<MaybeDone<Boxed<'a, T>>>);

/// Waits for `futures` at once, and returns their outputs in the same order.
pub(crate) fn all<'a, T, F>(futures: impl IntoIterator<Item = F>) -> All<'a, T>
where
    F: Future<Output = T> + 'a,
{
    All(futures.into_iter().map(|future| maybe_done(boxed(future))).collect())
}

/// Waits for futures that can fail. If several have failed, its output is the first error in their order.
pub(crate) struct TryAll<'a, T, E>(All<'a, Result<T, E>>);

/// Does the same as [`all`] for futures that can fail.
pub(crate) fn try_all<'a, T, E, F>(futures: impl IntoIterator<Item = F>) -> TryAll<'a, T, E>
where
    F: Future<Output = Result<T, E>> + 'a,
{
    TryAll(all(futures))
}

// No output is pinned.
impl<T> Unpin for All<'_, T> {}

impl<T> Future for All<'_, T> {
    type Output = Vec<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Vec<T>> {
        let mut is_pending = false;
        for one in &mut self.0 {
            is_pending |= Pin::new(one).poll(context).is_pending();
        }
        if is_pending {
            return Poll::Pending;
        }
        Poll::Ready(self.0.iter_mut().filter_map(|one| Pin::new(one).take_output()).collect())
    }
}

impl<T, E> Future for TryAll<'_, T, E> {
    type Output = Result<Vec<T>, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|outputs| outputs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use core::future::poll_fn;
    use core::pin::pin;
    use core::task::Waker;

    use super::*;

    /// A future that is ready once `open` is at least its number.
    async fn ready_at(open: &Cell<u32>, number: u32) -> u32 {
        poll_fn(|_| if open.get() >= number { Poll::Ready(number) } else { Poll::Pending }).await
    }

    #[test]
    fn outputs_come_in_the_order_of_the_futures_once_the_last_is_ready() {
        let (open, mut context) = (Cell::new(0), Context::from_waker(Waker::noop()));
        let mut waiting = pin!(all([3, 1, 2].map(|number| ready_at(&open, number))));

        for number in 0..3 {
            open.set(number);
            assert_eq!(waiting.as_mut().poll(&mut context), Poll::Pending);
        }
        open.set(3);
        assert_eq!(waiting.as_mut().poll(&mut context), Poll::Ready(vec![3, 1, 2]));
    }

    #[test]
    fn nothing_to_wait_for_is_ready() {
        let none: [core::future::Ready<u32>; 0] = [];
        let mut waiting = pin!(all(none));

        assert_eq!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Vec::new()));
    }

    #[test]
    fn all_run_even_if_one_fails_and_the_first_error_is_returned() {
        let runs = Cell::new(0);
        let run = async |outcome: Result<u32, &'static str>| {
            runs.set(runs.get() + 1);
            outcome
        };
        let mut waiting = pin!(try_all([Ok(1), Err("second"), Err("third"), Ok(4)].map(run)));

        let ended = waiting.as_mut().poll(&mut Context::from_waker(Waker::noop()));

        assert_eq!((ended, runs.get()), (Poll::Ready(Err("second")), 4));
    }
}
