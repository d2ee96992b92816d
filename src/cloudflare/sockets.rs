//! The WebSockets of a `GrantShard`, over which devices hear that they should ask. The rules are in
//! [`crate::grant::instant`].

use std::cell::Cell;

use js_sys::Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::DurableObjectState;
use worker::{Error, Result, State};

use super::object::written;
use crate::grant::Grant;
use crate::grant::instant::ends::{Ends, tags};
use crate::grant::instant::{Listen, Note, Parting, Seats};
use crate::grant::routing::RowKey;
use crate::time::Timestamp;

#[wasm_bindgen(module = "/src/cloudflare/sockets.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn accept(
        state: &DurableObjectState,
        tags: Vec<String>,
        note: &str,
    ) -> core::result::Result<JsValue, JsValue>;

    fn all(state: &DurableObjectState, tag: Option<&str>) -> Array;

    fn note(socket: &JsValue) -> String;

    #[wasm_bindgen(js_name = isOpen)]
    fn is_open(socket: &JsValue) -> bool;

    #[wasm_bindgen(catch)]
    fn part(
        socket: &JsValue,
        message: Option<&str>,
        code: u16,
        reason: &str,
    ) -> core::result::Result<(), JsValue>;
}

/// What a device gets when it asks for a WebSocket.
pub(super) enum Admitted {
    /// Its end of the WebSocket, for which the alarm must ring by then.
    Socket(JsValue, Timestamp),
    /// The refusal, as JSON.
    Refused(String),
}

/// Answers a device that asks for a WebSocket. A new one replaces those that its code has.
pub(super) fn listen(
    state: &State,
    (seats, ends): (&Cell<Seats>, &Cell<Ends>),
    ask: &Listen,
    grant: Option<&Grant>,
    now: Timestamp,
) -> Result<Admitted> {
    let (raw, tag) = (state.as_raw(), ask.key.to_string());
    let others = all(raw, Some(&tag));
    let notes: Vec<Note> = others.iter().filter_map(|other| Note::parse(&note(&other))).collect();
    let mut taken = seats.get();
    let admitted = ask.admit(grant, &notes, &mut taken, now, || u64::from(all(raw, None).length()));
    seats.set(taken);
    match admitted {
        Ok(own) => {
            let tags = [vec![tag], tags(&own).to_vec()].concat();
            let theirs = accept(raw, tags, &own.to_string()).map_err(Error::from)?;
            change(ends, |ends| ends.note(&own));
            others.iter().for_each(|other| end(&other, Parting::Replaced));
            Ok(Admitted::Socket(theirs, own.alarm()))
        }
        Err(refusal) => written(&refusal).map(Admitted::Refused),
    }
}

/// Ends the WebSocket of a code, if it has one.
pub(super) fn end_of(state: &State, key: RowKey, parting: Parting) {
    all(state.as_raw(), Some(&key.to_string())).iter().for_each(|socket| end(&socket, parting));
}

/// Ends the WebSockets whose codes have ended. Returns when the alarm must ring for the others.
pub(super) fn end_due(state: &State, ends: &Cell<Ends>, now: Timestamp) -> Option<Timestamp> {
    let open = |tag: &str| all(state.as_raw(), Some(tag)).iter().filter(is_open).collect::<Vec<_>>();
    let (ended, next) = change(ends, |ends| ends.due(now, open));
    for socket in &ended {
        end(socket, Parting::AskNow);
    }
    next
}

fn change<R>(ends: &Cell<Ends>, make: impl FnOnce(&mut Ends) -> R) -> R {
    let mut changed = ends.get();
    let result = make(&mut changed);
    ends.set(changed);
    result
}

/// Ends a WebSocket over which a device has sent a message.
#[wasm_bindgen]
#[expect(unreachable_pub, reason = "wasm-bindgen exports only public functions")]
pub fn heard(socket: &JsValue, is_text: bool) {
    #[cfg(feature = "panic-probe")]
    super::probe::on_message();
    end(socket, Parting::after_message(is_text));
}

/// Closes a WebSocket. One that cannot be closed is gone already.
fn end(socket: &JsValue, parting: Parting) {
    let _: core::result::Result<(), JsValue> =
        part(socket, parting.message(), parting.code(), parting.reason());
}
