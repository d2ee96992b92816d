//! What the entry (`entry.js`) calls: each function takes texts, and returns its result at once unless it has to wait.

use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::sync::{Arc, Mutex};
use std::task::Wake;

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;
use worker::{Env, Error, Result, State};

use crate::ask::Answer;

/// A Durable Object. Ledgers, shards and the registry differ in what they do with a command and at an alarm.
pub(super) trait Object: Sized + 'static {
    fn new(state: State, env: Env) -> Self;

    /// Answers one command.
    async fn command(&self, text: &str) -> Result<Answer>;

    /// Does what is due.
    async fn alarm(&self) -> Result<()>;
}

/// Exports an [`Object`] to the entry, whose classes hand their calls on to it.
macro_rules! exported {
    ($Exported:ident: $Object:ident) => {
        /// An object, for the entry.
        #[wasm_bindgen::prelude::wasm_bindgen]
        pub struct $Exported(std::rc::Rc<$Object>);

        #[wasm_bindgen::prelude::wasm_bindgen]
        impl $Exported {
            /// Opens the storage of an object.
            #[wasm_bindgen(constructor)]
            #[must_use]
            pub fn new(state: worker::worker_sys::DurableObjectState, env: worker::Env) -> Self {
                Self(std::rc::Rc::new($crate::cloudflare::exported::Object::new(state.into(), env)))
            }

            /// Answers a command with a text, or with the promise of one. `request` is the `CF-Ray` of the request that led
            /// to it, if there is one.
            pub fn command(
                &self,
                text: String,
                request: Option<String>,
            ) -> core::result::Result<wasm_bindgen::JsValue, wasm_bindgen::JsValue> {
                let object = std::rc::Rc::clone(&self.0);
                $crate::cloudflare::exported::answered(async move {
                    let command = $crate::cloudflare::exported::Object::command(&*object, &text);
                    let request = request.unwrap_or_default();
                    let answer = $crate::cloudflare::request_id::on_behalf_of(&request, command).await;
                    answer.map(|answer| answer.into_json().into())
                })
            }

            /// Does what is due.
            pub fn alarm(&self) -> core::result::Result<wasm_bindgen::JsValue, wasm_bindgen::JsValue> {
                let object = std::rc::Rc::clone(&self.0);
                $crate::cloudflare::exported::answered(async move {
                    $crate::cloudflare::exported::Object::alarm(&*object).await?;
                    Ok(wasm_bindgen::JsValue::UNDEFINED)
                })
            }
        }
    };
}
pub(super) use exported;

/// Returns the output of a future, or the promise of it if the future has to wait: a promise takes a turn of the event
/// loop even if nothing is awaited.
pub(super) fn answered(
    future: impl Future<Output = Result<JsValue>> + 'static,
) -> core::result::Result<JsValue, JsValue> {
    let mut waiting = Waiting::new(future);
    match waiting.poll() {
        Poll::Ready(output) => output.map_err(thrown),
        Poll::Pending => Ok(waiting.promise()),
    }
}

/// A future that is polled at once, and has become a promise if it is still waiting then.
pub(super) struct Waiting {
    future: Pin<Box<dyn Future<Output = Result<JsValue>>>>,
    later: Arc<Later>,
    waker: Waker,
}

impl Waiting {
    pub(super) fn new(future: impl Future<Output = Result<JsValue>> + 'static) -> Self {
        let later = Arc::new(Later::default());
        Self { future: Box::pin(future), waker: Waker::from(Arc::clone(&later)), later }
    }

    pub(super) fn poll(&mut self) -> Poll<Result<JsValue>> {
        self.future.as_mut().poll(&mut Context::from_waker(&self.waker))
    }

    /// Returns the promise of the output.
    pub(super) fn promise(mut self) -> JsValue {
        future_to_promise(poll_fn(move |context| {
            self.later.wake_instead(context.waker());
            self.poll().map_err(thrown)
        }))
        .into()
    }
}

/// Returns what is thrown for an error: never a `RangeError`, which would count as a trap.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
pub(super) fn thrown(error: Error) -> JsValue {
    js_sys::Error::new(&error.to_string()).into()
}

/// Wakes the task that a future has become after it was first polled. Some futures, such as timers, remember only the
/// first waker they get.
#[derive(Default)]
struct Later(Mutex<Option<Waker>>);

impl Later {
    fn wake_instead(&self, waker: &Waker) {
        if let Ok(mut known) = self.0.lock()
            && !known.as_ref().is_some_and(|known| known.will_wake(waker))
        {
            *known = Some(waker.clone());
        }
    }
}

impl Wake for Later {
    fn wake(self: Arc<Self>) {
        if let Ok(known) = self.0.lock()
            && let Some(waker) = known.as_ref()
        {
            waker.wake_by_ref();
        }
    }
}
