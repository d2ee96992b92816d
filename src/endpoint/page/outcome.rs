//! The pages without a decision to make: the result of one, and notices.

use askama::Template;

use super::MenuForm;
use super::asking::AskForm;
use super::problem::Problem;
use crate::endpoint::messages::{Html, Messages};
use crate::grant::Outcome;

/// The result page: what was decided, and that the person should return to the device (RFC 8628 §3.3).
#[derive(Template)]
#[template(path = "result.html")]
pub struct ResultPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// The decision, which the shard has stored.
    pub outcome: Outcome,
    /// When it was decided, such as `14:03 GMT+1`.
    pub time: Html,
    /// When the access ended, and how long the device can still use what it has.
    pub ended_now: Html,
    /// The registered `client_name`, or the `client_id` of a client that is gone.
    pub client_name: &'a str,
    /// Whether the device waits for digits, so that nothing is signed in yet.
    pub verifying: bool,
    /// The digits that the person types at the device; `None` if nothing waits for them, or if they are shown to nobody any
    /// more because the person has signed out.
    pub digits: Option<String>,
    /// The address of this page, to look again.
    pub again: &'a str,
    /// Whether the person has just pressed another button, which changed nothing.
    pub kept: bool,
    /// The form that ends the access, as long as that is possible.
    pub end: Option<EndForm<'a>>,
    /// After a report: what came from the same source in the last day.
    pub same_source: Option<SameSource<'a>>,
    /// After a report: how many devices from the same source have lost their access.
    pub ended: Option<Html>,
    /// A link to the page of the account.
    pub account: Html,
    /// The form of the language menu.
    pub menu: MenuForm<'a>,
}

/// The form that ends an access that was just approved.
#[derive(Clone, Copy, Debug)]
pub struct EndForm<'a> {
    /// Path that the form posts to.
    pub action: &'a str,
    /// Ties the form to the browser and its session.
    pub csrf: &'a str,
    /// Names the request.
    pub request: &'a str,
}

/// Devices that came from where a reported request did, and the form that ends their access.
#[derive(Clone, Debug)]
pub struct SameSource<'a> {
    /// How many there are.
    pub words: Html,
    /// Their names.
    pub names: Html,
    /// The form.
    pub form: EndForm<'a>,
}

/// The page for a person who may not approve the request of a device.
#[derive(Template)]
#[template(path = "denied.html")]
pub struct DeniedPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Why not, in our words.
    pub explanation: Html,
    /// Why not, in the operator's words.
    pub message: Option<Html>,
    /// Whom to ask.
    pub ask: Html,
    /// A page with what the person can do.
    pub help: Option<&'a str>,
    /// What became of the person's last request for access.
    pub answer: Option<LastAnswer>,
    /// The form to ask for access, where that can help.
    pub form: Option<AskForm<'a>>,
    /// What went wrong when that form was last sent.
    pub form_problem: Option<Problem<'a>>,
    /// Path of the page for entering a code.
    pub back: &'a str,
    /// The form of the language menu.
    pub menu: MenuForm<'a>,
}

/// What became of a request for access that did not let the person through.
#[derive(Clone, Debug)]
pub struct LastAnswer {
    /// What happened.
    pub words: Html,
    /// What an administrator wrote to the person.
    pub message: Option<Html>,
}

/// A page without a form of its own: for a request that ended, was opened elsewhere, or could not be served, and for an
/// account that is ready.
#[derive(Template)]
#[template(path = "outcome.html")]
pub struct NoticePage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// The heading: what happened.
    pub title: Html,
    /// What that means, and what to do now.
    pub explanation: Html,
    /// Whether it is good news.
    pub is_good: bool,
    /// Path of the page for entering a code, if that comes next or can help.
    pub back: Option<&'a str>,
    /// The form of the language menu.
    pub menu: MenuForm<'a>,
}
