//! Ends the access of people who have left a provider, or signed out there.

use core::time::Duration;

use futures_util::future::join;

use super::Stop;
use crate::audit::change::Actor;
use crate::bounds::REFRESH_TOKEN;
use crate::endpoint::accounts::{Changer, Outcome};
use crate::endpoint::at_once::try_all;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::identity::account::{Authority, Standing};
use crate::identity::account_key::AccountKey;
use crate::identity::command::{ClaimPointer, EndSessions, FindByPointer, Upstream};
use crate::identity::device::Selection;
use crate::identity::pointer::{Pointer, Target};
use crate::identity::session::LIFETIME;
use crate::time::{Timestamp, span};
use crate::upstream::event::{Concerned, Once};
use crate::upstream::id_token::Authenticated;
use crate::upstream::provider::Provider;

/// How often a change starts again because something else changed the account meanwhile.
const TRIES: usize = 3;

/// The claim that every ID token has.
const SUB: &str = "sub";

/// What a provider says about somebody.
pub(super) enum Leave {
    /// Sessions have ended.
    LoggedOut(Concerned),
    /// The account of this `sub` was disabled.
    Disabled(String),
    /// The account of this `sub` was enabled again.
    Enabled(String),
}

/// Does what a provider says about somebody, if they are known here.
pub(super) async fn heed<P: Platform>(
    context: Context<'_, P>,
    provider: &Provider,
    leave: Leave,
    once: &Once,
) -> Result<(), Unavailable> {
    let made_at = once.made_at.min(context.now);
    match leave {
        Leave::LoggedOut(concerned) => log_out(context, provider, &concerned, once.made_by).await,
        Leave::Disabled(subject) => {
            let by = changer(provider).authority;
            let blocked = Standing::Blocked { at: made_at, by, why: None };
            stand(context, provider, subject, &blocked, made_at).await
        }
        Leave::Enabled(subject) => stand(context, provider, subject, &Standing::Active, made_at).await,
    }
}

/// Ends the sessions that are concerned, if they began by then, and the devices that were approved by then, if the
/// provider's entry says so. Devices do not know by which session they were approved, so all of them end.
async fn log_out<P: Platform>(
    context: Context<'_, P>,
    provider: &Provider,
    concerned: &Concerned,
    begun_by: Timestamp,
) -> Result<(), Unavailable> {
    let Some(account) = find(context, provider, concerned).await? else { return Ok(()) };
    let upstream = Upstream { provider: provider.id.to_string(), sid: concerned.sid.clone() };
    let end = EndSessions {
        account: account.clone(),
        upstream: Some(upstream),
        except: None,
        begun_by: Some(begun_by),
        by: changer(provider).actor,
    };
    let sessions = context.server.platform.accounts(account.shard(), end);
    let devices = async {
        if !provider.end_families_on_logout {
            return Ok(0);
        }
        let selection = Selection { to: Some(begun_by), ..Selection::default() };
        context.server.end_access(&account, selection, &changer(provider).end()).await
    };
    let (sessions, devices) = join(sessions, devices).await;
    sessions.and(devices).map(drop)
}

/// Blocks an account, or lifts a block of this provider that is not newer than what the provider says. What somebody else
/// decided stays.
async fn stand<P: Platform>(
    context: Context<'_, P>,
    provider: &Provider,
    subject: String,
    standing: &Standing,
    made_at: Timestamp,
) -> Result<(), Unavailable> {
    let concerned = Concerned { sid: None, subject: Some(subject) };
    let Some(key) = find(context, provider, &concerned).await? else { return Ok(()) };
    let (by, server) = (changer(provider), context.server);
    for _ in 0..TRIES {
        let Some(account) = server.stored_account(&key).await? else { return Ok(()) };
        if stays(&account.standing, standing, made_at) {
            return Ok(());
        }
        match server.set_standing(&key, Some(&[account.version]), standing, &by).await? {
            Outcome::Changed(_) | Outcome::Absent => return Ok(()),
            Outcome::Stale => {}
        }
    }
    Err(Unavailable)
}

/// Returns whether an account stays as it is: a tombstone, which only SCIM or an administrator brings back; and a block, if
/// the event that would lift it was made before, and came late or a second time.
fn stays(standing: &Standing, wanted: &Standing, made_at: Timestamp) -> bool {
    match standing {
        Standing::Deleted { .. } => true,
        Standing::Blocked { at, .. } => wanted.is_active() && made_at < *at,
        Standing::Active => false,
    }
}

/// Returns the provider as whoever changes an account or ends access.
fn changer(provider: &Provider) -> Changer {
    let id = provider.id.to_string();
    Changer { authority: Authority::Provider(id.clone()), actor: Actor::Provider(id) }
}

/// Finds the account of a person or a session at the provider.
async fn find<P: Platform>(
    context: Context<'_, P>,
    provider: &Provider,
    concerned: &Concerned,
) -> Result<Option<AccountKey>, Unavailable> {
    let id = provider.id.as_str();
    let pointer = match (&concerned.subject, &concerned.sid) {
        (Some(subject), _) if provider.claims.subject.as_str() == SUB => {
            return Ok(AccountKey::oidc(id, subject));
        }
        (Some(subject), _) => Pointer::subject(id, subject),
        (None, Some(sid)) => Pointer::session(id, sid),
        (None, None) => return Ok(None),
    };
    context.server.platform.accounts(pointer.shard(), FindByPointer { pointer }).await
}

/// Remembers what the provider calls a person and their session, so that an event that names only one of them finds the
/// account.
pub(crate) async fn remember<P: Platform>(
    context: Context<'_, P>,
    provider: &Provider,
    authenticated: &Authenticated,
    account: &AccountKey,
) -> Result<(), Stop> {
    let id = provider.id.as_str();
    let by_subject = provider.claims.subject.as_str() != SUB;
    // A session here can approve devices until its end, and a client's tokens can last longer than the setting says.
    let longest = LIFETIME + span(*REFRESH_TOKEN.end());
    let lifetime = if provider.end_families_on_logout { longest } else { LIFETIME };
    let subject = by_subject.then(|| (Pointer::subject(id, &authenticated.subject), longest));
    let session = authenticated.sid.as_ref().map(|sid| (Pointer::session(id, sid), lifetime));
    let claim = |(pointer, lifetime): (Pointer, Duration)| {
        let target = Target { account: account.clone(), ends_at: Some(context.now + lifetime) };
        context.server.platform.accounts(pointer.shard(), ClaimPointer { pointer, target })
    };
    try_all(subject.into_iter().chain(session).map(claim)).await?;
    Ok(())
}
