//! Calls of Durable Objects, and the requests that wait for them.
//!
//! A start or a pending poll waits for one call and for nothing else. So the entry (`entry.js`) waits for it: [`driven`]
//! returns the call, and [`resume`] goes on with its reply. A promise of JavaScript that wasm waits for costs two
//! closures, three promises and two turns of a queue.

use core::cell::RefCell;
use core::future::{Future, poll_fn};
use core::task::Poll;
use std::collections::HashMap;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Error, Result};

use super::exported::{Waiting, thrown};
use super::known::Known;

#[wasm_bindgen(module = "/src/cloudflare/objects.js")]
extern "C" {
    /// Finds an object by its name. `hint` says where it shall live if it is new.
    #[wasm_bindgen(catch, js_name = object)]
    fn find(binding: &str, name: &str, hint: Option<&str>) -> core::result::Result<JsValue, JsValue>;

    /// Calls an object, and returns the promise of its reply with the number, for the entry.
    #[wasm_bindgen(catch)]
    fn hop(
        object: &JsValue,
        command: &str,
        request: Option<&str>,
        task: u32,
    ) -> core::result::Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = command)]
    async fn call(
        object: &JsValue,
        command: &str,
        request: Option<&str>,
    ) -> core::result::Result<JsValue, JsValue>;
}

/// A command for an object, as JSON.
pub(super) struct Call {
    /// What [`object`] has found.
    pub(super) object: JsValue,
    pub(super) command: String,
    /// The `CF-Ray` of the request.
    pub(super) request: Option<String>,
}

/// The reply to a call, as soon as it is there.
type Reply = Rc<RefCell<Option<Result<String>>>>;

/// A request that waits for one call.
struct Task {
    waiting: Waiting,
    reply: Reply,
}

/// What runs now.
#[derive(Default)]
enum Now {
    /// No request, or one that has become a promise.
    #[default]
    Other,
    /// A request that is driven, and waits for no call so far.
    Driven,
    /// A request that waits for this call.
    Waits(Call, Reply),
}

thread_local! {
    static NOW: RefCell<Now> = const { RefCell::new(Now::Other) };
    static TASKS: RefCell<(u32, HashMap<u32, Task>)> = RefCell::default();
    /// Objects by binding and name: to hash a name takes longer than the rest of a call.
    static OBJECTS: RefCell<Known> = RefCell::default();
}

/// Finds an object. `hint` says where it shall live if it is new.
pub(super) fn object(binding: &'static str, name: &str, hint: Option<&'static str>) -> Result<JsValue> {
    let key = [binding, "/", name].concat();
    OBJECTS.with_borrow_mut(|known| known.of(&key, || find(binding, name, hint))).map_err(Error::from)
}

/// Returns the output of a future; or the call that it waits for, if it waits for nothing else; or the promise of its output.
pub(super) fn driven(
    future: impl Future<Output = Result<JsValue>> + 'static,
) -> core::result::Result<JsValue, JsValue> {
    run(Waiting::new(future))
}

/// Goes on with a request whose call has a reply; without one, the call has failed. Returns the same as [`driven`].
#[wasm_bindgen]
#[expect(unreachable_pub, reason = "wasm-bindgen exports only public functions")]
pub fn resume(task: u32, reply: Option<String>, failure: JsValue) -> core::result::Result<JsValue, JsValue> {
    let Some(task) = TASKS.with_borrow_mut(|(_, tasks)| tasks.remove(&task)) else {
        return Err(thrown(Error::from("a reply came twice")));
    };
    task.reply.replace(Some(reply.ok_or_else(|| Error::from(failure))));
    run(task.waiting)
}

fn run(mut waiting: Waiting) -> core::result::Result<JsValue, JsValue> {
    NOW.set(Now::Driven);
    let polled = waiting.poll();
    match (polled, NOW.take()) {
        (Poll::Ready(output), _) => output.map_err(thrown),
        (Poll::Pending, Now::Other | Now::Driven) => Ok(waiting.promise()),
        (Poll::Pending, Now::Waits(call, reply)) => {
            let number = TASKS.with_borrow_mut(|(number, tasks)| {
                *number = number.wrapping_add(1).max(1);
                tasks.insert(*number, Task { waiting, reply });
                *number
            });
            let Call { object, command, request } = call;
            let failed = |failure| resume(number, None, failure);
            hop(&object, &command, request.as_deref(), number).or_else(failed)
        }
    }
}

/// Calls an object, and returns its reply. The entry waits for the first call of a request that is driven, and wasm for
/// others that are made meanwhile.
pub(super) async fn ask(call: Call) -> Result<String> {
    let reply = Reply::default();
    if !NOW.with_borrow(|now| matches!(now, Now::Driven)) {
        return ask_alone(call).await;
    }
    NOW.set(Now::Waits(call, Rc::clone(&reply)));
    poll_fn(|_| reply.take().map_or(Poll::Pending, Poll::Ready)).await
}

/// Does the same, and wasm waits. For calls that do not wait longer than a timer.
pub(super) async fn ask_alone(Call { object, command, request }: Call) -> Result<String> {
    let reply = call(&object, &command, request.as_deref()).await?;
    reply.as_string().ok_or_else(|| Error::from("an object replied with something else than a text"))
}
