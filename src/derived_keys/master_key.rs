//! `MASTER_KEY`, which all keys are derived from.

use hkdf::Hkdf;
use sha2::Sha256;

use crate::secret;

/// The secret that all keys are derived from: at least 32 bytes.
#[derive(Clone, Eq, PartialEq)]
pub struct MasterKey(Vec<u8>);

impl MasterKey {
    /// Decodes base64 of at least 32 bytes; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        secret::decode_lenient(text).filter(|bytes| bytes.len() >= 32).map(Self)
    }

    /// Returns whether this is [`DEVELOPMENT_KEY`], which everybody can read in the repository.
    #[must_use]
    pub fn is_for_development(&self) -> bool {
        Self::parse(DEVELOPMENT_KEY).is_some_and(|known| known.0 == self.0)
    }

    /// Returns the key for the use that a label names.
    pub(super) fn derive(&self, label: &str) -> [u8; 32] {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(Some(b"device-grant"), &self.0)
            .expand(label.as_bytes(), &mut key)
            .expect("32 bytes are within HKDF's limit");
        key
    }
}

/// The `MASTER_KEY` of `make dev`. Previews and production refuse it.
pub const DEVELOPMENT_KEY: &str = "ZGV2ZWxvcG1lbnQta2V5LW5ldmVyLWluLXByb2R1Y3Rpb24";
