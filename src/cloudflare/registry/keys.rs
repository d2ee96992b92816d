//! Makes and imports the signing keys of the `Registry` object in WebCrypto, and seals them and the secrets of providers.

use core::time::Duration;

use worker::Result;

use super::Registry;
use crate::cloudflare::{object, webcrypto};
use crate::derived_keys::{Keyring, Purpose};
use crate::registry::command::Command;
use crate::registry::rows::{NewKey, Rows as _, StoredKey};
use crate::registry::signing_keys;
use crate::secret;
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::token::private_jwk::PrivateJwk;
use crate::token::signing_key::Algorithm;
use crate::upstream::provider::{Provider, ProviderAuthentication, SealedSecret};

/// How often an object in use checks whether a key is due: much more often than keys can be due.
const TENDING: Duration = Duration::from_secs(3_600);

impl Registry {
    /// Makes the keys that are missing, and removes those that have ended. This needs no alarm: while nobody redeems or
    /// refreshes, nobody needs a key.
    pub(super) async fn tend(&self, now: Timestamp) -> Result<()> {
        if self.tended_at.get().is_some_and(|at| now.since(at) < TENDING) {
            return Ok(());
        }
        let Settings { keyring, signing_key_rotation, .. } = self.settings()?;
        while let Some(alg) = signing_keys::tend(&*self.table, signing_key_rotation, now)? {
            self.make(alg, &keyring).await?;
        }
        // Two requests may both have made a key for the same gap; one of the keys is left over.
        self.table.made.borrow_mut().clear();
        self.tended_at.set(Some(now));
        Ok(())
    }

    /// Seals again the keys and the secrets that only the previous `MASTER_KEY` opens.
    pub(super) fn reseal_once(&self) -> Result<()> {
        if self.sealed.get() {
            return Ok(());
        }
        let keyring = self.settings()?.keyring;
        self.table.keys()?.into_iter().try_for_each(|key| self.reseal(key, &keyring))?;
        self.table
            .providers()?
            .into_iter()
            .try_for_each(|provider| self.reseal_secret(provider, &keyring))?;
        self.sealed.set(true);
        Ok(())
    }

    /// Makes the keys that `command` needs. Returns the key that it imports, sealed; `None` if it imports no
    /// key, or if the two halves of the key do not match. The caller then runs the command without awaiting
    /// anything, so that no other command takes the new keys.
    pub(super) async fn prepare(&self, command: &Command, now: Timestamp) -> Result<Option<NewKey>> {
        while let Some(alg) = self.unmade(command, now)? {
            self.make(alg, &self.settings()?.keyring).await?;
        }
        if let Command::ImportKey(ask) = command {
            adopt(&ask.key, &self.settings()?.keyring).await
        } else {
            Ok(None)
        }
    }

    /// Returns an algorithm for which `command` needs a new key that has not been made.
    fn unmade(&self, command: &Command, now: Timestamp) -> Result<Option<Algorithm>> {
        let wanted = signing_keys::wanted(&*self.table, command, now)?;
        let made = self.table.made.borrow();
        Ok(wanted.into_iter().find(|alg| !made.iter().any(|key| key.public.alg == *alg)))
    }

    async fn make(&self, alg: Algorithm, keyring: &Keyring) -> Result<()> {
        #[cfg(feature = "panic-probe")]
        crate::cloudflare::probe::before_a_key().await;
        let (public, private) = webcrypto::generate(alg).await?;
        let wrapped = seal(keyring, &private);
        self.table.made.borrow_mut().push(NewKey { public, wrapped });
        Ok(())
    }

    fn reseal(&self, key: StoredKey, keyring: &Keyring) -> Result<()> {
        // A retired key no longer has a private half.
        if key.retired_at.is_some() {
            return Ok(());
        }
        let sealed = secret::decode(&key.wrapped).unwrap_or_default();
        if keyring.is_current(Purpose::SigningKey, &sealed) {
            return Ok(());
        }
        if let Some(private) = keyring.open(Purpose::SigningKey, &sealed) {
            return self.table.put_key(&StoredKey { wrapped: seal(keyring, &private), ..key });
        }
        worker::console_error!(
            "neither MASTER_KEY nor MASTER_KEY_PREVIOUS opens signing key {}",
            key.public.kid
        );
        Ok(())
    }
}

impl Registry {
    fn reseal_secret(&self, mut provider: Provider, keyring: &Keyring) -> Result<()> {
        let ProviderAuthentication::Secret { sealed, .. } = &mut provider.authentication else {
            return Ok(());
        };
        if sealed.is_current(keyring) {
            return Ok(());
        }
        let Some(secret) = sealed.open(keyring) else {
            worker::console_error!(
                "neither MASTER_KEY nor MASTER_KEY_PREVIOUS opens the secret of provider {}: send it again",
                provider.id
            );
            return Ok(());
        };
        *sealed = SealedSecret::seal(&secret, keyring, &mut object::rng());
        self.table.put_provider(&provider)
    }
}

/// Imports and seals a key; `None` if its halves do not match.
async fn adopt(key: &PrivateJwk, keyring: &Keyring) -> Result<Option<NewKey>> {
    let private = webcrypto::adopt(key).await?;
    Ok(private.map(|private| NewKey { wrapped: seal(keyring, &private), public: key.public.clone() }))
}

fn seal(keyring: &Keyring, private: &[u8]) -> String {
    secret::encode(&keyring.seal(Purpose::SigningKey, private, &mut object::rng()))
}
