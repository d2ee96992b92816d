//! Looks at the host to which passkeys belong.

use super::check::Check;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::loopback::without_port;
use crate::registry::invitations::FindFirstIssuer;
use crate::settings::issuer::Issuer;

const NAME: &str = "passkeys";

/// A passkey belongs to a host name, the RP ID (WebAuthn Level 3 §5.1.2), which an IP address is not.
pub(super) async fn look<P: Platform>(context: Context<'_, P>) -> Check {
    let name = without_port(context.issuer.host());
    if name.starts_with('[') || name.split('.').all(|part| part.parse::<u8>().is_ok()) {
        return Check::notice(
            NAME,
            format!("the issuer is at an IP address, {name}, for which no browser makes passkeys"),
            "Give the server a host name; on this machine, localhost.",
        );
    }
    let first = context.server.platform.registry(FindFirstIssuer {}).await.ok().flatten();
    let before = first.as_deref().and_then(Issuer::parse).filter(|first| without_port(first.host()) != name);
    if let Some(before) = before {
        return Check::notice(
            NAME,
            format!(
                "people were invited at {}, and passkeys from there do not work at {name}",
                before.as_str()
            ),
            "Go back to that host, or invite the people again, with the kind recovery.",
        );
    }
    Check::ok(NAME, format!("they belong to {name}; another host would orphan them"))
}
