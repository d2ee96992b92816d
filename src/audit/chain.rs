//! The hash chain of a ledger.

use sha2::{Digest as _, Sha256};

use crate::secret;

/// Returns the head of a hash chain after one more record: SHA-256 of the previous head, a newline and the
/// record, in base64url. The first head is the empty string.
#[must_use]
pub fn link(head: &str, record: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(head.as_bytes());
    hash.update(b"\n");
    hash.update(record.as_bytes());
    secret::encode(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_record_changes_every_head_after_it() {
        let honest = link(&link("", "one"), "two");

        assert_eq!(honest, link(&link("", "one"), "two"));
        assert_ne!(honest, link(&link("", "0ne"), "two"));
        assert_ne!(honest, link(&link("", "two"), "one"));
    }
}
