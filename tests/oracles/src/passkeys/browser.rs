//! The browser and the authenticator of the crate `passkey`.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use device_grant::passkey::options::{self, User};
use device_grant::passkey::{Challenge, RelyingParty};
use passkey::authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod};
use passkey::client::{Client, DefaultClientData};
use passkey::types::Passkey;
use passkey::types::ctap2::{Aaguid, Ctap2Error};
use passkey::types::webauthn::{CredentialCreationOptions, CredentialRequestOptions};
use serde_json::json;
use url::Url;

pub const HOST: &str = "login.example.com";
pub const ORIGIN: &str = "https://login.example.com";
pub const OWNER: &str = "acct-7f3a51c2";

pub fn relying_party() -> RelyingParty<'static> {
    RelyingParty::new(HOST, ORIGIN).expect("a domain")
}

/// A person who is there and is verified.
struct Owner;

#[async_trait::async_trait]
impl UserValidationMethod for Owner {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _: UiHint<'a, Passkey>,
        presence: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence, verification })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

/// A browser with an authenticator that holds one passkey.
pub struct Browser(Client<Option<Passkey>, Owner, public_suffix::PublicSuffixList, ()>);

impl Browser {
    pub fn new(counts: bool) -> Self {
        let mut authenticator = Authenticator::new(Aaguid::new_empty(), None, Owner);
        authenticator.set_make_credentials_with_signature_counter(counts);
        Self(Client::new(authenticator))
    }

    /// Makes a passkey with the options of our page.
    pub fn create(&mut self, challenge: &Challenge) -> String {
        let user = User { handle: OWNER, username: "alice", name: "Alice Liddell" };
        let options = options::creation(relying_party(), "Login", user, challenge, &[]);
        let options: CredentialCreationOptions =
            serde_json::from_value(json!({ "publicKey": options })).expect("creation options");
        let origin = Url::parse(ORIGIN).expect("a URL");
        let made = now(self.0.register(&origin, options, DefaultClientData)).expect("a passkey");
        serde_json::to_string(&made).expect("JSON")
    }

    /// Signs in with the options of our page.
    pub fn get(&mut self, challenge: &Challenge) -> String {
        let options = options::request(relying_party(), challenge, &[]);
        let options: CredentialRequestOptions =
            serde_json::from_value(json!({ "publicKey": options })).expect("request options");
        let origin = Url::parse(ORIGIN).expect("a URL");
        let got = now(self.0.authenticate(&origin, options, DefaultClientData)).expect("an assertion");
        serde_json::to_string(&got).expect("JSON")
    }
}

fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("something waited"),
    }
}
