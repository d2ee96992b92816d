//! Places, devices and permissions in words.

use super::messages::{Html, Messages};
use crate::device_kind::DeviceKind;
use crate::place::Place;
use crate::scope::{DESCRIPTIONS, EMAIL, OFFLINE_ACCESS, OPENID, PROFILE};
use crate::verdict::Spot;

/// Returns a name such as `Lyon, Auvergne-Rhône-Alpes, France`, or as much of it as is known.
pub(super) fn place(text: Messages<'_>, place: &Place) -> Html {
    named(text, place.areas(), place.country.as_deref())
}

/// Returns the same for a stored place.
pub(super) fn spot(text: Messages<'_>, spot: &Spot) -> Html {
    named(text, [&spot.city, &spot.region].into_iter().flatten().cloned(), spot.country.as_deref())
}

fn named(text: Messages<'_>, areas: impl IntoIterator<Item = String>, country: Option<&str>) -> Html {
    let areas = areas.into_iter().map(|area| Html::isolated(&area));
    let country = country.and_then(|code| text.country(code));
    let inside = |place: Html, area: Html| text.place_in_area(&place, &area);
    areas.chain(country).reduce(inside).unwrap_or_else(|| text.unknown_place())
}

/// Returns a name such as `Command line (curl)`.
pub(super) fn device(text: Messages<'_>, device: DeviceKind) -> Html {
    match device {
        DeviceKind::Unknown => text.device_unknown(),
        DeviceKind::Product(product) => Html::isolated(product),
        DeviceKind::Console(product) => text.device_console(product),
        DeviceKind::Television(maker) => text.device_television(maker),
        DeviceKind::TelevisionOrDevice(maker) => text.device_television_or_other(maker),
        DeviceKind::SmartTelevision => text.device_smart_television(),
        DeviceKind::Printer => text.device_printer(),
        DeviceKind::CommandLine(program) => text.device_command_line(program),
        DeviceKind::App(platform) => text.device_app(platform),
        DeviceKind::PhoneOrTablet(platform) => text.device_phone_or_tablet(platform),
        DeviceKind::Computer(platform) => text.device_computer(platform),
        DeviceKind::Example => text.device_example(),
    }
}

/// Returns what a scope lets a client do: in the operator's words, unless these are the standard ones.
pub(super) fn permission(text: Messages<'_>, scope: &str, words: &str) -> Html {
    let is_standard = DESCRIPTIONS.contains(&(scope, words));
    match scope {
        OPENID if is_standard => text.scope_openid(),
        PROFILE if is_standard => text.scope_profile(),
        EMAIL if is_standard => text.scope_email(),
        OFFLINE_ACCESS if is_standard => text.scope_offline_access(),
        _ => Html::isolated(words),
    }
}
