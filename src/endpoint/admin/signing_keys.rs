//! Signing keys: list, import, rotate and retire.

use serde::Serialize;
use serde_json::{Map, Value};

use super::body::{object, object_if_any, query, sound};
use super::done::Done;
use super::problem::Problem;
use crate::audit::change::Actor;
use crate::client::registration::json_members::Members;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::registry::command::{ImportKey, KeyRefusal, KeyView, ListKeys, RetireKey, RotateKeys};
use crate::registry::key_schedule::State;
use crate::token::private_jwk::PrivateJwk;

/// Answers `GET /keys`.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    query(context.request, &[])?;
    Ok(Done::read(Response::json(200, &all(context).await?)))
}

/// Answers `POST /keys`: imports a key that the operator made.
pub(super) async fn bring<P: Platform>(context: Context<'_, P>, by: Actor) -> Result<Done, Problem> {
    query(context.request, &[])?;
    let import = import(object(context.request)?, by)?;
    let kid = import.key.public.kid.clone();
    context.server.change_keys(import).await?.map_err(refused)?;
    let imported = all(context).await?.keys.into_iter().find(|view| view.kid == kid);
    let response = Response::json(201, &imported.ok_or(Problem::Unavailable)?);
    Ok(Done { outcome: "key_imported", ..Done::read(response) })
}

/// Answers `POST /keys/rotate`.
pub(super) async fn rotate<P: Platform>(context: Context<'_, P>, by: Actor) -> Result<Done, Problem> {
    query(context.request, &[])?;
    context.server.change_keys(rotation(object_if_any(context.request)?, by)?).await?.map_err(refused)?;
    Ok(Done { outcome: "keys_rotated", ..Done::read(Response::json(200, &all(context).await?)) })
}

/// Answers `POST /keys/{kid}/retire`.
pub(super) async fn retire<P: Platform>(
    context: Context<'_, P>,
    kid: &str,
    by: Actor,
) -> Result<Done, Problem> {
    query(context.request, &[])?;
    context.server.change_keys(RetireKey { kid: kid.to_owned(), by }).await?.map_err(refused)?;
    Ok(Done { outcome: "key_retired", ..Done::read(Response::json(200, &all(context).await?)) })
}

#[derive(Serialize)]
struct KeyList {
    keys: Vec<KeyView>,
}

/// Reads the keys. After a change this is a second hop, so that the response shows the new standby keys, too.
async fn all<P: Platform>(context: Context<'_, P>) -> Result<KeyList, Problem> {
    Ok(KeyList { keys: context.server.change_keys(ListKeys {}).await? })
}

fn refused(refusal: KeyRefusal) -> Problem {
    match refusal {
        KeyRefusal::Unknown => Problem::NotFound,
        KeyRefusal::Known(State::Retired) => {
            Problem::Conflict("This key was retired and cannot be used again.".to_owned())
        }
        KeyRefusal::Known(State::Announced | State::Active | State::Verifying | State::Ended) => {
            Problem::Conflict("This key already exists.".to_owned())
        }
        KeyRefusal::Misfit => faulty("jwk", "the private key does not match the public key"),
        KeyRefusal::Unmade => Problem::Unavailable,
    }
}

fn rotation(members: Map<String, Value>, by: Actor) -> Result<RotateKeys, Problem> {
    let mut members = Members::of(members);
    let (alg, at_once) = (members.algorithm("alg"), members.flag("at_once", false));
    sound(members)?;
    Ok(RotateKeys { alg, at_once, by })
}

fn import(members: Map<String, Value>, by: Actor) -> Result<ImportKey, Problem> {
    let mut members = Members::of(members);
    let jwk = members.take("jwk").ok_or("jwk is missing: send a private JWK");
    let (alg, at_once) = (members.algorithm("alg"), members.flag("at_once", false));
    // The error says what is wrong but never repeats the value, because it may contain a private key.
    let key = jwk.and_then(|jwk| PrivateJwk::parse(&jwk, alg));
    // Which keys are acceptable depends on the algorithm, so a bad `alg` is reported alone.
    if let (Err(why), false) = (&key, members.is_refused("alg")) {
        members.refuse("jwk", *why);
    }
    sound(members)?;
    let key = key.map_err(|why| faulty("jwk", why))?;
    Ok(ImportKey { key: Box::new(key), at_once, by })
}

fn faulty(name: &str, detail: &str) -> Problem {
    Problem::Invalid(vec![Fault::at(name, detail)])
}
