//! Changes of the registry and of accounts, each with an event in the same transaction, and what happens to passkeys.

use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use crate::format::Format;
use crate::secret::Digest;
use crate::sub::Sub;
use crate::time::Timestamp;
use crate::verdict::{Comparison, Spot};

/// A change of the registry or of an account. It names what was changed, and contains no value of a client or key, so no secret either.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Change {
    pub format: Format<2>,
    pub what: Changed,
    pub outcome: Outcome,
    pub at: Timestamp,
    /// The client, the scope, the entry for documents, the provider, the `sub` of the account, the `kid` of the key, the admin token, the invitation,
    /// the version of the policy, the exception, the kill switch, the request for access, the destination, or the algorithm whose key was replaced; `None` if the keys of all algorithms were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub by: Actor,
    /// The members of the client, provider, destination or account that differ from before, by name; those of the policy by the way to
    /// them, such as `/rules/staff-cli/when`. What a kill switch selects by, such as `client`. The event that a delivery had which
    /// was deleted or sent again; empty if all dead letters were sent again. Empty for all other changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// The scopes of a new admin token; the groups of an invitation, and `administration` if it leads there; `wide` for an
    /// exception that is. Empty for all other changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub granted: Vec<String>,
    /// For exceptions only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<OfException>,
    /// For kill switches only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kill_switch: Option<OfKillSwitch>,
    /// For requests for access only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_request: Option<Box<OfAccessRequest>>,
}

/// What an event says about an exception besides its identifier.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OfException {
    /// Who answers for it.
    pub owner: String,
    /// Its end.
    pub expires_at: Timestamp,
}

/// What an event says about a kill switch besides its identifier.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OfKillSwitch {
    /// Its end.
    pub until: Timestamp,
}

/// What an event says about a request for access besides its identifier.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OfAccessRequest {
    /// The account of the person who asks.
    pub account: Sub,
    pub client_id: String,
    /// The rules that deny the login; empty if it is only that no rule allows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied_by: Vec<String>,
    /// Where device and person were; `None` if the person asked without a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// Where the person was who asked without a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Spot>,
    /// The end of the exception that lets the person through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
}

impl Change {
    /// Builds the event of a change, with the members that every change has.
    #[must_use]
    pub fn of(what: Changed, subject: Option<&str>, by: Actor, at: Timestamp) -> Self {
        let (members, granted) = (Vec::new(), Vec::new());
        let (subject, outcome) = (subject.map(str::to_owned), what.outcome());
        Self {
            format: Format,
            what,
            outcome,
            at,
            subject,
            by,
            members,
            granted,
            exception: None,
            kill_switch: None,
            access_request: None,
        }
    }
}

/// A kind of change.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// A client was registered.
    ClientCreated,
    /// Members of a client were changed.
    ClientChanged,
    /// A client was deleted.
    ClientDeleted,
    /// A client got a new secret.
    ClientSecretRotated,
    /// A scope got a description, or another one.
    ScopeDescribed,
    /// The claim mapping of a scope was set or removed.
    ScopeMapped,
    /// A scope was removed.
    ScopeRemoved,
    /// A client ID metadata document, or those of a host, were let in, or the terms for them were changed.
    DocumentAllowed,
    /// They are no longer let in.
    DocumentRemoved,
    /// A device came into the inventory, or was assigned to others.
    InventoryChanged,
    /// A device was taken out of the inventory.
    InventoryRemoved,
    /// Keys that sign were replaced.
    KeysRotated,
    /// A key was taken out of use.
    KeyRetired,
    /// An operator supplied a key.
    KeyImported,
    /// A named admin token was made.
    AdminTokenCreated,
    /// A named admin token was revoked.
    AdminTokenRevoked,
    /// Somebody is invited.
    InvitationCreated,
    /// Somebody is invited to become an administrator, or to get back into an administrator's account.
    AdministratorInvited,
    /// An invitation was revoked.
    InvitationRevoked,
    /// An invitation was used: an account was made or recovered.
    InvitationUsed,
    /// An invitation of the kind [`Changed::AdministratorInvited`] was used.
    AdministratorAdmitted,
    /// An OpenID Provider was added.
    ProviderCreated,
    /// Members of a provider were changed, or its secret.
    ProviderChanged,
    /// A provider was deleted.
    ProviderDeleted,
    /// A person added a passkey.
    PasskeyAdded,
    /// A person removed a passkey.
    PasskeyRemoved,
    /// A sign-in was refused because the counter of its passkey did not grow: two copies may exist.
    PasskeyCopied,
    /// An account was made.
    AccountCreated,
    /// Members of an account were changed.
    AccountChanged,
    /// An account was blocked.
    AccountBlocked,
    /// The block of an account was lifted, or a deleted account restored.
    AccountUnblocked,
    /// An account was deleted.
    AccountDeleted,
    /// Sessions of an account were ended.
    AccountSignedOut,
    /// The policy has a new version.
    PolicyChanged,
    /// An exception was made.
    ExceptionCreated,
    /// Members of an exception were changed.
    ExceptionChanged,
    /// An exception got a later end.
    ExceptionRenewed,
    /// An exception was ended.
    ExceptionEnded,
    /// An exception ends in a week or a day, about which its owner should hear.
    ExceptionEnding,
    /// An exception has lapsed.
    ExceptionLapsed,
    /// A kill switch was set.
    KillSwitchSet,
    /// A kill switch was ended before its end.
    KillSwitchEnded,
    /// A kill switch has run out.
    KillSwitchLapsed,
    /// A person who is refused asks for access.
    AccessRequested,
    /// An administrator lets a person through who asked.
    AccessGranted,
    /// An administrator does not let a person through who asked.
    AccessRefused,
    /// Nobody has answered a request for access in time.
    AccessRequestLapsed,
    /// Events will be delivered somewhere.
    DestinationCreated,
    /// Members of a destination were changed, or its `Authorization`.
    DestinationChanged,
    /// A destination got a new secret.
    DestinationSecretRotated,
    /// Nothing will be delivered there any more.
    DestinationDeleted,
    /// An event that waited for a destination, or was a dead letter, was deleted.
    DeliveryDiscarded,
    /// Dead letters of a destination were sent again.
    DeliveriesResent,
}

