//! Asks policy when a device requests a code, so that its user learns of a refusal before the sign-in.

use super::ask::{Permit, Refusal, Why, ask};
use super::facts::{AtStart, Marks};
use super::refused::Refused;
use crate::client::{Authentication, Client};
use crate::endpoint::error::{Error, printable};
use crate::endpoint::own::which::{Own, Wish};
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::network::Network;
use crate::place::Origin;
use crate::policy::governance::Governance;
use crate::policy::{Point, PolicyRefusal};
use crate::scope::Scope;
use crate::time::Timestamp;
use crate::token::confirmation::Confirmation;

/// Asks whether any completion of the login could be allowed.
pub(crate) async fn ask_for_code<P: Platform>(
    context: Context<'_, P>,
    client: &Client,
    scope: &Scope,
    (origin, network): (&Origin, &Network),
    (can_verify, is_identified): (bool, bool),
    ends_at: Timestamp,
) -> Result<(Permit, Marks), Error> {
    let governance = context.server.governance(context.now).await?;
    let marks = context.marks(&governance);
    let client_id = &client.client_id;
    let start =
        AtStart { client_id, scope, origin, network, marks: &marks, can_verify, is_identified, ends_at };
    match ask(&governance, (Some(client), None), &start.facts()) {
        Ok(permit) => Ok((permit, marks)),
        Err(refusal) => Err(error(context, &governance, refusal, (&client.client_id, scope))),
    }
}

/// Refuses a code whose tokens must be bound to a key, if none was named and none will be proven.
/// Notes if it would be refused.
pub(crate) fn check_binding(permit: &mut Permit, client: &Client, code: &Confirmation) -> Result<(), Error> {
    permit.check_binding(!code.is_empty() || binds(client))
}

/// Returns whether the tokens of a client are always bound to a key or certificate.
fn binds(client: &Client) -> bool {
    let by_method = match client.authentication {
        Authentication::TlsClientAuth { .. } | Authentication::SelfSignedTlsClientAuth => true,
        Authentication::None | Authentication::Secret { .. } | Authentication::PrivateKeyJwt => false,
    };
    let tokens = &client.tokens;
    by_method || tokens.dpop_bound_access_tokens || tokens.tls_client_certificate_bound_access_tokens
}

/// Returns the address of the page where the client's user can ask for access. It names the rule that denies, which may
/// depend on where the device is, and is then not known on that page.
fn page_to_ask<P>(context: Context<'_, P>, client_id: &str, why: &Why) -> String {
    let rule = if let Why::Rule(id) = why { Some(id) } else { None };
    let wish = Wish { client_id: client_id.to_owned(), rule: rule.cloned() };
    format!("{}{}", context.issuer.origin(), Own::Asking.address_for(context, Some(&wish)))
}

fn error<P>(
    context: Context<'_, P>,
    governance: &Governance,
    refusal: Refusal,
    (client_id, asked): (&str, &Scope),
) -> Error {
    let Refusal { why, record, remedy } = refusal;
    match why {
        Why::Registered(PolicyRefusal::NoScopeLeft) => Error::ScopeNotAllowed(asked.clone(), record),
        Why::Registered(
            PolicyRefusal::ClientDisabled
            | PolicyRefusal::GrantNotAllowed
            | PolicyRefusal::AccountBlocked
            | PolicyRefusal::AccountDeleted,
        ) => Error::GrantNotAllowed,
        Why::Unverified => Error::VerificationUnsupported(record),
        Why::Unbound => Error::IdentifierRequired(record),
        Why::Rule(_) | Why::NotNear | Why::NotAllowed => {
            let description = description(governance, &why);
            let page = || remedy.is_some().then(|| page_to_ask(context, client_id, &why));
            let uri = governance.policy.help_uri.clone().or_else(page);
            let uri = uri.or_else(|| context.server.settings.service.support_url.clone());
            let reason = why.reason();
            Error::Policy(Point::DeviceAuthorization, Box::new(Refused { reason, description, uri, record }))
        }
    }
}

/// Returns what the client's user reads: the rule's own words if they are ASCII, and whom to ask.
fn description(governance: &Governance, why: &Why) -> String {
    let rule = if let Why::Rule(id) = why { governance.policy.rule(id) } else { None };
    let plain = |text: &&str| text.is_ascii();
    let message = rule.and_then(|rule| rule.message.as_deref()).filter(plain);
    let contact = governance.policy.contact.as_deref().filter(plain);
    let why = message.unwrap_or("This server does not allow this sign-in.");
    printable(&format!("{why} Ask {}.", contact.unwrap_or("the people who run it")))
}
