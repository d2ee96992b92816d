//! Clients that nobody registered: they name a document on the web that describes them
//! (draft-ietf-oauth-client-id-metadata-document-03), and an operator has let in its URL or its host.

pub mod address;
pub mod entry;
pub mod response;

use serde_json::{Map, Value};

use self::address::DocumentUrl;
use self::entry::Entry;
use super::Client;
use super::likeness;
use super::registered_by::RegisteredBy;
use super::registration::lenient::{keep_known, without_device_grant};
use super::registration::{Fresh, parse};
use crate::fault::Fault;
use crate::json;
use crate::secret::Digest;

/// The members that are read. All others are ignored: links and contacts, because a stranger could put them on this server's
/// pages, and algorithms, because no document makes this server create a key.
const MEMBERS: [&str; 8] = [
    "client_name",
    "grant_types",
    "redirect_uris",
    "scope",
    "token_endpoint_auth_method",
    "jwks",
    "jwks_uri",
    "dpop_bound_access_tokens",
];
const METHOD: &str = "token_endpoint_auth_method";
/// The `owner` of a client, as operators see it.
const OWNER: &str = "client ID metadata document";

/// A document that can be used, as the client that it describes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Document {
    client: Client,
    /// Whether the document says which scopes the client wants.
    names_scopes: bool,
}

impl Document {
    /// Reads the document at `url`. `service` has the names of this service, which no client may take.
    ///
    /// # Errors
    ///
    /// Every fault of the document.
    pub fn parse(url: &DocumentUrl, body: &[u8], service: &[&str]) -> Result<Self, Vec<Fault>> {
        let Ok(Value::Object(mut members)) = json::read_bytes(body) else {
            return Err(vec![Fault { pointer: String::new(), detail: "it is not a JSON object".to_owned() }]);
        };
        let mut faults = [wrong_id(&members, url), secret(&members), method(&members)].to_vec();
        keep_known(&mut members, &MEMBERS);
        faults.push(without_device_grant(&mut members));
        complete(&mut members, url);
        faults.extend([foreign_keys(&members, url), misleading(&members, service)]);
        let mut faults: Vec<Fault> = faults.into_iter().flatten().collect();
        let names_scopes = members.contains_key("scope");
        let fresh = Fresh { client_id: url.as_str().to_owned(), secret: Digest::of(&[]) };
        match parse(members, fresh, false) {
            Ok(client) if faults.is_empty() => Ok(Self { client: described(client), names_scopes }),
            Ok(_) => Err(faults),
            Err(more) => {
                faults.extend(more);
                Err(faults)
            }
        }
    }

    /// Returns the client, with what an entry of the allow list gives it.
    #[must_use]
    pub fn client(&self, entry: &Entry) -> Client {
        let mut client = self.client.clone();
        client.scope =
            if self.names_scopes { client.scope.narrowed_to(&entry.scope) } else { entry.scope.clone() };
        client.tokens.audience.clone_from(&entry.audience);
        client.enabled = entry.enabled;
        client
    }
}

fn described(mut client: Client) -> Client {
    client.registered_by = RegisteredBy::Document;
    client.about.owner = Some(OWNER.to_owned());
    client
}

/// Puts in what a document need not have. A document cannot share a secret, so a client without a method is public.
fn complete(members: &mut Map<String, Value>, url: &DocumentUrl) {
    let name = || Value::from(url.host());
    members.entry("client_name").or_insert_with(name);
    members.entry(METHOD).or_insert_with(|| Value::from("none"));
    if members.get(METHOD).and_then(Value::as_str) == Some("none") {
        members.remove("jwks");
        members.remove("jwks_uri");
    }
}

fn wrong_id(members: &Map<String, Value>, url: &DocumentUrl) -> Option<Fault> {
    let is_same = members.get("client_id").and_then(Value::as_str) == Some(url.as_str());
    (!is_same)
        .then(|| Fault::at("client_id", "client_id must be the URL of the document, character for character"))
}

fn secret(members: &Map<String, Value>) -> Option<Fault> {
    let name =
        ["client_secret", "client_secret_expires_at"].into_iter().find(|name| members.contains_key(*name))?;
    Some(Fault::at(name, format!("{name} must not be there: everybody can read the document")))
}

fn method(members: &Map<String, Value>) -> Option<Fault> {
    let method = members.get(METHOD)?;
    let is_known = method.as_str().is_some_and(|name| ["", "none", "private_key_jwt"].contains(&name));
    let why = format!("{METHOD} must be none or private_key_jwt: there is no secret to share");
    (!is_known && !method.is_null()).then(|| Fault::at(METHOD, why))
}

/// Returns the fault of keys at another origin, which nobody has let in.
fn foreign_keys(members: &Map<String, Value>, url: &DocumentUrl) -> Option<Fault> {
    let uri = members.get("jwks_uri")?.as_str()?;
    let why = format!("jwks_uri must be at {}, as the document is", url.host());
    (!url.is_origin_of(uri)).then(|| Fault::at("jwks_uri", why))
}

/// Returns the fault of a name with which the client would speak for this service.
fn misleading(members: &Map<String, Value>, service: &[&str]) -> Option<Fault> {
    let word = likeness::reserved(members.get("client_name")?.as_str()?, service)?;
    Some(Fault::at(
        "client_name",
        format!("client_name must not contain '{word}': the client does not speak for this service"),
    ))
}

#[cfg(test)]
mod tests;
