//! The pages of people who ask for access: while they wait, and all that they have asked for.

use askama::Template;

use super::MenuForm;
use super::problem::Problem;
use crate::endpoint::messages::{Html, Messages};

/// The form with which a person asks for access.
#[derive(Clone, Debug)]
pub struct AskForm<'a> {
    /// Path that the form posts to.
    pub action: &'a str,
    /// Ties the form to the browser and its session.
    pub csrf: &'a str,
    /// Names the request of the device; `None` without a code.
    pub request: Option<&'a str>,
    /// What can be asked for.
    pub lead: Html,
    /// What the field for the reason contains.
    pub reason: String,
    /// Most characters of a reason.
    pub longest: usize,
    /// What went wrong when the form was last sent.
    pub problem: Option<Problem<'a>>,
}

impl AskForm<'_> {
    /// Returns whether the reason is what is wrong.
    pub(super) const fn is_reason_wrong(&self) -> bool {
        matches!(self.problem, Some(Problem::ReasonMissing | Problem::ReasonLong))
    }
}

/// The page of a device's request whose person waits to be let through. It is loaded again by itself.
#[derive(Template)]
#[template(path = "waiting.html")]
pub struct WaitingPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// What was asked for, and when.
    pub lead: Html,
    /// In the person's words.
    pub reason: &'a str,
    /// When the code of the device expires.
    pub expires: Html,
    /// The address of this page.
    pub address: &'a str,
    /// A link to all requests of the person.
    pub requests: Html,
    /// The form of the language menu.
    pub menu: MenuForm<'a>,
}

/// What a person has asked for, and the form to ask.
#[derive(Template)]
#[template(path = "access.html")]
pub struct AccessPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Path that the forms post to.
    pub action: &'a str,
    /// Ties the forms to the browser and its session.
    pub csrf: &'a str,
    /// Display name of the person.
    pub signed_in_as: &'a str,
    /// The form, if the person came to ask.
    pub form: Option<AskForm<'a>>,
    /// Why there is no form, if the person came to ask.
    pub note: Option<Html>,
    /// The requests of the person, newest first.
    pub requests: Vec<RequestLine>,
    /// Path of the page for entering a code.
    pub enter: &'a str,
    /// Path of the page of the account.
    pub account: &'a str,
    /// What went wrong when a form was last sent.
    pub problem: Option<Problem<'a>>,
}

/// A request for access in the list.
#[derive(Clone, Debug)]
pub struct RequestLine {
    /// The name of the client.
    pub client: Html,
    /// When it was asked for.
    pub asked: Html,
    /// What has become of it.
    pub state: Html,
    /// What an administrator wrote to the person.
    pub message: Option<Html>,
}
