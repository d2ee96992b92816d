//! The addresses of the admin API. A test compares them with the OpenAPI document.

mod place;
mod table;

use percent_encoding::percent_decode_str;

pub(super) use self::place::{
    AccessPlace, AccountPlace, AskedPlace, ClientPlace, DestinationPlace, ExceptionPlace, KeyPlace,
    KillPlace, Part, Place, PolicyPlace, RecordPlace, ScopePlace, WatchPlace,
};
use self::table::ROUTES;
use crate::registry::admin_token::AdminScope;

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
