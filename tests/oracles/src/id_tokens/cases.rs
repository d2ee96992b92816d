//! A sound ID token, and the faults that a token can have.

use device_grant::secret::encode;
use device_grant::token::claims::at_hash;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::keys::Keys;
use super::{ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, ISSUER, NONCE, NOW};

/// Who signs a token.
#[derive(Clone, Copy)]
enum Signer {
    Published,
    /// A key that nobody knows.
    Other,
    /// HMAC with the client secret, as a provider that uses `HS256` would.
    Secret,
    Nobody,
}

/// A token before it is signed.
pub(super) struct Draft {
    header: Value,
    claims: Value,
    signer: Signer,
    /// Changes the text after it was signed.
    afterwards: Vec<fn(String) -> String>,
    /// Changes the text of the claims before it is signed.
    spelled: Option<fn(String) -> String>,
}

/// A fault, or what looks like one.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) apply: fn(&mut Draft),
}

impl Draft {
    pub(super) fn sound(keys: &Keys) -> Self {
        let header = json!({ "alg": keys.alg(), "typ": "JWT", "kid": keys.kid() });
        let claims = json!({
            "iss": ISSUER, "sub": "248289761001", "aud": CLIENT_ID, "exp": NOW + 600, "iat": NOW - 5, "nonce": NONCE,
            "auth_time": NOW - 100, "at_hash": at_hash(ACCESS_TOKEN, keys.alg()), "name": "Jane Doe",
            "amr": ["pwd"], "acr": "urn:mace:incommon:iap:silver",
        });
        Self { header, claims, signer: Signer::Published, afterwards: Vec::new(), spelled: None }
    }

