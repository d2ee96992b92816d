//! Looks at Cloudflare Access in front of the server, if the settings name it: reads the keys of the team.

use super::check::Check;
use crate::client::jwks::KeySet;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::upstream::access::{ALGORITHM, Application};

const NAME: &str = "access";

pub(super) async fn look<P: Platform>(context: Context<'_, P>) -> Option<Check> {
    let application = context.server.settings.access.as_ref()?;
    let uri = application.keys_uri();
    let text = context.server.platform.fetch_text(&uri).await;
    let keys = text.ok().and_then(|text| KeySet::parse(&text));
    Some(check(application, &uri, keys.as_ref()))
}

fn check(application: &Application, uri: &str, keys: Option<&KeySet>) -> Check {
    let issuer = &application.issuer;
    match keys.map(|keys| keys.candidates(None, ALGORITHM).count()) {
        Some(0) => {
            Check::problem(NAME, format!("{uri} has no key for RS256"), "See whether ACCESS_TEAM is right.")
        }
        Some(count) => Check::ok(NAME, format!("{issuer} reached, with {count} keys")),
        None => Check::problem(
            NAME,
            format!("no keys at {uri}"),
            "See whether ACCESS_TEAM is the name of your team, and whether the Worker can reach it.",
        ),
    }
}
