//! The parts of the pages of `/account`, in words.

use std::collections::BTreeMap;

use crate::endpoint::messages::{Html, Messages};
use crate::endpoint::page::account::{DeviceLine, NewClient, SessionLine, StagePart};
use crate::endpoint::words;
use crate::identity::device::{Device, DeviceId};
use crate::identity::history::{History, PastDecision, Verdict};
use crate::identity::session::Session;
use crate::identity::sign_in::How;
use crate::order;
use crate::provenance::Stage;
use crate::scope::Scope;
use crate::secret::{Digest, encode};
use crate::upstream::provider::Offer;
use crate::verdict::Spot;

/// The most new clients, and the most sessions, that a page shows.
const MOST: usize = 5;
/// The most decisions that a page shows.
const MOST_DECISIONS: usize = 8;

/// Returns the line of a device in the list.
pub(super) fn line(text: Messages<'_>, id: &DeviceId, device: &Device) -> DeviceLine {
    DeviceLine {
        id: id.as_str().to_owned(),
        name: Html::isolated(device.label.as_deref().unwrap_or(&device.client_name)),
        client: device.label.as_ref().map(|_| Html::isolated(&device.client_name)),
        started: text.device_from(&from(text, &device.provenance.started.spot)),
        used: text.device_used(&text.moment(device.last_used_at)),
    }
}

/// Returns a place and a kind of device.
fn from(text: Messages<'_>, spot: &Spot) -> Html {
    text.place_in_area(&words::device(text, spot.kind), &words::spot(text, spot))
}

/// Returns when and where something happened.
pub(super) fn stage(text: Messages<'_>, stage: &Stage) -> StagePart {
    StagePart { time: text.moment(stage.at), from: from(text, &stage.spot) }
}

/// Returns the clients that had access for the first time, and of which the person has not confirmed that they know.
pub(super) fn new_clients(text: Messages<'_>, history: &History) -> Vec<NewClient> {
    let new = history.unconfirmed().take(MOST).map(|first| NewClient {
        id: first.client_id.clone(),
        device: first.device.as_str().to_owned(),
        words: text.first_access(
            &text.moment(first.approved_at),
            &from(text, &first.started.spot),
            &first.client_name,
        ),
    });
    new.collect()
}

/// Returns what the person decided lately.
pub(super) fn activity(text: Messages<'_>, history: &History) -> Vec<(Html, Html)> {
    let words = |decision: &PastDecision| {
        let PastDecision { verdict, client_name, at, started, .. } = decision;
        let what = match verdict {
            Verdict::Approved => text.activity_approved(client_name),
            Verdict::Refused => text.activity_refused(client_name),
            Verdict::Reported => text.activity_reported(client_name),
        };
        (what, text.place_in_area(&text.moment(*at), &words::spot(text, &started.spot)))
    };
    history.decisions.iter().take(MOST_DECISIONS).map(words).collect()
}

/// Returns the newest live sessions, that of this browser before the others.
pub(super) fn sessions(
    text: Messages<'_>,
    mut sessions: Vec<(Digest, Session)>,
    here: Option<&Digest>,
    providers: &[Offer],
) -> Vec<SessionLine> {
    let is_here = |id: &Digest| here == Some(id);
    order::sort_by_key(&mut sessions, |(id, session)| (!is_here(id), core::cmp::Reverse(session.origin.at)));
    let line = |(id, session): &(Digest, Session)| SessionLine {
        id: (!is_here(id)).then(|| encode(id.bytes())),
        how: how(text, &session.how, providers),
        started: stage(text, &Stage::of(&session.origin)),
    };
    sessions.iter().take(MOST).map(line).collect()
}

fn how(text: Messages<'_>, how: &How, providers: &[Offer]) -> Html {
    match how {
        How::Password => text.session_password(),
        How::Passkey { .. } => text.session_passkey(),
        How::Upstream { provider, .. } => {
            let offer = providers.iter().find(|offer| offer.id.as_str() == provider);
            text.session_upstream(offer.map_or(provider, |offer| &offer.name))
        }
        How::Access => text.session_upstream("Cloudflare Access"),
    }
}

/// Returns what a device may do, each in a sentence.
pub(super) fn permissions(text: Messages<'_>, scopes: &BTreeMap<String, String>, scope: &Scope) -> Vec<Html> {
    let words = |token| words::permission(text, token, scopes.get(token).map_or(token, String::as_str));
    scope.iter().map(words).collect()
}
