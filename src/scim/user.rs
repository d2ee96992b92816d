//! A user as a provider pushes it, and as this server shows it (RFC 7643 §4.1).

use serde_json::{Map, Value, json};

use super::Refusal;
use crate::identity::account::Account;
use crate::visible;

/// The schema of a user.
pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Longest name that is shown, in characters.
const LONGEST_NAME: usize = 100;
/// Longest user name, in bytes.
const LONGEST_USER_NAME: usize = 256;
/// Longest e-mail address, in bytes.
const LONGEST_EMAIL: usize = 254;

/// What this server keeps of a user. A member that is `None` was not sent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pushed {
    /// `userName`, unique at the provider.
    pub user_name: Option<String>,
    /// `externalId`: the subject at the provider.
    pub external_id: Option<String>,
    /// `displayName`, else the parts of `name`.
    pub name: Option<String>,
    /// The primary address of `emails`, else the first one.
    pub email: Option<String>,
    /// `active`.
    pub active: Option<bool>,
}

impl Pushed {
    /// Reads the attributes of a user. Their names may be written in any case (RFC 7643 §2.1).
    ///
    /// # Errors
    ///
    /// [`Refusal::Value`] for an attribute with a value that it must not have.
    pub fn read(attributes: &Map<String, Value>) -> Result<Self, Refusal> {
        let (pushed, parts) = Self::split(attributes)?;
        let name = pushed.name.or_else(|| parts.whole().or_else(|| parts.only()));
        Ok(Self { name, ..pushed })
    }

    /// Reads the attributes that a patch changes. Of a name, one part alone changes nothing, because the others are not kept.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn read_changes(attributes: &Map<String, Value>) -> Result<Self, Refusal> {
        let (pushed, parts) = Self::split(attributes)?;
        let name = pushed.name.or_else(|| parts.whole());
        Ok(Self { name, ..pushed })
    }

    fn split(attributes: &Map<String, Value>) -> Result<(Self, Parts), Refusal> {
        let mut pushed = Self::default();
        let mut parts = Parts::default();
        for (name, value) in attributes {
            pushed.set(&mut parts, &plain(name), value)?;
        }
        Ok((pushed, parts))
    }

    fn set(&mut self, parts: &mut Parts, name: &str, value: &Value) -> Result<(), Refusal> {
        match name {
            "username" => self.user_name = Some(user_name(value)?),
            "externalid" => self.external_id = Some(external_id(value)?),
            "displayname" => self.name = value.as_str().and_then(shown),
            "name" => parts.read(value),
            "name.formatted" => parts.formatted = value.as_str().and_then(shown),
            "name.givenname" => parts.given = value.as_str().and_then(shown),
            "name.familyname" => parts.family = value.as_str().and_then(shown),
            "emails" => self.email = email(value),
            "active" => self.active = Some(flag(value)?),
            // Such as emails[type eq "work"].value, which Entra ID sends as the path of an operation.
            path if path.starts_with("emails[") && path.ends_with("].value") => self.email = address(value),
            _ => {}
        }
        Ok(())
    }

    /// Applies what was sent to an account, and returns the members that changed.
    pub fn apply(&self, account: &mut Account) -> Vec<&'static str> {
        let mut changed = Vec::new();
        if let Some(name) = self.name.as_ref().filter(|name| **name != account.name) {
            account.name.clone_from(name);
            changed.push("name");
        }
        if let Some(email) = self.email.as_ref().filter(|email| account.email.as_ref() != Some(*email)) {
            // A provider's word about an address is no proof that it is this person's.
            (account.email, account.email_verified) = (Some(email.clone()), false);
            changed.push("email");
        }
        if let Some(user_name) =
            self.user_name.as_ref().filter(|name| account.scim_name.as_ref() != Some(*name))
        {
            account.scim_name = Some(user_name.clone());
            changed.push("username");
        }
        changed
    }
}

/// The parts of `name`.
#[derive(Default)]
struct Parts {
    formatted: Option<String>,
    given: Option<String>,
    family: Option<String>,
}

impl Parts {
    fn read(&mut self, value: &Value) {
        for (name, value) in value.as_object().into_iter().flatten() {
            let text = value.as_str().and_then(shown);
            match name.to_ascii_lowercase().as_str() {
                "formatted" => self.formatted = text,
                "givenname" => self.given = text,
                "familyname" => self.family = text,
                _ => {}
            }
        }
    }

    fn whole(&self) -> Option<String> {
        let both = || Some(format!("{} {}", self.given.as_ref()?, self.family.as_ref()?));
        self.formatted.clone().or_else(both)
    }

    fn only(&self) -> Option<String> {
        self.given.clone().or_else(|| self.family.clone())
    }
}

/// Returns the path of an attribute in lower case, without the schema of users in front of it (RFC 7644 §3.10).
pub(super) fn plain(path: &str) -> String {
    let path = path.to_ascii_lowercase();
    let schema = SCHEMA.to_ascii_lowercase();
    path.strip_prefix(&schema).and_then(|rest| rest.strip_prefix(':')).map_or(path.clone(), str::to_owned)
}