impl Changed {
    /// Returns whether somebody should hear about it when it happens, because it gives somebody power over the server, may
    /// have given it to a thief, ends what people rely on, changes who hears about events, or waits for an answer.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        match self {
            Self::AdminTokenCreated
            | Self::AdministratorInvited
            | Self::AdministratorAdmitted
            | Self::PasskeyCopied
            | Self::ExceptionEnding
            | Self::KillSwitchSet
            | Self::AccessRequested
            | Self::DestinationCreated
            | Self::DestinationChanged
            | Self::DestinationSecretRotated
            | Self::DestinationDeleted
            | Self::DeliveryDiscarded => true,
            Self::ClientCreated
            | Self::ClientChanged
            | Self::ClientDeleted
            | Self::ClientSecretRotated
            | Self::ScopeDescribed
            | Self::ScopeMapped
            | Self::ScopeRemoved
            | Self::DocumentAllowed
            | Self::DocumentRemoved
            | Self::InventoryChanged
            | Self::InventoryRemoved
            | Self::KeysRotated
            | Self::KeyRetired
            | Self::KeyImported
            | Self::AccountCreated
            | Self::AccountChanged
            | Self::AccountBlocked
            | Self::AccountUnblocked
            | Self::AccountDeleted
            | Self::AccountSignedOut
            | Self::PolicyChanged
            | Self::ExceptionCreated
            | Self::ExceptionChanged
            | Self::ExceptionRenewed
            | Self::ExceptionEnded
            | Self::ExceptionLapsed
            | Self::KillSwitchEnded
            | Self::KillSwitchLapsed
            | Self::AccessGranted
            | Self::AccessRefused
            | Self::AccessRequestLapsed
            | Self::DeliveriesResent
            | Self::AdminTokenRevoked
            | Self::InvitationCreated
            | Self::InvitationRevoked
            | Self::InvitationUsed
            | Self::ProviderCreated
            | Self::ProviderChanged
            | Self::ProviderDeleted
            | Self::PasskeyAdded
            | Self::PasskeyRemoved => false,
        }
    }
}

impl Changed {
    /// Returns what became of access: refused if a passkey may have been copied or somebody who asked is not let through,
    /// ended if an exception or a kill switch is over, noted if nothing has changed yet.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        if matches!(self, Self::PasskeyCopied | Self::AccessRefused) {
            Outcome::Refused
        } else if matches!(
            self,
            Self::ExceptionEnded | Self::ExceptionLapsed | Self::KillSwitchEnded | Self::KillSwitchLapsed
        ) {
            Outcome::Ended
        } else if matches!(self, Self::ExceptionEnding | Self::AccessRequested | Self::AccessRequestLapsed) {
            Outcome::Noted
        } else {
            Outcome::Changed
        }
    }
}

/// Who makes a change.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The holder of the admin token in the settings. Carries the first eight hex digits of the token's SHA-256, as they
    /// stand in the setting.
    Operator(String),
    /// The holder of a named admin token.
    #[expect(missing_docs, reason = "the fields are those of the token")]
    Token { id: String, owner: String },
    /// A person, by the `sub` of the account.
    Account(Sub),
    /// The identity provider with this identifier, for accounts that come from it.
    Provider(String),
    /// A client that registered itself. It also deletes the unused clients whose place it takes.
    Registration,
    /// The server itself, because the time has come.
    Server,
}

impl Actor {
    /// Returns the holder of the admin token with this digest.
    #[must_use]
    pub fn operator(token: &Digest) -> Self {
        let [a, b, c, d, ..] = *token.bytes();
        Self::Operator(format!("{:08x}", u32::from_be_bytes([a, b, c, d])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_named_as_in_the_setting() {
        // printf %s test | sha256sum
        assert_eq!(Actor::operator(&Digest::of(b"test")), Actor::Operator("9f86d081".to_owned()));
    }
}
