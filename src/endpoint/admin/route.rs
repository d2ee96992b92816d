//! The addresses of the admin API. A test compares them with the OpenAPI document.

use percent_encoding::percent_decode_str;

use crate::registry::admin_token::AdminScope;

/// What an address stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    OpenApi,
    Doctor,
    Settings,
    DryRun,
    WhatIf,
    Clients(ClientPlace),
    Scopes(ScopePlace),
    Documents(Part),
    Inventory(Part),
    Providers(Part),
    Keys(KeyPlace),
    Record(RecordPlace),
    Watch(WatchPlace),
    Destinations(DestinationPlace),
    Tokens(Part),
    Invitations(Part),
    Accounts(AccountPlace),
    Access(AccessPlace),
    Policy(PolicyPlace),
    Exceptions(ExceptionPlace),
    KillSwitches(KillPlace),
    Asked(AskedPlace),
}

/// A collection, or one member of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    All,
    One,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ClientPlace {
    All,
    One,
    Secret,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ScopePlace {
    All,
    One,
    Claims,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum KeyPlace {
    All,
    Rotation,
    Retirement,
}

/// What was recorded, and what has not arrived yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RecordPlace {
    Events,
    Event,
    Export,
    Outboxes,
    Verification,
}

/// What the server has made of the events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum WatchPlace {
    Alerts,
    AlertClose,
    Usage,
    Overview,
    Blocked,
}

/// Where events are delivered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum DestinationPlace {
    All,
    One,
    Secret,
    Test,
    Deliveries,
    ResendAll,
    Delivery,
    Resend,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum AccountPlace {
    All,
    One,
    Groups,
    Block,
    Unblock,
    Devices,
    DevicesEnd,
    Sessions,
    SessionsEnd,
}

