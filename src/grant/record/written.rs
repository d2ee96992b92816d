//! States and approvals as their records have them.
//!
//! A record is flat, and says in `is` which of its members count. What serde derives for such an enum first copies all
//! members, and then reads them once more from the copy. Each poll reads a grant, so one struct reads all members directly.

use serde::{Deserialize, Deserializer, de};

use super::{Approval, Denial, Hold, State, Verification};
use crate::device_kind::DeviceKind;
use crate::family::id::{AttemptId, FamilyId};
use crate::identity::account_key::AccountKey;
use crate::identity::group::Group;
use crate::identity::sign_in::How;
use crate::policy::recorded::Recorded;
use crate::provenance::{ApprovalId, Stage};
use crate::scope::Scope;
use crate::sub::Sub;
use crate::time::Timestamp;
use crate::verdict::Spot;

#[derive(Deserialize)]
struct WrittenState {
    is: Is,
    hold: Option<Hold>,
    approval: Option<Approval>,
    verification: Option<Verification>,
    how: Option<Denial>,
    attempt: Option<AttemptId>,
    at: Option<Timestamp>,
    family: Option<FamilyId>,
    #[serde(default)]
    replayed: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Is {
    Pending,
    Approved,
    Verifying,
    Denied,
    Redeemed,
}

impl WrittenState {
    fn state(self) -> Option<State> {
        let Self { is, hold, approval, verification, how, attempt, at, family, replayed } = self;
        Some(match is {
            Is::Pending => State::Pending { hold },
            Is::Approved => State::Approved { approval: approval? },
            Is::Verifying => State::Verifying { approval: approval?, verification: verification? },
            Is::Denied => State::Denied { how: how? },
            Is::Redeemed => {
                State::Redeemed { attempt: attempt?, at: at?, family: family?, replayed, approval }
            }
        })
    }
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let state = WrittenState::deserialize(deserializer)?.state();
        state.ok_or_else(|| de::Error::custom("a state lacks a member"))
    }
}

#[derive(Deserialize)]
struct WrittenApproval {
    id: ApprovalId,
    account: AccountKey,
    sub: Sub,
    scope: Scope,
    auth_time: Timestamp,
    amr: Vec<String>,
    acr: Option<String>,
    met_acr: Option<String>,
    how: How,
    #[serde(default)]
    groups: Vec<Group>,
    recorded: Recorded,
    // `Stage`
    at: Timestamp,
    // `Spot`
    country: Option<String>,
    region: Option<String>,
    city: Option<String>,
    asn: Option<u32>,
    kind: DeviceKind,
}

impl<'de> Deserialize<'de> for Approval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = WrittenApproval::deserialize(deserializer)?;
        let WrittenApproval { id, account, sub, scope, auth_time, amr, acr, met_acr, how, .. } = written;
        let WrittenApproval { groups, recorded, at, country, region, city, asn, kind, .. } = written;
        let stage = Stage { at, spot: Spot { country, region, city, asn, kind } };
        Ok(Self { id, account, sub, scope, auth_time, amr, acr, met_acr, how, groups, recorded, stage })
    }
}
