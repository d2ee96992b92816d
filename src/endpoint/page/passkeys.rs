//! The page of a person's passkeys.

use askama::Template;

use super::problem::Problem;
use crate::endpoint::messages::{Html, Messages};

/// The passkeys of the person who is signed in.
#[derive(Template)]
#[template(path = "passkeys.html")]
pub struct PasskeysPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Path that the forms post to.
    pub action: &'a str,
    /// Ties the forms to the browser and its session.
    pub csrf: &'a str,
    /// Display name of the person.
    pub signed_in_as: &'a str,
    /// Path of the page of the account.
    pub account: &'a str,
    /// In the order in which they were added.
    pub passkeys: Vec<KnownPasskey<'a>>,
    /// Sealed; carries the challenge for a new one.
    pub ceremony: &'a str,
    /// JSON for the browser, or why no passkey can be added.
    pub options: Result<String, Html>,
    /// What went wrong when a form was last sent.
    pub problem: Option<Problem<'a>>,
}

/// A passkey as its owner sees it.
#[derive(Clone, Debug)]
pub struct KnownPasskey<'a> {
    /// Names the passkey in forms.
    pub id: String,
    /// What the field for its name contains.
    pub name: &'a str,
    /// Its name, or that it has none.
    pub heading: Html,
    /// When it was added.
    pub added: Html,
    /// When it was last used.
    pub used: Html,
    /// Whether it can be on several devices.
    pub kept: Html,
}
