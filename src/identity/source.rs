//! Where accounts and groups come from.

/// The source of the groups that this server keeps itself.
pub const LOCAL: &str = "local";
/// Cloudflare Access, which stands in front of this server.
pub const ACCESS: &str = "access";

/// Longest identifier of a provider, in characters.
const LONGEST: usize = 32;

/// Returns whether `text` can be the identifier of a provider: 1 to 32 lower-case letters, digits and hyphens, the first of
/// them not a hyphen. `local` and `access` are taken.
#[must_use]
pub fn is_provider(text: &str) -> bool {
    is_source(text) && text != LOCAL && text != ACCESS
}

/// Returns whether `text` can be the source of a group.
pub(super) fn is_source(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(is_plain)
}
