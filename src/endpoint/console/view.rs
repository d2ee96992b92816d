//! The pages of the console as responses.

use askama::Template;

use super::block::{Block, Blocks, Cell, Page, Tone};
use super::gate::{Bar, Visitor};
use super::route::{PAGES, address};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::http::Response;
use crate::endpoint::messages::Messages;
use crate::endpoint::own::which::Own;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::endpoint::verify::{browser, view};
use crate::identity::account::Account;
use crate::identity::session::Browser;

/// A page of the console.
#[derive(Template)]
#[template(path = "console/page.html")]
struct ConsolePage<'a> {
    text: Messages<'a>,
    base: &'a str,
    action: &'a str,
    csrf: &'a str,
    signed_in_as: &'a str,
    menu: Vec<Entry<'a>>,
    page: &'a Page,
    blocks: String,
    /// Whether this is a development server, where a password is enough.
    is_development: bool,
}

/// An entry of the menu.
struct Entry<'a> {
    address: String,
    label: &'a str,
    is_here: bool,
}

/// Answers with a page, or says why there is none.
pub(super) fn answer<P: Platform>(
    context: Context<'_, P>,
    visitor: &Visitor<'_>,
    page: Result<Page, Problem>,
) -> Response {
    match page {
        Ok(page) => html(context, visitor, 200, &page).noting(Own::Console.what(), None, "shown", "console"),
        Err(problem) => {
            let page = Page::new("That did not work", vec![Block::Notice(Tone::Bad, said(&problem))])
                .below("", "Overview");
            let response = html(context, visitor, problem.status(), &page);
            response.noting(Own::Console.what(), None, "refused", problem.name())
        }
    }
}

/// Answers a form that was refused with its page, and with what was wrong above it.
pub(super) fn refused<P: Platform>(
    context: Context<'_, P>,
    visitor: &Visitor<'_>,
    status: u16,
    why: String,
    page: Result<Page, Problem>,
) -> Response {
    let mut page = page.unwrap_or_else(|_| Page::new("That did not work", Vec::new()));
    page.blocks.insert(0, Block::Notice(Tone::Bad, why));
    html(context, visitor, status, &page)
}

/// Says what was wrong, as the API does.
pub(super) fn said(problem: &Problem) -> String {
    let faults = problem.errors().iter().map(|fault| match fault.pointer.trim_start_matches('/') {
        "" => fault.detail.clone(),
        name if fault.detail.starts_with(name) => fault.detail.clone(),
        name => format!("{name}: {}", fault.detail),
    });
    let faults: Vec<String> = faults.collect();
    if faults.is_empty() { problem.detail() } else { faults.join(" · ") }
}

fn html<P: Platform>(context: Context<'_, P>, visitor: &Visitor<'_>, status: u16, page: &Page) -> Response {
    let (here, base) = (context.request.path.as_str(), address(context, ""));
    let csrf = browser::csrf(context, visitor.browser);
    let menu = PAGES.iter().filter_map(|(_, path, label)| {
        let address = address(context, path);
        let is_here = address == here || !path.is_empty() && here.starts_with(&format!("{address}/"));
        Some(Entry { address, label: (*label)?, is_here })
    });
    let tokens = (csrf.as_str(), visitor.opened.as_str());
    write(context, visitor.account, (status, page), (menu.collect(), tokens, &base))
}

fn write<P: Platform>(
    context: Context<'_, P>,
    account: &Account,
    (status, page): (u16, &Page),
    (menu, (csrf, opened), base): (Vec<Entry<'_>>, (&str, &str), &str),
) -> Response {
    let (text, action) = (context.text(), context.request.path.as_str());
    let blocks = Blocks { all: &page.blocks, base, action, csrf, opened };
    let whole = ConsolePage {
        text,
        base,
        action,
        csrf,
        signed_in_as: &account.name,
        menu,
        page,
        blocks: blocks.render().unwrap_or_default(),
        is_development: context.server.settings.is_development(),
    };
    view::html(text.language, status, &whole)
}

/// Answers somebody who is signed in, but does not get in.
pub(super) fn barred<P: Platform>(
    context: Context<'_, P>,
    browser: &Browser,
    account: &Account,
    bar: Bar,
) -> Response {
    let passkeys = Own::Passkeys.path(context);
    let (said, reason) = match bar {
        Bar::NotAdministrator => (
            "This account is in none of the groups of administrators. Sign out, and sign in as an administrator.",
            "not_administrator",
        ),
        Bar::NotStrong => (
            "You signed in in a way that a false page could have imitated. Sign out, and sign in with a passkey, or at a provider that counts as strong. Passkeys are added on the page of your account.",
            "not_strong",
        ),
        Bar::TooOld => ("You signed in too long ago. Sign out, and sign in again.", "max_age"),
    };
    let mut page = Page::new("The console is for administrators", vec![Block::Text(said.to_owned())]);
    if bar == Bar::NotStrong {
        page.blocks.push(Block::Facts(vec![("Passkeys", Cell::Mono(passkeys))]));
    }
    let (csrf, base) = (browser::csrf(context, browser), address(context, ""));
    let response = write(context, account, (403, &page), (Vec::new(), (&csrf, ""), &base));
    response.noting(Own::Console.what(), None, "refused", reason)
}