/// What has access, whose account it may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum AccessPlace {
    Devices,
    DevicesEnd,
    Sessions,
    SessionsEnd,
    Grants,
    Grant,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PolicyPlace {
    Now,
    Rollback,
    Versions,
    Version,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ExceptionPlace {
    All,
    One,
    Renewal,
    End,
}

/// Requests for access.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum AskedPlace {
    All,
    One,
    Grant,
    Refusal,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum KillPlace {
    All,
    One,
    End,
}

/// Every address below `/admin/api`, with the methods that it supports, and the scope that an admin token needs for the
/// changes there; `None` if every token may use it. A segment in braces matches any segment.
pub(super) const ROUTES: &[(Place, &str, &[&str], Option<AdminScope>)] = &[
    (Place::Clients(ClientPlace::All), "/clients", &["GET", "HEAD", "POST"], Some(AdminScope::Clients)),
    (
        Place::Clients(ClientPlace::One),
        "/clients/{client_id}",
        &["GET", "HEAD", "PUT", "PATCH", "DELETE"],
        Some(AdminScope::Clients),
    ),
    (
        Place::Clients(ClientPlace::Secret),
        "/clients/{client_id}/secret",
        &["POST"],
        Some(AdminScope::Clients),
    ),
    (Place::Scopes(ScopePlace::All), "/scopes", &["GET", "HEAD"], Some(AdminScope::Clients)),
    (
        Place::Scopes(ScopePlace::One),
        "/scopes/{name}",
        &["GET", "HEAD", "PUT", "DELETE"],
        Some(AdminScope::Clients),
    ),
    (
        Place::Scopes(ScopePlace::Claims),
        "/scopes/{name}/claims",
        &["GET", "HEAD", "PUT"],
        Some(AdminScope::Clients),
    ),
    (Place::Documents(Part::All), "/documents", &["GET", "HEAD"], Some(AdminScope::Clients)),
    (
        Place::Documents(Part::One),
        "/documents/{entry}",
        &["GET", "HEAD", "PUT", "DELETE"],
        Some(AdminScope::Clients),
    ),
    (Place::Inventory(Part::All), "/inventory", &["GET", "HEAD"], Some(AdminScope::Policy)),
    (
        Place::Inventory(Part::One),
        "/inventory/{identifier}",
        &["GET", "HEAD", "PUT", "DELETE"],
        Some(AdminScope::Policy),
    ),
    (Place::Doctor, "/doctor", &["GET", "HEAD"], Some(AdminScope::Read)),
    (Place::Settings, "/settings", &["GET", "HEAD"], Some(AdminScope::Read)),
    (Place::DryRun, "/dry-run", &["POST"], Some(AdminScope::Read)),
    (Place::Providers(Part::All), "/providers", &["GET", "HEAD", "POST"], Some(AdminScope::Providers)),
    (
        Place::Providers(Part::One),
        "/providers/{id}",
        &["GET", "HEAD", "PUT", "PATCH", "DELETE"],
        Some(AdminScope::Providers),
    ),
    (Place::Keys(KeyPlace::All), "/keys", &["GET", "HEAD", "POST"], Some(AdminScope::Keys)),
    (Place::Keys(KeyPlace::Rotation), "/keys/rotate", &["POST"], Some(AdminScope::Keys)),
    (Place::Keys(KeyPlace::Retirement), "/keys/{kid}/retire", &["POST"], Some(AdminScope::Keys)),
    (Place::Record(RecordPlace::Outboxes), "/outboxes", &["GET", "HEAD"], Some(AdminScope::Events)),
    (Place::Record(RecordPlace::Events), "/events", &["GET", "HEAD"], Some(AdminScope::Events)),
    (Place::Record(RecordPlace::Export), "/events/export", &["GET", "HEAD"], Some(AdminScope::Events)),
    // The identifier of an event has slashes, so it is percent-encoded.
    (Place::Record(RecordPlace::Event), "/events/{event}", &["GET", "HEAD"], Some(AdminScope::Events)),
    (
        Place::Record(RecordPlace::Verification),
        "/ledger/verification",
        &["GET", "HEAD"],
        Some(AdminScope::Events),
    ),
    (Place::Watch(WatchPlace::Alerts), "/alerts", &["GET", "HEAD"], Some(AdminScope::Events)),
    (Place::Watch(WatchPlace::AlertClose), "/alerts/{id}/close", &["POST"], Some(AdminScope::Events)),
    (Place::Watch(WatchPlace::Usage), "/usage", &["GET", "HEAD"], Some(AdminScope::Read)),
    (
        Place::Destinations(DestinationPlace::All),
        "/destinations",
        &["GET", "HEAD", "POST"],
        Some(AdminScope::Events),
    ),
    (
        Place::Destinations(DestinationPlace::One),
        "/destinations/{id}",
        &["GET", "HEAD", "PUT", "DELETE"],
        Some(AdminScope::Events),
    ),
    (
        Place::Destinations(DestinationPlace::Secret),
        "/destinations/{id}/secret",
        &["POST"],
        Some(AdminScope::Events),
    ),
    (
        Place::Destinations(DestinationPlace::Test),
        "/destinations/{id}/test",
        &["POST"],
        Some(AdminScope::Events),
    ),
    (
        Place::Destinations(DestinationPlace::Deliveries),
        "/destinations/{id}/deliveries",
        &["GET", "HEAD"],
        Some(AdminScope::Events),
    ),
    (
        Place::Destinations(DestinationPlace::ResendAll),
        "/destinations/{id}/deliveries/resend",
        &["POST"],
        Some(AdminScope::Events),
    ),
    (
        Place::Destinations(DestinationPlace::Delivery),
        "/destinations/{id}/deliveries/{delivery}",
        &["DELETE"],
        Some(AdminScope::Events),
    ),
    (
        Place::Destinations(DestinationPlace::Resend),
        "/destinations/{id}/deliveries/{delivery}/resend",
        &["POST"],
        Some(AdminScope::Events),
    ),
    (Place::Watch(WatchPlace::Overview), "/overview", &["GET", "HEAD"], Some(AdminScope::Read)),
    (Place::Tokens(Part::All), "/tokens", &["GET", "HEAD", "POST"], Some(AdminScope::Tokens)),
    (Place::Tokens(Part::One), "/tokens/{id}", &["GET", "HEAD", "DELETE"], Some(AdminScope::Tokens)),
    (Place::Invitations(Part::All), "/invitations", &["GET", "HEAD", "POST"], Some(AdminScope::People)),
    (
        Place::Invitations(Part::One),
        "/invitations/{id}",
        &["GET", "HEAD", "DELETE"],
        Some(AdminScope::People),
    ),
    (Place::Accounts(AccountPlace::All), "/accounts", &["GET", "HEAD", "POST"], Some(AdminScope::People)),
    (
        Place::Accounts(AccountPlace::One),
        "/accounts/{account}",
        &["GET", "HEAD", "DELETE"],
        Some(AdminScope::People),
    ),
    (Place::Accounts(AccountPlace::Groups), "/accounts/{account}/groups", &["PUT"], Some(AdminScope::People)),
    (Place::Accounts(AccountPlace::Block), "/accounts/{account}/block", &["POST"], Some(AdminScope::People)),
    (
        Place::Accounts(AccountPlace::Unblock),
        "/accounts/{account}/unblock",
        &["POST"],
        Some(AdminScope::People),
    ),
    (
        Place::Accounts(AccountPlace::Devices),
        "/accounts/{account}/devices",
        &["GET", "HEAD"],
        Some(AdminScope::People),
    ),
    (
        Place::Accounts(AccountPlace::DevicesEnd),
        "/accounts/{account}/devices/end",
        &["POST"],
        Some(AdminScope::People),
    ),
    (
        Place::Accounts(AccountPlace::Sessions),
        "/accounts/{account}/sessions",
        &["GET", "HEAD"],
        Some(AdminScope::People),
    ),
    (
        Place::Accounts(AccountPlace::SessionsEnd),
        "/accounts/{account}/sessions/end",
        &["POST"],
        Some(AdminScope::People),
    ),
    (Place::Access(AccessPlace::Devices), "/devices", &["GET", "HEAD"], Some(AdminScope::People)),
    (Place::Access(AccessPlace::DevicesEnd), "/devices/end", &["POST"], Some(AdminScope::People)),
    (Place::Access(AccessPlace::Sessions), "/sessions", &["GET", "HEAD"], Some(AdminScope::People)),
    (Place::Access(AccessPlace::SessionsEnd), "/sessions/end", &["POST"], Some(AdminScope::People)),
    (Place::Access(AccessPlace::Grants), "/grants", &["GET", "HEAD"], Some(AdminScope::People)),
    (Place::Access(AccessPlace::Grant), "/grants/{id}", &["DELETE"], Some(AdminScope::People)),
    (Place::Policy(PolicyPlace::Now), "/policy", &["GET", "HEAD", "PUT"], Some(AdminScope::Policy)),
    (Place::Watch(WatchPlace::Blocked), "/policy/report", &["GET", "HEAD"], Some(AdminScope::Events)),
    (Place::WhatIf, "/policy/what-if", &["POST"], Some(AdminScope::Policy)),
    (Place::Policy(PolicyPlace::Rollback), "/policy/rollback", &["POST"], Some(AdminScope::Policy)),
    (Place::Policy(PolicyPlace::Versions), "/policy/versions", &["GET", "HEAD"], Some(AdminScope::Policy)),
    (
        Place::Policy(PolicyPlace::Version),
        "/policy/versions/{version}",
        &["GET", "HEAD"],
        Some(AdminScope::Policy),
    ),
    (
        Place::Exceptions(ExceptionPlace::All),
        "/exceptions",
        &["GET", "HEAD", "POST"],
        Some(AdminScope::Policy),
    ),
    (
        Place::Exceptions(ExceptionPlace::One),
        "/exceptions/{id}",
        &["GET", "HEAD", "PUT"],
        Some(AdminScope::Policy),
    ),
    (
        Place::Exceptions(ExceptionPlace::Renewal),
        "/exceptions/{id}/renew",
        &["POST"],
        Some(AdminScope::Policy),
    ),
    (Place::Exceptions(ExceptionPlace::End), "/exceptions/{id}/end", &["POST"], Some(AdminScope::Policy)),
    (
        Place::KillSwitches(KillPlace::All),
        "/kill-switches",
        &["GET", "HEAD", "POST"],
        Some(AdminScope::Policy),
    ),
    (Place::KillSwitches(KillPlace::One), "/kill-switches/{id}", &["GET", "HEAD"], Some(AdminScope::Policy)),
    (Place::KillSwitches(KillPlace::End), "/kill-switches/{id}/end", &["POST"], Some(AdminScope::Policy)),
    (Place::Asked(AskedPlace::All), "/access-requests", &["GET", "HEAD"], Some(AdminScope::Policy)),
    (Place::Asked(AskedPlace::One), "/access-requests/{id}", &["GET", "HEAD"], Some(AdminScope::Policy)),
    (Place::Asked(AskedPlace::Grant), "/access-requests/{id}/grant", &["POST"], Some(AdminScope::Policy)),
    (Place::Asked(AskedPlace::Refusal), "/access-requests/{id}/refuse", &["POST"], Some(AdminScope::Policy)),
    (Place::OpenApi, "/openapi.json", &["GET", "HEAD"], None),
];

pub(super) struct Found {
    pub place: Place,
    pub methods: &'static [&'static str],
    scope: Option<AdminScope>,
    /// The segments that matched those in braces, percent-decoded, from left to right.
    pub names: Vec<String>,
}

