//! The live codes: logins that have not ended, with a button to end each.

use rand_core::CryptoRng;
use serde_json::Value;

use super::api::Api;
use super::block::{Acted, Block, Cell, Page, Table};
use super::form;
use super::value::{cell, encoded, link, list, mono, next, query, stage, text, time};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;

pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let sent = Sent::of_link(&api.context.request.query);
    let answer = api.first(&format!("/grants{}", query(&sent, &["cursor"])), "grants").await?;
    let table = Table {
        caption: "Live codes",
        columns: &["Client", "State", "Device", "Account", "Ends", "End"],
        rows: list(&answer, "grants").iter().map(code).collect(),
        empty: "No code is live. A device that starts a login has one here until it ends.",
        next: next("/codes", &sent, &[], &answer),
    };
    let intro = "Logins that have not ended. If you end one, its device gets no tokens.".to_owned();
    let call = Block::Call("GET /admin/api/grants, DELETE /admin/api/grants/{id}".to_owned());
    Ok(Page::new("Live codes", vec![Block::Text(intro), Block::Table(table), call]))
}

fn code(grant: &Value) -> Vec<Cell> {
    let about = format!("this code of {}", text(grant, "client_id"));
    vec![
        Cell::Lines(vec![link(grant, "client_id", "/clients"), cell(grant, "scope")]),
        cell(grant, "state"),
        stage(&grant["started"]),
        mono(grant, "account"),
        time(grant, "expires_at"),
        Cell::button("end_code", ("id", text(grant, "id")), "End", &about),
    ]
}

pub(super) async fn act<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    (step, sent): (&str, &Sent),
) -> Result<Acted, Problem> {
    match step {
        "end_code" => {
            let id = form::required(sent, "id")?;
            api.send("DELETE", &format!("/grants/{}", encoded(id)), None, None).await?;
            Ok(Acted::Done("The code is ended.".to_owned()))
        }
        _ => Err(form::unknown(step)),
    }
}
