//! The messages between a Worker and the registry, by what they are about. Those about governance, admin tokens and
//! invitations are with their rules.

mod clients;
mod documents;
mod keys;
mod logos;
mod providers;
mod scopes;
mod source;

pub use self::clients::{
    ClientNow, CreateClient, DeleteClient, ListClients, RegistryRefusal, ReplaceClient, RotateSecret,
    SeedClients, Trial,
};
pub use self::documents::{AllowDocument, ListDocuments, RemoveDocument};
pub use self::keys::{FindKeys, ImportKey, KeyRefusal, KeyView, ListKeys, RetireKey, RotateKeys};
pub use self::logos::{FindLogo, KeepLogo};
pub use self::providers::{
    CreateProvider, DeleteProvider, FindProvider, ListProviders, MOST_PROVIDERS, ProviderRefusal,
    ReplaceProvider,
};
pub use self::scopes::{
    DescribeScope, FindMapping, ListScopes, MOST_SCOPES, MapScope, RemoveScope, ScopeNow,
};
pub use self::source::{AtSource, AwaitReplicas, FindAtSource, Invalidate, Keeper, TakeOutline};
use std::collections::BTreeMap;

use crate::ask::commands;
use crate::client::Client;
use crate::client::document::entry::Entry;
use crate::logo::Logo;
use crate::policy::access_request::AccessRequest;
use crate::policy::exception::Exception;
use crate::policy::inventory;
use crate::policy::kill::KillSwitch;
use crate::registry::admin_token::AdminToken;
use crate::registry::admin_tokens::{
    CreateAdminToken, ListAdminTokens, RevokeAdminToken, TokenRefusal, UseAdminToken,
};
use crate::registry::governance::access_requests::{
    AccessGranted, AnswerRefusal, AskForAccess, AskRefusal, FindAccessRequest, FindOwnAccessRequests,
    GrantAccess, ListAccessRequests, RefuseAccess,
};
use crate::registry::governance::exceptions::{
    CreateException, EndException, ExceptionRefusal, FindException, ListExceptions, RenewException,
    ReplaceException,
};
use crate::registry::governance::kills::{
    EndKillSwitch, KillRefusal, KillSwitchNow, ListKillSwitches, SetKillSwitch,
};
use crate::registry::governance::{
    Edit, FindPolicy, ListPolicies, PolicyNow, PolicyRefusal, ReplacePolicy, RollBackPolicy,
};
use crate::registry::inventory::{FindInventory, ListInventory, PutInventory, RemoveInventory};
use crate::registry::invitation::Invitation;
use crate::registry::invitations::{
    CreateInvitation, FindFirstIssuer, FindInvitation, ListInvitations, RevokeInvitation, SpendInvitation,
};
use crate::registry::outline::Outline;
use crate::registry::passkeys::NotePasskey;
use crate::registry::rows::StoredKey;
use crate::sharding::Replica;
use crate::token::mapping::Rules;
use crate::upstream::provider::Provider;

commands! {
    /// Every command that the registry answers.
    pub enum Command {
        TakeOutline => Outline,
        FindAtSource => AtSource,
        FindPolicy => PolicyNow,
        ListPolicies => Vec<Edit>,
        ReplacePolicy => Result<PolicyNow, PolicyRefusal>,
        RollBackPolicy => Result<PolicyNow, PolicyRefusal>,
        ListExceptions => Vec<Exception>,
        FindException => Option<Exception>,
        CreateException => Result<Exception, ExceptionRefusal>,
        ReplaceException => Result<Exception, ExceptionRefusal>,
        RenewException => Result<Exception, ExceptionRefusal>,
        EndException => Result<Exception, ExceptionRefusal>,
        ListKillSwitches => Vec<KillSwitch>,
        SetKillSwitch => Result<KillSwitchNow, KillRefusal>,
        EndKillSwitch => Result<KillSwitch, KillRefusal>,
        AskForAccess => Result<AccessRequest, AskRefusal>,
        ListAccessRequests => Vec<AccessRequest>,
        FindAccessRequest => Option<AccessRequest>,
        FindOwnAccessRequests => Vec<AccessRequest>,
        GrantAccess => Result<AccessGranted, AnswerRefusal>,
        RefuseAccess => Result<AccessRequest, AnswerRefusal>,
        FindKeys => Vec<StoredKey>,
        Invalidate => (),
        AwaitReplicas => Vec<Replica>,
        SeedClients => (),
        ListClients => Vec<Client>,
        CreateClient => Result<ClientNow, RegistryRefusal>,
        ReplaceClient => Result<ClientNow, RegistryRefusal>,
        DeleteClient => Result<(), RegistryRefusal>,
        RotateSecret => Result<ClientNow, RegistryRefusal>,
        FindLogo => Option<Logo>,
        KeepLogo => (),
        ListScopes => BTreeMap<String, ScopeNow>,
        DescribeScope => Result<bool, RegistryRefusal>,
        MapScope => Result<Rules, RegistryRefusal>,
        FindMapping => Result<Rules, RegistryRefusal>,
        RemoveScope => Result<(), RegistryRefusal>,
        ListDocuments => Vec<Entry>,
        AllowDocument => Result<bool, RegistryRefusal>,
        RemoveDocument => Result<(), RegistryRefusal>,
        ListInventory => Vec<inventory::Entry>,
        FindInventory => Option<inventory::Entry>,
        PutInventory => bool,
        RemoveInventory => bool,
        ListKeys => Vec<KeyView>,
        RotateKeys => Result<(), KeyRefusal>,
        RetireKey => Result<(), KeyRefusal>,
        ImportKey => Result<(), KeyRefusal>,
        CreateAdminToken => Result<(), TokenRefusal>,
        ListAdminTokens => Vec<AdminToken>,
        RevokeAdminToken => bool,
        UseAdminToken => Option<AdminToken>,
        CreateInvitation => bool,
        ListInvitations => Vec<Invitation>,
        RevokeInvitation => bool,
        FindInvitation => Option<Invitation>,
        SpendInvitation => Option<Invitation>,
        ListProviders => Vec<Provider>,
        FindProvider => Option<Provider>,
        CreateProvider => Result<Provider, ProviderRefusal>,
        ReplaceProvider => Result<Provider, ProviderRefusal>,
        DeleteProvider => Result<(), ProviderRefusal>,
        NotePasskey => (),
        FindFirstIssuer => Option<String>,
    }
}

impl Command {
    /// Returns the replica that keeps the reply; `None` if nobody does.
    #[must_use]
    pub const fn keeper(&self) -> Option<Keeper> {
        if let Self::FindAtSource(FindAtSource { keeper, .. }) | Self::FindKeys(FindKeys { keeper }) = self {
            *keeper
        } else {
            None
        }
    }
}
