//! Why a sign-in at a provider fails: every way has a reason for the log, and a text for the person.

use super::access::AccessFlaw;
use super::authorization_response::ResponseFlaw;
use super::discovery::DiscoveryFlaw;
use super::id_token::IdTokenFlaw;
use super::profile::ProfileFlaw;
use super::token_response::TokenFlaw;
use super::userinfo::UserinfoFlaw;

/// Why a sign-in at a provider failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// Nothing of the provider can be reached, or not in time.
    Unreachable(Stage),
    /// The discovery document cannot be used.
    Discovery(DiscoveryFlaw),
    /// The provider refuses the authorization request that was pushed to it (RFC 9126 §2.3).
    Pushed(TokenFlaw),
    /// The keys that sealed the provider's secret are gone: it must be entered again.
    NoSecret,
    /// The authorization response leads nowhere.
    Response(ResponseFlaw),
    /// The token endpoint issued no tokens.
    Token(TokenFlaw),
    /// The token response has no ID token.
    NoIdToken,
    /// The ID token is not good.
    IdToken(IdTokenFlaw),
    /// The userinfo response is not good.
    Userinfo(UserinfoFlaw),
    /// The person may not sign in here.
    Profile(ProfileFlaw),
    /// The callback belongs to no sign-in that waits for it.
    Attempt(AttemptFlaw),
    /// The assertion of Cloudflare Access is not good.
    Access(AccessFlaw),
}

/// What could not be reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// The discovery document.
    Discovery,
    /// The provider's keys.
    Keys,
    /// The endpoint for pushed authorization requests.
    Push,
    /// The token endpoint.
    Token,
    /// The userinfo endpoint.
    Userinfo,
}

/// Why a callback belongs to no sign-in that waits for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AttemptFlaw {
    /// A parameter occurs twice or is not UTF-8.
    Malformed,
    /// This browser began no sign-in with this `state`, or began it long ago.
    Unknown,
    /// The person took too long.
    TooLate,
    /// The callback was used before.
    Replayed,
    /// The provider has been removed or disabled.
    NoProvider,
}

/// What a person is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Notice {
    /// The provider does not answer.
    Down,
    /// The provider's clock is wrong, or ours.
    Clock,
    /// The provider signed with a key that nobody knows.
    Key,
    /// The answer was not meant for this sign-in.
    Answer,
    /// The person or the provider refused.
    Denied,
    /// The two servers do not fit together.
    Setup,
    /// The person may not sign in here.
    NotAllowed,
    /// The answer came from another provider.
    OtherProvider,
    /// The person did not authenticate recently enough.
    Stale,
    /// The callback was used before.
    Replayed,
    /// The callback came to another browser.
    OtherBrowser,
    /// The person took too long.
    TooLate,
    /// The provider is gone.
    Gone,
}

