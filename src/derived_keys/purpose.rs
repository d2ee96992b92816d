//! What a value is sealed for, and the key for that.

use super::pair::Keys;

/// The purpose of a sealed value. A value sealed for one purpose does not open for another.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// The browser's cookie.
    Cookie,
    /// The hidden field that carries a sign-in or a consent from one form to the next.
    Transaction,
    /// The cookie that remembers the last requests of a browser.
    Recent,
    /// The hidden field that carries the challenge of a passkey.
    Ceremony,
    /// The cookie that remembers the sign-ins that a browser has begun at providers.
    Upstream,
    /// A private signing key at rest.
    SigningKey,
    /// An opaque access token.
    AccessToken,
    /// The secret that a provider issued to this server, at rest.
    ProviderSecret,
    /// A refresh token that a provider issued to this server, at rest.
    UpstreamToken,
    /// A secret of a destination of events, at rest.
    DestinationSecret,
}

impl Purpose {
    pub(super) const fn label(self) -> &'static [u8] {
        match self {
            Self::Cookie => b"cookie",
            Self::Transaction => b"transaction",
            Self::Recent => b"recent requests",
            Self::Ceremony => b"passkey ceremony",
            Self::Upstream => b"upstream",
            Self::SigningKey => b"signing key",
            Self::AccessToken => b"access token",
            Self::ProviderSecret => b"provider secret",
            Self::UpstreamToken => b"upstream token",
            Self::DestinationSecret => b"destination secret",
        }
    }

    pub(super) const fn key(self, keys: &Keys) -> &[u8; 32] {
        match self {
            Self::Cookie | Self::Transaction | Self::Recent | Self::Ceremony | Self::Upstream => {
                &keys.browser
            }
            Self::SigningKey => &keys.wrapping,
            Self::AccessToken => &keys.access_token,
            Self::ProviderSecret | Self::UpstreamToken | Self::DestinationSecret => &keys.provider,
        }
    }
}
