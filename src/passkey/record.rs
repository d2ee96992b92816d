//! The record of a passkey (WebAuthn §4, "credential record"), and what each use changes in it.

use serde_json::Value;

use super::assertion::Used;
use super::registration::Registered;
use super::{Backup, Flaw};
use crate::identity::passkey::Passkey;
use crate::time::Timestamp;
use crate::token::jwk::Jwk;
use crate::token::signing_key::{Algorithm, PublicKey};

/// Returns the record of a new passkey. It has the name of its authenticator, or an empty one.
#[must_use]
pub fn new(registered: &Registered, now: Timestamp) -> Passkey {
    let Registered { id, key, aaguid, counter, backup, proof: _ } = registered;
    let public_key =
        serde_json::to_value(&key.material).expect("a key has text keys and no fallible serializer");
    let public_key = public_key.as_object().cloned().expect("a key is an object");
    Passkey {
        id: id.clone(),
        public_key,
        alg: key.alg.name().to_owned(),
        counter: *counter,
        backup_eligible: *backup != Backup::DeviceBound,
        backed_up: *backup == Backup::BackedUp,
        aaguid: aaguid.to_string(),
        name: aaguid.name().unwrap_or_default().to_owned(),
        created_at: now,
        last_used_at: None,
    }
}

/// Returns the key of a passkey.
#[must_use]
pub fn public_key(passkey: &Passkey) -> Option<PublicKey> {
    let jwk = Jwk::parse(&Value::Object(passkey.public_key.clone())).ok()?;
    jwk.for_algorithm(Algorithm::named(&passkey.alg)?)
}

/// Notes a use whose signature is verified.
///
/// # Errors
///
/// [`Flaw::Backup`] if the passkey has become able to be backed up, or unable; [`Flaw::Counter`] if the counter did not
/// grow, which means that somebody may have a copy of the passkey (WebAuthn §6.1.1). Passkeys whose counter is always 0
/// do not count.
pub fn note_use(passkey: &mut Passkey, used: Used, now: Timestamp) -> Result<(), Flaw> {
    if (used.backup != Backup::DeviceBound) != passkey.backup_eligible {
        return Err(Flaw::Backup);
    }
    let counts = used.counter != 0 || passkey.counter != 0;
    if counts && used.counter <= passkey.counter {
        return Err(Flaw::Counter);
    }
    passkey.counter = used.counter;
    passkey.backed_up = used.backup == Backup::BackedUp;
    passkey.last_used_at = Some(now);
    Ok(())
}
