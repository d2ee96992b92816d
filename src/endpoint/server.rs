//! The server, and the context of a request that every endpoint receives.

use super::http::Request;
use super::memory::{Cache, Used};
use crate::place::network_of;
use crate::settings::Settings;
use crate::settings::issuer::Issuer;
use crate::time::Timestamp;

/// A server: its settings, its platform, and what this isolate remembers.
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct Server<P> {
    pub settings: Settings,
    pub platform: P,
    pub(super) cache: Cache,
    pub(super) used: Used,
}

impl<P> Server<P> {
    /// Returns a server that remembers nothing yet.
    pub fn new(settings: Settings, platform: P) -> Self {
        Self { settings, platform, cache: Cache::default(), used: Used::default() }
    }
}

/// A request, with what an endpoint needs to answer it.
pub(crate) struct Context<'a, P> {
    pub(super) server: &'a Server<P>,
    pub(super) issuer: &'a Issuer,
    pub(super) request: &'a Request,
    pub(super) now: Timestamp,
}

impl<P> Context<'_, P> {
    /// Returns the pseudonym of the request's network, under which the limiter counts.
    pub(super) fn network(&self) -> String {
        let network = network_of(self.request.address.as_deref());
        self.server.settings.keyring.current.pseudonym(&network)
    }
}

impl<P> Clone for Context<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Context<'_, P> {}