impl Found {
    /// Returns the scopes of which an admin token needs one for `method`; none if every token may use it.
    pub(super) fn needs(&self, method: &str) -> Vec<AdminScope> {
        needs(self.scope, method)
    }

    /// Returns whether `method` may change what replicas of the registry keep.
    pub(super) fn changes_replicas(&self, method: &str) -> bool {
        !is_read(method) && self.place.is_replicated()
    }
}

impl Place {
    const fn is_replicated(self) -> bool {
        match self {
            Self::Clients(_)
            | Self::Scopes(_)
            | Self::Documents(_)
            | Self::Providers(_)
            | Self::Policy(_)
            | Self::Exceptions(_)
            | Self::KillSwitches(_)
            | Self::Asked(AskedPlace::Grant)
            | Self::Keys(_) => true,
            Self::OpenApi
            | Self::Doctor
            | Self::Settings
            | Self::DryRun
            | Self::WhatIf
            | Self::Inventory(_)
            | Self::Record(_)
            | Self::Watch(_)
            | Self::Destinations(_)
            | Self::Tokens(_)
            | Self::Invitations(_)
            | Self::Accounts(_)
            | Self::Access(_)
            | Self::Asked(AskedPlace::All | AskedPlace::One | AskedPlace::Refusal) => false,
        }
    }
}

