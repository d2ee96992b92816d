//! Passkeys: the ceremonies of WebAuthn Level 3, as the browser's `toJSON()` reports them.
//!
//! A ceremony is judged in three steps. Parsing reads the response, and knows nothing about the server. Checking compares
//! it with the [`Ceremony`] that this server began. The signature is verified last, by WebCrypto: [`Signed`] has what it
//! needs. The counter and the backup state are compared where the record is stored.

pub mod assertion;
mod authenticator_data;
pub mod authenticator_name;
pub mod cbor;
mod client_data;
mod cose;
pub mod der;
pub mod options;
pub mod record;
pub mod registration;
mod response;
pub mod signed;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::secret;
use crate::secret::Digest;

/// Whom passkeys are for: the RP ID, and the only origin whose pages may use them (WebAuthn §5.1.2, §13.4.9).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RelyingParty<'a> {
    id: &'a str,
    origin: &'a str,
}

impl<'a> RelyingParty<'a> {
    /// Returns the relying party of a server at `hostname`; `None` for an IP address, because an RP ID is a domain.
    #[must_use]
    pub fn new(hostname: &'a str, origin: &'a str) -> Option<Self> {
        let is_address = hostname.starts_with('[') || hostname.parse::<std::net::Ipv4Addr>().is_ok();
        (!is_address).then_some(Self { id: hostname, origin })
    }

    /// Returns the RP ID: the host without its port.
    #[must_use]
    pub const fn id(&self) -> &'a str {
        self.id
    }

    fn hash(&self) -> [u8; 32] {
        *Digest::of(self.id.as_bytes()).bytes()
    }
}

/// What a response must contain so that it cannot be replayed: 256 random bits (WebAuthn §13.4.3).
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Challenge(String);

impl Challenge {
    /// Draws a challenge.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        Self(secret::encode(&secret::random::<32>(rng)))
    }

    /// Returns the challenge in base64url, as the options and the client data have it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Challenge {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// What this server began, and expects a response to.
#[derive(Clone, Copy)]
#[expect(missing_docs, reason = "the fields are named after their types")]
pub struct Ceremony<'a> {
    pub relying_party: RelyingParty<'a>,
    pub challenge: &'a Challenge,
}

/// Whether a passkey may exist on several devices, and whether it does (WebAuthn §6.1.3).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Backup {
    /// It never leaves its authenticator.
    DeviceBound,
    /// It can be backed up, but has not been yet.
    Eligible,
    /// It has been backed up, such as to the account of a password manager.
    BackedUp,
}

impl Backup {
    /// Returns whether a passkey that was once `before` can be `self` now: eligibility never changes.
    #[must_use]
    pub const fn follows(self, before: Self) -> bool {
        matches!(self, Self::DeviceBound) == matches!(before, Self::DeviceBound)
    }
}

/// Why a response is refused: logged, but not disclosed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// The response is not the JSON that `toJSON()` makes, or a part of it is not base64url or not canonical CBOR.
    Malformed,
    /// The client data is for another operation.
    Type,
    /// The client data has another challenge.
    Challenge,
    /// A page of another origin asked.
    Origin,
    /// The page was inside a frame of another site.
    CrossOrigin,
    /// The passkey is for another RP ID.
    RelyingParty,
    /// The authenticator did not test that a person is there.
    NotPresent,
    /// The authenticator did not verify who the person is.
    NotVerified,
    /// The passkey is backed up although it cannot be, or it has become (un)able to be.
    Backup,
    /// The key is not one of those that were offered, or has parameters that it must not have.
    Key,
    /// There is an attestation that nobody asked for.
    Attestation,
    /// The signature does not fit its key, or does not verify.
    Signature,
    /// The user handle is missing, or is another person's.
    UserHandle,
    /// The signature counter did not grow: the passkey may have been copied.
    Counter,
}

impl Flaw {
    /// Returns the reason as the log states it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "passkey_malformed",
            Self::Type => "passkey_type",
            Self::Challenge => "passkey_challenge",
            Self::Origin => "passkey_origin",
            Self::CrossOrigin => "passkey_cross_origin",
            Self::RelyingParty => "passkey_relying_party",
            Self::NotPresent => "passkey_not_present",
            Self::NotVerified => "passkey_not_verified",
            Self::Backup => "passkey_backup",
            Self::Key => "passkey_key",
            Self::Attestation => "passkey_attestation",
            Self::Signature => "passkey_signature",
            Self::UserHandle => "passkey_user_handle",
            Self::Counter => "passkey_counter",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relying_party_is_a_domain_and_not_an_address() {
        let party = |host| RelyingParty::new(host, "https://a.example").map(|party| party.id().to_owned());

        assert_eq!(party("localhost").as_deref(), Some("localhost"));
        assert_eq!(party("login.example.com").as_deref(), Some("login.example.com"));
        assert_eq!(party("127.0.0.1"), None);
        assert_eq!(party("[::1]"), None);
    }

    #[test]
    fn a_passkey_may_be_backed_up_later_but_never_becomes_able_to_be() {
        use Backup::{BackedUp, DeviceBound, Eligible};
        for (before, now, legal) in [
            (DeviceBound, DeviceBound, true),
            (Eligible, BackedUp, true),
            (BackedUp, Eligible, true),
            (DeviceBound, Eligible, false),
            (DeviceBound, BackedUp, false),
            (BackedUp, DeviceBound, false),
        ] {
            assert_eq!(now.follows(before), legal, "{before:?} {now:?}");
        }
    }
}
