//! What the headers of a response say about a document: its type, and for how long it may be kept (RFC 9111 §4.2).

use core::time::Duration;

use crate::time::span;

/// Largest document, in bytes.
pub const MOST_BYTES: usize = 5_120;
/// Shortest time for which a document is kept. A device that polls needs it every few seconds.
const SHORTEST: u64 = 300;
/// Longest time for which a document is kept.
const LONGEST: u64 = 3_600;

/// Returns whether a `Content-Type` is that of JSON.
#[must_use]
pub fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let Some(subtype) = essence.strip_prefix("application/") else { return false };
    subtype == "json" || subtype.strip_suffix("+json").is_some_and(|name| !name.is_empty())
}

/// Returns how long a document may be kept, by its `Cache-Control` and `Age`, within the server's bounds.
#[must_use]
pub fn lifetime(cache_control: Option<&str>, age: Option<&str>) -> Duration {
    let age = age.and_then(|age| age.trim().parse().ok()).unwrap_or(0);
    let seconds = cache_control.map_or(0, allowed).saturating_sub(age);
    span(seconds.clamp(SHORTEST, LONGEST))
}

/// Returns for how many seconds a shared cache may keep a response (RFC 9111 §5.2.2).
fn allowed(cache_control: &str) -> u64 {
    let header = cache_control.to_ascii_lowercase();
    let directives = || header.split(',').map(str::trim);
    if directives().any(|one| ["no-store", "no-cache"].contains(&one)) {
        return 0;
    }
    let value = |name: &str| {
        let argument = directives().find_map(|one| one.strip_prefix(name)?.strip_prefix('='))?;
        argument.trim_matches('"').parse().ok()
    };
    value("s-maxage").or_else(|| value("max-age")).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_a_json_type() {
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/cimd+json"] {
            assert!(is_json(good), "{good}");
        }
        for bad in ["", "text/html", "text/json", "application/+json", "application/json5", "json"] {
            assert!(!is_json(bad), "{bad}");
        }
    }

    #[test]
    fn a_document_is_kept_as_http_says_within_bounds() {
        for (cache_control, age, seconds) in [
            (None, None, 300),
            (Some("max-age=1800"), None, 1_800),
            (Some("public, Max-Age=\"1800\""), Some("600"), 1_200),
            (Some("max-age=600, s-maxage=900"), None, 900),
            (Some("max-age=5"), None, 300),
            (Some("max-age=31536000, immutable"), None, 3_600),
            (Some("no-store, max-age=1800"), None, 300),
            (Some("no-cache"), Some("x"), 300),
            (Some("max-age=1800"), Some("9999999"), 300),
            (Some("max-age=99999999999999999999999"), None, 300),
        ] {
            assert_eq!(lifetime(cache_control, age).as_secs(), seconds, "{cache_control:?} {age:?}");
        }
    }
}
