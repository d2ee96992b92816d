//! Requests to the server, and readers for its responses.

use device_grant::endpoint::http::{Request, Response};
use serde_json::Value;

/// Returns a GET of `/`, to which tests add their own fields.
pub(crate) fn get() -> Request {
    Request {
        method: "GET".to_owned(),
        host: "127.0.0.1:8787".to_owned(),
        path: "/".to_owned(),
        ..Request::default()
    }
}

/// Returns a POST of a form.
pub(crate) fn post(path: &str, form: &[(&str, &str)]) -> Request {
    post_raw(path, encode_form(form).as_bytes())
}

/// Returns a POST of bytes with the media type of a form.
pub(crate) fn post_raw(path: &str, body: &[u8]) -> Request {
    Request {
        method: "POST".to_owned(),
        path: path.to_owned(),
        content_type: Some("application/x-www-form-urlencoded".to_owned()),
        address: Some("192.0.2.7".to_owned()),
        body: Some(body.to_vec()),
        ..get()
    }
}

pub(super) fn encode(text: &str) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn encode_form(form: &[(&str, &str)]) -> String {
    form.iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// Parses the body of a response.
pub(crate) fn json(response: &Response) -> Value {
    serde_json::from_str(&response.body).unwrap_or_else(|error| panic!("{error}: {}", response.body))
}

/// Returns the `error` of a response, or `issued` if its status is 200.
pub(crate) fn outcome(response: &Response) -> String {
    match response.status {
        200 => "issued".to_owned(),
        _ => json(response)["error"].as_str().unwrap_or("no error").to_owned(),
    }
}
