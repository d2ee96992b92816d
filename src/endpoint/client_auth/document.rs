//! Clients that nobody registered: finds the document that a `client_id` names, if an operator has let it in.
//!
//! An isolate keeps documents for as long as HTTP says, within bounds, and all isolates share them through the limiter. So a
//! document is fetched once, and a device that polls many isolates causes no more fetches. A registered client costs none
//! of this.

use core::fmt;
use std::rc::Rc;

use crate::client::Client;
use crate::client::document::Document;
use crate::client::document::address::{AddressFlaw, DocumentUrl, is_meant};
use crate::client::document::entry::{self, Entry};
use crate::client::document::response::{MOST_BYTES, is_json, lifetime};
use crate::endpoint::error::{Error, Limit, shown};
use crate::endpoint::platform::{FetchedDocument, NotFetched, Platform, Unavailable};
use crate::endpoint::server::Server;
use crate::fault::Fault;
use crate::limiter::budgets::{DOCUMENT_PAUSE, document_at, documents_of_host};
use crate::limiter::command::{DocumentNow, FindDocument, Full, KeepDocument, KeptDocument, Room, Take};
use crate::settings::issuer::Issuer;
use crate::time::Timestamp;

/// Why there is no client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum NoClient {
    /// The document cannot be used.
    Flawed(DocumentFlaw),
    /// The document cannot be fetched now.
    Unreachable(NotFetched),
    /// Somebody has just tried to fetch it, or many of its host were fetched. Carries the wait in seconds.
    Later(u64),
    /// Part of this server cannot be reached.
    Unavailable,
}

/// Why a document cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum DocumentFlaw {
    /// Its server does not send it.
    NotFetched(NotFetched),
    /// It has this type, or none.
    NotJson(String),
    /// It does not describe a client of this server.
    Faulty(Fault),
}

impl fmt::Display for DocumentFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFetched(why) => why.fmt(f),
            Self::NotJson(sent) => write!(f, "its Content-Type is '{sent}', which is not one of JSON"),
            Self::Faulty(fault) => f.write_str(&fault.detail),
        }
    }
}

