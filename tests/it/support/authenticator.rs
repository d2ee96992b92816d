//! A software authenticator for passkeys, with a key on P-256, and the browser around it.

use device_grant::passkey::Challenge;
use device_grant::secret::{Digest, encode};
use jwt_compact::alg::Es256;
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};
use serde_json::{Value, json};

/// The flags of a platform authenticator whose passkeys are synchronized: present, verified, eligible, backed up.
pub(crate) const SYNCED: u8 = 0b0001_1101;

/// An authenticator with one passkey. Every field may be changed to make it lie.
#[derive(Clone)]
pub(crate) struct Authenticator {
    /// Makes the key and the identifier.
    pub(crate) seed: u8,
    pub(crate) rp_id: String,
    pub(crate) origin: String,
    pub(crate) flags: u8,
    pub(crate) counter: u32,
    pub(crate) aaguid: [u8; 16],
    pub(crate) user_handle: Option<Vec<u8>>,
    /// Members to add to the client data, or to replace there.
    pub(crate) client_data: Value,
    /// Whether it signs its own attestation.
    pub(crate) attests_itself: bool,
}

impl Authenticator {
    pub(crate) fn new(seed: u8, rp_id: &str, origin: &str) -> Self {
        Self {
            seed,
            rp_id: rp_id.to_owned(),
            origin: origin.to_owned(),
            flags: SYNCED,
            counter: 0,
            aaguid: [0; 16],
            user_handle: None,
            client_data: json!({}),
            attests_itself: false,
        }
    }

    pub(crate) fn id(&self) -> Vec<u8> {
        vec![self.seed; 16]
    }

    /// Makes a passkey: the `toJSON()` of `navigator.credentials.create()`.
    pub(crate) fn create(&self, challenge: &Challenge) -> String {
        let client_data = self.client_data("webauthn.create", challenge);
        let data = self.data_with_key();
        let statement = if self.attests_itself {
            let signature = self.sign(&data, &client_data);
            let (alg, sig) = (
                [&text("alg")[..], &[0x26]].concat(),
                [text("sig"), vec![0x58, u8::try_from(signature.len()).unwrap()], signature].concat(),
            );
            [text("packed"), text("attStmt"), vec![0xa2], alg, sig].concat()
        } else {
            [text("none"), text("attStmt"), vec![0xa0]].concat()
        };
        let data = [text("authData"), vec![0x58, u8::try_from(data.len()).unwrap()], data].concat();
        let object = [vec![0xa3], text("fmt"), statement, data].concat();
        self.credential(&json!({
            "clientDataJSON": encode(client_data.as_bytes()), "attestationObject": encode(&object),
            "transports": ["internal"], "publicKeyAlgorithm": -7,
        }))
    }

    /// Signs in with the counter as it is: the `toJSON()` of `navigator.credentials.get()`.
    pub(crate) fn get(&self, challenge: &Challenge) -> String {
        let client_data = self.client_data("webauthn.get", challenge);
        let data = self.data(self.flags);
        let signature = self.sign(&data, &client_data);
        self.credential(&json!({
            "clientDataJSON": encode(client_data.as_bytes()), "authenticatorData": encode(&data),
            "signature": encode(&signature), "userHandle": self.user_handle.as_deref().map(encode),
        }))
    }

    fn credential(&self, response: &Value) -> String {
        let id = encode(&self.id());
        json!({
            "id": id, "rawId": id, "type": "public-key", "response": response,
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
        })
        .to_string()
    }

    fn client_data(&self, operation: &str, challenge: &Challenge) -> String {
        let mut data = json!({
            "type": operation, "challenge": challenge, "origin": self.origin, "crossOrigin": false,
        });
        for (name, value) in self.client_data.as_object().unwrap() {
            data[name] = value.clone();
        }
        data.to_string()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let hash = Digest::of(self.rp_id.as_bytes());
        [&hash.bytes()[..], &[flags], &self.counter.to_be_bytes()].concat()
    }

    fn data_with_key(&self) -> Vec<u8> {
        let key = self.key();
        let point = key.verifying_key().to_encoded_point(false);
        let head = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        let key = [&head[..], point.x().unwrap(), &[0x22, 0x58, 0x20], point.y().unwrap()].concat();
        let id = self.id();
        let length = u16::try_from(id.len()).unwrap().to_be_bytes();
        [self.data(self.flags | 0x40), self.aaguid.to_vec(), length.to_vec(), id, key].concat()
    }

    fn sign(&self, data: &[u8], client_data: &str) -> Vec<u8> {
        let input = [data, Digest::of(client_data.as_bytes()).bytes()].concat();
        let signature = Es256.sign(&self.key(), &input);
        let raw = signature.as_bytes();
        der(&raw)
    }

    fn key(&self) -> <Es256 as jwt_compact::Algorithm>::SigningKey {
        <Es256 as jwt_compact::Algorithm>::SigningKey::from_slice(&[self.seed; 32]).unwrap()
    }
}

/// Writes the two numbers of a signature in DER.
pub(crate) fn der(raw: &[u8]) -> Vec<u8> {
    let (r, s) = raw.split_at(32);
    let numbers = [integer(r), integer(s)].concat();
    [vec![0x30, u8::try_from(numbers.len()).unwrap()], numbers].concat()
}

fn integer(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len() - 1);
    let digits = &number[start..];
    let sign = if digits[0] >= 0x80 { vec![0] } else { vec![] };
    let digits = [sign, digits.to_vec()].concat();
    [vec![0x02, u8::try_from(digits.len()).unwrap()], digits].concat()
}

/// Writes a short text in CBOR.
fn text(text: &str) -> Vec<u8> {
    [&[0x60 + u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}
