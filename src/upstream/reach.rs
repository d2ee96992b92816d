//! Which addresses of a provider this server, and the browsers that it sends there, may go to.

use crate::client::registration::json_members::is_web_address;
use crate::loopback::is_loopback;

/// Longest address in a discovery document, in bytes.
const LONGEST: usize = 2_048;

/// How a provider may be reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// Only over https.
    Secure,
    /// Over http from this machine, too, because both servers are on loopback.
    Loopback,
}

impl Reach {
    /// Returns how the provider with the issuer `theirs` may be reached from the server with the issuer `ours`.
    #[must_use]
    pub fn between(ours: &str, theirs: &str) -> Self {
        if is_local(ours) && is_local(theirs) { Self::Loopback } else { Self::Secure }
    }

    /// Returns whether `address`, an endpoint of the provider, may be requested.
    #[must_use]
    pub fn allows(self, address: &str) -> bool {
        let sound = address.len() <= LONGEST && is_web_address(address);
        let secure = match self {
            Self::Secure => address.starts_with("https://"),
            Self::Loopback => address.starts_with("https://") || is_local(address),
        };
        sound && secure
    }
}

/// Returns whether the host of an address is this machine.
fn is_local(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    is_loopback(rest.split(['/', '?', '#', '\\']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_for_two_servers_on_loopback() {
        let (public, local) = ("https://login.example.com", "http://127.0.0.1:8787");

        assert_eq!(Reach::between(local, "http://localhost:4600/api/oidc"), Reach::Loopback);
        for (ours, theirs) in
            [(public, local), (local, public), (public, public), (local, "http://127.0.0.1.example")]
        {
            assert_eq!(Reach::between(ours, theirs), Reach::Secure, "{ours} {theirs}");
        }
        assert!(Reach::Secure.allows("https://id.example/token?tenant=1"));
        assert!(
            Reach::Loopback.allows("http://localhost:4600/token")
                && Reach::Loopback.allows("https://id.example/")
        );
        for bad in [
            "http://127.0.0.1:4600/token",
            "http://id.example/token",
            "https://me@id.example/token",
            "https://id.example/token#part",
            "https://id.example\\@other.example/",
            "https://",
            "token",
            "javascript:alert(1)",
            &format!("https://id.example/{}", "x".repeat(LONGEST)),
        ] {
            assert!(!Reach::Secure.allows(bad), "{bad}");
        }
        for bad in
            ["http://id.example/token", "http://127.0.0.1@id.example/", "http://127.0.0.1\\.id.example/"]
        {
            assert!(!Reach::Loopback.allows(bad), "{bad}");
        }
    }
}