    pub(super) fn signed(&self, keys: &Keys) -> String {
        let spell = |text: String| self.spelled.map_or(text.clone(), |spelled| spelled(text));
        let input = format!(
            "{}.{}",
            encode(self.header.to_string().as_bytes()),
            encode(spell(self.claims.to_string()).as_bytes())
        );
        let signature = match self.signer {
            Signer::Published => keys.sign(input.as_bytes(), true),
            Signer::Other => keys.sign(input.as_bytes(), false),
            Signer::Secret => {
                let mut mac =
                    Hmac::<Sha256>::new_from_slice(CLIENT_SECRET.as_bytes()).expect("a key of any length");
                mac.update(input.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
            Signer::Nobody => Vec::new(),
        };
        let text = format!("{input}.{}", encode(&signature));
        self.afterwards.iter().fold(text, |text, change| change(text))
    }

    fn claim(&mut self, name: &str, value: Value) {
        set(&mut self.claims, name, value);
    }

    fn head(&mut self, name: &str, value: Value) {
        set(&mut self.header, name, value);
    }
}

/// Sets a member; `null` removes it.
fn set(object: &mut Value, name: &str, value: Value) {
    let members = object.as_object_mut().expect("it is an object");
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
}

macro_rules! cases {
    ($($name:literal => |$draft:ident| $change:expr;)+) => {
        &[$(Case { name: $name, apply: |$draft: &mut Draft| { $change; } }),+]
    };
}

pub(super) const CASES: &[Case] = cases! {
    // The header.
    "alg none, without a signature" => |draft| { draft.head("alg", json!("none")); draft.signer = Signer::Nobody };
    "alg none, with a signature" => |draft| draft.head("alg", json!("none"));
    "alg HS256 with the client secret" => |draft| { draft.head("alg", json!("HS256")); draft.signer = Signer::Secret };
    "alg of another kind of key" => |draft| draft.head("alg", json!("PS256"));
    "alg unknown" => |draft| draft.head("alg", json!("XX256"));
    "alg in lower case" => |draft| draft.head("alg", json!("es256"));
    "no alg" => |draft| draft.head("alg", json!(null));
    "alg a number" => |draft| draft.head("alg", json!(7));
    "no typ" => |draft| draft.head("typ", json!(null));
    "typ in lower case" => |draft| draft.head("typ", json!("jwt"));
    "typ of a logout token" => |draft| draft.head("typ", json!("logout+jwt"));
    "typ of an access token" => |draft| draft.head("typ", json!("at+jwt"));
    "typ JOSE" => |draft| draft.head("typ", json!("JOSE"));
    "typ a number" => |draft| draft.head("typ", json!(7));
    "cty of a nested token" => |draft| draft.head("cty", json!("JWT"));
    "crit b64" => |draft| { draft.head("crit", json!(["b64"])); draft.head("b64", json!(true)) };
    "crit empty" => |draft| draft.head("crit", json!([]));
    "no kid" => |draft| draft.head("kid", json!(null));
    "kid unknown" => |draft| draft.head("kid", json!("unknown"));
    "kid a number" => |draft| draft.head("kid", json!(7));
    "jwk in the header" => |draft| draft.head("jwk", json!({ "kty": "oct", "k": "AA" }));
    // The signature.
    "signed by another key" => |draft| draft.signer = Signer::Other;
    "no signature" => |draft| draft.signer = Signer::Nobody;
    "signature cut" => |draft| draft.afterwards.push(|text| text[..text.len() - 4].to_owned());
    "signature longer" => |draft| draft.afterwards.push(|text| text + "AAAA");
    "claims changed afterwards" => |draft| draft.afterwards.push(|text| text.replacen('.', ".e30", 1));
    "padding at the end" => |draft| draft.afterwards.push(|text| text + "=");
    "space at the end" => |draft| draft.afterwards.push(|text| text + " ");
    "space at the start" => |draft| draft.afterwards.push(|text| format!(" {text}"));
    "a fourth part" => |draft| draft.afterwards.push(|text| text + ".AAAA");
    "two parts" => |draft| draft.afterwards.push(|text| text.rsplit_once('.').map(|(first, _)| first.to_owned()).unwrap_or_default());
    "empty text" => |draft| draft.afterwards.push(|_| String::new());
    // Who says it, about whom, for whom.
    "iss missing" => |draft| draft.claim("iss", json!(null));
    "iss of another server" => |draft| draft.claim("iss", json!("https://evil.example"));
    "iss with a slash at the end" => |draft| draft.claim("iss", json!("https://id.example/"));
    "iss in upper case" => |draft| draft.claim("iss", json!("https://ID.example"));
    "iss a list" => |draft| draft.claim("iss", json!([ISSUER]));
    "sub missing" => |draft| draft.claim("sub", json!(null));
    "sub empty" => |draft| draft.claim("sub", json!(""));
    "sub a number" => |draft| draft.claim("sub", json!(7));
    "sub of 255 bytes" => |draft| draft.claim("sub", json!("x".repeat(255)));
    "sub of 256 bytes" => |draft| draft.claim("sub", json!("x".repeat(256)));
    "aud missing" => |draft| draft.claim("aud", json!(null));
    "aud of another client" => |draft| draft.claim("aud", json!("other"));
    "aud a list of one" => |draft| draft.claim("aud", json!([CLIENT_ID]));
    "aud twice the same" => |draft| draft.claim("aud", json!([CLIENT_ID, CLIENT_ID]));
    "aud a list with another" => |draft| draft.claim("aud", json!([CLIENT_ID, "other"]));
    "aud a list with another, and azp" => |draft| { draft.claim("aud", json!(["other", CLIENT_ID])); draft.claim("azp", json!(CLIENT_ID)) };
    "aud an empty list" => |draft| draft.claim("aud", json!([]));
    "aud a list with a number" => |draft| draft.claim("aud", json!([CLIENT_ID, 7]));
    "aud an object" => |draft| draft.claim("aud", json!({ "rp": true }));
    "azp this client" => |draft| draft.claim("azp", json!(CLIENT_ID));
    "azp another client" => |draft| draft.claim("azp", json!("other"));
    "azp a list" => |draft| draft.claim("azp", json!([CLIENT_ID]));
    // When.
    "exp missing" => |draft| draft.claim("exp", json!(null));
    "exp long ago" => |draft| draft.claim("exp", json!(NOW - 3_600));
    "exp 61 seconds ago" => |draft| draft.claim("exp", json!(NOW - 61));
    "exp 59 seconds ago" => |draft| draft.claim("exp", json!(NOW - 59));
    "exp now" => |draft| draft.claim("exp", json!(NOW));
    "exp in a second" => |draft| draft.claim("exp", json!(NOW + 1));
    "exp with a fraction" => |draft| draft.claim("exp", json!(1_795_262_460.5));
    "exp a text" => |draft| draft.claim("exp", json!((NOW + 600).to_string()));
    "exp negative" => |draft| draft.claim("exp", json!(-1));
    "exp in the year 12000" => |draft| draft.claim("exp", json!(316_516_000_000_u64));
    "iat missing" => |draft| draft.claim("iat", json!(null));
    "iat in 59 seconds" => |draft| draft.claim("iat", json!(NOW + 59));
    "iat in an hour" => |draft| draft.claim("iat", json!(NOW + 3_600));
    "iat a week ago" => |draft| draft.claim("iat", json!(NOW - 604_800));
    "iat a text" => |draft| draft.claim("iat", json!(NOW.to_string()));
    "nbf now" => |draft| draft.claim("nbf", json!(NOW));
    "nbf in an hour" => |draft| draft.claim("nbf", json!(NOW + 3_600));
    "nbf a text" => |draft| draft.claim("nbf", json!("now"));
    "auth_time missing" => |draft| draft.claim("auth_time", json!(null));
    "auth_time 0" => |draft| draft.claim("auth_time", json!(0));
    "auth_time in an hour" => |draft| draft.claim("auth_time", json!(NOW + 3_600));
    "auth_time a text" => |draft| draft.claim("auth_time", json!("now"));
    // What ties it to the request.
    "nonce missing" => |draft| draft.claim("nonce", json!(null));
    "nonce of another request" => |draft| draft.claim("nonce", json!("other"));
    "nonce empty" => |draft| draft.claim("nonce", json!(""));
    "nonce a list" => |draft| draft.claim("nonce", json!([NONCE]));
    "at_hash missing" => |draft| draft.claim("at_hash", json!(null));
    "at_hash of another token" => |draft| draft.claim("at_hash", json!("77QmUPtjPfzWtF2AnpK9RA"));
    "at_hash empty" => |draft| draft.claim("at_hash", json!(""));
    "at_hash a number" => |draft| draft.claim("at_hash", json!(7));
    // What else it says.
    "amr a text" => |draft| draft.claim("amr", json!("pwd"));
    "amr of numbers" => |draft| draft.claim("amr", json!([7]));
    "acr a number" => |draft| draft.claim("acr", json!(7));
    "acr missing" => |draft| draft.claim("acr", json!(null));
    "name a number" => |draft| draft.claim("name", json!(7));
    "email_verified a text" => |draft| draft.claim("email_verified", json!("true"));
    "sid a number" => |draft| draft.claim("sid", json!(7));
    "events of a logout token" => |draft| draft.claim("events", json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
    // How it is spelled.
    "iss twice" => |draft| draft.spelled = Some(|text| text.replacen('{', "{\"iss\":\"https://evil.example\",", 1));
    "sub twice" => |draft| draft.spelled = Some(|text| text.replacen('{', "{\"sub\":\"1\",", 1));
    "name twice" => |draft| draft.spelled = Some(|text| text.replacen('{', "{\"name\":\"Mallory\",", 1));
    "claims a list" => |draft| draft.spelled = Some(|text| format!("[{text}]"));
    "claims with spaces" => |draft| draft.spelled = Some(|text| text.replace(',', " ,\n "));
    "claims not JSON" => |draft| draft.spelled = Some(|_| "sub=1".to_owned());
};
