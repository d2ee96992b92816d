//! Signing keys: seen, rotated, retired, and brought by the operator.

use serde::Serialize;
use serde_json::{Map, Value};

use super::body::{object, object_if_any, query};
use super::problem::Problem;
use super::{Done, Response};
use crate::client::keys::{Command, KeyView, Reply};
use crate::endpoint::{Context, Platform};
use crate::fault::Fault;
use crate::token::key::Algorithm;
use crate::token::key_ring::State;
use crate::token::private_jwk::PrivateJwk;

/// `GET /keys`.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    ask(context, Command::List, "read").await
}

/// `POST /keys`: a key that the operator made.
pub(super) async fn bring<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    ask(context, import(&object(context.request)?)?, "key_imported").await
}

/// `POST /keys/rotate`.
pub(super) async fn rotate<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    ask(context, rotation(&object_if_any(context.request)?)?, "keys_rotated").await
}

/// `POST /keys/{kid}/retire`.
pub(super) async fn retire<P: Platform>(context: Context<'_, P>, kid: &str) -> Result<Done, Problem> {
    query(context.request, &[])?;
    ask(context, Command::Retire { kid: kid.to_owned() }, "key_retired").await
}

async fn ask<P: Platform>(
    context: Context<'_, P>,
    command: Command,
    outcome: &'static str,
) -> Result<Done, Problem> {
    let reply = context.server.change_keys(&command).await?;
    let response = told(&command, reply)?;
    Ok(Done { response, client: None, outcome })
}

#[derive(Serialize)]
struct KeyList {
    keys: Vec<KeyView>,
}

fn told(command: &Command, reply: Reply) -> Result<Response, Problem> {
    match (reply, command) {
        (Reply::Keys(keys), Command::Import { key, .. }) => {
            let brought = keys.into_iter().find(|view| view.kid == key.public.kid);
            Ok(Response::json(201, &brought.ok_or(Problem::Unavailable)?))
        }
        (Reply::Keys(keys), Command::List | Command::Rotate { .. } | Command::Retire { .. }) => {
            Ok(Response::json(200, &KeyList { keys }))
        }
        (Reply::Unknown, _) => Err(Problem::NotFound),
        (Reply::Known(State::Retired), _) => {
            Err(Problem::Conflict("This key was here and was retired; it does not come back.".to_owned()))
        }
        (Reply::Known(_), _) => Err(Problem::Conflict("This key is here already.".to_owned())),
        (Reply::Misfit, _) => Err(faulty("jwk", "the private half does not belong to the public half")),
        (Reply::Unmade, _) => Err(Problem::Unavailable),
    }
}

fn rotation(members: &Map<String, Value>) -> Result<Command, Problem> {
    known(members, &["alg", "at_once"])?;
    Ok(Command::Rotate { alg: alg(members)?, at_once: at_once(members)? })
}

fn import(members: &Map<String, Value>) -> Result<Command, Problem> {
    known(members, &["alg", "at_once", "jwk"])?;
    let jwk = members.get("jwk").ok_or_else(|| faulty("jwk", "a private JWK must be given"))?;
    let key = PrivateJwk::parse(jwk, alg(members)?).map_err(|why| faulty("jwk", why))?;
    Ok(Command::Import { key: Box::new(key), at_once: at_once(members)? })
}

fn alg(members: &Map<String, Value>) -> Result<Option<Algorithm>, Problem> {
    let Some(value) = members.get("alg") else { return Ok(None) };
    let alg = Algorithm::ALL.into_iter().find(|alg| value.as_str() == Some(alg.name()));
    let allowed = || format!("must be one of {}", Algorithm::ALL.map(Algorithm::name).join(", "));
    alg.map(Some).ok_or_else(|| faulty("alg", &allowed()))
}

fn at_once(members: &Map<String, Value>) -> Result<bool, Problem> {
    match members.get("at_once") {
        None => Ok(false),
        Some(value) => value.as_bool().ok_or_else(|| faulty("at_once", "must be true or false")),
    }
}

fn known(members: &Map<String, Value>, names: &[&str]) -> Result<(), Problem> {
    match members.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(faulty(name, "this member is not known here")),
        None => Ok(()),
    }
}

fn faulty(name: &str, detail: &str) -> Problem {
    Problem::Invalid(vec![Fault::at(name, detail)])
}