fn shown(text: &str) -> Option<String> {
    visible::cleaned(text, LONGEST_NAME)
}

fn user_name(value: &Value) -> Result<String, Refusal> {
    const RULE: Refusal =
        Refusal::Value("userName must be a text of 1 to 256 bytes without control characters");
    let is_good =
        |text: &&str| (1..=LONGEST_USER_NAME).contains(&text.len()) && !text.chars().any(char::is_control);
    value.as_str().filter(is_good).map(str::to_owned).ok_or(RULE)
}

fn external_id(value: &Value) -> Result<String, Refusal> {
    let text = value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    text.ok_or(Refusal::Value("externalId must be the identifier of the user at the provider"))
}

fn email(value: &Value) -> Option<String> {
    let addresses = value.as_array()?;
    let is_primary = |one: &&Value| one.get("primary").is_some_and(|value| flag(value) == Ok(true));
    let chosen = addresses.iter().find(is_primary).or_else(|| addresses.first())?;
    address(chosen.get("value")?)
}

fn address(value: &Value) -> Option<String> {
    let is_good = |text: &&str| {
        text.len() <= LONGEST_EMAIL && text.contains('@') && !text.chars().any(char::is_control)
    };
    value.as_str().filter(is_good).map(str::to_owned)
}

/// Reads `true` or `false`: as such, as a text in any case, as Entra ID sends it, or in a list of one value.
fn flag(value: &Value) -> Result<bool, Refusal> {
    const RULE: Refusal = Refusal::Value("active must be true or false");
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Value::Array(values) => match values.as_slice() {
            [one] => flag(one.get("value").unwrap_or(one)),
            _ => Err(RULE),
        },
        Value::String(_) | Value::Null | Value::Number(_) | Value::Object(_) => Err(RULE),
    }
}

/// Returns a user as this server shows it, at `location`.
#[must_use]
pub fn view(account: &Account, location: &str) -> Value {
    let user_name = account.scim_name.as_deref().unwrap_or(&account.username);
    let emails: Vec<Value> =
        account.email.iter().map(|email| json!({ "value": email, "primary": true })).collect();
    json!({
        "schemas": [SCHEMA],
        "id": account.sub,
        "externalId": account.key.subject(),
        "userName": user_name,
        "displayName": account.name,
        "name": { "formatted": account.name },
        "emails": emails,
        "active": account.standing.is_active(),
        "meta": {
            "resourceType": "User",
            "location": location,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(attributes: &Value) -> Result<Pushed, Refusal> {
        Pushed::read(attributes.as_object().expect("an object"))
    }

    #[test]
    fn a_name_is_the_displayed_one_else_the_whole_one_else_its_parts() {
        for (attributes, name) in [
            (json!({ "displayName": "D", "name": { "formatted": "W", "familyName": "F" } }), Some("D")),
            (json!({ "name": { "formatted": "W", "givenName": "G", "familyName": "F" } }), Some("W")),
            (json!({ "name.formatted": "W", "name.givenName": "G", "name.familyName": "F" }), Some("W")),
            (json!({ "name": { "givenName": "G", "familyName": "F" } }), Some("G F")),
            (json!({ "name.familyName": "F" }), Some("F")),
            (json!({ "displayName": "", "name": "W", "nickName": "N" }), None),
        ] {
            assert_eq!(pushed(&attributes).unwrap().name.as_deref(), name, "{attributes}");
        }
    }

    #[test]
    fn only_the_value_of_an_email_is_an_address() {
        for (path, is_email) in [
            ("emails[type eq \"work\"].value", true),
            ("emails[type eq \"work\"].display", false),
            ("ims[type eq \"xmpp\"].value", false),
        ] {
            let email = pushed(&json!({ path: "a@b.example" })).unwrap().email;
            assert_eq!(email.is_some(), is_email, "{path}");
        }
    }

    #[test]
    fn an_address_has_an_at_sign_no_control_characters_and_at_most_254_bytes() {
        let longest = format!("{}@b.example", "a".repeat(244));
        let longer = format!("a{longest}");
        for (address, is_kept) in
            [("a@b.example", true), (&longest, true), (&longer, false), ("a", false), ("a@b\u{7}", false)]
        {
            let email = pushed(&json!({ "emails": [{ "value": address }] })).unwrap().email;
            assert_eq!(email.as_deref(), is_kept.then_some(address), "{address}");
        }
    }

    #[test]
    fn a_user_name_has_1_to_256_bytes_and_no_control_characters() {
        for (name, is_good) in [
            ("a", true),
            (&*"a".repeat(256), true),
            ("", false),
            (&*"a".repeat(257), false),
            ("a\u{7}", false),
        ] {
            assert_eq!(pushed(&json!({ "userName": name })).is_ok(), is_good, "{name}");
        }
    }
}
