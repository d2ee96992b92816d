//! What has access: the devices and the sessions of all accounts.

use rand_core::CryptoRng;
use serde_json::{Value, json};

use super::api::Api;
use super::block::{Acted, Block, Cell, Field, Form, Page, Table, Tone};
use super::form;
use super::value::{cell, encoded, link, list, mono, next, query, stage, text, time};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;
use crate::order;

/// The conditions that select devices.
const OF_DEVICES: [&str; 5] = ["account", "client_id", "approval_id", "country", "asn"];
/// The conditions that select sessions.
const OF_SESSIONS: [&str; 4] = ["account", "provider", "country", "asn"];
/// The most calls for one button. Each counts or ends up to a few hundred.
const MOST_CALLS: u32 = 40;

/// How many a call would end, or has ended.
pub(super) struct Counted {
    count: u64,
    /// Whether there may be more, because the count took too many calls.
    has_more: bool,
}

impl Counted {
    /// Returns `At least 3 devices have access`, as it fits.
    pub(super) fn devices(&self) -> String {
        self.said("device has access", "devices have access")
    }

    fn said(&self, one: &str, several: &str) -> String {
        let (least, what) =
            (if self.has_more { "At least " } else { "" }, if self.count == 1 { one } else { several });
        format!("{least}{} {what}", self.count)
    }
}

/// Counts what a call would end.
pub(super) async fn count<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    path: &str,
    body: &Value,
) -> Result<Counted, Problem> {
    every(api, &format!("{path}?dry_run=true&"), body).await
}

/// Makes a call again and again, as long as there is a next page.
async fn every<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    path: &str,
    body: &Value,
) -> Result<Counted, Problem> {
    let (mut counted, mut cursor) = (Counted { count: 0, has_more: false }, String::new());
    for _ in 0..MOST_CALLS {
        let call = format!("{path}{cursor}");
        let answer = api.send("POST", call.trim_end_matches(['?', '&']), Some(body), None).await?.body;
        counted.count += answer["count"].as_u64().unwrap_or_default();
        match answer["next_cursor"].as_str() {
            Some(next) => cursor = format!("cursor={}", encoded(next)),
            None => return Ok(counted),
        }
    }
    Ok(Counted { has_more: true, ..counted })
}

/// What a page is about.
#[derive(Clone, Copy)]
struct Kinds {
    title: &'static str,
    path: &'static str,
    one: &'static str,
    several: &'static str,
    conditions: &'static [&'static str],
}

const DEVICES: Kinds =
    Kinds { title: "Devices", path: "/devices", one: "device", several: "devices", conditions: &OF_DEVICES };
const SESSIONS: Kinds = Kinds {
    title: "Sessions",
    path: "/sessions",
    one: "session",
    several: "sessions",
    conditions: &OF_SESSIONS,
};

impl Kinds {
    fn intro(self) -> &'static str {
        match self.one {
            "device" => {
                "Devices that can get tokens for an account. If you end one, its tokens are withdrawn."
            }
            _ => {
                "Browsers in which people are signed in to this server. Ending a session leaves devices as they are."
            }
        }
    }
}

pub(super) async fn devices<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let table = |rows, next| Table {
        caption: "Devices",
        columns: &["Account", "Client", "Approved", "Last used", "End"],
        rows,
        empty: "No device that matches has access.",
        next,
    };
    page(api, DEVICES, device, table).await
}

pub(super) async fn sessions<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let table = |rows, next| Table {
        caption: "Sessions",
        columns: &["Account", "Signed in with", "Started", "Ends"],
        rows,
        empty: "Nobody who matches is signed in.",
        next,
    };
    page(api, SESSIONS, session, table).await
}

async fn page<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    of: Kinds,
    row: fn(&Value) -> Vec<Cell>,
    table: fn(Vec<Vec<Cell>>, Option<String>) -> Table,
) -> Result<Page, Problem> {
    let sent = Sent::of_link(&api.context.request.query);
    let asked = query(&sent, &[of.conditions, &["cursor"][..]].concat());
    let answer = api.first(&format!("{}{asked}", of.path), of.path.trim_start_matches('/')).await?;
    let rows = list(&answer, of.several).iter().map(row).collect();
    let next = next(of.path, &sent, of.conditions, &answer);
    let mut blocks = vec![
        Block::Text(of.intro().to_owned()),
        Block::Form(search(of, &sent)),
        Block::Table(table(rows, next)),
    ];
    let chosen = hidden(of, &sent);
    if !chosen.is_empty() {
        let intro =
            format!("Ends all {} that match, on all pages. You see first how many these are.", of.several);
        let form = Form::button("end_all", chosen, "End all that match");
        blocks.push(Block::Form(Form { intro, ends: true, ..form }));
    }
    blocks.push(Block::Call(format!("GET /admin/api{0}, POST /admin/api{0}/end", of.path)));
    Ok(Page::new(of.title, blocks))
}

/// Returns the conditions that are set.
fn hidden(of: Kinds, sent: &Sent) -> Vec<(&'static str, String)> {
    of.conditions.iter().filter_map(|name| Some((*name, sent.get(name)?.to_owned()))).collect()
}

