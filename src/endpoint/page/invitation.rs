//! The page of an invitation.

use askama::Template;

use super::problem::Problem;
use crate::endpoint::messages::{Html, Messages};
use crate::upstream::provider::Offer;

/// The page of an invitation: a first way into a new account, or another one into an existing account.
#[derive(Template)]
#[template(path = "invitation.html")]
pub struct InvitationPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Path that the form posts to.
    pub action: &'a str,
    /// Ties the form to the browser and its session.
    pub csrf: &'a str,
    /// The secret of the link.
    pub secret: &'a str,
    /// Sealed; carries the challenge, and the `sub` of the account.
    pub ceremony: &'a str,
    /// JSON for the browser; `None` at an IP address.
    pub options: Option<String>,
    /// Whether the account exists.
    pub is_recovery: bool,
    /// The username that is chosen already, or that was typed.
    pub username: &'a str,
    /// Whether the username is chosen already.
    pub has_username: bool,
    /// The full name that is known, or that was typed.
    pub name: &'a str,
    /// Whether people can sign in with a password.
    pub passwords: bool,
    /// What the first administrator can choose besides a new account; `None` for everybody else.
    pub first: Option<FirstAdministrator>,
    /// What went wrong when the form was last sent.
    pub problem: Option<Problem<'a>>,
}

impl InvitationPage<'_> {
    fn heading(&self) -> Html {
        if self.is_recovery { self.text.recovery_title() } else { self.text.invitation_title() }
    }
}

/// The ways of the first administrator besides a new account.
#[derive(Clone, Debug)]
pub struct FirstAdministrator {
    /// The account that is signed in, if there is one.
    pub signed_in: Option<Html>,
    /// The providers to sign in with, in their order.
    pub providers: Vec<Offer>,
}
