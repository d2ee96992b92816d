//! Looks at the destinations of events: whether their receivers take what is delivered.

use core::time::Duration;

use super::check::Check;
use crate::courier::command::CourierState;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;

const NAME: &str = "destinations";
/// A receiver that fails for longer than this is a problem.
const LONG: Duration = Duration::from_secs(3_600);
const ADVICE: &str = "See GET /admin/api/destinations/{id} and its deliveries, and send a message with POST …/test. When the receiver \
                    works again, resend the dead letters.";

pub(super) async fn look<P: Platform>(context: Context<'_, P>) -> Check {
    let Ok(states) = context.server.courier_states().await else {
        return Check::skipped(NAME, "a courier, or the object that counts, does not answer");
    };
    if states.is_empty() {
        return Check::ok(NAME, "events are delivered nowhere");
    }
    let failing = |state: &CourierState| {
        state.condition.failing_since.is_some_and(|since| context.now.since(since) > LONG)
    };
    let named = |of: &dyn Fn(&CourierState) -> bool| {
        let names: Vec<&str> =
            states.iter().filter(|(_, state)| of(state)).map(|(id, _)| id.as_str()).collect();
        names.join(", ")
    };
    let (failing, dead) = (named(&failing), named(&|state| state.dead > 0));
    if !failing.is_empty() {
        return Check::problem(NAME, format!("nothing has arrived for an hour at {failing}"), ADVICE);
    }
    if !dead.is_empty() {
        return Check::notice(NAME, format!("events were given up for {dead}"), ADVICE);
    }
    Check::ok(NAME, format!("{} get what they want", states.len()))
}
