//! A whole server in memory: the real endpoints and the real rules over maps instead of objects, with a clock
//! that the test moves.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken world fails its test")]

pub(crate) mod admin;
pub(crate) mod authenticator;
pub(crate) mod counts_rows;
pub(crate) mod courier_rows;
pub(crate) mod dpop;
#[cfg(test)]
pub(crate) mod event_schema;
mod intl;
mod keys;
mod memories;
mod messages;
pub(crate) mod person;
pub(crate) mod provider;
pub(crate) mod rows;
pub(crate) mod signer;
pub(crate) mod siteverify;
pub(crate) mod wire;
mod world;

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

pub(crate) use keys::{claims, header, made, own_key, rsa_signature, verified};
pub(crate) use messages::{get, json, outcome, post, post_raw};
pub(crate) use world::{Cost, Started, World, settings};

/// The grant type of RFC 8628 §3.4.
pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The issuer of a [`World`], unless the test sets another.
pub(crate) const ISSUER: &str = "http://127.0.0.1:8787";
/// The time at which every world starts, in milliseconds: 2026-11-21T12:00:00Z.
pub(crate) const START: u64 = 1_795_262_400_000;

/// Polls a future once.
pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Runs a future to its end. It must never wait; nothing native does.
pub(crate) fn now_or_never<F: Future>(future: F) -> F::Output {
    match poll(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("something native waited"),
    }
}
