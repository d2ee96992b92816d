//! An operator with the development admin token.

use device_grant::endpoint::http::{Request, Response};
use device_grant::settings::DEVELOPMENT_ADMIN_TOKEN;
use serde_json::{Value, json};

use super::{World, get, json as body_of};

/// Sends requests to the admin API of a world.
#[derive(Clone, Copy)]
pub(crate) struct Admin<'a>(pub(crate) &'a World);

impl Admin<'_> {
    pub(crate) fn get(self, path: &str) -> Response {
        self.ask("GET", path, None, None)
    }

    pub(crate) fn create(self, client: &Value) -> Response {
        self.ask("POST", "/clients", None, Some(client))
    }

    /// Creates a client, and returns its secret, if it has one. The server must accept it.
    pub(crate) fn created(self, client: &Value) -> Option<String> {
        let response = self.create(client);
        assert_eq!(response.status, 201, "{}", response.body);
        body_of(&response)["client_secret"].as_str().map(str::to_owned)
    }

    /// Changes a client, whatever its current version (`If-Match: *`).
    pub(crate) fn patch(self, client_id: &str, patch: &Value) -> Response {
        self.ask("PATCH", &format!("/clients/{client_id}"), Some("*"), Some(patch))
    }

    /// Returns method and path of every operation in the document of the admin API, which has exactly those that are served.
    pub(crate) fn operations(self) -> Vec<(String, String)> {
        let document = body_of(&self.get("/openapi.json"));
        let paths = document["paths"].as_object().unwrap();
        let methods = |members: &Value| -> Vec<String> {
            members.as_object().unwrap().keys().filter(|name| *name != "parameters").cloned().collect()
        };
        let operations = paths.iter().map(|(path, members)| (path, methods(members)));
        operations
            .flat_map(|(path, methods)| {
                methods.into_iter().map(|method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Sends a request with this method, `If-Match` and body.
    pub(crate) fn ask(
        self,
        method: &str,
        path: &str,
        if_match: Option<&str>,
        body: Option<&Value>,
    ) -> Response {
        Self::ask_with(self.0, DEVELOPMENT_ADMIN_TOKEN, method, path, if_match, body)
    }

    /// Makes a named token with these scopes, and returns its text.
    pub(crate) fn token(self, id: &str, scopes: &[&str]) -> String {
        let token = json!({ "id": id, "owner": "Team", "scopes": scopes });
        let response = self.ask("POST", "/tokens", None, Some(&token));
        assert_eq!(response.status, 201, "{}", response.body);
        body_of(&response)["token"].as_str().unwrap().to_owned()
    }

    /// Sends a request with another token.
    pub(crate) fn ask_as(self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Response {
        Self::ask_with(self.0, token, method, path, Some("*"), body)
    }

    /// Returns the request that [`Admin::ask`] sends.
    pub(crate) fn request(method: &str, path: &str, if_match: Option<&str>, body: Option<&Value>) -> Request {
        Self::request_with(DEVELOPMENT_ADMIN_TOKEN, method, path, if_match, body)
    }

    fn ask_with(
        world: &World,
        token: &str,
        method: &str,
        path: &str,
        if_match: Option<&str>,
        body: Option<&Value>,
    ) -> Response {
        world.send(&Self::request_with(token, method, path, if_match, body))
    }

    fn request_with(
        token: &str,
        method: &str,
        path: &str,
        if_match: Option<&str>,
        body: Option<&Value>,
    ) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Request {
            method: method.to_owned(),
            path: format!("/admin/api{path}"),
            query: query.to_owned(),
            authorization: Some(format!("Bearer {token}")),
            if_match: if_match.map(str::to_owned),
            content_type: body.map(|_| "application/json".to_owned()),
            body: Some(body.map(|body| body.to_string().into_bytes()).unwrap_or_default()),
            ..get()
        }
    }
}

/// Lets web pages of this origin, and of no other, use a client.
pub(crate) fn list_origin(world: &World, client_id: &str, origin: &str) {
    let changed = Admin(world).patch(client_id, &json!({ "allowed_origins": [origin] }));
    assert_eq!(changed.status, 200, "{}", changed.body);
}

/// Returns a provider with the secret `s3cret`, with `members` added or replaced.
pub(crate) fn provider(id: &str, members: &Value) -> Value {
    let mut provider = json!({
        "id": id,
        "name": "Example",
        "issuer": format!("https://{id}.example.com"),
        "client_id": "device-grant",
        "client_secret": "s3cret",
    });
    for (name, value) in members.as_object().expect("members") {
        provider[name] = value.clone();
    }
    provider
}

/// Returns a public client for the device grant, with `members` added or replaced.
pub(crate) fn device(client_id: &str, members: &Value) -> Value {
    let mut client = json!({
        "client_id": client_id,
        "client_name": "A device",
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
        "scope": "openid offline_access",
        "token_endpoint_auth_method": "none",
    });
    for (name, value) in members.as_object().expect("members") {
        client[name] = value.clone();
    }
    client
}
