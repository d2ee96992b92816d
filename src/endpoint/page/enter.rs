//! The page for entering a code.

use askama::Template;

use super::problem::Problem;
use crate::endpoint::messages::{Html, Messages};

/// The page for entering a code, or for comparing the one that a link brought along (RFC 8628 §3.3.1).
#[derive(Template)]
#[template(path = "enter.html")]
pub struct EnterPage<'a> {
    /// The texts of the page.
    pub text: Messages<'a>,
    /// Path that the form posts to.
    pub action: &'a str,
    /// Ties the form to the browser and its session.
    pub csrf: &'a str,
    /// Display name of the person who is signed in.
    pub signed_in_as: Option<&'a str>,
    /// What the field for the code contains: a code formatted for people, or what was typed so far.
    pub user_code: &'a str,
    /// Whether the code is already there, and the person only compares it with the one on the device.
    pub compare: bool,
    /// The proof of the link that brought the code.
    pub link: Option<&'a str>,
    /// What the codes of this server look like.
    pub shape: CodeShape<'a>,
    /// Site key of the Turnstile widget, if the form needs one.
    pub site_key: Option<&'a str>,
    /// What went wrong when the form was last sent.
    pub problem: Option<Problem<'a>>,
}

impl EnterPage<'_> {
    /// Returns the class that draws a line for each symbol, if the style sheet has one for codes of this length and all
    /// codes have it.
    fn cells(&self) -> &'static str {
        match (self.shape.digits_example, self.shape.example.len()) {
            (None, 9) => "cells-9",
            (None, 11) => "cells-11",
            (None, 12) => "cells-12",
            (None, 14) => "cells-14",
            (Some(_) | None, _) => "",
        }
    }

    fn heading_in_title(&self) -> Html {
        if self.compare { self.text.compare_title() } else { self.text.enter_title() }
    }
}

/// What user codes look like, for the hint and for the on-screen keyboard.
#[derive(Clone, Copy, Debug)]
pub struct CodeShape<'a> {
    /// Whether all codes consist of digits only (RFC 8628 §6.1).
    pub digits: bool,
    /// A placeholder such as `XXXX-XXXX`. Some codes have two more symbols.
    pub example: &'a str,
    /// A placeholder such as `0000-0000-0000`, if only some clients have codes of digits.
    pub digits_example: Option<&'a str>,
}
