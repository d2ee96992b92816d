//! The consent page.

use askama::Template;

use super::problem::Problem;
use crate::endpoint::messages::{Html, Messages};
use crate::verdict::{Comparison, Verdict};

/// The consent page: who asks for what, from where, and the buttons for the decision (RFC 8628 §5.4).
///
/// The first button of the form refuses, because Enter presses the first button.
#[derive(Template)]
#[template(path = "consent.html")]
pub struct ConsentPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Path that the forms post to.
    pub action: &'a str,
    /// Ties the forms to the browser and its session.
    pub csrf: &'a str,
    /// Sealed; carries the code and the hold on its grant.
    pub transaction: &'a str,
    /// The code to compare with the one on the device, formatted for people.
    pub user_code: &'a str,
    /// The registered `client_name`, or the `client_id` of a client that is gone.
    pub client_name: &'a str,
    /// The last part of the address of the client's logo, if it has one.
    pub client_logo: Option<&'a str>,
    /// The website that the client claims as its own. Shown as text, never as a link.
    pub client_uri: Option<&'a str>,
    /// The host whose document gives the client its name, if nobody registered the client.
    pub vouched_by: Option<&'a str>,
    /// Whether the client describes itself, so that nobody has checked its name.
    pub is_unchecked: bool,
    /// Display name of the account that the device would get access to.
    pub account_name: &'a str,
    /// Email address, or else username, which tells apart accounts of the same name.
    pub account_detail: &'a str,
    /// The username or email address that the device expects, if it is not that of this account.
    pub expected: Option<&'a str>,
    /// What the client will be able to do: the descriptions of the requested scopes.
    pub permissions: Vec<Html>,
    /// Hosts of the requested resources; `None` if the device asked only for the client's default resource.
    pub resources: Option<Html>,
    /// The registered `consent_text`, quoted as the client's own words.
    pub consent_text: Option<&'a str>,
    /// The client's privacy policy and terms of service, where registered.
    pub documents: Vec<Document<'a>>,
    /// Where the request of the device came from.
    pub requested: Origin,
    /// Where the request for this page came from.
    pub here: Origin,
    /// Whether the request came from near the person, and both places.
    pub comparison: &'a Comparison,
    /// How far apart both places are, unless they are near each other or one is uncertain.
    pub distance: Option<Html>,
    /// Whether more than the country is known of both places. The names of some countries need an article in a sentence.
    pub has_areas: bool,
    /// What is said about a request from near the person.
    pub near: Html,
    /// Why nothing can be said about the places, unless the page already says so elsewhere.
    pub doubt: Option<Html>,
    /// The web page that started the request, if one did.
    pub page: Option<StartPage<'a>>,
    /// What went wrong when the form was last sent.
    pub problem: Option<Problem<'a>>,
    /// Whether the person has to type the end of what the device is called.
    pub asks_identifier: bool,
    /// When the code expires.
    pub expires: Html,
    /// How the access would end; `None` for a client that is gone.
    pub end: Option<Html>,
}

impl ConsentPage<'_> {
    fn is_near(&self) -> bool {
        self.comparison.verdict == Verdict::Near
    }
}

/// The web page that started a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StartPage<'a> {
    /// A page of this origin, which an operator has allowed for the client.
    At(&'a str),
    /// A page that hides its address: any page can, so place and network of the request say nothing.
    Hidden,
}

/// A link to one of the client's own documents.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Document<'a> {
    /// Such as `Its privacy policy`.
    pub what: Html,
    /// Always https.
    pub uri: &'a str,
    /// The host of `uri`, shown beside the link.
    pub host: &'a str,
}

/// Where a request came from, in words.
#[derive(Clone, Debug)]
pub struct Origin {
    /// `Lyon, France`, or `Unknown place`.
    pub place: Html,
    /// `Orange (AS3215)`, or `Unknown network`.
    pub network: Html,
    /// `2 minutes ago, 14:03 GMT+1`.
    pub time: Html,
    /// `Command line (curl)`.
    pub device: Html,
}
