//! Normalizes web addresses for comparison (RFC 9449 §4.3 item 9, RFC 3986 §6.2.2, §6.2.3).
//!
//! The crates that parse URLs follow WHATWG, which does not decode `%7E` and accepts text that is not a URI.

use core::net::Ipv6Addr;

/// Normalizes `uri` and removes query and fragment; `None` if it is not an absolute http or https URI.
#[must_use]
pub fn normal(uri: &str) -> Option<String> {
    let (bare, _) = uri.split_at(uri.find(['?', '#']).unwrap_or(uri.len()));
    let (scheme, rest) = bare.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let scheme = scheme.to_ascii_lowercase();
    let own_port = match scheme.as_str() {
        "https" => "443",
        "http" => "80",
        _ => return None,
    };
    let authority = without_needless_escapes(authority)?.to_ascii_lowercase();
    let (host, port) = host_and_port(&authority)?;
    let path = without_dots(&without_needless_escapes(path)?);
    let port = if port.is_empty() || port == own_port { String::new() } else { format!(":{port}") };
    Some(format!("{scheme}://{host}{port}{path}"))
}

/// Splits an authority; `None` if it has no host, or more than one port. A host in brackets is an IPv6 address; no other
/// contains colons (RFC 3986 §3.2.2).
fn host_and_port(authority: &str) -> Option<(&str, &str)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        Some(_) | None => (authority, ""),
    };
    let bracketed = host.strip_prefix('[').map(|rest| rest.strip_suffix(']').unwrap_or_default());
    let is_host = match bracketed {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains(':'),
    };
    (is_host && port.bytes().all(|byte| byte.is_ascii_digit())).then_some((host, port))
}

/// Decodes the escapes of unreserved characters and puts the others in upper case (RFC 3986 §6.2.2.1,
/// §6.2.2.2).
fn without_needless_escapes(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (hex, rest) = part.split_at_checked(2)?;
        let byte = u8::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with('+'))?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            plain.push(char::from(byte));
        } else {
            plain.push('%');
            plain.push_str(&hex.to_ascii_uppercase());
        }
        plain.push_str(rest);
    }
    Some(plain)
}

/// Removes dot segments (RFC 3986 §5.2.4, §6.2.2.3); an empty path becomes `/` (§6.2.3).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
        // A path that ends in a dot segment keeps its final slash.
        if matches!(segment, "." | "..") && segments.peek().is_none() {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_uris_have_one_normal_form() {
        for (written, form) in [
            ("https://server.example.com/token", "https://server.example.com/token"),
            ("HTTPS://Server.Example.COM/token", "https://server.example.com/token"),
            ("https://server.example.com:443/token", "https://server.example.com/token"),
            ("https://server.example.com:/token", "https://server.example.com/token"),
            ("http://127.0.0.1:80/token", "http://127.0.0.1/token"),
            ("https://server.example.com/token?a=b", "https://server.example.com/token"),
            ("https://server.example.com/token#a/../b", "https://server.example.com/token"),
            ("https://server.example.com/%74oken", "https://server.example.com/token"),
            ("https://server.example.com/a%2fb", "https://server.example.com/a%2Fb"),
            ("https://server.example.com/%7Euser/./x/../token", "https://server.example.com/~user/token"),
            // RFC 3986 §6.2.2.
            ("https://a/./b/../b/%63/%7bfoo%7d", "https://a/b/c/%7Bfoo%7D"),
            ("https://server.example.com", "https://server.example.com/"),
            ("https://server.example.com?a", "https://server.example.com/"),
            ("https://server.example.com/../..", "https://server.example.com/"),
            ("https://server.example.com/a/.", "https://server.example.com/a/"),
            ("http://[::1]:8787/token", "http://[::1]:8787/token"),
        ] {
            assert_eq!(normal(written).as_deref(), Some(form), "{written}");
        }
    }

    #[test]
    fn different_uris_have_different_forms_and_malformed_ones_have_none() {
        for (other, form) in [
            ("https://server.example.com/token/", "https://server.example.com/token/"),
            ("https://server.example.com:8443/token", "https://server.example.com:8443/token"),
            ("http://server.example.com:443/token", "http://server.example.com:443/token"),
            ("https://user@server.example.com/token", "https://user@server.example.com/token"),
            ("https://server.example.com//token", "https://server.example.com//token"),
            ("https://server.example.com/Token", "https://server.example.com/Token"),
        ] {
            assert_eq!(normal(other).as_deref(), Some(form));
        }
        for none in ["", "/token", "server.example.com/token", "ftp://a/token", "https://", "https:///token"]
        {
            assert_eq!(normal(none), None, "{none}");
        }
        for broken in ["https://a/%", "https://a/%7", "https://a/%zz", "https://a/%+7", "https://a/%é"] {
            assert_eq!(normal(broken), None, "{broken}");
        }
    }

    #[test]
    fn an_authority_has_one_port() {
        for bad in [
            "http://a:80:",
            "http://a:80:80/",
            "http://a:b",
            "http://:80",
            "https://a::443/",
            "http://u:p@a/",
            "https://[a]/",
            "https://[::1/",
            "https://[:tps//[::1]:44",
        ] {
            assert_eq!(normal(bad), None, "{bad}");
        }
        assert_eq!(normal("https://[::1]:443").as_deref(), Some("https://[::1]/"));
        assert_eq!(normal("https://[::1]").as_deref(), Some("https://[::1]/"));
        assert_eq!(normal("https://a:/x").as_deref(), Some("https://a/x"));
    }
}
