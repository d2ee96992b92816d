//! Reads the claims of an access token in one pass. What serde derives for flattened members would copy all of them, and here
//! twice: for the claims beside `iat` and `exp`, and then for those that claim mapping has added.

use core::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use super::AccessToken;
use crate::scope::Scope;
use crate::token::claims::{AccessClaims, Audience};
use crate::token::confirmation::Confirmation;

impl<'de> Deserialize<'de> for AccessToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = AccessToken;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the claims of an access token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<AccessToken, A::Error> {
        let mut written = Written::default();
        while let Some(name) = members.next_key()? {
            written.read(name, &mut members)?;
        }
        written.token().ok_or_else(|| de::Error::custom("an access token lacks a claim"))
    }
}

#[derive(Default)]
struct Written {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    client_id: Option<String>,
    jti: Option<String>,
    scope: Option<Scope>,
    auth_time: Option<u64>,
    amr: Option<Vec<String>>,
    acr: Option<String>,
    sid: Option<String>,
    cnf: Confirmation,
    iat: Option<u64>,
    exp: Option<u64>,
    others: Map<String, Value>,
}

impl Written {
    /// Reads the value of a claim.
    fn read<'de, A: MapAccess<'de>>(&mut self, name: String, members: &mut A) -> Result<(), A::Error> {
        match name.as_str() {
            "iss" => self.iss = members.next_value()?,
            "sub" => self.sub = members.next_value()?,
            "aud" => self.aud = members.next_value()?,
            "client_id" => self.client_id = members.next_value()?,
            "jti" => self.jti = members.next_value()?,
            "scope" => self.scope = members.next_value()?,
            "auth_time" => self.auth_time = members.next_value()?,
            "amr" => self.amr = members.next_value()?,
            "acr" => self.acr = members.next_value()?,
            "sid" => self.sid = members.next_value()?,
            "cnf" => self.cnf = members.next_value()?,
            "iat" => self.iat = members.next_value()?,
            "exp" => self.exp = members.next_value()?,
            _ => drop(self.others.insert(name, members.next_value()?)),
        }
        Ok(())
    }

    /// Returns the token; `None` if a claim is missing that every token has.
    fn token(self) -> Option<AccessToken> {
        let Self { iss, sub, aud, client_id, jti, scope, auth_time, amr, acr, sid, cnf, iat, exp, others } =
            self;
        let (iss, sub, aud, client_id, jti) = (iss?, sub?, aud?, client_id?, jti?);
        let (scope, auth_time, amr, sid) = (scope?, auth_time?, amr?, sid?);
        let claims =
            AccessClaims { iss, sub, aud, client_id, jti, scope, auth_time, amr, acr, sid, cnf, others };
        Some(AccessToken { claims, iat: iat?, exp: exp? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json;

    fn token() -> Value {
        json!({
            "iss": "https://a.example", "sub": "s", "aud": ["https://b.example", "https://c.example"],
            "client_id": "tv", "jti": "j", "scope": "openid", "auth_time": 1, "amr": ["pwd"], "acr": "high",
            "sid": "sid", "cnf": { "jkt": "k" }, "roles": ["x", { "y": 1.5 }], "nothing": null, "iat": 1, "exp": 2
        })
    }

    fn read(token: &Value) -> Option<Value> {
        let read: AccessToken = json::read(&token.to_string()).ok()?;
        Some(serde_json::to_value(read).unwrap())
    }

    fn without(name: &str) -> Value {
        let mut token = token();
        token.as_object_mut().unwrap().remove(name);
        token
    }

    #[test]
    fn a_token_is_read_as_it_was_written_with_the_claims_of_claim_mapping() {
        assert_eq!(read(&token()), Some(token()));
        for name in ["acr", "cnf", "roles", "nothing"] {
            assert_eq!(read(&without(name)), Some(without(name)), "{name}");
        }
    }

    #[test]
    fn a_token_without_a_claim_that_every_token_has_is_none() {
        for name in
            ["iss", "sub", "aud", "client_id", "jti", "scope", "auth_time", "amr", "sid", "iat", "exp"]
        {
            assert_eq!(read(&without(name)), None, "{name}");
        }
    }

    #[test]
    fn a_claim_of_another_type_is_refused() {
        for name in ["iss", "aud", "scope", "amr", "cnf", "exp"] {
            let mut token = token();
            token[name] = json!(true);
            assert_eq!(read(&token), None, "{name}");
        }
        assert_eq!(read(&json!(["https://a.example"])), None);
    }
}
