//! The registry: the issuer's clients, scopes, OpenID Providers, signing keys, named admin tokens and invitations, and its
//! policy.

pub mod admin_token;
pub mod admin_tokens;
pub mod clients;
pub mod command;
mod documents;
pub mod governance;
pub mod inventory;
pub mod invitation;
pub mod invitations;
pub mod key_schedule;
pub mod leases;
pub mod logos;
pub mod outline;
pub mod passkeys;
mod providers;
pub mod publication;
pub mod quota;
pub mod replica;
pub mod rows;
pub mod scopes;
pub mod signing_keys;
pub mod snapshot;
mod told;

use crate::ask::{Answer, Ask as _};
use crate::client::Client;
use crate::time::Timestamp;
use command::{AtSource, Command, FindAtSource, ImportKey, KeyRefusal, SeedClients};
use governance::{access_requests, exceptions, kills, policies, taken};
use key_schedule::KeySchedule;
use outline::Outline;
use rows::{NewKey, Rows};

/// Applies one command. The caller has already tended the keys ([`signing_keys::tend`]) if the command waits for them
/// ([`signing_keys::waits`]), and made those that the command needs ([`signing_keys::wanted`]). `adopted` is the key of an [`ImportKey`]; `None` if the two
/// halves of that key do not belong together, and for every other command.
///
/// # Errors
///
/// A row could not be read or written.
// Otherwise the function that receives commands becomes one with all that they do.
#[inline(never)]
pub fn apply<R: Rows>(
    rows: &R,
    command: Command,
    adopted: Option<NewKey>,
    now: Timestamp,
) -> Result<Answer, R::Error> {
    match command {
        Command::TakeOutline(ask) => ask.answer(|_| Outline::take(rows, now)),
        Command::FindAtSource(ask) => ask.answer(|ask| at_source(rows, &ask, now)),
        Command::FindPolicy(ask) => ask.answer(|ask| policies::find(rows, &ask, now)),
        Command::ListPolicies(ask) => ask.answer(|_| policies::list(rows)),
        Command::ListExceptions(ask) => {
            ask.answer(|ask| rows.exceptions_after(ask.after.as_ref(), ask.limit))
        }
        Command::FindException(ask) => ask.answer(|ask| rows.exception(&ask.id)),
        Command::CreateException(ask) => ask.answer(|ask| exceptions::create(rows, ask, now)),
        Command::ReplaceException(ask) => ask.answer(|ask| exceptions::replace(rows, ask, now)),
        Command::RenewException(ask) => ask.answer(|ask| exceptions::renew(rows, ask, now)),
        Command::EndException(ask) => ask.answer(|ask| exceptions::end(rows, ask, now)),
        Command::ListKillSwitches(ask) => ask.answer(|_| rows.kill_switches(now)),
        Command::SetKillSwitch(ask) => ask.answer(|ask| kills::set(rows, ask, now)),
        Command::EndKillSwitch(ask) => ask.answer(|ask| kills::end(rows, ask, now)),
        Command::AskForAccess(ask) => ask.answer(|ask| access_requests::ask(rows, ask, now)),
        Command::ListAccessRequests(ask) => {
            ask.answer(|ask| rows.access_requests_after(ask.after.as_ref(), ask.state, ask.limit))
        }
        Command::FindAccessRequest(ask) => ask.answer(|ask| rows.access_request(&ask.id)),
        Command::FindOwnAccessRequests(ask) => ask.answer(|ask| access_requests::find_own(rows, &ask)),
        Command::GrantAccess(ask) => ask.answer(|ask| access_requests::grant(rows, ask, now)),
        Command::RefuseAccess(ask) => ask.answer(|ask| access_requests::refuse(rows, ask, now)),
        Command::ReplacePolicy(ask) => ask.answer(|ask| policies::replace(rows, ask, now)),
        Command::RollBackPolicy(ask) => ask.answer(|ask| policies::roll_back(rows, ask, now)),
        Command::FindKeys(ask) => ask.answer(|_| rows.keys()),
        // Those are answered without rows: by a replica's memory, and by what the source knows of leases.
        Command::Invalidate(ask) => ask.answer(|_| Ok(())),
        Command::AwaitReplicas(ask) => ask.answer(|_| Ok(Vec::new())),
        Command::SeedClients(ask) => ask.answer(|ask| seed(rows, &ask)),
        Command::ListClients(ask) => ask.answer(|ask| rows.clients_after(ask.after.as_deref(), ask.limit)),
        Command::CreateClient(ask) => ask.answer(|ask| clients::create(rows, ask, now)),
        Command::ReplaceClient(ask) => ask.answer(|ask| clients::replace(rows, ask, now)),
        Command::DeleteClient(ask) => ask.answer(|ask| clients::delete(rows, ask, now)),
        Command::RotateSecret(ask) => ask.answer(|ask| clients::rotate(rows, ask, now)),
        Command::FindLogo(ask) => ask.answer(|ask| logos::find(rows, &ask)),
        Command::KeepLogo(ask) => ask.answer(|ask| logos::keep_own(rows, ask)),
        Command::ListScopes(ask) => ask.answer(|_| scopes::list(rows)),
        Command::DescribeScope(ask) => ask.answer(|ask| scopes::describe(rows, ask, now)),
        Command::MapScope(ask) => ask.answer(|ask| scopes::map(rows, ask, now)),
        Command::FindMapping(ask) => ask.answer(|ask| scopes::mapping(rows, &ask.name)),
        Command::RemoveScope(ask) => ask.answer(|ask| scopes::remove(rows, ask, now)),
        Command::ListDocuments(ask) => ask.answer(|_| rows.documents()),
        Command::AllowDocument(ask) => ask.answer(|ask| documents::allow(rows, ask, now)),
        Command::RemoveDocument(ask) => ask.answer(|ask| documents::remove(rows, ask, now)),
        Command::ListInventory(ask) => {
            ask.answer(|ask| rows.inventory_after(ask.after.as_deref(), ask.limit))
        }
        Command::FindInventory(ask) => ask.answer(|ask| rows.inventory_entry(&ask.identifier)),
        Command::PutInventory(ask) => ask.answer(|ask| inventory::put(rows, ask, now)),
        Command::RemoveInventory(ask) => ask.answer(|ask| inventory::remove(rows, ask, now)),
        Command::ListKeys(ask) => ask.answer(|_| signing_keys::list(rows, now)),
        Command::RotateKeys(ask) => ask.answer(|ask| signing_keys::rotate(rows, ask, now)),
        Command::RetireKey(ask) => ask.answer(|ask| signing_keys::retire(rows, ask, now)),
        Command::ImportKey(ask) => ask.answer(|ask| import(rows, ask, adopted, now)),
        Command::CreateAdminToken(ask) => ask.answer(|ask| admin_tokens::create(rows, ask, now)),
        Command::ListAdminTokens(ask) => ask.answer(|_| rows.admin_tokens()),
        Command::RevokeAdminToken(ask) => ask.answer(|ask| admin_tokens::revoke(rows, ask, now)),
        Command::UseAdminToken(ask) => ask.answer(|ask| admin_tokens::r#use(rows, &ask, now)),
        Command::CreateInvitation(ask) => ask.answer(|ask| invitations::create(rows, ask, now)),
        Command::ListInvitations(ask) => ask.answer(|_| invitations::list(rows)),
        Command::RevokeInvitation(ask) => ask.answer(|ask| invitations::revoke(rows, ask, now)),
        Command::FindInvitation(ask) => ask.answer(|ask| invitations::find(rows, &ask, now)),
        Command::SpendInvitation(ask) => ask.answer(|ask| invitations::spend(rows, ask, now)),
        Command::NotePasskey(ask) => ask.answer(|ask| passkeys::note(rows, ask, now)),
        Command::FindFirstIssuer(ask) => ask.answer(|_| rows.first_issuer()),
        Command::ListProviders(ask) => ask.answer(|_| rows.providers()),
        Command::FindProvider(ask) => ask.answer(|ask| rows.provider(&ask.id)),
        Command::CreateProvider(ask) => ask.answer(|ask| providers::create(rows, ask, now)),
        Command::ReplaceProvider(ask) => ask.answer(|ask| providers::replace(rows, ask, now)),
        Command::DeleteProvider(ask) => ask.answer(|ask| providers::delete(rows, ask, now)),
    }
}

fn at_source<R: Rows>(rows: &R, ask: &FindAtSource, now: Timestamp) -> Result<AtSource, R::Error> {
    let client = rows.client(&ask.client_id)?.filter(|client| !client.has_ended(now));
    let client = match client {
        Some(client) if ask.using && client.is_stamp_due(now) => {
            let stamped = Client { used_at: Some(now), ..client };
            rows.stamp_client(&stamped)?;
            Some(stamped)
        }
        client => client,
    };
    let document = if client.is_none() { documents::find(rows, &ask.client_id)? } else { None };
    let signing = KeySchedule::new(&rows.keys()?).signing(now);
    // A replica keeps the governance for all that ask it, whatever they have.
    let known = if ask.keeper.is_none() { ask.revision } else { None };
    let governance = taken::news(rows, known, now)?;
    Ok(AtSource { client, document, signing, scope_demands: rows.scope_demands()?, governance, at: now })
}

fn seed<R: Rows>(rows: &R, ask: &SeedClients) -> Result<(), R::Error> {
    for client in &ask.clients {
        if rows.client(&client.client_id)?.is_none() && !rows.was_removed(&client.client_id)? {
            rows.put_client(client)?;
        }
    }
    Ok(())
}

fn import<R: Rows>(
    rows: &R,
    ask: ImportKey,
    adopted: Option<NewKey>,
    now: Timestamp,
) -> Result<Result<(), KeyRefusal>, R::Error> {
    let Some(key) = adopted else { return Ok(Err(KeyRefusal::Misfit)) };
    signing_keys::import(rows, key, ask.at_once, ask.by, now)
}
