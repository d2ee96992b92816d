//! What the addresses of the admin API stand for.

/// What an address stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    OpenApi,
    Doctor,
    Settings,
    DryRun,
    WhatIf,
    Clients(ClientPlace),
    Scopes(ScopePlace),
    Documents(Part),
    Inventory(Part),
    Providers(Part),
    Keys(KeyPlace),
    Record(RecordPlace),
    Watch(WatchPlace),
    Destinations(DestinationPlace),
    Tokens(Part),
    Invitations(Part),
    Accounts(AccountPlace),
    Access(AccessPlace),
    Policy(PolicyPlace),
    Exceptions(ExceptionPlace),
    KillSwitches(KillPlace),
    Asked(AskedPlace),
}

/// A collection, or one member of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    All,
    One,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ClientPlace {
    All,
    One,
    Secret,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ScopePlace {
    All,
    One,
    Claims,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyPlace {
    All,
    Rotation,
    Retirement,
}

/// What was recorded, and what has not arrived yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RecordPlace {
    Events,
    Event,
    Export,
    Outboxes,
    Verification,
}

/// What the server has made of the events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum WatchPlace {
    Alerts,
    AlertClose,
    Usage,
    Overview,
    Blocked,
}

/// Where events are delivered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum DestinationPlace {
    All,
    One,
    Secret,
    Test,
    Deliveries,
    ResendAll,
    Delivery,
    Resend,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AccountPlace {
    All,
    One,
    Groups,
    Block,
    Unblock,
    Devices,
    DevicesEnd,
    Sessions,
    SessionsEnd,
}

/// What has access, whose account it may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AccessPlace {
    Devices,
    DevicesEnd,
    Sessions,
    SessionsEnd,
    Grants,
    Grant,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PolicyPlace {
    Now,
    Rollback,
    Versions,
    Version,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ExceptionPlace {
    All,
    One,
    Renewal,
    End,
}

/// Requests for access.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AskedPlace {
    All,
    One,
    Grant,
    Refusal,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KillPlace {
    All,
    One,
    End,
}

impl Place {
    /// Returns whether replicas of the registry keep what this place changes.
    pub(super) const fn is_replicated(self) -> bool {
        match self {
            Self::Clients(_)
            | Self::Scopes(_)
            | Self::Documents(_)
            | Self::Providers(_)
            | Self::Policy(_)
            | Self::Exceptions(_)
            | Self::KillSwitches(_)
            | Self::Asked(AskedPlace::Grant)
            | Self::Keys(_) => true,
            Self::OpenApi
            | Self::Doctor
            | Self::Settings
            | Self::DryRun
            | Self::WhatIf
            | Self::Inventory(_)
            | Self::Record(_)
            | Self::Watch(_)
            | Self::Destinations(_)
            | Self::Tokens(_)
            | Self::Invitations(_)
            | Self::Accounts(_)
            | Self::Access(_)
            | Self::Asked(AskedPlace::All | AskedPlace::One | AskedPlace::Refusal) => false,
        }
    }
}
