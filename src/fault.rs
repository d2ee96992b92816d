//! Faults in a JSON document, each with a pointer that leads the author to it.

use serde::{Deserialize, Serialize};

/// A fault in a JSON document. It contains no secret.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Fault {
    /// JSON pointer to the faulty member (RFC 6901).
    pub pointer: String,
    /// One sentence that says what is wrong and what is allowed.
    pub detail: String,
}

impl Fault {
    /// Returns a fault in the member `name` of the document.
    #[must_use]
    pub fn at(name: &str, detail: impl Into<String>) -> Self {
        Self { pointer: format!("/{}", escape(name)), detail: detail.into() }
    }

    /// Returns a fault in the item `index` of the list `name`.
    #[must_use]
    pub fn at_item(name: &str, index: usize, detail: impl Into<String>) -> Self {
        Self { pointer: format!("/{}/{index}", escape(name)), detail: detail.into() }
    }

    /// Returns the same fault of a document that is the member `name` of another one.
    #[must_use]
    pub fn within(self, name: &str) -> Self {
        Self { pointer: format!("/{}{}", escape(name), self.pointer), ..self }
    }
}

/// Escapes `name` as RFC 6901 §3 requires.
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
        assert_eq!(Fault::at("b", "").within("a/").pointer, "/a~1/b");
    }
}
