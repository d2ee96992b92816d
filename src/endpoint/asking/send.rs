//! Sends a request for access, and reads those of a person.

use rand_core::CryptoRng;

use crate::endpoint::form::Form;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::format::Format;
use crate::identity::account::Account;
use crate::policy::access_request::{AccessRequest, Asker, Places, State, id_of};
use crate::policy::name::Name;
use crate::registry::governance::access_requests::{AskForAccess, AskRefusal, FindOwnAccessRequests};
use crate::scope::Scope;
use crate::visible;

/// The `what` of log lines.
pub(crate) const WHAT: &str = "access_request";
/// The field with the reason.
pub(crate) const REASON: &str = "reason";
/// Longest reason, in characters.
pub(crate) const LONGEST_REASON: usize = 500;
/// Shortest reason, in bytes: a few words, also in scripts whose characters are words.
const SHORTEST_REASON: usize = 10;
/// Longest name of a person and of a client that a request keeps, in characters.
const LONGEST_NAME: usize = 100;

/// What a person asks for.
pub(crate) struct Wanted<'a> {
    pub account: &'a Account,
    pub client_id: &'a str,
    pub client_name: &'a str,
    pub scope: Scope,
    /// The rules that deny it.
    pub denied_by: Vec<Name>,
    pub places: Places,
}

/// Why nothing was asked: the status of the page, the problem, and the reason for the log.
pub(crate) type NotAsked = (u16, Problem<'static>, &'static str);

/// Sends what a person asks for, with the reason in the form.
pub(crate) async fn send<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    wanted: Wanted<'_>,
    rng: &mut impl CryptoRng,
) -> Result<Result<AccessRequest, NotAsked>, Unavailable> {
    let reason = match reason(form) {
        Ok(reason) => reason,
        Err(not_asked) => return Ok(Err(not_asked)),
    };
    if !context.server.platform.within_limit(&context.rate_key("access-request")).await {
        return Ok(Err((429, Problem::Wait { seconds: 60 }, "rate_limit")));
    }
    let Wanted { account, client_id, client_name, scope, denied_by, places } = wanted;
    let name = |text: &str| text.chars().take(LONGEST_NAME).collect();
    let asker = Asker { account: account.key.clone(), sub: account.sub.clone(), name: name(&account.name) };
    let request = Box::new(AccessRequest {
        format: Format,
        id: id_of(context.now, rng.next_u32()),
        asker,
        client_id: client_id.to_owned(),
        client_name: name(client_name),
        scope,
        reason,
        denied_by,
        places,
        asked_at: context.now,
        state: State::Open,
    });
    let sent = context.server.platform.registry(AskForAccess { request }).await?;
    Ok(sent.map_err(refused))
}

/// Reads the reason. What is not visible becomes a space.
fn reason(form: &Form) -> Result<String, NotAsked> {
    let typed = form.get(REASON).unwrap_or_default();
    let Some(reason) =
        visible::cleaned(typed, LONGEST_REASON + 1).filter(|text| text.len() >= SHORTEST_REASON)
    else {
        return Err((400, Problem::ReasonMissing, "no_reason"));
    };
    if reason.chars().count() > LONGEST_REASON {
        return Err((400, Problem::ReasonLong, "long_reason"));
    }
    Ok(reason)
}

const fn refused(refusal: AskRefusal) -> NotAsked {
    match refusal {
        AskRefusal::TooManyOpen => (409, Problem::AskedThrice, "too_many_open"),
        AskRefusal::TooManyInWeek => (409, Problem::AskedOften, "too_many_in_week"),
        AskRefusal::Full => (503, Problem::AskedByMany, "full"),
    }
}

/// Returns the requests of a person, newest first.
pub(crate) async fn own<P: Platform>(
    context: Context<'_, P>,
    account: &Account,
) -> Result<Vec<AccessRequest>, Unavailable> {
    let find = FindOwnAccessRequests { account: account.key.clone(), sub: account.sub.clone() };
    context.server.platform.registry(find).await
}

/// Returns what was typed so far, for the field of a page that is shown again.
pub(crate) fn typed(form: &Form) -> String {
    form.get(REASON).unwrap_or_default().chars().take(LONGEST_REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, &'static str> {
        let form = Form::parse(format!("reason={text}").as_bytes()).expect("a form");
        reason(&form).map_err(|(.., why)| why)
    }

    #[test]
    fn a_reason_is_a_few_visible_words() {
        assert_eq!(read("I%20release%0D%0Aon%09Friday"), Ok("I release on Friday".to_owned()));
        assert_eq!(
            read("%E5%8F%91%E5%B8%83%E6%96%B0%E7%89%88"),
            Ok("\u{53d1}\u{5e03}\u{65b0}\u{7248}".to_owned())
        );
        for short in
            ["", "please", "%20%20%20%20%20%20%20%20%20%20%20x", "%E2%80%8B%E2%80%8B%E2%80%8B%E2%80%8B"]
        {
            assert_eq!(read(short), Err("no_reason"), "{short}");
        }
        assert!(read(&"a".repeat(500)).is_ok());
        assert_eq!(read(&"a".repeat(501)), Err("long_reason"));
    }
}