impl Failure {
    /// Returns the reason as the log states it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unreachable(Stage::Discovery) => "discovery_unreachable",
            Self::Unreachable(Stage::Keys) => "keys_unreachable",
            Self::Unreachable(Stage::Push) => "push_unreachable",
            Self::Unreachable(Stage::Token) => "token_unreachable",
            Self::Unreachable(Stage::Userinfo) => "userinfo_unreachable",
            Self::Discovery(flaw) => flaw.reason(),
            Self::Pushed(TokenFlaw::InvalidClient) => "push_invalid_client",
            Self::Pushed(TokenFlaw::Down) => "push_provider_down",
            Self::Pushed(TokenFlaw::Malformed) => "push_malformed",
            Self::Pushed(TokenFlaw::Refused | TokenFlaw::InvalidGrant) => "push_refused",
            Self::NoSecret => "secret_unreadable",
            Self::Response(flaw) => flaw.reason(),
            Self::Token(flaw) => flaw.reason(),
            Self::NoIdToken => "id_token_missing",
            Self::IdToken(flaw) => flaw.reason(),
            Self::Userinfo(flaw) => flaw.reason(),
            Self::Profile(flaw) => flaw.reason(),
            Self::Access(flaw) => flaw.reason(),
            Self::Attempt(AttemptFlaw::Malformed) => "callback_malformed",
            Self::Attempt(AttemptFlaw::Unknown) => "callback_other_browser",
            Self::Attempt(AttemptFlaw::TooLate) => "callback_too_late",
            Self::Attempt(AttemptFlaw::Replayed) => "callback_replayed",
            Self::Attempt(AttemptFlaw::NoProvider) => "provider_gone",
        }
    }

    /// Returns what the person is told.
    #[must_use]
    pub const fn notice(self) -> Notice {
        match self {
            Self::Unreachable(_)
            | Self::Response(ResponseFlaw::ProviderDown)
            | Self::Pushed(TokenFlaw::Down)
            | Self::Token(TokenFlaw::Down) => Notice::Down,
            Self::Discovery(_)
            | Self::Pushed(
                TokenFlaw::InvalidClient
                | TokenFlaw::InvalidGrant
                | TokenFlaw::Refused
                | TokenFlaw::Malformed,
            )
            | Self::Response(ResponseFlaw::Refused)
            | Self::Token(TokenFlaw::InvalidClient | TokenFlaw::Refused | TokenFlaw::Malformed)
            | Self::NoSecret
            | Self::NoIdToken
            | Self::Profile(ProfileFlaw::NoSubject) => Notice::Setup,
            Self::Response(
                ResponseFlaw::OtherAddress | ResponseFlaw::OtherIssuer | ResponseFlaw::Nameless,
            ) => Notice::OtherProvider,
            Self::Response(ResponseFlaw::Denied) => Notice::Denied,
            Self::Response(ResponseFlaw::Empty)
            | Self::Token(TokenFlaw::InvalidGrant)
            | Self::Userinfo(_)
            | Self::Attempt(AttemptFlaw::Malformed) => Notice::Answer,
            Self::IdToken(flaw) => of_id_token(flaw),
            Self::Access(flaw) => of_access(flaw),
            Self::Profile(ProfileFlaw::OtherGroups | ProfileFlaw::OtherDomain) => Notice::NotAllowed,
            Self::Attempt(AttemptFlaw::Unknown) => Notice::OtherBrowser,
            Self::Attempt(AttemptFlaw::TooLate) => Notice::TooLate,
            Self::Attempt(AttemptFlaw::Replayed) => Notice::Replayed,
            Self::Attempt(AttemptFlaw::NoProvider) => Notice::Gone,
        }
    }
}

const fn of_access(flaw: AccessFlaw) -> Notice {
    match flaw {
        AccessFlaw::Missing => Notice::Setup,
        AccessFlaw::UnknownKey | AccessFlaw::WrongSignature => Notice::Key,
        AccessFlaw::Expired | AccessFlaw::NotYet => Notice::Clock,
        AccessFlaw::Malformed | AccessFlaw::WrongIssuer | AccessFlaw::WrongAudience | AccessFlaw::Nobody => {
            Notice::Answer
        }
    }
}

const fn of_id_token(flaw: IdTokenFlaw) -> Notice {
    match flaw {
        IdTokenFlaw::UnknownKey | IdTokenFlaw::WrongSignature => Notice::Key,
        IdTokenFlaw::Expired | IdTokenFlaw::NotYet => Notice::Clock,
        IdTokenFlaw::TooOld => Notice::Stale,
        IdTokenFlaw::OtherAlgorithm => Notice::Setup,
        IdTokenFlaw::Malformed
        | IdTokenFlaw::UnsuitableHeader
        | IdTokenFlaw::WrongIssuer
        | IdTokenFlaw::WrongSubject
        | IdTokenFlaw::WrongAudience
        | IdTokenFlaw::WrongParty
        | IdTokenFlaw::WrongNonce
        | IdTokenFlaw::WrongAccessToken => Notice::Answer,
    }
}
