//! Which settings were read, with their values, for people to look at.

use core::cell::RefCell;

use serde::Serialize;

use crate::order;

/// A setting that was read.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct InForce {
    /// Its name.
    pub name: String,
    /// Whether it is set; otherwise it has its default.
    pub is_set: bool,
    /// What it is set to. Absent if it is not set, and for secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Notes what is read.
#[derive(Default)]
pub(super) struct Notes(RefCell<Vec<InForce>>);

impl Notes {
    /// Notes a setting, and returns its value.
    pub(super) fn note(&self, name: &str, value: Option<String>) -> Option<String> {
        let shown = value.clone().filter(|_| !is_secret(name));
        self.0.borrow_mut().push(InForce { name: name.to_owned(), is_set: value.is_some(), value: shown });
        value
    }

    /// Returns every setting once, in the order of their names.
    pub(super) fn take(&self) -> Vec<InForce> {
        let mut all = self.0.take();
        order::sort_by_key(&mut all, |setting| setting.name.clone());
        all.dedup();
        all
    }
}

/// Returns whether the value of a setting is kept from people. Addresses of webhooks often are secrets; digests of tokens are not,
/// but nobody needs them.
fn is_secret(name: &str) -> bool {
    name.ends_with("_KEY")
        || name.ends_with("_KEY_PREVIOUS")
        || name.ends_with("_SHA256")
        || name.contains("_SECRET")
        || name.contains("_WEBHOOK")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_listed_once_and_a_secret_only_says_that_it_is_set() {
        let notes = Notes::default();
        for (name, value) in
            [("PASSWORDS", None), ("MASTER_KEY", Some("s3cret")), ("ISSUER", Some("https://a"))]
        {
            assert_eq!(notes.note(name, value.map(str::to_owned)).as_deref(), value);
        }
        notes.note("PASSWORDS", None);

        let listed = notes.take();

        let shown = |setting: &InForce| (setting.name.clone(), setting.is_set, setting.value.clone());
        assert_eq!(
            listed.iter().map(shown).collect::<Vec<_>>(),
            [
                ("ISSUER".to_owned(), true, Some("https://a".to_owned())),
                ("MASTER_KEY".to_owned(), true, None),
                ("PASSWORDS".to_owned(), false, None),
            ]
        );
    }

    #[test]
    fn no_secret_of_this_server_is_shown() {
        for name in [
            "MASTER_KEY",
            "MASTER_KEY_PREVIOUS",
            "ADMIN_TOKEN_SHA256",
            "METRICS_TOKEN_SHA256",
            "INITIAL_ACCESS_TOKEN_SHA256",
            "EVENTS_WEBHOOK",
            "EVENTS_WEBHOOK_SECRET",
            "TURNSTILE_SECRET_KEY",
        ] {
            assert!(is_secret(name), "{name}");
        }
    }
}
