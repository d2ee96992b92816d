//! Recognizes the addresses of this machine.

/// Returns whether `authority`, a host with or without a port, is this machine.
#[must_use]
pub fn is_loopback(authority: &str) -> bool {
    let host = without_port(authority);
    host == "localhost"
        || host == "[::1]"
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

pub(crate) fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_localhost_and_its_addresses_with_or_without_a_port() {
        for this_machine in ["localhost", "localhost:1", "127.0.0.1:8787", "127.8.8.8", "[::1]", "[::1]:8787"]
        {
            assert!(is_loopback(this_machine), "{this_machine}");
        }
        for elsewhere in ["", "127.0.0.1.example.com", "localhost.example.com", "[::2]", "10.0.0.1:80"] {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }
}
