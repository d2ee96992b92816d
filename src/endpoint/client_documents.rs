//! The client ID metadata documents that an isolate remembers.

use core::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::client::document::Document;
use crate::client::document::address::DocumentUrl;
use crate::time::Timestamp;

/// The documents that this isolate has read, each with the time until which it is fresh, by URL.
#[derive(Default)]
pub(super) struct ClientDocuments(RefCell<BTreeMap<String, (Rc<Document>, Timestamp)>>);

impl ClientDocuments {
    /// At this many documents, the isolate drops all of them.
    const MOST: usize = 100;

    pub(super) fn find(&self, url: &DocumentUrl, now: Timestamp) -> Option<Rc<Document>> {
        let known = self.0.borrow();
        known.get(url.as_str()).filter(|(_, until)| now < *until).map(|(document, _)| Rc::clone(document))
    }

    pub(super) fn keep(&self, url: &DocumentUrl, document: &Rc<Document>, until: Timestamp) {
        let mut known = self.0.borrow_mut();
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(url.as_str().to_owned(), (Rc::clone(document), until));
    }
}