fn search(of: Kinds, sent: &Sent) -> Form {
    let field = |name: &&'static str| {
        let (label, hint) = match *name {
            "account" => ("Account", "Its key, such as local:alice."),
            "client_id" => ("Client ID", ""),
            "approval_id" => ("Approval", "The approval_id of an event."),
            "provider" => ("Provider", "The id of the provider that people signed in with."),
            "country" => ("Country", "Two letters, such as DE."),
            _ => ("Network", "An AS number, such as 64500."),
        };
        Field::line(name, label, hint).with(sent.get(name).unwrap_or_default())
    };
    let folded = hidden(of, sent).is_empty();
    let fields = of.conditions.iter().map(field).collect();
    Form { step: "search", searches: true, folded, fields, button: "Search", ..Form::default() }
}

fn device(device: &Value) -> Vec<Cell> {
    let (account, id) = (text(device, "account"), text(device, "id"));
    let name =
        Cell::link(format!("/clients/{}", encoded(text(device, "client_id"))), text(device, "client_name"));
    let label = text(device, "label");
    let mut about = vec![name];
    about.extend((!label.is_empty()).then(|| Cell::Text(label.to_owned())));
    about.push(cell(device, "scope"));
    vec![
        link(device, "account", "/people"),
        Cell::Lines(about),
        stage(&device["approved"]),
        time(device, "last_used_at"),
        Cell::button(
            "end_device",
            ("device", &format!("{account} {id}")),
            "End",
            &format!("this device of {account}"),
        ),
    ]
}

fn session(session: &Value) -> Vec<Cell> {
    vec![
        link(session, "account", "/people"),
        Cell::Lines(vec![cell(session, "how"), mono(session, "acr")]),
        stage(&session["started"]),
        time(session, "ends_at"),
    ]
}

pub(super) async fn act_devices<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    step: (&str, &Sent),
) -> Result<Acted, Problem> {
    act(api, DEVICES, step).await
}

pub(super) async fn act_sessions<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    step: (&str, &Sent),
) -> Result<Acted, Problem> {
    act(api, SESSIONS, step).await
}

async fn act<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    of: Kinds,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    match step {
        "end_device" => end_device(api, sent).await,
        "end_all" => confirm(api, of, sent).await,
        "end_all_now" => {
            let ended = every(api, &format!("{}/end?", of.path), &selection(of, sent)).await?;
            let said = |one: &str, several: &str| ended.said(one, several);
            let (one, several) = (format!("{} is ended.", of.one), format!("{} are ended.", of.several));
            let more = if ended.has_more { " There may be more: do it again." } else { "" };
            Ok(Acted::Done(format!("{}{more}", said(&one, &several))))
        }
        _ => Err(form::unknown(step)),
    }
}

/// Ends one device. The field has the key of its account, a space, and the identifier of the device.
pub(super) async fn end_device<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    sent: &Sent,
) -> Result<Acted, Problem> {
    let (account, id) =
        form::required(sent, "device")?.rsplit_once(' ').ok_or_else(|| form::unknown("end_device"))?;
    let path = format!("/accounts/{}/devices/end", encoded(account));
    let ended = api.send("POST", &path, Some(&json!({ "ids": [id] })), None).await?.body;
    let said = match ended["count"].as_u64() {
        Some(0) | None => "The device had no access any more.",
        Some(_) => "The device is ended: its tokens are withdrawn.",
    };
    Ok(Acted::Done(said.to_owned()))
}

/// Returns the conditions that were sent, as members of a body.
fn selection(of: Kinds, sent: &Sent) -> Value {
    let member = |name: &&'static str| {
        let value = sent.get(name)?;
        let number = if *name == "asn" { value.parse::<u64>().ok().map(Value::from) } else { None };
        Some(((*name).to_owned(), number.unwrap_or_else(|| value.into())))
    };
    order::object(of.conditions.iter().filter_map(member)).into()
}

async fn confirm<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    of: Kinds,
    sent: &Sent,
) -> Result<Acted, Problem> {
    let body = selection(of, sent);
    let counted = count(api, &format!("{}/end", of.path), &body).await?;
    let (one, several) = (format!("{} would end.", of.one), format!("{} would end.", of.several));
    let chosen = hidden(of, sent);
    let conditions = chosen.iter().map(|(name, value)| format!("{name} {value}"));
    let conditions: Vec<String> = conditions.collect();
    let mut blocks = vec![
        Block::Notice(Tone::Warning, counted.said(&one, &several)),
        Block::Text(format!("Selected: {}.", conditions.join(", "))),
    ];
    if counted.count > 0 {
        blocks.push(Block::Form(Form { ends: true, ..Form::button("end_all_now", chosen, "End them") }));
    }
    blocks.push(Block::Call(format!("POST /admin/api{}/end", of.path)));
    let page = Page::new(format!("End {}?", of.several), blocks);
    Ok(Acted::Shown(page.below(of.path, of.title)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_has_the_conditions_that_are_set_and_an_asn_as_a_number() {
        let sent = Sent::of_link("client_id=tv&asn=64500&other=1&country=");
        assert_eq!(selection(DEVICES, &sent), json!({ "client_id": "tv", "asn": 64_500 }));
        assert_eq!(selection(SESSIONS, &sent), json!({ "asn": 64_500 }));
        assert_eq!(
            selection(DEVICES, &Sent::of_link("asn=x")),
            json!({ "asn": "x" }),
            "the API says what is wrong"
        );
    }

    #[test]
    fn a_count_that_took_too_long_is_a_lower_bound() {
        let said = |count, has_more| Counted { count, has_more }.devices();
        assert_eq!(said(1, false), "1 device has access");
        assert_eq!(said(0, false), "0 devices have access");
        assert_eq!(said(9, true), "At least 9 devices have access");
    }
}
