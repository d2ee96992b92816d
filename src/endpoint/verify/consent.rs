//! The consent page as a response: who asks for what, from where, and how near that is.

use super::browser;
use super::view::{action, html};
use crate::client::Client;
use crate::client::document::address;
use crate::client::registered_by::RegisteredBy;
use crate::client::rules::About;
use crate::endpoint::http::Response;
use crate::endpoint::messages::{Html, Messages};
use crate::endpoint::own::which::Own;
use crate::endpoint::page::consent::{ConsentPage, Document, Origin, StartPage};
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::Platform;
use crate::endpoint::policy::ask::Permit;
use crate::endpoint::server::Context;
use crate::endpoint::token::mint::may_refresh;
use crate::endpoint::words;
use crate::grant::command::Shown;
use crate::grant::user_code::UserCode;
use crate::identity::account::Account;
use crate::identity::session::Browser;
use crate::place::{self, Place};
use crate::token::resource::host;
use crate::verdict::{Comparison, Doubt, Verdict, Whose, compare};
use crate::web_origin::WebOrigin;

/// What the consent page shows in addition to the grant.
pub(super) struct Consent<'a> {
    pub transaction: String,
    /// What policy allows.
    pub permit: &'a Permit,
    pub code: &'a UserCode,
    pub client: Option<&'a Client>,
    pub account: &'a Account,
    /// The requested scopes, with their descriptions.
    pub permissions: Vec<(&'a str, &'a str)>,
    pub problem: Option<Problem<'a>>,
}

pub(super) fn consent<P: Platform>(
    context: Context<'_, P>,
    status: u16,
    browser: &Browser,
    shown: &Shown,
    consent: Consent<'_>,
) -> Response {
    let now = context.now;
    let text = context.or_in(&shown.request.ui_locales).text();
    let (asked, person) = (&shown.request, context.side());
    let comparison = compare(&asked.side(), &person);
    let page = ConsentPage {
        text,
        action: &action(context),
        csrf: &browser::csrf(context, browser),
        transaction: &consent.transaction,
        user_code: &consent.code.to_string(),
        client_name: consent.client.map_or(&asked.client_id, |client| &client.client_name),
        client_logo: consent.client.and_then(|client| client.logo.as_deref()),
        client_uri: consent.client.and_then(|client| client.client_uri.as_deref()),
        vouched_by: consent.client.and_then(vouched_by),
        is_unchecked: consent.client.is_some_and(|client| client.registered_by.is_itself()),
        account_name: &consent.account.name,
        account_detail: consent.account.email.as_deref().unwrap_or(&consent.account.username),
        expected: expected(asked.login_hint.as_deref(), consent.account),
        permissions: consent
            .permissions
            .into_iter()
            .map(|(scope, words)| words::permission(text, scope, words))
            .collect(),
        resources: unusual(text, &asked.resource, consent.client),
        consent_text: consent.client.and_then(|client| client.about.consent_text.as_deref()),
        documents: consent.client.map(|client| documents(text, client)).unwrap_or_default(),
        requested: origin(text, &asked.origin),
        here: origin(text, &person.origin),
        distance: distance(text, &comparison),
        near: near(text, &asked.origin.place),
        has_areas: has_areas(&asked.origin.place) && has_areas(&person.origin.place),
        doubt: doubt(text, comparison.verdict),
        comparison: &comparison,
        page: asked.origin.page.as_ref().map(started_by),
        asks_identifier: consent.permit.requirements.out_of_band_binding,
        problem: consent.problem,
        expires: text.expires(shown.expires_at.since(now).as_secs() / 60),
        end: consent.client.map(|client| end(context, text, client, consent.permit)),
    };
    html(text.language, status, &page)
}

/// Returns the host whose document gives a client its name.
fn vouched_by(client: &Client) -> Option<&str> {
    (client.registered_by == RegisteredBy::Document).then(|| address::host(&client.client_id))
}

/// Returns how the access would end.
fn end<P>(context: Context<'_, P>, text: Messages<'_>, client: &Client, permit: &Permit) -> Html {
    let page = Html::link(&Own::Account.path(context), &text.account_title());
    let Permit { scope, limits, .. } = permit;
    if may_refresh(client, scope, limits) {
        let own = client.tokens.refresh_token_lifetime;
        let seconds = own.unwrap_or(context.server.settings.refresh_token);
        let seconds = limits.refresh_token_lifetime.map_or(seconds, |most| seconds.min(most));
        return text.consent_end_days(seconds.div_ceil(86_400), &page);
    }
    let minutes = context.server.minutes_to_the_end(Some(client));
    text.consent_end_minutes(limits.access_token(minutes * 60).div_ceil(60), &page)
}

