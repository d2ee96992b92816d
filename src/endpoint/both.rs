//! Waits for two things at once.

use core::future::poll_fn;
use core::pin::pin;
use core::task::{Context, Poll};

/// Returns the outputs of both futures. Neither has to wait until the other has begun.
pub(super) async fn both<L: Future, R: Future>(left: L, right: R) -> (L::Output, R::Output) {
    let (mut left, mut right) = (pin!(left), pin!(right));
    let (mut one, mut other) = (None, None);
    poll_fn(|context: &mut Context<'_>| {
        if one.is_none()
            && let Poll::Ready(output) = left.as_mut().poll(context)
        {
            one = Some(output);
        }
        if other.is_none()
            && let Poll::Ready(output) = right.as_mut().poll(context)
        {
            other = Some(output);
        }
        match (one.take(), other.take()) {
            (Some(left), Some(right)) => Poll::Ready((left, right)),
            waiting => {
                (one, other) = waiting;
                Poll::Pending
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use core::future::{pending, ready};
    use core::task::Waker;

    use super::*;

    #[test]
    fn both_begin_before_either_has_ended() {
        let mut begun = false;
        let mut waiting = Box::pin(both(pending::<()>(), async { begun = true }));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(waiting);
        assert!(begun);
    }

    #[test]
    fn the_outputs_come_in_order_whichever_is_first() {
        let mut late = false;
        let slow =
            poll_fn(|_| if core::mem::replace(&mut late, true) { Poll::Ready(2) } else { Poll::Pending });
        let mut waiting = Box::pin(both(ready(1), slow));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        assert_eq!(waiting.as_mut().poll(&mut context), Poll::Ready((1, 2)));
    }
}
