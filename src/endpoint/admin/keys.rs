//! Signing keys: seen, rotated, retired, and brought by the operator.

use serde::Serialize;
use serde_json::{Map, Value};

use super::body::{object, object_if_any};
use super::problem::Problem;
use super::route::{Found, Place};
use super::{Done, Response};
use crate::client::keys::{Command, KeyView, Reply};
use crate::endpoint::{Context, Platform};
use crate::fault::Fault;
use crate::token::key::Algorithm;
use crate::token::key_ring::State;
use crate::token::private_jwk::PrivateJwk;

/// Answers what is below `/keys`.
pub(super) async fn answer<P: Platform>(context: Context<'_, P>, found: &Found) -> Result<Done, Problem> {
    let request = context.request;
    let (command, outcome) = match found.place {
        Place::KeyRotation => (rotation(&object_if_any(request)?)?, "keys_rotated"),
        Place::KeyRetirement => {
            let kid = found.names.first().cloned().unwrap_or_default();
            known(&object_if_any(request)?, &[])?;
            (Command::Retire { kid }, "key_retired")
        }
        Place::Keys | Place::OpenApi if request.method == "POST" => {
            (import(&object(request)?)?, "key_imported")
        }
        Place::Keys | Place::OpenApi => (Command::List, "read"),
    };
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