/// Returns what the page says about the web page that started a grant.
fn started_by(page: &WebOrigin) -> StartPage<'_> {
    if page.hides_address() { StartPage::Hidden } else { StartPage::At(page.as_str()) }
}

/// Returns the `login_hint` of the device, unless it names the account that is signed in.
fn expected<'a>(hint: Option<&'a str>, account: &Account) -> Option<&'a str> {
    let is = |name: &str, hint: &str| name.to_lowercase() == hint.to_lowercase();
    let hint = hint?;
    let theirs = is(&account.username, hint) || account.email.as_deref().is_some_and(|email| is(email, hint));
    (!theirs).then_some(hint)
}

/// Returns the hosts of the requested resources, or `None` if the device only asked for its client's default
/// resource.
fn unusual(text: Messages<'_>, resources: &[String], client: Option<&Client>) -> Option<Html> {
    let usual = client.and_then(|client| client.tokens.audience.first());
    let is_usual = resources.iter().all(|resource| Some(resource) == usual);
    (!is_usual).then(|| text.list(resources.iter().map(|resource| Html::uri(host(resource)))))
}

/// Returns the client's documents. Leaves out those that are not on https, because they are never linked to.
fn documents<'a>(text: Messages<'_>, client: &'a Client) -> Vec<Document<'a>> {
    let About { policy_uri, tos_uri, .. } = &client.about;
    [(text.consent_policy(), policy_uri), (text.consent_terms(), tos_uri)]
        .into_iter()
        .filter_map(|(what, uri)| Some((what, uri.as_deref().filter(|uri| uri.starts_with("https://"))?)))
        .map(|(what, uri)| Document { what, uri, host: host(uri) })
        .collect()
}

/// Returns an origin in words.
fn origin(text: Messages<'_>, origin: &place::Origin) -> Origin {
    Origin {
        place: words::place(text, &origin.place),
        network: origin.place.network().map_or_else(|| text.unknown_network(), |name| Html::isolated(&name)),
        time: text.when(origin.at),
        device: words::device(text, origin.device),
    }
}

/// Returns whether more is known than the country.
fn has_areas(place: &Place) -> bool {
    !place.areas().is_empty()
}

/// Returns what the page says about a request from near the person. Without a city, the network was the same.
fn near(text: Messages<'_>, there: &Place) -> Html {
    if there.city.is_some() { text.near_place(&words::place(text, there)) } else { text.near_network() }
}

/// Returns why nothing can be said about the places. A page that hides its address has a notice of its own.
fn doubt(text: Messages<'_>, verdict: Verdict) -> Option<Html> {
    let Verdict::Unknown { why, whose } = verdict else { return None };
    let is_mine = whose == Some(Whose::Person);
    match why {
        Doubt::HiddenPage => None,
        Doubt::NotKnown if is_mine => Some(text.doubt_place_person()),
        Doubt::NotKnown => Some(text.doubt_place_device()),
        Doubt::Tor if is_mine => Some(text.doubt_tor_person()),
        Doubt::Tor => Some(text.doubt_tor_device()),
        Doubt::Hosting if is_mine => Some(text.doubt_hosting_person()),
        Doubt::Hosting => Some(text.doubt_hosting_device()),
        Doubt::Contradiction | Doubt::Between => Some(text.doubt_between()),
    }
}

/// Returns how far apart two places are that are not near each other.
fn distance(text: Messages<'_>, comparison: &Comparison) -> Option<Html> {
    match comparison.verdict {
        Verdict::Far | Verdict::Unknown { why: Doubt::Between | Doubt::Contradiction, .. } => {
            Some(text.far_distance(&text.number(u64::from(comparison.kilometers?))))
        }
        Verdict::Near | Verdict::Unknown { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_whom_the_device_expects_only_if_that_is_somebody_else() {
        let alice = crate::identity::demo::accounts().remove(0);

        assert_eq!(expected(Some("bob@example.com"), &alice), Some("bob@example.com"));
        for hint in [None, Some("Alice"), Some("alice@EXAMPLE.com")] {
            assert_eq!(expected(hint, &alice), None, "{hint:?}");
        }
    }
}
