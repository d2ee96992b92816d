//! The server, and what every endpoint is given of a request.

use super::http::Request;
use super::memory::{Cache, Used};
use crate::place::network_of;
use crate::settings::Settings;
use crate::settings::issuer::Issuer;
use crate::time::Timestamp;

/// A server: its settings, the world it runs in, and what this isolate remembers.
pub struct Server<P> {
    /// The settings.
    pub settings: Settings,
    /// The world.
    pub platform: P,
    pub(super) cache: Cache,
    pub(super) used: Used,
}

impl<P> Server<P> {
    /// A server that remembers nothing yet.
    pub fn new(settings: Settings, platform: P) -> Self {
        Self { settings, platform, cache: Cache::default(), used: Used::default() }
    }
}

/// One request on its way through: what every endpoint is given.
pub(crate) struct Context<'a, P> {
    pub(super) server: &'a Server<P>,
    pub(super) issuer: &'a Issuer,
    pub(super) request: &'a Request,
    pub(super) now: Timestamp,
}

impl<P> Context<'_, P> {
    /// What stands for the network of the request in counters.
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
