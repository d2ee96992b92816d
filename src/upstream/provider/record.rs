//! Reads how this server authenticates to a provider from the provider's record.
//!
//! A record is flat, and says in `method` which of its members count. What serde derives for such an enum reads from a copy of
//! all members.

use serde::{Deserialize, Deserializer, de};

use super::{ProviderAuthentication, SealedSecret};
use crate::client::SecretBy;
use crate::token::signing_key::Algorithm;

#[derive(Deserialize)]
struct Written {
    method: Method,
    by: Option<SecretBy>,
    sealed: Option<SealedSecret>,
    alg: Option<Algorithm>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    Secret,
    PrivateKeyJwt,
}

impl Written {
    fn authentication(self) -> Option<ProviderAuthentication> {
        let Self { method, by, sealed, alg } = self;
        Some(match method {
            Method::Secret => ProviderAuthentication::Secret { by: by?, sealed: sealed? },
            Method::PrivateKeyJwt => ProviderAuthentication::PrivateKeyJwt { alg: alg? },
        })
    }
}

impl<'de> Deserialize<'de> for ProviderAuthentication {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let authentication = Written::deserialize(deserializer)?.authentication();
        authentication.ok_or_else(|| de::Error::custom("an authentication lacks a member"))
    }
}