impl From<Unavailable> for NoClient {
    fn from(Unavailable: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl From<NoClient> for Error {
    fn from(why: NoClient) -> Self {
        match why {
            NoClient::Flawed(flaw) => Self::DocumentFlawed(shown(&flaw.to_string())),
            NoClient::Unreachable(why) => Self::DocumentUnreachable(why),
            NoClient::Later(seconds) => Self::TooMany(Limit::Documents, seconds),
            NoClient::Unavailable => Self::Unavailable,
        }
    }
}

impl NoClient {
    /// Returns `None` for a client that there is not, and the error if nobody knows now whether there is one.
    pub(crate) fn known<T>(self) -> Result<Option<T>, Unavailable> {
        match self {
            Self::Flawed(_) => Ok(None),
            Self::Unreachable(_) | Self::Later(_) | Self::Unavailable => Err(Unavailable),
        }
    }

    /// Returns whether a document that was good a while ago may be used instead.
    const fn is_passing(&self) -> bool {
        match self {
            Self::Flawed(_) => false,
            Self::Unreachable(_) | Self::Later(_) | Self::Unavailable => true,
        }
    }
}

impl From<NotFetched> for NoClient {
    fn from(why: NotFetched) -> Self {
        match why {
            NotFetched::Unreachable | NotFetched::Status(429 | 500..) => Self::Unreachable(why),
            NotFetched::Status(_) | NotFetched::Large(_) => Self::Flawed(DocumentFlaw::NotFetched(why)),
        }
    }
}

impl<P> Server<P> {
    /// Returns the URL that a `client_id` is, and the entry that lets it in.
    pub(crate) fn let_in(&self, entries: &[Entry], client_id: &str) -> Option<(DocumentUrl, Entry)> {
        let url = self.document_url(client_id).ok()?;
        let entry = entry::find(entries, &url)?.clone();
        Some((url, entry))
    }

    /// Returns whether a document is in this isolate's memory, so that it costs nothing.
    pub(super) fn has_document(&self, url: &DocumentUrl, now: Timestamp) -> bool {
        self.cache.client_documents.find(url, now).is_some()
    }

    /// Returns the error for a `client_id` that nobody knows.
    pub(super) fn unknown_client(&self, client_id: &str) -> Error {
        if !is_meant(client_id) {
            return Error::UnknownClient;
        }
        match self.document_url(client_id) {
            Ok(url) => Error::DocumentNotAllowed(shown(url.as_str())),
            Err(flaw) => Error::DocumentAddress(flaw),
        }
    }

    fn document_url(&self, client_id: &str) -> Result<DocumentUrl, AddressFlaw> {
        DocumentUrl::parse(client_id, self.settings.is_development())
    }
}

impl<P: Platform> Server<P> {
    /// Returns the client that the document at `url` describes, on the terms of `entry`.
    pub(crate) async fn document_client(
        &self,
        url: &DocumentUrl,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<Client, NoClient> {
        let document = match self.cache.client_documents.find(url, now) {
            Some(document) => document,
            None => self.shared_document(url, now).await?,
        };
        Ok(document.client(entry))
    }

    /// Returns the document that the isolates share, or fetches it if it is this isolate's turn.
    async fn shared_document(&self, url: &DocumentUrl, now: Timestamp) -> Result<Rc<Document>, NoClient> {
        let find = FindDocument { key: document_at(url.as_str()), pause: DOCUMENT_PAUSE };
        let (newest, stale) = match self.platform.limits(find).await? {
            DocumentNow::Fresh(kept) => (Ok(kept), None),
            DocumentNow::Fetch { stale } => (self.fetch_in_turn(url, now).await, stale),
            DocumentNow::Wait { seconds, stale } => (Err(NoClient::Later(seconds)), stale),
        };
        match (newest, stale) {
            (Ok(kept), _) => {
                let document = Rc::new(self.read_document(url, &kept.text)?);
                self.cache.client_documents.keep(url, &document, kept.fresh_until);
                Ok(document)
            }
            (Err(why), Some(stale)) if why.is_passing() => self.read_document(url, &stale.text).map(Rc::new),
            (Err(why), _) => Err(why),
        }
    }

    /// Fetches a document, and shares it if it can be used. If it cannot, nothing is kept, not even the one before.
    async fn fetch_in_turn(&self, url: &DocumentUrl, now: Timestamp) -> Result<KeptDocument, NoClient> {
        let budget = documents_of_host(url.host());
        let take = Take { key: budget.key, rule: budget.rule, network: budget.network };
        if let Room::Wait(Full { seconds, .. }) = self.platform.limits(take).await? {
            return Err(NoClient::Later(seconds));
        }
        let fetched = self.fetch_document(url, now).await;
        let is_settled = fetched.as_ref().err().is_none_or(|why| !why.is_passing());
        if is_settled {
            let document = fetched.as_ref().ok().cloned();
            let keep = KeepDocument { key: document_at(url.as_str()), document };
            // If nobody else hears of it, this request still has its answer.
            let _: Result<(), Unavailable> = self.platform.limits(keep).await;
        }
        fetched
    }

    async fn fetch_document(&self, url: &DocumentUrl, now: Timestamp) -> Result<KeptDocument, NoClient> {
        let fetched = self.platform.fetch_document(url.as_str(), MOST_BYTES).await?;
        let FetchedDocument { content_type, cache_control, age, body } = fetched;
        let content_type = content_type.unwrap_or_default();
        if !is_json(&content_type) {
            return Err(NoClient::Flawed(DocumentFlaw::NotJson(shown(&content_type))));
        }
        // What is not UTF-8 is not JSON either.
        let text = String::from_utf8(body).unwrap_or_default();
        self.read_document(url, &text)?;
        let fresh_until = now + lifetime(cache_control.as_deref(), age.as_deref());
        Ok(KeptDocument { text, fresh_until })
    }
}

impl<P> Server<P> {
    fn read_document(&self, url: &DocumentUrl, text: &str) -> Result<Document, NoClient> {
        let Self { settings, .. } = self;
        let own = settings.issuer.as_ref().map(Issuer::hostname);
        let service: Vec<&str> = own.into_iter().chain([settings.service.shown_name()]).collect();
        let read = Document::parse(url, text.as_bytes(), &service);
        read.map_err(|faults| NoClient::Flawed(DocumentFlaw::Faulty(first(faults))))
    }
}

fn first(faults: Vec<Fault>) -> Fault {
    faults.into_iter().next().unwrap_or_else(|| Fault::at("", "it cannot be used"))
}
