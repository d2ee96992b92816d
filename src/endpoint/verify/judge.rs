//! Judges a request that a person has opened: may they approve it, and is their sign-in good enough?

use std::rc::Rc;

use super::binding::is_assigned;
use super::browser::HoldRef;
use super::denied;
use super::session::Person;
use crate::endpoint::http::{Afterwards, Response};
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::policy::ask::{Permit, Refusal, ask};
use crate::endpoint::policy::facts::{Asked, AtApproval, Marks};
use crate::endpoint::server::Context;
use crate::grant::command::{NoteRefusal, Refused};
use crate::grant::routing::{Address, RowKey};
use crate::grant::user_code::UserCode;
use crate::identity::demand::{Demands, Lack};
use crate::policy::governance::Governance;
use crate::verdict::Side;

/// What follows.
pub(super) enum Judged {
    /// The consent page may be shown.
    Allowed(Box<Permit>),
    /// The person has to sign in again first, because the sign-in lacks this of what is demanded.
    Lacking(Lack, Demands),
    /// The person may not approve.
    Refused(Box<Denial>),
}

/// A person may not approve a request.
pub(super) struct Denial {
    /// What refuses.
    pub governance: Rc<Governance>,
    pub refusal: Refusal,
    /// The work of writing the event.
    pub note: Option<Afterwards>,
}

impl Denial {
    /// Returns whether the person may ask for access.
    pub(super) const fn can_ask(&self) -> bool {
        self.refusal.remedy.is_some()
    }

    /// Builds the page that says why, which has no form, and leaves the event to write.
    pub(super) fn page<P: Platform>(
        self,
        context: Context<'_, P>,
        what: &'static str,
        client_id: &str,
    ) -> Response {
        let Self { governance, refusal, note } = self;
        let page = denied::page(context, &governance, &refusal);
        refusal.note(page, what, Some(client_id)).leaving(note)
    }
}

/// Judges as the approval will, so that nobody reads a consent page in vain. Copies that may be a minute old are good enough
/// to begin with: the approval reads everything at its source.
pub(super) async fn judge<P: Platform>(
    context: Context<'_, P>,
    person: &Person,
    asked: &Asked,
    (code, hold): (&UserCode, &HoldRef),
) -> Result<Judged, Unavailable> {
    let governance = context.server.governance(context.now).await?;
    let client = context.server.client(&hold.client_id, context.now).await?;
    let outline = context.server.outline(context.now).await?;
    let (here, marks) = (context.side(), context.marks(&governance));
    let key = hold.address(context, code).map(|address| address.key);
    let step = at_approval(person, asked, (key, hold), (&here, &marks));
    let permit = match ask(&governance, (client.as_deref(), Some(&person.account)), &step.facts()) {
        Ok(permit) if is_assigned(context, &permit, asked, &person.account).await? => permit,
        Ok(Permit { record, .. }) => {
            let refusal = Refusal::unassigned(record);
            return Ok(refused(context, governance, (code, hold), refusal));
        }
        Err(refusal) => return Ok(refused(context, governance, (code, hold), refusal)),
    };
    let of_client = client.map(|client| client.codes.sign_in.clone()).unwrap_or_default();
    let demands = Demands::of(&of_client, &outline.scope_demands, &hold.scope);
    let demands = demands.and(permit.requirements.demand());
    Ok(match hold.judge(person.session.facts(), &demands, context.now) {
        Ok(()) => Judged::Allowed(Box::new(permit)),
        Err(lack) => Judged::Lacking(lack, demands),
    })
}

fn refused<P: Platform>(
    context: Context<'_, P>,
    governance: Rc<Governance>,
    (code, hold): (&UserCode, &HoldRef),
    refusal: Refusal,
) -> Judged {
    let note = note_refused(context, code, hold, &refusal);
    Judged::Refused(Box::new(Denial { governance, refusal, note }))
}

/// Returns the work of writing the event of a refused approval.
pub(super) fn note_refused<P>(
    context: Context<'_, P>,
    code: &UserCode,
    hold: &HoldRef,
    refusal: &Refusal,
) -> Option<Afterwards> {
    let Address { shard, key } = hold.address(context, code)?;
    let (why, policy) = (refusal.why.reason().to_owned(), refusal.record.clone());
    let person = Some(Box::new(context.side()));
    Some(Afterwards::NoteRefusal(shard, NoteRefusal { of: Refused::Approval(key), why, policy, person }))
}

/// Returns a person in front of a request.
pub(super) const fn at_approval<'a>(
    person: &'a Person,
    asked: &'a Asked,
    (key, hold): (Option<RowKey>, &'a HoldRef),
    (here, marks): (&'a Side, &'a Marks),
) -> AtApproval<'a> {
    let Person { session, account, known } = person;
    AtApproval {
        key,
        client_id: hold.client_id.as_str(),
        scope: &hold.scope,
        asked,
        session,
        account,
        known,
        here,
        marks,
    }
}
