//! The addresses of the admin API. A test compares them with the OpenAPI document.

use percent_encoding::percent_decode_str;

/// What an address stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    Clients,
    Client,
    Secret,
    Scopes,
    Scope,
    OpenApi,
    DryRun,
    ScopeClaims,
    Keys,
    KeyRotation,
    KeyRetirement,
    Outboxes,
    Events,
}

/// Every address below `/admin/api`, with the methods that it supports. A segment in braces matches any
/// segment.
pub(super) const ROUTES: &[(Place, &str, &[&str])] = &[
    (Place::Clients, "/clients", &["GET", "HEAD", "POST"]),
    (Place::Client, "/clients/{client_id}", &["GET", "HEAD", "PUT", "PATCH", "DELETE"]),
    (Place::Secret, "/clients/{client_id}/secret", &["POST"]),
    (Place::Scopes, "/scopes", &["GET", "HEAD"]),
    (Place::Scope, "/scopes/{name}", &["GET", "HEAD", "PUT", "DELETE"]),
    (Place::ScopeClaims, "/scopes/{name}/claims", &["GET", "HEAD", "PUT"]),
    (Place::DryRun, "/dry-run", &["POST"]),
    (Place::Keys, "/keys", &["GET", "HEAD", "POST"]),
    (Place::KeyRotation, "/keys/rotate", &["POST"]),
    (Place::KeyRetirement, "/keys/{kid}/retire", &["POST"]),
    (Place::Outboxes, "/outboxes", &["GET", "HEAD"]),
    (Place::Events, "/events", &["GET", "HEAD"]),
    (Place::OpenApi, "/openapi.json", &["GET", "HEAD"]),
];

pub(super) struct Found {
    pub place: Place,
    pub methods: &'static [&'static str],
    /// The segments that matched those in braces, percent-decoded, from left to right.
    pub names: Vec<String>,
}

/// Finds the address that matches `path`, which starts after `/admin/api`.
pub(super) fn find(path: &str) -> Option<Found> {
    ROUTES.iter().find_map(|(place, template, methods)| {
        let names = matched(template, path)?;
        Some(Found { place: *place, methods, names })
    })
}

fn matched(template: &str, path: &str) -> Option<Vec<String>> {
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
            ROUTES.iter().map(|(_, path, names)| ((*path).to_owned(), methods(names))).collect();
        assert_eq!(described, served);
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
