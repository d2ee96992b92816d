//! Reads what somebody wants to know.

use core::time::Duration;

use serde_json::{Map, Value};

use crate::audit::change::Actor;
use crate::client::registration::json_members::Members;
use crate::endpoint::admin::events::Cursor;
use crate::endpoint::admin::policy::reasoned;
use crate::endpoint::admin::{body, problem::Problem};
use crate::fault::Fault;
use crate::policy::described::Described;
use crate::policy::document::Policy;
use crate::policy::exception::Exception;
use crate::policy::governance::Governance;
use crate::policy::written;
use crate::policy::written::exception::Reading;
use crate::time::Timestamp;

/// The most days whose approvals can be judged again.
pub(crate) const MOST_DAYS: u64 = 90;
/// The most exceptions of a draft.
const MOST_EXCEPTIONS: usize = 50;
const A_DAY: Duration = Duration::from_secs(86_400);

/// A question, with the draft that it is about.
pub(crate) struct Question {
    /// What is tried instead of the present governance; `None` to ask about that one.
    pub(crate) draft: Option<Governance>,
    pub(crate) about: About,
}

/// What a question is about.
pub(crate) enum About {
    /// A login that is described.
    Login(Box<Described>),
    /// An approval of the past, by the identifier of its event, and when it happened, if that is known.
    Event { id: String, at: Option<Timestamp> },
    /// The approvals of the last days, from a cursor on.
    Days { days: u64, cursor: Option<Cursor> },
}

impl Question {
    /// Reads a question about the governance that is `present`.
    ///
    /// # Errors
    ///
    /// Every fault in the members.
    pub(super) fn read(
        members: Map<String, Value>,
        present: &Governance,
        (by, now): (Actor, Timestamp),
    ) -> Result<Self, Problem> {
        let mut members = Members::of(members);
        let is_draft = members.has("policy") || members.has("exceptions");
        let policy = policy(&mut members, now).unwrap_or_else(|| present.policy.clone());
        let exceptions = exceptions(&mut members, &policy, (by, now));
        let about = about(&mut members);
        for name in ["request", "event", "at", "days", "cursor"] {
            members.take(name);
        }
        body::sound(members)?;
        let draft = is_draft.then(|| drafted(present, policy, exceptions));
        let about = about.ok_or_else(|| Problem::Invalid(vec![Fault::at("", ONE_OF)]))?;
        Ok(Self { draft, about })
    }
}

const ONE_OF: &str = "write one of request, event and days: what do you want to know about?";

/// Takes the policy of the draft, which is written as in `PUT /policy`.
fn policy(members: &mut Members, now: Timestamp) -> Option<Policy> {
    let document = object(members, "policy", "a policy, as in PUT /policy")?;
    match reasoned(document, now) {
        Ok((policy, _)) => Some(policy),
        Err(faults) => {
            members.refuse_all(faults.into_iter().map(|fault| fault.within("policy")).collect());
            None
        }
    }
}

fn object(members: &mut Members, name: &str, allowed: &str) -> Option<Map<String, Value>> {
    let value = members.take(name)?;
    if let Value::Object(object) = value {
        return Some(object);
    }
    members.refuse_value(name, &value, allowed)
}

/// Takes the exceptions of the draft, which are written as in `POST /exceptions`. Only their conditions and what they lift
/// decide, so the rest may be missing.
fn exceptions(members: &mut Members, policy: &Policy, (by, now): (Actor, Timestamp)) -> Vec<Exception> {
    let items = match members.take("exceptions") {
        None => return Vec::new(),
        Some(Value::Array(items)) if items.len() <= MOST_EXCEPTIONS => items,
        Some(value) => {
            let allowed = format!("a list of at most {MOST_EXCEPTIONS} exceptions, as in POST /exceptions");
            return members.refuse_value("exceptions", &value, &allowed).unwrap_or_default();
        }
    };
    let reading = Reading { policy, before: None, by, now };
    let mut exceptions = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let Value::Object(item) = item else {
            members.refuse_all(vec![Fault::at_item("exceptions", index, "it must be an object")]);
            continue;
        };
        match written::exception::parse(completed(item, index, now), &reading) {
            Ok(exception) => exceptions.push(exception),
            Err(faults) => {
                let within = |fault: Fault| fault.within(&index.to_string()).within("exceptions");
                members.refuse_all(faults.into_iter().map(within).collect());
            }
        }
    }
    exceptions
}

/// Adds what an exception needs before it can be stored, and a trial does not.
fn completed(mut exception: Map<String, Value>, index: usize, now: Timestamp) -> Map<String, Value> {
    let missing = [
        ("id", format!("draft-{}", index + 1)),
        ("owner", "draft".to_owned()),
        ("reason", "draft".to_owned()),
        ("ticket", "draft".to_owned()),
        ("expires_at", (now + A_DAY).to_string()),
    ];
    for (name, value) in missing {
        if exception.get(name).is_none_or(Value::is_null) {
            exception.insert(name.to_owned(), value.into());
        }
    }
    exception
}

/// Returns the governance as the draft would make it. An exception takes the place of the one with its identifier.
fn drafted(present: &Governance, policy: Policy, drafts: Vec<Exception>) -> Governance {
    let is_kept = |exception: &&Exception| drafts.iter().all(|draft| draft.id != exception.id);
    let mut exceptions: Vec<Exception> = present.exceptions.iter().filter(is_kept).cloned().collect();
    exceptions.extend(drafts);
    Governance { policy, exceptions, ..present.clone() }
}

fn about(members: &mut Members) -> Option<About> {
    const KINDS: [&str; 3] = ["request", "event", "days"];
    let given = KINDS.into_iter().filter(|name| members.has(name)).count();
    if given != 1 {
        members.refuse("", ONE_OF);
        return None;
    }
    let (is_event, is_days) = (members.has("event"), members.has("days"));
    for (name, of, is_read) in [("at", "event", is_event), ("cursor", "days", is_days)] {
        if members.has(name) && !is_read {
            members.refuse(name, format!("{name} is only for {of}"));
        }
    }
    if members.has("request") {
        return written::described::take(members, "request").map(|login| About::Login(Box::new(login)));
    }
    if members.has("event") {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-');
        let is_id = |text: &str| text.len() <= 100 && text.contains('/') && text.bytes().all(is_plain);
        let id = members.text("event", "the id of an event, such as \"weur/3/17\"", is_id);
        let at = written::instant(members, "at");
        return id.map(|id| About::Event { id, at });
    }
    let days = members.number("days", 1..=MOST_DAYS);
    let cursor =
        members.text("cursor", "the next_cursor of a previous answer", |text| Cursor::decode(text).is_some());
    days.map(|days| About::Days { days, cursor: cursor.as_deref().and_then(Cursor::decode) })
}
