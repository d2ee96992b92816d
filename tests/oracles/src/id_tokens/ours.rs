//! The verdict of this server's relying party.

use device_grant::time::Timestamp;
use device_grant::upstream::id_token::{Expected, IdToken, IdTokenFlaw};

use super::keys::Keys;
use super::{ACCESS_TOKEN, CLIENT_ID, ISSUER, NONCE, NOW};

pub(super) fn judge(keys: &Keys, token: &str) -> Result<(), String> {
    let now = Timestamp::from_millis(NOW * 1_000);
    let expected = Expected {
        issuer: ISSUER,
        client_id: CLIENT_ID,
        nonce: NONCE,
        access_token: ACCESS_TOKEN,
        alg: keys.alg(),
        max_age: None,
        asked_at: now,
    };
    let checked = || {
        let token = IdToken::parse(token, keys.alg())?;
        let candidates = keys.key_set();
        if candidates.candidates(token.jwt.kid.as_deref(), keys.alg()).next().is_none() {
            return Err(IdTokenFlaw::UnknownKey);
        }
        if !keys.verifies(token.jwt.input(), token.jwt.signature()) {
            return Err(IdTokenFlaw::WrongSignature);
        }
        token.check(&expected, now)
    };
    checked().map(drop).map_err(|flaw| flaw.reason().to_owned())
}