fn is_read(method: &str) -> bool {
    matches!(method, "GET" | "HEAD")
}

/// `read` opens all that is read, except the events, which say what people did and where.
fn needs(scope: Option<AdminScope>, method: &str) -> Vec<AdminScope> {
    let reads = is_read(method);
    let own = scope.into_iter();
    match scope {
        Some(AdminScope::Read | AdminScope::Events) | None => own.collect(),
        Some(
            AdminScope::Clients
            | AdminScope::People
            | AdminScope::Providers
            | AdminScope::Policy
            | AdminScope::Keys
            | AdminScope::Tokens,
        ) => reads.then_some(AdminScope::Read).into_iter().chain(own).collect(),
    }
}

/// Finds the address that matches `path`, which starts after `/admin/api`.
pub(super) fn find(path: &str) -> Option<Found> {
    ROUTES.iter().find_map(|(place, template, methods, scope)| {
        let names = matched(template, path)?;
        Some(Found { place: *place, methods, scope: *scope, names })
    })
}

pub(crate) fn matched(template: &str, path: &str) -> Option<Vec<String>> {
    let (template, path) = (template.split('/'), path.split('/'));
    if template.clone().count() != path.clone().count() {
        return None;
    }
    let mut names = Vec::new();
    for (expected, segment) in template.zip(path) {
        if expected.starts_with('{') {
            let name = percent_decode_str(segment).decode_utf8().ok()?;
            names.push((!name.is_empty()).then(|| name.into_owned())?);
        } else if expected != segment {
            return None;
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn the_openapi_document_has_exactly_the_served_addresses_and_methods() {
        let document: serde_json::Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
        let operations = |members: &serde_json::Value| {
            let names = members.as_object().unwrap().keys().filter(|name| *name != "parameters");
            names.map(|name| name.to_uppercase()).collect::<BTreeSet<_>>()
        };
        let described: BTreeMap<_, _> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(path, members)| (path.clone(), operations(members)))
            .collect();

        // The document mentions HEAD only once, in its description.
        let methods = |methods: &[&str]| {
            methods.iter().filter(|name| **name != "HEAD").map(|name| (*name).to_owned()).collect()
        };
        let served: BTreeMap<_, BTreeSet<_>> =
            ROUTES.iter().map(|(_, path, names, _)| ((*path).to_owned(), methods(names))).collect();
        assert_eq!(described, served);
    }

    #[test]
    fn the_openapi_document_names_the_scopes_that_each_operation_needs() {
        let document: serde_json::Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
        for (_, path, methods, scope) in ROUTES {
            for method in methods.iter().filter(|name| **name != "HEAD") {
                let operation = &document["paths"][path][method.to_lowercase()];
                let needed = needs(*scope, method);
                let described: Vec<&str> = operation["security"].as_array().map_or_else(Vec::new, |ways| {
                    ways.iter().filter_map(|way| way["admin_token"][0].as_str()).collect()
                });
                let names: Vec<&str> = needed.iter().map(|scope| scope.name()).collect();
                assert_eq!(described, names, "{method} {path}");
                assert_eq!(
                    operation["responses"].get("403").is_some(),
                    !needed.is_empty(),
                    "{method} {path}"
                );
            }
        }
    }

    #[test]
    fn a_segment_in_braces_matches_any_segment() {
        assert_eq!(matched("/clients/{id}/secret", "/clients/a%2Fb%20c/secret").unwrap(), ["a/b c"]);
        for other in ["/clients//secret", "/clients/a/secret/", "/clients/a/b/secret", "/clients/%ff/secret"]
        {
            assert_eq!(matched("/clients/{id}/secret", other), None, "{other}");
        }
    }
}
