//! Signing keys in WebCrypto, which makes, imports and uses them in native code and in constant time.

use std::cell::RefCell;
use std::collections::HashMap;

use js_sys::{Array, Object, Reflect, Uint8Array};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto, WorkerGlobalScope};
use worker::{Error, Result};

use crate::token::private_jwk::PrivateJwk;
use crate::token::signing_key::{Algorithm, Material, PublicKey};

thread_local! {
    /// Private keys that this isolate has imported, by `kid`.
    static IMPORTED: RefCell<HashMap<String, CryptoKey>> = RefCell::default();
    /// Public keys that this isolate has imported, by algorithm and `kid`. Clients bring keys, too, so the
    /// map is emptied when it is full.
    static VERIFYING: RefCell<HashMap<(&'static str, String), CryptoKey>> = RefCell::default();
}

/// Limit on the public keys that an isolate remembers.
const MOST_VERIFYING: usize = 100;

/// Makes a key pair. Returns the public half, and the private half as PKCS #8.
pub(super) async fn generate(alg: Algorithm) -> Result<(PublicKey, Vec<u8>)> {
    let usages: JsValue = Array::of2(&"sign".into(), &"verify".into()).into();
    let made = subtle()?.generate_key_with_object(&parameters(alg)?, true, &usages)?;
    let pair: JsValue = JsFuture::from(made).await?;
    let private: CryptoKey = get(&pair, "privateKey")?.unchecked_into();
    let public: CryptoKey = get(&pair, "publicKey")?.unchecked_into();
    let jwk: JsValue = JsFuture::from(subtle()?.export_key("jwk", &public)?).await?;
    let pkcs8: JsValue = JsFuture::from(subtle()?.export_key("pkcs8", &private)?).await?;
    Ok((PublicKey::new(alg, material(alg, &jwk)?), Uint8Array::new(&pkcs8).to_vec()))
}

/// Imports a key that an operator made. Returns its private half as PKCS #8; `None` if its halves do not
/// match.
pub(super) async fn adopt(key: &PrivateJwk) -> Result<Option<Vec<u8>>> {
    const PROOF: &[u8] = b"the halves of this key belong together";
    let Some(private) = import_jwk(key).await? else { return Ok(None) };
    let alg = key.public.alg;
    let signed = subtle()?.sign_with_object_and_u8_array(&parameters(alg)?, &private, PROOF)?;
    // An RSA key whose halves come from two keys might not even be able to sign.
    let signature: core::result::Result<JsValue, JsValue> = JsFuture::from(signed).await;
    let Ok(signature) = signature else { return Ok(None) };
    if !verify(&key.public, PROOF, &Uint8Array::new(&signature).to_vec()).await? {
        return Ok(None);
    }
    let pkcs8: JsValue = JsFuture::from(subtle()?.export_key("pkcs8", &private)?).await?;
    Ok(Some(Uint8Array::new(&pkcs8).to_vec()))
}

/// Imports a private key; `None` if WebCrypto refuses it.
async fn import_jwk(key: &PrivateJwk) -> Result<Option<CryptoKey>> {
    let imported = hand_in("jwk", &object(&key.members)?, key.public.alg, true, "sign").await?;
    Ok(imported.ok())
}

/// Signs `input` with the key named `kid`. Calls `pkcs8` for the private half only if this isolate has not
/// imported the key yet.
pub(super) async fn sign(
    alg: Algorithm,
    kid: &str,
    pkcs8: impl FnOnce() -> Option<Vec<u8>>,
    input: &[u8],
) -> Result<Vec<u8>> {
    let known = IMPORTED.with_borrow(|keys| keys.get(kid).cloned());
    let key = match known {
        Some(key) => key,
        None => import(alg, kid, pkcs8).await?,
    };
    let signed = subtle()?.sign_with_object_and_u8_array(&parameters(alg)?, &key, input)?;
    let signature: JsValue = JsFuture::from(signed).await?;
    Ok(Uint8Array::new(&signature).to_vec())
}

/// Returns whether `signature` over `input` was made with the private half of `key`.
pub(super) async fn verify(key: &PublicKey, input: &[u8], signature: &[u8]) -> Result<bool> {
    let known = VERIFYING.with_borrow(|keys| keys.get(&(key.alg.name(), key.kid.clone())).cloned());
    let imported = match known {
        Some(imported) => imported,
        // A client's key may be invalid, such as a point off the curve.
        None => match import_public(key).await {
            Ok(imported) => imported,
            Err(_) => return Ok(false),
        },
    };
    let parameters = parameters(key.alg)?;
    let verified =
        subtle()?.verify_with_object_and_u8_array_and_u8_array(&parameters, &imported, signature, input)?;
    let verified: JsValue = JsFuture::from(verified).await?;
    Ok(verified.is_truthy())
}

async fn import_public(key: &PublicKey) -> Result<CryptoKey> {
    let imported = hand_in("jwk", &object(&key.material)?, key.alg, false, "verify").await??;
    VERIFYING.with_borrow_mut(|keys| {
        if keys.len() >= MOST_VERIFYING {
            keys.clear();
        }
        keys.insert((key.alg.name(), key.kid.clone()), imported.clone());
    });
    Ok(imported)
}

async fn import(alg: Algorithm, kid: &str, pkcs8: impl FnOnce() -> Option<Vec<u8>>) -> Result<CryptoKey> {
    let pkcs8 = pkcs8().ok_or_else(|| Error::RustError("a signing key cannot be unsealed".to_owned()))?;
    let data: Object = Uint8Array::from(pkcs8.as_slice()).unchecked_into();
    let key = hand_in("pkcs8", &data, alg, false, "sign").await??;
    IMPORTED.with_borrow_mut(|keys| keys.insert(kid.to_owned(), key.clone()));
    Ok(key)
}

/// Imports a key into WebCrypto for one usage. The inner error says why WebCrypto refuses the key.
async fn hand_in(
    format: &str,
    data: &Object,
    alg: Algorithm,
    extractable: bool,
    usage: &str,
) -> Result<core::result::Result<CryptoKey, JsValue>> {
    let usages: JsValue = Array::of1(&usage.into()).into();
    let (subtle, parameters) = (subtle()?, parameters(alg)?);
    let promise = match subtle.import_key_with_object(format, data, &parameters, extractable, &usages) {
        Ok(promise) => promise,
        Err(error) => return Ok(Err(error)),
    };
    let imported: core::result::Result<JsValue, JsValue> = JsFuture::from(promise).await;
    Ok(imported.map(JsCast::unchecked_into))
}

/// Converts a value to a JavaScript object.
fn object(value: &impl Serialize) -> Result<Object> {
    let text = super::object::written(value)?;
    Ok(js_sys::JSON::parse(&text)?.unchecked_into())
}

fn subtle() -> Result<SubtleCrypto> {
    let global: WorkerGlobalScope = js_sys::global().unchecked_into();
    Ok(global.crypto()?.subtle())
}

/// Returns WebCrypto's parameters for an algorithm. The same object serves to generate, import, sign and
/// verify: each operation reads only the members that it knows.
fn parameters(alg: Algorithm) -> Result<Object> {
    let object = Object::new();
    let set = |name: &str, value: JsValue| Reflect::set(&object, &name.into(), &value).map(drop);
    let (name, hash) = match alg {
        Algorithm::Es256 => ("ECDSA", 256),
        Algorithm::Rs256 => ("RSASSA-PKCS1-v1_5", 256),
        Algorithm::Ps256 => ("RSA-PSS", 256),
        Algorithm::Ps384 => ("RSA-PSS", 384),
        Algorithm::Ps512 => ("RSA-PSS", 512),
        Algorithm::EdDsa => ("Ed25519", 512),
    };
    set("name", name.into())?;
    set("hash", format!("SHA-{hash}").into())?;
    set("namedCurve", "P-256".into())?;
    set("modulusLength", 2048.into())?;
    set("publicExponent", Uint8Array::from(&[1, 0, 1][..]).into())?;
    // RFC 7518 §3.5: the salt is as long as the hash.
    set("saltLength", (hash / 8).into())?;
    Ok(object)
}

fn material(alg: Algorithm, jwk: &JsValue) -> Result<Material> {
    let member = |name| {
        let value = get(jwk, name)?.as_string();
        value.ok_or_else(|| Error::RustError("WebCrypto exported a key with a missing member".to_owned()))
    };
    Ok(match alg {
        Algorithm::Es256 => Material::Ec { crv: member("crv")?, x: member("x")?, y: member("y")? },
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => {
            Material::Rsa { e: member("e")?, n: member("n")? }
        }
        Algorithm::EdDsa => Material::Okp { crv: member("crv")?, x: member("x")? },
    })
}

fn get(object: &JsValue, name: &str) -> Result<JsValue> {
    Reflect::get(object, &name.into()).map_err(Error::from)
}
