//! Where a claim is among the claims of a provider.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest path, in bytes.
const LONGEST: usize = 255;

/// The name of a claim, or a JSON pointer (RFC 6901) to a nested one, which begins with a slash:
/// `groups`, `https://example.com/groups`, `/realm_access/roles`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClaimPath(String);

impl ClaimPath {
    /// Reads a path of 1 to 255 visible ASCII characters; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        let names_something = !text.is_empty() && text != "/";
        let is_escaped = !text.starts_with('/') || is_escaped(text);
        (visible && names_something && is_escaped && text.len() <= LONGEST).then(|| Self(text.to_owned()))
    }

    /// Returns the path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the claim at this path; `None` if there is none, or if it is `null`.
    #[must_use]
    pub fn find<'a>(&self, claims: &'a Value) -> Option<&'a Value> {
        let found = if self.0.starts_with('/') { claims.pointer(&self.0) } else { claims.get(&self.0) };
        found.filter(|value| !value.is_null())
    }
}

/// RFC 6901 §3: `~` occurs only as `~0` and `~1`.
fn is_escaped(pointer: &str) -> bool {
    pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}

impl TryFrom<String> for ClaimPath {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a claim's path is its name or a JSON pointer")
    }
}

impl From<ClaimPath> for String {
    fn from(path: ClaimPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_is_a_name_or_a_pointer() {
        let claims = json!({
            "groups": ["a"], "https://example.com/groups": ["b"], "realm_access": { "roles": ["c"], "x/y": 1 },
            "none": null
        });
        let find = |path: &str| ClaimPath::parse(path).unwrap().find(&claims).cloned();

        assert_eq!(find("groups"), Some(json!(["a"])));
        assert_eq!(find("https://example.com/groups"), Some(json!(["b"])));
        assert_eq!(find("/realm_access/roles"), Some(json!(["c"])));
        assert_eq!(find("/realm_access/x~1y"), Some(json!(1)));
        for absent in ["realm_access.roles", "/groups/roles", "roles", "none"] {
            assert_eq!(find(absent), None, "{absent}");
        }
        for bad in ["", "/", "a b", "rôles", "/a~2", "/a~", &"a".repeat(256)] {
            assert_eq!(ClaimPath::parse(bad), None, "{bad}");
        }
    }
}
