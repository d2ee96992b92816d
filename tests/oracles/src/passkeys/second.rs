//! The two servers under comparison: ours, with OpenSSL in the place of WebCrypto, and `webauthn-rs-core`.

use core::time::Duration;

use device_grant::passkey::assertion::Assertion;
use device_grant::passkey::registration::{Registered, Registration};
use device_grant::passkey::signed::Signed;
use device_grant::passkey::{Ceremony, Challenge, Flaw};
use device_grant::secret::decode;
use device_grant::token::signing_key::{Algorithm, Material, PublicKey};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::rsa::Rsa;
use openssl::sign::Verifier;
use url::Url;
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::error::WebauthnError;
use webauthn_rs_core::proto::{
    AuthenticationState, CreationChallengeResponse, Credential, PublicKeyCredential,
    RegisterPublicKeyCredential, RegistrationState, UserVerificationPolicy,
};

use super::browser::{HOST, ORIGIN, OWNER, relying_party};

/// Our verdict about a registration.
pub fn registered(json: &str, challenge: &Challenge) -> Result<Registered, Flaw> {
    let ceremony = Ceremony { relying_party: relying_party(), challenge };
    let registered = Registration::parse(json)?.check(ceremony)?;
    match &registered.proof {
        Some(proof) if !verifies(&registered.key, proof) => Err(Flaw::Signature),
        Some(_) | None => Ok(registered),
    }
}

/// Our verdict about a sign-in with a known passkey.
pub fn signed_in(json: &str, challenge: &Challenge, known: &Registered) -> Result<(), Flaw> {
    let ceremony = Ceremony { relying_party: relying_party(), challenge };
    let assertion = Assertion::parse(json)?;
    let used = assertion.check(ceremony)?;
    if *assertion.id() != known.id {
        // The server looks the passkey up by its identifier, and finds none.
        return Err(Flaw::UserHandle);
    }
    if !verifies(&known.key, &assertion.signed(&known.key, OWNER.as_bytes())?) {
        return Err(Flaw::Signature);
    }
    if !used.backup.follows(known.backup) {
        return Err(Flaw::Backup);
    }
    let grows = used.counter > known.counter || used.counter == 0 && known.counter == 0;
    if grows { Ok(()) } else { Err(Flaw::Counter) }
}

/// Verifies a signature as WebCrypto does: a key or a signature that cannot be read verifies nothing.
pub fn verifies(key: &PublicKey, signed: &Signed) -> bool {
    verify(key, signed).unwrap_or(false)
}

fn verify(key: &PublicKey, signed: &Signed) -> Option<bool> {
    let number = |text: &str| BigNum::from_slice(&decode(text)?).ok();
    match (key.alg, &key.material) {
        (Algorithm::Es256, Material::Ec { x, y, .. }) => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).ok()?;
            let mut point = EcPoint::new(&group).ok()?;
            let mut context = BigNumContext::new().ok()?;
            let (x, y) = (number(x)?, number(y)?);
            point.set_affine_coordinates_gfp(&group, &x, &y, &mut context).ok()?;
            let key = PKey::from_ec_key(EcKey::from_public_key(&group, &point).ok()?).ok()?;
            let (r, s) = signed.signature.split_at(32);
            let (r, s) = (BigNum::from_slice(r).ok()?, BigNum::from_slice(s).ok()?);
            let der = EcdsaSig::from_private_components(r, s).ok()?.to_der().ok()?;
            verified(&key, &signed.input, &der)
        }
        (Algorithm::Rs256, Material::Rsa { n, e }) => {
            let key = Rsa::from_public_components(number(n)?, number(e)?).ok()?;
            verified(&PKey::from_rsa(key).ok()?, &signed.input, &signed.signature)
        }
        (Algorithm::EdDsa, Material::Okp { x, .. }) => {
            let key = PKey::public_key_from_raw_bytes(&decode(x)?, Id::ED25519).ok()?;
            Verifier::new_without_digest(&key).ok()?.verify_oneshot(&signed.signature, &signed.input).ok()
        }
        _ => None,
    }
}

fn verified(key: &PKey<Public>, input: &[u8], signature: &[u8]) -> Option<bool> {
    let mut verifier = Verifier::new(MessageDigest::sha256(), key).ok()?;
    verifier.verify_oneshot(signature, input).ok()
}

/// The second server.
pub struct Second(WebauthnCore);

impl Second {
    pub fn new() -> Self {
        let origin = Url::parse(ORIGIN).expect("a URL");
        let timeout = Duration::from_secs(300);
        Self(WebauthnCore::new_unsafe_experts_only("Login", HOST, vec![origin], timeout, None, None))
    }

    /// Begins a registration. Both servers use its challenge.
    pub fn begin(&self) -> (Challenge, RegistrationState) {
        let builder = self.0.new_challenge_register_builder(OWNER.as_bytes(), "alice", "Alice Liddell");
        let builder = builder
            .expect("names")
            .user_verification_policy(UserVerificationPolicy::Required)
            .require_resident_key(true);
        let (CreationChallengeResponse { public_key }, state) =
            self.0.generate_challenge_register(builder).expect("a challenge");
        (challenge(public_key.challenge.as_ref()), state)
    }

    pub fn register(&self, json: &str, state: &RegistrationState) -> Result<Credential, String> {
        let response: RegisterPublicKeyCredential = serde_json::from_str(json).map_err(|_| unreadable())?;
        self.0.register_credential(&response, state, None).map_err(name)
    }

    /// Begins a sign-in. Both servers use its challenge.
    pub fn begin_sign_in(&self, credential: &Credential) -> (Challenge, AuthenticationState) {
        let policy = Some(UserVerificationPolicy::Required);
        let builder = self.0.new_challenge_authenticate_builder(vec![credential.clone()], policy);
        let (request, state) =
            self.0.generate_challenge_authenticate(builder.expect("one policy")).expect("a challenge");
        (challenge(request.public_key.challenge.as_ref()), state)
    }

    pub fn sign_in(&self, json: &str, state: &AuthenticationState) -> Result<(), String> {
        let response: PublicKeyCredential = serde_json::from_str(json).map_err(|_| unreadable())?;
        self.0.authenticate_credential(&response, state).map(|_| ()).map_err(name)
    }
}

fn challenge(bytes: &[u8]) -> Challenge {
    Challenge::from(device_grant::secret::encode(bytes).as_str())
}

fn unreadable() -> String {
    "Unreadable".to_owned()
}

/// Returns the name of an error without what it quotes.
fn name(error: WebauthnError) -> String {
    let text = format!("{error:?}");
    text.split(['(', ' ']).next().unwrap_or_default().to_owned()
}
