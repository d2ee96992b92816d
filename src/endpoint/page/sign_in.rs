//! The sign-in page, and the page that goes on to a provider.

use askama::Template;

use super::problem::Problem;
use crate::endpoint::messages::{Html, Messages};
use crate::upstream::provider::Offer;

/// The sign-in page. It usually comes before the code is looked up, so it says nothing about the code.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Path that the form posts to.
    pub action: &'a str,
    /// Ties the form to the browser and its session.
    pub csrf: &'a str,
    /// Sealed; carries the code through the sign-in. `None` if the person wants to see a page of their own.
    pub transaction: Option<&'a str>,
    /// Why the person should sign in, unless it is for a second time.
    pub lead: Html,
    /// The username that was typed last time, or that the device expects; otherwise empty.
    pub username: &'a str,
    /// The providers to sign in with, in their order.
    pub providers: &'a [Offer],
    /// What Cloudflare Access is called, if it is in front of this server.
    pub access: Option<&'a str>,
    /// Why the person who is signed in has to sign in again.
    pub again: Option<Html>,
    /// Signing in with a passkey; `None` at an IP address.
    pub passkey: Option<PasskeyForm>,
    /// Whether people can sign in with a password.
    pub passwords: bool,
    /// What went wrong when the form was last sent.
    pub problem: Option<Problem<'a>>,
}

/// The page that goes on to a provider.
#[derive(Template)]
#[template(path = "going.html")]
pub struct GoingPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Path that the form of the language menu posts to.
    pub action: &'a str,
    /// Ties the form to the browser and its session.
    pub csrf: &'a str,
    /// Sealed; carries the code, so that the menu can show this page again.
    pub transaction: &'a str,
    /// The secret of the link that the person opened, if the sign-in is for an invitation.
    pub secret: Option<&'a str>,
    /// Names the provider in the form.
    pub id: &'a str,
    /// The provider's name.
    pub provider: &'a str,
    /// Where to go on to: an https URL, or http on loopback.
    pub address: &'a str,
}

/// What a form that uses a passkey contains.
#[derive(Clone, Debug)]
pub struct PasskeyForm {
    /// Sealed; carries the challenge.
    pub ceremony: String,
    /// JSON for the browser.
    pub options: String,
}
