//! The issuer of a provider, and which issuers this server refuses.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::client::registration::json_members::is_web_address;
use crate::loopback::is_loopback;

/// The issuer identifier of a provider, byte for byte as its tokens have it (OpenID Connect Discovery §3). It may end in a
/// slash.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ProviderIssuer(String);

/// Why an issuer is refused. Displayed, it ends a sentence that begins "it must be".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IssuerFlaw {
    /// The text is not an issuer identifier.
    Malformed,
    /// The text stands for any tenant of a service.
    Placeholder,
    /// The address is http, but not both servers are on loopback.
    Insecure,
    /// The issuer is this server.
    Itself,
}

impl fmt::Display for IssuerFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => {
                "an https URL of at most 512 characters without user name, query or fragment, exactly as \
                 the provider's discovery document has it"
            }
            Self::Placeholder => {
                "the issuer of one tenant, with its identifier: this one stands for every tenant of that service, so \
                 strangers could sign in"
            }
            Self::Insecure => {
                "https; http is for a provider on loopback, and only if this server is there too"
            }
            Self::Itself => "another server, not this one",
        })
    }
}

/// The paths of Microsoft's issuers that stand for many tenants. Their discovery documents have another issuer, with a
/// placeholder or a fixed tenant.
const ANY_TENANT: [&str; 3] = ["common", "organizations", "consumers"];

impl ProviderIssuer {
    /// Reads an issuer. `own` is the issuer of this server.
    ///
    /// # Errors
    ///
    /// See [`IssuerFlaw`].
    pub fn parse(text: &str, own: &str) -> Result<Self, IssuerFlaw> {
        if text.contains(['{', '}']) || is_of_any_tenant(text) {
            return Err(IssuerFlaw::Placeholder);
        }
        if text.starts_with("http://") && !(is_local(text) && is_local(own)) {
            return Err(IssuerFlaw::Insecure);
        }
        if !is_web_address(text) || text.contains('?') {
            return Err(IssuerFlaw::Malformed);
        }
        if text.trim_end_matches('/') == own.trim_end_matches('/') {
            return Err(IssuerFlaw::Itself);
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the identifier itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the address of the discovery document (OpenID Connect Discovery §4.1).
    #[must_use]
    pub fn discovery_uri(&self) -> String {
        let base = self.0.strip_suffix('/').unwrap_or(&self.0);
        format!("{base}/.well-known/openid-configuration")
    }
}

impl fmt::Display for ProviderIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns whether the host of an address is this machine.
fn is_local(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    is_loopback(rest.split(['/', '?', '#']).next().unwrap_or_default())
}

fn is_of_any_tenant(text: &str) -> bool {
    let Some((host, path)) = text.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let tenant = path.split('/').next().unwrap_or_default();
    host.starts_with("login.microsoftonline.") && ANY_TENANT.contains(&tenant)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "https://login.example.com";
    const LOCAL: &str = "http://localhost:8787";

    #[test]
    fn an_issuer_is_https_or_both_servers_are_on_loopback() {
        for (good, own) in [
            ("https://accounts.google.com", OWN),
            ("https://tenant.eu.auth0.com/", OWN),
            ("https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0", OWN),
            ("https://id.example.com:8443/realms/staff", OWN),
            ("http://127.0.0.1:4000", LOCAL),
            ("https://id.example.com", LOCAL),
        ] {
            assert_eq!(ProviderIssuer::parse(good, own).unwrap().as_str(), good);
        }
        for (bad, own, flaw) in [
            ("http://127.0.0.1:4000", OWN, IssuerFlaw::Insecure),
            ("http://id.example.com", LOCAL, IssuerFlaw::Insecure),
            ("http://127.0.0.1.example.com", LOCAL, IssuerFlaw::Insecure),
            ("https://login.microsoftonline.com/{tenantid}/v2.0", OWN, IssuerFlaw::Placeholder),
            ("https://login.microsoftonline.com/common/v2.0", OWN, IssuerFlaw::Placeholder),
            ("https://login.microsoftonline.us/organizations/v2.0", OWN, IssuerFlaw::Placeholder),
            ("https://login.microsoftonline.com/consumers", OWN, IssuerFlaw::Placeholder),
            ("https://id.example.com/?a", OWN, IssuerFlaw::Malformed),
            ("https://id.example.com/#a", OWN, IssuerFlaw::Malformed),
            ("https://me@id.example.com", OWN, IssuerFlaw::Malformed),
            ("id.example.com", OWN, IssuerFlaw::Malformed),
            ("", OWN, IssuerFlaw::Malformed),
            (OWN, OWN, IssuerFlaw::Itself),
            ("https://login.example.com/", OWN, IssuerFlaw::Itself),
        ] {
            assert_eq!(ProviderIssuer::parse(bad, own), Err(flaw), "{bad}");
        }
    }

    #[test]
    fn discovery_is_below_the_issuer_without_its_last_slash() {
        let uri = |issuer| ProviderIssuer::parse(issuer, OWN).unwrap().discovery_uri();

        assert_eq!(uri("https://a.example/"), "https://a.example/.well-known/openid-configuration");
        assert_eq!(uri("https://a.example/b"), "https://a.example/b/.well-known/openid-configuration");
    }
}
