//! Cloudflare's siteverify, as far as it is documented: a token counts once, and the secret key must be the
//! widget's.

use std::cell::RefCell;
use std::collections::BTreeMap;

use device_grant::endpoint::form::Form;
use serde_json::{Value, json};

/// The public key of the widget.
pub(crate) const SITE_KEY: &str = "0x4AAAAAAAsitekeyofours0";
/// The secret key of the widget.
pub(crate) const SECRET_KEY: &str = "0x4AAAAAAAsecretkeyofours0123456789";
/// The address of siteverify.
pub(crate) const URL: &str = "http://127.0.0.1:9/siteverify";

/// Siteverify in memory: the tokens that are good once, with the verdict on each.
#[derive(Default)]
pub(crate) struct Siteverify {
    good: RefCell<BTreeMap<String, Value>>,
    /// Every token that it was asked about.
    pub(crate) asked: RefCell<Vec<String>>,
    /// If set, the response to every request.
    pub(crate) instead: RefCell<Option<String>>,
}

impl Siteverify {
    /// Makes `token` good, as if a person solved the widget on a page of `hostname`.
    pub(crate) fn solve(&self, token: &str, hostname: &str, action: &str) {
        let verdict = json!({"success": true, "error-codes": [], "challenge_ts": "2026-11-21T12:00:00Z",
                             "hostname": hostname, "action": action, "cdata": ""});
        self.good.borrow_mut().insert(token.to_owned(), verdict);
    }

    pub(super) fn answer(&self, url: &str, form: &str) -> String {
        assert_eq!(url, URL);
        let form = Form::parse(form.as_bytes()).expect("a form");
        let token = form.get("response").expect("a token").to_owned();
        if let Some(instead) = &*self.instead.borrow() {
            return instead.clone();
        }
        if form.get("secret") != Some(SECRET_KEY) {
            return failure("invalid-input-secret");
        }
        let verdict = self.good.borrow_mut().remove(&token);
        let known = self.asked.borrow().contains(&token);
        self.asked.borrow_mut().push(token);
        verdict.map_or_else(
            || failure(if known { "timeout-or-duplicate" } else { "invalid-input-response" }),
            |verdict| verdict.to_string(),
        )
    }
}

fn failure(code: &str) -> String {
    json!({"success": false, "error-codes": [code], "messages": []}).to_string()
}
