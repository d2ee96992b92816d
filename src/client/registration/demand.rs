//! Reads what a client or a scope demands of a sign-in.

use serde_json::Value;

use super::json_members::Members;
use crate::bounds::MAX_AGE;
use crate::fault::Fault;
use crate::identity::demand::Demand;

/// The member, of clients and of scopes.
const SIGN_IN: &str = "sign_in";

/// Reads the member `sign_in`; without it, nothing is demanded.
pub fn read(members: &mut Members) -> Demand {
    const CLASS: &str = "a class of at most 255 visible ASCII characters";
    let is_class =
        |text: &str| (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let Some(value) = members.take(SIGN_IN) else { return Demand::default() };
    let Value::Object(object) = value else {
        members.refuse(SIGN_IN, "sign_in must be an object");
        return Demand::default();
    };
    let mut inner = Members::of(object);
    let demand = Demand {
        max_age: inner.number("max_age", MAX_AGE),
        acr_values: inner.texts("acr_values", 10, CLASS, is_class).unwrap_or_default(),
        phishing_resistant: inner.flag("phishing_resistant", false),
        fresh_passkey: inner.flag("fresh_passkey", false),
    };
    let within = |fault: Fault| Fault { pointer: format!("/{SIGN_IN}{}", fault.pointer), ..fault };
    members.refuse_all(inner.finish(true).into_iter().map(within).collect());
    demand
}
