//! The server, and the context of a request that every endpoint receives.

use super::http::Request;
use super::memory::{Cache, Used};
use super::messages::Messages;
use super::platform::Platform;
use crate::device_kind::DeviceKind;
use crate::language::Language;
use crate::network::Network;
use crate::place::{Origin, Place};
use crate::settings::Settings;
use crate::settings::issuer::Issuer;
use crate::time::Timestamp;
use crate::verdict::Side;

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
    /// The language of the pages, as the person or the browser has chosen it; `None` if neither has.
    pub(super) language: Option<Language>,
}

impl<P> Context<'_, P> {
    /// Returns the request's network, under the pseudonyms by which it is counted.
    pub(super) fn network(&self) -> Network {
        let keys = &self.server.settings.keyring.current;
        Network::of(self.request.address.as_deref(), |prefix| keys.pseudonym(prefix))
    }

    /// Returns where the person at this browser is, to compare it with where a device asked.
    pub(super) fn side(&self) -> Side {
        let Request { place, user_agent, .. } = self.request;
        let device = DeviceKind::of(user_agent.as_deref());
        let origin = Origin { place: Place::clone(place), device, at: self.now, page: None };
        Side { origin, network: self.network() }
    }

    /// Returns the key for the platform's rate limit of `what`: one subscriber of a network. A narrower prefix
    /// would give a household 256 keys; in a wider one, a stranger could use up the requests of 256 households.
    pub(super) fn rate_key(&self, what: &str) -> String {
        rate_key(what, &self.network())
    }
}

/// Returns [`Context::rate_key`] for a network that is known already.
pub(super) fn rate_key(what: &str, network: &Network) -> String {
    format!("{what}/{}", network.subscriber())
}

impl<'a, P: Platform> Context<'a, P> {
    /// Returns the texts of the pages.
    pub(super) fn text(self) -> Messages<'a> {
        Messages::new(
            self.language.unwrap_or_default(),
            &self.server.settings.service,
            self.issuer.path(),
            self.server.platform.intl(),
            (self.now, &self.request.place),
        )
    }

    /// Returns the same context, in one of these languages if nothing else has chosen one. They come from the device,
    /// and whoever started the request must not choose the language of its warning.
    pub(super) fn or_in(self, ui_locales: &[String]) -> Self {
        let theirs = || Language::preferred(ui_locales.iter().map(String::as_str));
        Self { language: self.language.or_else(theirs), ..self }
    }
}

impl<P> Clone for Context<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Context<'_, P> {}
