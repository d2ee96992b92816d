//! Signing keys in WebCrypto: made, imported and used there, native and in constant time.

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
    /// Imported keys of this isolate, by `kid`.
    static IMPORTED: RefCell<HashMap<String, CryptoKey>> = RefCell::default();
    /// Public keys of this isolate, by algorithm and `kid`. Clients bring keys too, so it is emptied when full.
    static VERIFYING: RefCell<HashMap<(&'static str, String), CryptoKey>> = RefCell::default();
}

/// How many public keys an isolate remembers.
const MOST_VERIFYING: usize = 100;

/// Makes a key pair: the public half, and the private one as PKCS #8.
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

/// The private half of a key that an operator brings, as PKCS #8; `None` if its halves do not belong together.
pub(super) async fn adopt(key: &PrivateJwk) -> Result<Option<Vec<u8>>> {
    const PROOF: &[u8] = b"the halves of this key belong together";
    let Some(private) = import_jwk(key).await? else { return Ok(None) };
    let alg = key.public.alg;
    let signed = subtle()?.sign_with_object_and_u8_array(&parameters(alg)?, &private, PROOF)?;
    // Of an RSA key whose halves are two keys' it may also be that it cannot sign at all.
    let signature: core::result::Result<JsValue, JsValue> = JsFuture::from(signed).await;
    let Ok(signature) = signature else { return Ok(None) };
    if !verify(&key.public, PROOF, &Uint8Array::new(&signature).to_vec()).await? {
        return Ok(None);
    }
    let pkcs8: JsValue = JsFuture::from(subtle()?.export_key("pkcs8", &private)?).await?;
    Ok(Some(Uint8Array::new(&pkcs8).to_vec()))
}

/// `None` if WebCrypto will not have it.
async fn import_jwk(key: &PrivateJwk) -> Result<Option<CryptoKey>> {
    let imported = hand_in("jwk", &object(&key.members)?, key.public.alg, true, "sign").await?;
    Ok(imported.ok())
}

/// Signs `input` with the key called `kid`; `pkcs8` gives its private half where it is not known here.
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

/// Whether `signature` over `input` is that of `key`'s private half.
pub(super) async fn verify(key: &PublicKey, input: &[u8], signature: &[u8]) -> Result<bool> {
    let known = VERIFYING.with_borrow(|keys| keys.get(&(key.alg.name(), key.kid.clone())).cloned());
    let imported = match known {
        Some(imported) => imported,
        // Whoever brings a key may bring one that is none, such as a point off the curve.
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
    let pkcs8 = pkcs8().ok_or_else(|| Error::RustError("a signing key does not unwrap".to_owned()))?;
    let data: Object = Uint8Array::from(pkcs8.as_slice()).unchecked_into();
    let key = hand_in("pkcs8", &data, alg, false, "sign").await??;
    IMPORTED.with_borrow_mut(|keys| keys.insert(kid.to_owned(), key.clone()));
    Ok(key)
}

/// Gives WebCrypto a key for one use; why not, if it will not have it.
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

/// As JavaScript has it.
fn object(value: &impl Serialize) -> Result<Object> {
    let text = serde_json::to_string(value).map_err(super::object::broken)?;
    Ok(js_sys::JSON::parse(&text)?.unchecked_into())
}

fn subtle() -> Result<SubtleCrypto> {
    let global: WorkerGlobalScope = js_sys::global().unchecked_into();
    Ok(global.crypto()?.subtle())
}

/// What WebCrypto calls the algorithm; the same object serves to generate, import, sign and verify, each of which
/// reads the members that it knows.
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
        value.ok_or_else(|| Error::RustError("WebCrypto exported a key without its numbers".to_owned()))
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
