//! What is wrong with a member of a JSON document, told so that whoever wrote it finds it.

use serde::{Deserialize, Serialize};

/// One thing that is wrong. Holds no secret.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Fault {
    /// Where: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What, and what is allowed: one sentence.
    pub detail: String,
}

impl Fault {
    /// Something wrong with the member `name` of the document.
    #[must_use]
    pub fn at(name: &str, detail: impl Into<String>) -> Self {
        Self { pointer: format!("/{}", escape(name)), detail: detail.into() }
    }

    /// Something wrong with one item of the list `name`.
    #[must_use]
    pub fn at_item(name: &str, index: usize, detail: impl Into<String>) -> Self {
        Self { pointer: format!("/{}/{index}", escape(name)), detail: detail.into() }
    }
}

/// RFC 6901 §3.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_escaped() {
        assert_eq!(Fault::at("a/b~c", "").pointer, "/a~1b~0c");
        assert_eq!(Fault::at_item("contacts", 2, "").pointer, "/contacts/2");
    }
}
