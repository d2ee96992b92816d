//! The floor in Rust: strings in, one string out, and no call waits for anything.
//!
//! The entry asks `ask` which object gets which command, and `answer` what the reply means for the client.

use std::fmt::Write as _;

use wasm_bindgen::prelude::wasm_bindgen;

const SHARDS: u8 = 32;
const LIFETIME: f64 = 1_800_000.0;
const PENDING: &str = r#"400{"error":"authorization_pending"}"#;
const INVALID_GRANT: &str = r#"400{"error":"invalid_grant"}"#;

/// Returns `@n command` if the n-th object must be asked, or else the answer: a status of three digits and a body.
#[wasm_bindgen]
pub fn ask(path: &str, body: &str, random: &[u8], now: f64) -> String {
    match path {
        "/healthz" => r#"200{"version":"floor"}"#.to_owned(),
        "/device_authorization" if field(body, "client_id").is_some() => start(random, now),
        "/device_authorization" => r#"400{"error":"invalid_request"}"#.to_owned(),
        "/token" => match field(body, "device_code").and_then(|code| code.split_once('.')) {
            Some((object, key)) => format!("@{object} s {key}"),
            None => INVALID_GRANT.to_owned(),
        },
        _ => "404".to_owned(),
    }
}

/// Returns the answer to the client, once the object has replied to `asked`.
#[wasm_bindgen]
pub fn answer(asked: &str, reply: &str) -> String {
    let mut words = asked.trim_start_matches('@').split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some(object), Some("i"), Some(key)) => format!(
            r#"200{{"device_code":"{object}.{key}","user_code":"ABCD-EFGH","verification_uri":"http://127.0.0.1/device","expires_in":1800,"interval":5}}"#
        ),
        _ if reply == "pending" => PENDING.to_owned(),
        _ => INVALID_GRANT.to_owned(),
    }
}

fn start(random: &[u8], now: f64) -> String {
    let mut key = String::with_capacity(2 * random.len());
    for byte in random {
        let _ = write!(key, "{byte:02x}");
    }
    let object = random.first().map_or(0, |byte| byte % SHARDS);
    format!("@{object} i {key} pending {}", now + LIFETIME)
}

fn field<'a>(form: &'a str, name: &str) -> Option<&'a str> {
    form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}
