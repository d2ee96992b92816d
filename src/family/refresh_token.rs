//! The refresh token. Like a device code, it says where its family is stored, and proves that this server
//! issued it.
//!
//! `base64url(format ‖ pair ‖ shard ‖ family ‖ secret ‖ tag)`. Unlike a device code, it can outlive the key
//! of its tag, because the server holds only the current and the previous keys. The tag of a retired pair
//! proves nothing, and the token is good only if its digest is the current one. A token of any other pair is
//! refused.

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
    /// Whether the tag verified. If not, the token names a retired pair, and might be made up.
    pub genuine: bool,
}

/// Why a refresh token cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenFlaw {
    /// This server did not issue the token to this client, or the token was altered.
    Forged,
    /// The token names the pair with this number, which is neither held nor retired.
    UnknownPair(u16),
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

    /// Reads a token presented by `client_id`. For a token of a retired pair, only the form is checked, and
    /// that the pair had the shard: see [`RefreshToken::genuine`].
    ///
    /// # Errors
    ///
    /// A [`TokenFlaw`].
    pub fn parse(text: &str, client_id: &str, keyring: &Keyring) -> Result<Self, TokenFlaw> {
        let bytes = secret::decode(text).ok_or(TokenFlaw::Forged)?;
        let (body, tag) = bytes.split_at_checked(BODY).ok_or(TokenFlaw::Forged)?;
        let tag = <&[u8; TAG]>::try_from(tag).map_err(|_| TokenFlaw::Forged)?;
        let token = Self::read(body).ok_or(TokenFlaw::Forged)?;
        let &[_, high, low, ..] = body else { return Err(TokenFlaw::Forged) };
        let pair = u16::from_be_bytes([high, low]);
        if let Some(keys) = keyring.named(pair) {
            let expected = keys.refresh_token(body, client_id);
            let is_genuine = expected.first_chunk::<TAG>().is_some_and(|expected| same(expected, tag));
            return if is_genuine { Ok(Self { genuine: true, ..token }) } else { Err(TokenFlaw::Forged) };
        }
        match keyring.retired(pair) {
            Some(retired) if token.shard.index < retired.shards_per_region => Ok(token),
            Some(_) => Err(TokenFlaw::Forged),
            None => Err(TokenFlaw::UnknownPair(pair)),
        }
    }

    /// Reads what the tag covers. The result does not count as genuine.
    fn read(body: &[u8]) -> Option<Self> {
        let (&[format, _, _, region, index], rest) = body.split_first_chunk()?;
        let (family, secret) = rest.split_first_chunk::<16>()?;
        let shard = Shard::from_bytes([region, index])?;
        let family = FamilyId::from_bytes(*family);
        (format == FORMAT).then(|| Self { shard, family, secret: Digest::of(secret), genuine: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derived_keys::{DEVELOPMENT_KEY, Keys, MasterKey, RetiredPair};
    use crate::sharding::Region;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    const SHARD: Shard = Shard { region: Region::Weur, index: 1 };

    fn keyring(key: &str) -> Keyring {
        Keyring {
            current: Keys::derive(&MasterKey::parse(key).unwrap(), 8),
            previous: None,
            retired: Vec::new(),
        }
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

        assert!(RefreshToken::parse(&secret::encode(&bytes), "tv", &keyring(DEVELOPMENT_KEY)).is_err());
        assert!(RefreshToken::parse(&text, "printer", &keyring(DEVELOPMENT_KEY)).is_err());
        assert!(RefreshToken::parse("", "tv", &keyring(DEVELOPMENT_KEY)).is_err());
    }

    #[test]
    fn a_token_of_a_retired_pair_is_read_but_proves_nothing() {
        let (text, _) = issue();
        let pair = keyring(DEVELOPMENT_KEY).current.pair;
        let retired = |shards_per_region| Keyring {
            retired: vec![RetiredPair { pair, shards_per_region }],
            ..keyring(&secret::encode(&[1; 32]))
        };

        let token = RefreshToken::parse(&text, "tv", &retired(2)).unwrap();
        assert!(!token.genuine);

        let beyond = RefreshToken::parse(&text, "tv", &retired(1)).err();
        assert_eq!(beyond, Some(TokenFlaw::Forged), "the pair had no shard 1");
    }

    #[test]
    fn a_token_of_a_pair_that_is_neither_held_nor_retired_is_refused() {
        let (text, _) = issue();

        let flaw = RefreshToken::parse(&text, "tv", &keyring(&secret::encode(&[1; 32]))).err();

        assert_eq!(flaw, Some(TokenFlaw::UnknownPair(keyring(DEVELOPMENT_KEY).current.pair)));
    }
}
