//! The authenticator data: what the authenticator says and signs (WebAuthn §6.1).

use super::authenticator_name::Aaguid;
use super::cbor::Value;
use super::{Backup, Flaw, RelyingParty, cose};
use crate::identity::credential_id::CredentialId;
use crate::token::signing_key::PublicKey;

// The flags of WebAuthn §6.1. Bits 1 and 5 are reserved, and ignored.
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

pub(super) struct AuthenticatorData {
    rp_id_hash: [u8; 32],
    flags: u8,
    pub(super) counter: u32,
    /// Only at registration.
    pub(super) attested: Option<Attested>,
}

/// A new passkey (WebAuthn §6.5.1).
pub(super) struct Attested {
    pub(super) aaguid: Aaguid,
    pub(super) id: CredentialId,
    pub(super) key: Result<PublicKey, Flaw>,
}

impl AuthenticatorData {
    /// Reads the data. Extensions are read and ignored, because we ask for none (WebAuthn §7.1 step 18).
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Flaw> {
        Self::read(bytes).ok_or(Flaw::Malformed)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>()?;
        let ([flags], rest) = rest.split_first_chunk::<1>()?;
        let (counter, mut rest) = rest.split_first_chunk::<4>()?;
        let mut attested = None;
        if flags & ATTESTED != 0 {
            let (passkey, after) = Attested::read(rest)?;
            (attested, rest) = (Some(passkey), after);
        }
        if flags & EXTENSIONS != 0 {
            let (Value::Map(_), after) = Value::first(rest)? else { return None };
            rest = after;
        }
        let counter = u32::from_be_bytes(*counter);
        rest.is_empty().then_some(Self { rp_id_hash: *rp_id_hash, flags: *flags, counter, attested })
    }

    /// Checks that the passkey is for `party`, and that its owner was there and was verified. Returns the backup state.
    /// (WebAuthn §7.1 steps 13 to 17, §7.2 steps 15 to 19)
    pub(super) fn check(&self, party: RelyingParty<'_>) -> Result<Backup, Flaw> {
        if self.rp_id_hash != party.hash() {
            return Err(Flaw::RelyingParty);
        }
        if self.flags & USER_PRESENT == 0 {
            return Err(Flaw::NotPresent);
        }
        if self.flags & USER_VERIFIED == 0 {
            return Err(Flaw::NotVerified);
        }
        match (self.flags & BACKUP_ELIGIBLE != 0, self.flags & BACKED_UP != 0) {
            (false, false) => Ok(Backup::DeviceBound),
            (true, false) => Ok(Backup::Eligible),
            (true, true) => Ok(Backup::BackedUp),
            (false, true) => Err(Flaw::Backup),
        }
    }
}

impl Attested {
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (aaguid, rest) = bytes.split_first_chunk::<16>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (id, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (key, rest) = Value::first(rest)?;
        let id = CredentialId::new(id)?;
        Some((Self { aaguid: Aaguid::new(*aaguid), id, key: cose::public_key(&key) }, rest))
    }
}
