//! The refresh token. Like a device code, it says where its family is stored, and proves that this server
//! issued it.
//!
//! `base64url(format ‖ pair ‖ shard ‖ family ‖ secret ‖ tag)`. Unlike a device code, it can outlive the key
//! of its tag, because the server holds only the current and the previous keys. The tag then proves nothing,
//! and the token is good only if its digest is the current one.

use rand_core::CryptoRng;

use super::id::FamilyId;
use crate::derived_keys::{Keyring, same};
use crate::secret;
use crate::secret::Digest;
use crate::sharding::Shard;

const FORMAT: u8 = 1;
const TAG: usize = 16;
/// Bytes that the tag covers: format (1), pair (2), shard (2), family (16), secret (32).
const BODY: usize = 53;

/// A refresh token as presented.
#[expect(missing_docs, reason = "the types say what the other fields are")]
pub struct RefreshToken {
    pub shard: Shard,
    pub family: FamilyId,
    /// Digest of the 256 random bits in the token.
    pub secret: Digest,
    /// Whether the tag verified. If not, the server no longer has the key of the tag, and the token might be
    /// made up.
    pub genuine: bool,
}

impl RefreshToken {
    /// Issues the next token of a family. Returns the token for the client, and the digest for the row.
    pub fn issue(
        shard: Shard,
        family: FamilyId,
        client_id: &str,
        keyring: &Keyring,
        rng: &mut impl CryptoRng,
    ) -> (String, Digest) {
        let secret = secret::random::<32>(rng);
        let mut body = Vec::with_capacity(BODY + TAG);
        body.push(FORMAT);
        body.extend(keyring.current.pair.to_be_bytes());
        body.extend(shard.to_bytes());
        body.extend(family.to_bytes());
        body.extend(secret);
        body.extend(keyring.current.refresh_token(&body, client_id).iter().take(TAG));
        (secret::encode(&body), Digest::of(&secret))
    }

    /// Reads a token presented by `client_id`. Returns `None` if this server did not issue it to this client,
    /// or if it was altered. Once the server no longer has the key of the tag, only the form is checked: see
    /// [`RefreshToken::genuine`].
    #[must_use]
    pub fn parse(text: &str, client_id: &str, keyring: &Keyring) -> Option<Self> {
        let bytes = secret::decode(text)?;
        let (body, tag) = bytes.split_at_checked(BODY)?;
        let (&[format, high, low, region, index], rest) = body.split_first_chunk()?;
        let pair = u16::from_be_bytes([high, low]);
        let keys = keyring.named(pair);
        let genuine = keys.is_some_and(|keys| {
            keys.refresh_token(body, client_id)
                .first_chunk::<TAG>()
                .is_some_and(|expected| same(expected, tag))
        });
        let forged = keys.is_some() && !genuine;
        if format != FORMAT || tag.len() != TAG || forged {
            return None;
        }
        let (family, secret) = rest.split_first_chunk::<16>()?;
        let shard = Shard::from_bytes([region, index])?;
        Some(Self { shard, family: FamilyId::from_bytes(*family), secret: Digest::of(secret), genuine })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derived_keys::{DEVELOPMENT_KEY, Keys, MasterKey};
    use crate::sharding::Region;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    const SHARD: Shard = Shard { region: Region::Weur, index: 1 };

    fn keyring(key: &str) -> Keyring {
        Keyring { current: Keys::derive(&MasterKey::parse(key).unwrap(), 8), previous: None }
    }

    fn issue() -> (String, Digest) {
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        RefreshToken::issue(SHARD, FamilyId::from_bytes([9; 16]), "tv", &keyring(DEVELOPMENT_KEY), &mut rng)
    }

    #[test]
    fn a_refresh_token_leads_back_to_its_family() {
        let (text, secret) = issue();

        let token = RefreshToken::parse(&text, "tv", &keyring(DEVELOPMENT_KEY)).unwrap();

        assert_eq!((token.shard, token.secret, token.family.to_bytes()), (SHARD, secret, [9; 16]));
        assert!(token.genuine);
    }

    #[test]
    fn a_forged_token_and_another_clients_are_refused_without_a_call() {
        let (text, _) = issue();
        let mut bytes = secret::decode(&text).unwrap();
        bytes[30] ^= 1;

        assert!(RefreshToken::parse(&secret::encode(&bytes), "tv", &keyring(DEVELOPMENT_KEY)).is_none());
        assert!(RefreshToken::parse(&text, "printer", &keyring(DEVELOPMENT_KEY)).is_none());
        assert!(RefreshToken::parse("", "tv", &keyring(DEVELOPMENT_KEY)).is_none());
    }

    #[test]
    fn a_token_whose_key_is_gone_is_read_but_proves_nothing() {
        let (text, _) = issue();
        let later = keyring(&secret::encode(&[1; 32]));

        let token = RefreshToken::parse(&text, "tv", &later).unwrap();

        assert!(!token.genuine);
    }
}
