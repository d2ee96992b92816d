//! Codes and tokens that people and devices send back.

use device_grant::derived_keys::{Keyring, RetiredPair};
use device_grant::family::id::FamilyId;
use device_grant::family::refresh_token::RefreshToken;
use device_grant::grant::device_code::DeviceCode;
use device_grant::grant::routing::{Address, RowKey};
use device_grant::grant::user_code::{CONSONANTS, Shape, UserCode};
use device_grant::secret;
use device_grant::sharding::Shard;
use device_grant::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use crate::support::{START, World};
use crate::text;

/// A code that is read has one spelling, which is read as the same code.
pub fn user_codes(input: &[u8]) {
    let shape = Shape::new(CONSONANTS, 8, false).expect("it is the default");
    for shape in [&shape, &shape.in_digits()] {
        for code in [UserCode::parse(text(input), shape), UserCode::parse_either(text(input), shape)]
            .into_iter()
            .flatten()
        {
            assert!(code.canonical().len() <= shape.length() + 8);
            assert_eq!(UserCode::parse_either(code.canonical(), shape).as_ref(), Some(&code));
            assert_eq!(UserCode::parse_either(&code.to_string(), shape).as_ref(), Some(&code));
        }
    }
}

/// Only codes that the server issued are read, in one spelling, and for one client.
pub fn device_codes(input: &[u8]) {
    let keyring = keyring();
    let address = Address { shard: Shard::from_bytes(SHARD).expect("it is a shard"), key: RowKey([7; 16]) };
    let until = Timestamp::from_millis(START);
    let rng = &mut ChaCha20Rng::seed_from_u64(7);
    let (code, secret) = DeviceCode::issue(address, "demo-tv", until, &keyring.current, rng);
    let sent = altered(&code, input);
    let read = DeviceCode::parse(&sent, "demo-tv", &keyring);
    assert_eq!(read.is_some(), sent == code);
    assert!(read.is_none_or(|read| read.secret == secret && read.expires_at == until));
    let text = text(input);
    if DeviceCode::parse(text, "demo-tv", &keyring).is_some() {
        assert_eq!(secret::decode(text).map(|bytes| secret::encode(&bytes)).as_deref(), Some(text));
        assert!(DeviceCode::parse(text, "demo-printer", &keyring).is_none());
        assert!(RefreshToken::parse(text, "demo-tv", &keyring).is_err());
    }
}

/// As for device codes. Tokens of a retired key pair are read for any client, but not taken for genuine.
pub fn refresh_tokens(input: &[u8]) {
    let mut keyring = keyring();
    keyring.retired.push(RetiredPair { pair: 0x4141, shards_per_region: 8 });
    let shard = Shard::from_bytes(SHARD).expect("it is a shard");
    let rng = &mut ChaCha20Rng::seed_from_u64(7);
    let (token, _) = RefreshToken::issue(shard, FamilyId::from_bytes([7; 16]), "demo-tv", &keyring, rng);
    let sent = altered(&token, input);
    let read = RefreshToken::parse(&sent, "demo-tv", &keyring);
    assert_eq!(read.is_ok_and(|read| read.genuine), sent == token);
    let text = text(input);
    if let Ok(token) = RefreshToken::parse(text, "demo-tv", &keyring) {
        assert_eq!(secret::decode(text).map(|bytes| secret::encode(&bytes)).as_deref(), Some(text));
        let other = RefreshToken::parse(text, "demo-printer", &keyring);
        assert!(if token.genuine { other.is_err() } else { other.is_ok_and(|other| !other.genuine) });
        assert!(DeviceCode::parse(text, "demo-tv", &keyring).is_none());
    }
}

/// Flips bits of a genuine code: of every three bytes of the input, two choose a place and one is the mask.
fn altered(code: &str, input: &[u8]) -> String {
    let mut bytes = secret::decode(code).expect("a code is base64url");
    for edit in input.chunks_exact(3) {
        let at = (usize::from(edit[0]) << 8 | usize::from(edit[1])) % bytes.len();
        bytes[at] ^= edit[2];
    }
    secret::encode(&bytes)
}

/// Where the codes of the fuzz targets point.
const SHARD: [u8; 2] = [1, 0];

fn keyring() -> Keyring {
    thread_local!(static KEYRING: Keyring = World::new().server.settings.keyring.clone());
    KEYRING.with(Clone::clone)
}
