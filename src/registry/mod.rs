//! The registry: the issuer's clients, scopes, OpenID Providers, signing keys, named admin tokens and invitations.

pub mod admin_token;
pub mod admin_tokens;
pub mod clients;
pub mod command;
pub mod invitation;
pub mod invitations;
pub mod key_schedule;
pub mod logos;
pub mod outline;
pub mod passkeys;
mod providers;
pub mod publication;
pub mod quota;
pub mod rows;
pub mod scopes;
pub mod signing_keys;
pub mod snapshot;
mod told;

use crate::ask::Answer;
use crate::client::Client;
use crate::time::Timestamp;
use admin_tokens::{CreateAdminToken, ListAdminTokens, RevokeAdminToken, UseAdminToken};
use command::{
    AtSource, Command, CreateClient, CreateProvider, DeleteClient, DeleteProvider, DescribeScope,
    FindAtSource, FindKeys, FindLogo, FindMapping, FindProvider, ImportKey, KeepLogo, KeyRefusal,
    ListClients, ListKeys, ListProviders, ListScopes, MapScope, RemoveScope, ReplaceClient, ReplaceProvider,
    RetireKey, RotateKeys, RotateSecret, SeedClients, TakeOutline,
};
use invitations::{
    CreateInvitation, FindFirstIssuer, FindInvitation, ListInvitations, RevokeInvitation, SpendInvitation,
};
use key_schedule::KeySchedule;
use outline::Outline;
use passkeys::NotePasskey;
use rows::{NewKey, Rows};

/// Applies one command. The caller has already tended the keys ([`signing_keys::tend`]) and made those that
/// the command needs ([`signing_keys::wanted`]). `adopted` is the key of an [`ImportKey`]; `None` if the two
/// halves of that key do not belong together, and for every other command.
///
/// # Errors
///
/// A row could not be read or written.
pub fn apply<R: Rows>(
    rows: &R,
    command: Command,
    adopted: Option<NewKey>,
    now: Timestamp,
) -> Result<Answer, R::Error> {
    Ok(match command {
        Command::TakeOutline(_) => Answer::to::<TakeOutline>(&Outline::take(rows, now)?),
        Command::FindAtSource(ask) => Answer::to::<FindAtSource>(&at_source(rows, &ask, now)?),
        Command::FindKeys(_) => Answer::to::<FindKeys>(&rows.keys()?),
        Command::SeedClients(ask) => {
            seed(rows, &ask.clients)?;
            Answer::to::<SeedClients>(&())
        }
        Command::ListClients(ask) => {
            Answer::to::<ListClients>(&rows.clients_after(ask.after.as_deref(), ask.limit)?)
        }
        Command::CreateClient(ask) => Answer::to::<CreateClient>(&clients::create(rows, ask, now)?),
        Command::ReplaceClient(ask) => Answer::to::<ReplaceClient>(&clients::replace(rows, ask, now)?),
        Command::DeleteClient(ask) => Answer::to::<DeleteClient>(&clients::delete(rows, ask, now)?),
        Command::RotateSecret(ask) => Answer::to::<RotateSecret>(&clients::rotate(rows, ask, now)?),
        Command::FindLogo(ask) => Answer::to::<FindLogo>(&rows.logo(&ask.name)?.map(|stored| stored.image)),
        Command::KeepLogo(ask) => Answer::to::<KeepLogo>(&logos::keep_own(rows, ask)?),
        Command::ListScopes(_) => Answer::to::<ListScopes>(&scopes::list(rows)?),
        Command::DescribeScope(ask) => Answer::to::<DescribeScope>(&scopes::describe(rows, ask, now)?),
        Command::MapScope(ask) => Answer::to::<MapScope>(&scopes::map(rows, ask, now)?),
        Command::FindMapping(ask) => Answer::to::<FindMapping>(&scopes::mapping(rows, &ask.name)?),
        Command::RemoveScope(ask) => Answer::to::<RemoveScope>(&scopes::remove(rows, ask, now)?),
        Command::ListKeys(_) => Answer::to::<ListKeys>(&signing_keys::list(rows, now)?),
        Command::RotateKeys(ask) => Answer::to::<RotateKeys>(&signing_keys::rotate(rows, ask, now)?),
        Command::RetireKey(ask) => Answer::to::<RetireKey>(&signing_keys::retire(rows, ask, now)?),
        Command::ImportKey(ask) => Answer::to::<ImportKey>(&match adopted {
            Some(key) => signing_keys::import(rows, key, ask.at_once, ask.by, now)?,
            None => Err(KeyRefusal::Misfit),
        }),
        Command::CreateAdminToken(ask) => {
            Answer::to::<CreateAdminToken>(&admin_tokens::create(rows, ask, now)?)
        }
        Command::ListAdminTokens(_) => Answer::to::<ListAdminTokens>(&rows.admin_tokens()?),
        Command::RevokeAdminToken(ask) => {
            Answer::to::<RevokeAdminToken>(&admin_tokens::revoke(rows, ask, now)?)
        }
        Command::UseAdminToken(ask) => Answer::to::<UseAdminToken>(&admin_tokens::r#use(rows, &ask, now)?),
        Command::CreateInvitation(ask) => {
            Answer::to::<CreateInvitation>(&invitations::create(rows, ask, now)?)
        }
        Command::ListInvitations(_) => Answer::to::<ListInvitations>(&invitations::list(rows)?),
        Command::RevokeInvitation(ask) => {
            Answer::to::<RevokeInvitation>(&invitations::revoke(rows, ask, now)?)
        }
        Command::FindInvitation(ask) => Answer::to::<FindInvitation>(&invitations::find(rows, &ask, now)?),
        Command::NotePasskey(ask) => {
            passkeys::note(rows, ask, now)?;
            Answer::to::<NotePasskey>(&())
        }
        Command::FindFirstIssuer(_) => Answer::to::<FindFirstIssuer>(&rows.first_issuer()?),
        Command::SpendInvitation(ask) => Answer::to::<SpendInvitation>(&invitations::spend(rows, ask, now)?),
        Command::ListProviders(_) => Answer::to::<ListProviders>(&rows.providers()?),
        Command::FindProvider(ask) => Answer::to::<FindProvider>(&rows.provider(&ask.id)?),
        Command::CreateProvider(ask) => Answer::to::<CreateProvider>(&providers::create(rows, ask, now)?),
        Command::ReplaceProvider(ask) => Answer::to::<ReplaceProvider>(&providers::replace(rows, ask, now)?),
        Command::DeleteProvider(ask) => Answer::to::<DeleteProvider>(&providers::delete(rows, ask, now)?),
    })
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
    let signing = KeySchedule::new(&rows.keys()?).signing(now);
    Ok(AtSource { client, signing, scope_demands: rows.scope_demands()?, at: now })
}

fn seed<R: Rows>(rows: &R, clients: &[Client]) -> Result<(), R::Error> {
    for client in clients {
        if rows.client(&client.client_id)?.is_none() && !rows.was_removed(&client.client_id)? {
            rows.put_client(client)?;
        }
    }
    Ok(())
}
