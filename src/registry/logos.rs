//! The images that the registry keeps: of clients that have a `logo_uri`, and of the service.

use super::command::{FindLogo, KeepLogo};
use super::rows::{Rows, StoredLogo};
use crate::client::Client;
use crate::format::Format;
use crate::logo::Logo;

/// The owner of the service's logo. No `client_id` is empty.
const SERVICE: &str = "";

/// Returns the name of the image that the pages show for a client: the fetched one, or the one from before if its
/// address is the same. Only operators' clients have one.
pub(super) fn name_for(client: &Client, before: Option<&Client>, fetched: Option<&Logo>) -> Option<String> {
    if !client.registered_by.is_operator() {
        return None;
    }
    let same = before.filter(|before| before.about.logo_uri == client.about.logo_uri);
    fetched.map(|logo| logo.hash().to_owned()).or_else(|| same?.logo.clone())
}

/// Keeps the image of a client that has just been stored, and removes an image that it no longer has.
pub(super) fn keep<R: Rows>(rows: &R, client: &Client, fetched: Option<Logo>) -> Result<(), R::Error> {
    match (&client.logo, fetched) {
        (Some(name), Some(image)) => {
            rows.put_logo(&client.client_id, &StoredLogo { format: Format, name: name.clone(), image })
        }
        (Some(_), None) => Ok(()),
        (None, _) => rows.remove_logo(&client.client_id),
    }
}

/// Keeps the image of the service, in place of an earlier one.
pub(super) fn find<R: Rows>(rows: &R, ask: &FindLogo) -> Result<Option<Logo>, R::Error> {
    Ok(rows.logo(&ask.name)?.map(|stored| stored.image))
}

pub(super) fn keep_own<R: Rows>(rows: &R, ask: KeepLogo) -> Result<(), R::Error> {
    rows.put_logo(SERVICE, &StoredLogo { format: Format, name: ask.name, image: ask.logo })
}
