//! What the person submitted: who they are, and the way in that they chose.

use super::found::{Page, Whom, begun};
use crate::endpoint::form::Form;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::passkey::prove::Refusal;
use crate::endpoint::passkey::register;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::identity::password_choice::{PasswordFlaw, judge};
use crate::passkey::registration::Registered;
use crate::visible;

/// Longest username and name, in characters.
pub(super) const LONGEST_USERNAME: usize = 64;
pub(super) const LONGEST_NAME: usize = 128;

/// A good form.
pub(super) struct Asked {
    pub(super) username: String,
    pub(super) name: String,
    pub(super) way: Way,
}

/// The way in that the person chose.
pub(super) enum Way {
    Passkey(Box<Registered>),
    /// The password in the clear, which is hashed when the invitation is spent.
    Password(String),
}

/// Why a form is not good: for the person, and for the log.
pub(super) type Refused = (Problem<'static>, &'static str);

/// Reads a form, and verifies its passkey.
pub(super) async fn read<P: Platform>(
    page: &Page<'_, P>,
    form: &Form,
) -> Result<Result<Asked, Refused>, Unavailable> {
    let (username, name) = match person(&page.found.whom, form) {
        Ok(person) => person,
        Err(refused) => return Ok(Err(refused)),
    };
    let way = way(page, form, [&username, &name]).await?;
    Ok(way.map(|way| Asked { username, name, way }))
}

fn person(whom: &Whom, form: &Form) -> Result<(String, String), Refused> {
    let typed = || form.get("username").map(str::trim).unwrap_or_default().to_lowercase();
    let (username, name) = match whom {
        Whom::Known(account) => return Ok((account.username.clone(), account.name.clone())),
        Whom::New(Some(username)) => (username.clone(), form.get("name")),
        Whom::New(None) => (typed(), form.get("name")),
    };
    if matches!(whom, Whom::New(None)) && !is_username(&username) {
        return Err((Problem::UsernameMalformed, "username_malformed"));
    }
    let name = name.map(str::trim).unwrap_or_default();
    if name.chars().count() > LONGEST_NAME || visible::check(name).is_err() {
        return Err((Problem::NameMissing, "name_missing"));
    }
    Ok((username, name.to_owned()))
}

fn is_username(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (1..=LONGEST_USERNAME).contains(&text.len()) && text.bytes().all(plain)
}

async fn way<P: Platform>(
    page: &Page<'_, P>,
    form: &Form,
    names: [&str; 2],
) -> Result<Result<Way, Refused>, Unavailable> {
    let Page { context, browser, found, .. } = page;
    if form.get("with") == Some("password") && context.server.settings.passwords {
        let password = form.get("password").unwrap_or_default();
        return Ok(match judge(password, &names) {
            Ok(()) => Ok(Way::Password(password.to_owned())),
            Err(PasswordFlaw::Length) => Err((Problem::PasswordLength, "password_length")),
            Err(PasswordFlaw::Common) => Err((Problem::PasswordCommon, "password_common")),
        });
    }
    let begun = begun(*context, form, browser, found.digest).map(|(begun, _)| begun);
    let Some(begun) = begun.filter(|begun| begun.is_fresh(context.now)) else {
        return Ok(Err((Problem::PasskeyOver, Refusal::Over.reason())));
    };
    Ok(match register::verify(*context, form, &begun).await? {
        Ok(registered) => Ok(Way::Passkey(Box::new(registered))),
        Err(refusal @ Refusal::Flawed(_)) => Err((Problem::PasskeyNotMade, refusal.reason())),
        Err(refusal) => Err((refusal.problem(), refusal.reason())),
    })
}
