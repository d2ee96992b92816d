//! What all pages have around their content. Each part is a template of its own, which is compiled once, not for each page.

use askama::Template;

use crate::endpoint::messages::Messages;

/// Logo and name of the service.
#[derive(Template)]
#[template(path = "brand.html")]
struct Brand<'a> {
    text: Messages<'a>,
}

/// The link to the operator's help, if there is one.
#[derive(Template)]
#[template(path = "help.html")]
struct Help<'a> {
    text: Messages<'a>,
}

/// The language menu. Its buttons belong to the page's form.
#[derive(Template)]
#[template(path = "languages.html")]
struct Languages<'a> {
    text: Messages<'a>,
}

pub(in crate::endpoint) fn brand(text: &Messages<'_>) -> String {
    rendered(&Brand { text: *text })
}

pub(in crate::endpoint) fn help(text: &Messages<'_>) -> String {
    rendered(&Help { text: *text })
}

pub(in crate::endpoint) fn languages(text: &Messages<'_>) -> String {
    rendered(&Languages { text: *text })
}

fn rendered(part: &impl Template) -> String {
    part.render().expect("a text can always be written")
}
