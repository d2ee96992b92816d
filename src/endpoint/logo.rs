//! `GET /logo/<name>`: the image of `SERVICE_LOGO`, and those of the `logo_uri` of operators' clients.
//!
//! A page names an image by a hash, so browsers may keep each one for ever. Images from other servers are fetched once
//! and kept in the registry. See `docs/decisions/0045-logos.md`.

use core::fmt;
use core::time::Duration;
use std::rc::Rc;

use super::http::Response;
use super::platform::{NotFetched, Platform, Unavailable};
use super::route::LOGO_PREFIX;
use super::server::{Context, Server};
use crate::logo::{LARGEST, Logo, LogoFlaw};
use crate::registry::command::{FindLogo, KeepLogo};
use crate::settings::ServiceLogo;
use crate::time::Timestamp;

/// Pause after a failed fetch of the service's logo, before the next try.
const RETRY: Duration = Duration::from_secs(10);
/// The `what` of log lines.
const WHAT: &str = "logo";

/// Why there is no logo. Displays as what is wrong with its address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoLogo {
    /// It is on http.
    Insecure,
    NotFetched(NotFetched),
    NotAnImage(LogoFlaw),
    /// It is the image of the service, for which a client must not be taken.
    OfTheService,
    /// The registry cannot be reached, or the image could not be fetched a moment ago.
    Unavailable,
}

impl fmt::Display for NoLogo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Insecure => f.write_str("is not fetched, because it is not on https"),
            Self::NotFetched(why) => write!(f, "could not be fetched: {why}"),
            Self::NotAnImage(flaw) => write!(f, "cannot be shown: the file {flaw}"),
            Self::OfTheService => {
                f.write_str("is the logo of this service, which no client may show as its own")
            }
            Self::Unavailable => f.write_str("could not be fetched just now"),
        }
    }
}

impl NoLogo {
    /// Returns the reason for a log line.
    const fn reason(self) -> &'static str {
        match self {
            Self::Insecure => "insecure",
            Self::NotFetched(NotFetched::Unreachable) => "unreachable",
            Self::NotFetched(NotFetched::Status(_)) => "status",
            Self::NotFetched(NotFetched::Large(_)) => "large",
            Self::NotAnImage(_) => "not_an_image",
            Self::OfTheService => "of_the_service",
            Self::Unavailable => "tried_before",
        }
    }
}

impl From<Unavailable> for NoLogo {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

pub(super) async fn answer<P: Platform>(context: Context<'_, P>) -> Response {
    let path = context.request.path.strip_prefix(context.issuer.path());
    let name = path.and_then(|path| path.strip_prefix(LOGO_PREFIX)).unwrap_or_default();
    match context.server.logo(name, context.now).await {
        Ok(Some(logo)) => Response::of_bytes(logo.media_type(), logo.bytes().to_vec())
            .with("cache-control", "public, max-age=31536000, immutable".to_owned())
            .with("content-security-policy", "default-src 'none'; sandbox".to_owned()),
        Ok(None) => Response::text(404, "There is no logo at this address."),
        Err(why) => Response::text(503, "The logo cannot be shown right now.")
            .with("retry-after", RETRY.as_secs().to_string())
            .noting(WHAT, None, "unavailable", why.reason()),
    }
}

impl<P: Platform> Server<P> {
    /// Returns the image that pages show under this name; `None` if there is none.
    async fn logo(&self, name: &str, now: Timestamp) -> Result<Option<Rc<Logo>>, NoLogo> {
        if self.settings.service.logo.as_ref().is_some_and(|own| own.name() == name) {
            return self.own_logo(now).await;
        }
        // A stranger who makes names up does not reach the registry.
        if self.snapshot(now).await?.is_some_and(|snapshot| !snapshot.has_logo(name)) {
            return Ok(None);
        }
        self.kept_logo(name).await
    }

    /// Returns the logo of the service; `None` if it has none.
    async fn own_logo(&self, now: Timestamp) -> Result<Option<Rc<Logo>>, NoLogo> {
        match &self.settings.service.logo {
            None => Ok(None),
            Some(ServiceLogo::Inside(logo)) => Ok(Some(Rc::new(logo.clone()))),
            Some(ServiceLogo::At { url, name }) => match self.kept_logo(name).await? {
                Some(logo) => Ok(Some(logo)),
                None => self.fetch_own_logo(url, name, now).await.map(Some),
            },
        }
    }

    async fn kept_logo(&self, name: &str) -> Result<Option<Rc<Logo>>, NoLogo> {
        if let Some(logo) = self.cache.logos.find(name) {
            return Ok(Some(logo));
        }
        let found = self.platform.registry(FindLogo { name: name.to_owned() }).await?;
        Ok(found.map(|logo| self.cache.logos.keep(name, logo)))
    }

    /// Fetches the logo of the service, and stores it for all isolates.
    async fn fetch_own_logo(&self, url: &str, name: &str, now: Timestamp) -> Result<Rc<Logo>, NoLogo> {
        if self.cache.logos.has_just_failed(RETRY, now) {
            return Err(NoLogo::Unavailable);
        }
        let logo = self.fetch_logo(url).await.inspect_err(|_| self.cache.logos.note_failure(now))?;
        self.platform.registry(KeepLogo { name: name.to_owned(), logo: logo.clone() }).await?;
        Ok(self.cache.logos.keep(name, logo))
    }

    async fn fetch_logo(&self, url: &str) -> Result<Logo, NoLogo> {
        if !self.settings.may_fetch(url) {
            return Err(NoLogo::Insecure);
        }
        let bytes = self.platform.fetch_bytes(url, LARGEST).await.map_err(NoLogo::NotFetched)?;
        Logo::read(bytes).map_err(NoLogo::NotAnImage)
    }

    /// Fetches the logo of a client. The logo of the service is refused.
    pub(super) async fn fetch_client_logo(&self, url: &str, now: Timestamp) -> Result<Logo, NoLogo> {
        let logo = self.fetch_logo(url).await?;
        let own = self.own_logo(now).await.ok().flatten();
        if own.is_some_and(|own| own.hash() == logo.hash()) { Err(NoLogo::OfTheService) } else { Ok(logo) }
    }
}
