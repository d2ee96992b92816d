//! The addresses of the console.

use crate::endpoint::admin::route::matched;
use crate::endpoint::route::CONSOLE_PREFIX;
use crate::endpoint::server::Context;

/// A page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    Overview,
    Alerts,
    Report,
    AccessRequests,
    AccessRequest,
    Exceptions,
    Exception,
    Policy,
    Draft,
    WhatIf,
    Versions,
    Version,
    KillSwitches,
    Clients,
    Client,
    People,
    Person,
    Invitations,
    Codes,
    Devices,
    Sessions,
    Ledger,
    Event,
    Verification,
    Keys,
    Providers,
    Provider,
    Settings,
}

/// Every page: its address below `/admin`, in which a segment in braces matches any segment, and its label in the menu, if it
/// is there. In the order of the menu.
pub(super) const PAGES: &[(Place, &str, Option<&str>)] = &[
    (Place::Overview, "", Some("Overview")),
    (Place::Alerts, "/alerts", Some("Alerts")),
    (Place::KillSwitches, "/kill-switches", Some("Kill switches")),
    (Place::AccessRequests, "/access-requests", Some("Access requests")),
    (Place::AccessRequest, "/access-requests/{id}", None),
    (Place::Exceptions, "/exceptions", Some("Exceptions")),
    (Place::Exception, "/exceptions/{id}", None),
    (Place::Policy, "/policy", Some("Policy")),
    (Place::Draft, "/policy/draft", None),
    (Place::WhatIf, "/policy/what-if", None),
    (Place::Versions, "/policy/versions", None),
    (Place::Version, "/policy/versions/{version}", None),
    (Place::Report, "/report", Some("Would have been blocked")),
    (Place::Clients, "/clients", Some("Clients")),
    (Place::Client, "/clients/{client_id}", None),
    (Place::People, "/people", Some("People")),
    (Place::Person, "/people/{account}", None),
    (Place::Invitations, "/invitations", Some("Invitations")),
    (Place::Codes, "/codes", Some("Live codes")),
    (Place::Devices, "/devices", Some("Devices")),
    (Place::Sessions, "/sessions", Some("Sessions")),
    (Place::Ledger, "/ledger", Some("Ledger")),
    (Place::Event, "/ledger/event", None),
    (Place::Verification, "/ledger/verify", None),
    (Place::Keys, "/keys", Some("Keys")),
    (Place::Providers, "/providers", Some("Providers")),
    (Place::Provider, "/providers/{id}", None),
    (Place::Settings, "/settings", Some("Settings")),
];

/// A page that was found.
pub(super) struct Found {
    pub(super) place: Place,
    /// What matched the segments in braces.
    pub(super) names: Vec<String>,
}

impl Found {
    /// Returns what matched the first segment in braces.
    pub(super) fn name(&self) -> &str {
        self.names.first().map(String::as_str).unwrap_or_default()
    }
}

/// Finds the page at the address of the request.
pub(super) fn find<P>(context: Context<'_, P>) -> Option<Found> {
    let path = below(context)?;
    let path = path.strip_suffix('/').unwrap_or(path);
    PAGES
        .iter()
        .find_map(|(place, template, _)| Some(Found { place: *place, names: matched(template, path)? }))
}

/// Returns the path of the request below `/admin`; `None` if it is somewhere else.
fn below<P>(context: Context<'_, P>) -> Option<&str> {
    context.request.path.strip_prefix(context.issuer.path())?.strip_prefix(CONSOLE_PREFIX)
}

/// Returns the address of a page, whose `path` is below `/admin`.
pub(super) fn address<P>(context: Context<'_, P>, path: &str) -> String {
    format!("{}{CONSOLE_PREFIX}{path}", context.issuer.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_pages_have_the_same_address_or_label() {
        for (index, (place, template, label)) in PAGES.iter().enumerate() {
            for (other, path, name) in &PAGES[..index] {
                assert!(place != other && template != path, "{template}");
                assert!(label.is_none() || label != name, "{label:?}");
            }
        }
    }
}
