use std::collections::BTreeSet;

use super::*;
use crate::coordinates::Coordinates;

/// Returns a side whose place has these parts, at an address.
fn side(country: &str, city: &str, coordinates: Option<(f64, f64)>, address: &str) -> Side {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let coordinates = coordinates.and_then(|(latitude, longitude)| Coordinates::of(latitude, longitude));
    let place = Place {
        country: text(country),
        city: text(city),
        coordinates,
        asn: Some(64_500),
        ..Place::default()
    };
    let network = Network::of(Some(address), |prefix| prefix.replace(['/', '.', ':'], "_"));
    Side { origin: Origin { place, device: DeviceKind::Product("Apple TV"), ..Origin::default() }, network }
}

fn with(side: Side, change: impl FnOnce(&mut Side)) -> Side {
    let mut changed = side;
    change(&mut changed);
    changed
}

const BERLIN: Option<(f64, f64)> = Some((52.52, 13.405));
const POTSDAM: Option<(f64, f64)> = Some((52.39, 13.06));
const HANNOVER: Option<(f64, f64)> = Some((52.37, 9.73));
const MUNICH: Option<(f64, f64)> = Some((48.137, 11.575));
const LAGOS: Option<(f64, f64)> = Some((6.455, 3.384));

fn berlin() -> Side {
    side("DE", "Berlin", BERLIN, "192.0.2.7")
}

fn unsure(why: Doubt) -> Verdict {
    Verdict::Unknown { why, whose: None }
}

fn verdicts(device: &Side, person: &Side) -> Verdict {
    compare(device, person).verdict
}

#[test]
fn near_is_the_same_network_or_fifty_kilometers_or_without_coordinates_the_same_city() {
    for (device, expected) in [
        (berlin(), Verdict::Near),
        (side("DE", "Potsdam", POTSDAM, "198.51.100.1"), Verdict::Near),
        (side("DE", "Hannover", HANNOVER, "198.51.100.1"), unsure(Doubt::Between)),
        (side("DE", "Hannover", HANNOVER, "192.0.2.99"), Verdict::Near),
        (side("DE", "Munich", MUNICH, "198.51.100.1"), Verdict::Far),
        (side("NG", "Lagos", LAGOS, "198.51.100.1"), Verdict::Far),
        (side("DE", "Berlin", None, "198.51.100.1"), Verdict::Near),
        (side("DE", "Munich", None, "198.51.100.1"), unsure(Doubt::Between)),
        (side("US", "Berlin", None, "198.51.100.1"), Verdict::Far),
        (side("DE", "", None, "198.51.100.1"), unsure(Doubt::Between)),
        (side("NG", "", None, "198.51.100.1"), Verdict::Far),
    ] {
        assert_eq!(verdicts(&device, &berlin()), expected, "{:?}", device.origin.place);
        assert_eq!(verdicts(&berlin(), &device), expected, "the other way round: {:?}", device.origin.place);
    }
    let (one, other) = (side("DE", "", None, "2001:db8:1:2::3"), side("DE", "", None, "2001:db8:1:9::9"));
    assert_eq!(verdicts(&one, &other), Verdict::Near, "the same /48");
}

#[test]
fn the_distances_at_which_near_ends_and_far_begins_belong_to_what_is_nearer() {
    let judge =
        |kilometers| verdict(&berlin(), &side("DE", "Hannover", HANNOVER, "198.51.100.1"), Some(kilometers));

    assert_eq!(judge(NEAR), Verdict::Near);
    assert_eq!(judge(NEAR + 0.1), unsure(Doubt::Between));
    assert_eq!(judge(FAR), unsure(Doubt::Between));
    assert_eq!(judge(FAR + 0.1), Verdict::Far);
}

#[test]
fn a_city_of_the_same_name_in_another_region_is_not_the_same() {
    let in_region = |region: &str| {
        let region = Some(region.to_owned());
        with(side("US", "Springfield", None, "198.51.100.1"), |side| side.origin.place.region = region)
    };
    let elsewhere = with(in_region("Illinois"), |side| side.network = berlin().network);

    assert_eq!(verdicts(&in_region("Ohio"), &elsewhere), unsure(Doubt::Between));
}

#[test]
fn coordinates_without_a_city_are_the_middle_of_a_country_and_say_nothing() {
    let middle = Some((51.3, 9.5));
    let (one, other) = (side("DE", "", middle, "198.51.100.1"), side("DE", "", middle, "203.0.113.1"));

    assert_eq!(verdicts(&one, &other), unsure(Doubt::Between));
    assert_eq!(compare(&one, &other).kilometers, None);
}

#[test]
fn what_contradicts_itself_is_unknown() {
    let (basel, weil) = (Some((47.56, 7.59)), Some((47.59, 7.62)));
    let across = side("DE", "Weil am Rhein", weil, "198.51.100.1");
    assert_eq!(verdicts(&across, &side("CH", "Basel", basel, "203.0.113.1")), unsure(Doubt::Contradiction));

    let same_network = side("NG", "Lagos", LAGOS, "192.0.2.99");
    assert_eq!(verdicts(&same_network, &berlin()), unsure(Doubt::Contradiction));
}

#[test]
fn an_unknown_side_tor_and_hosting_are_never_near_or_far() {
    let no_country = side("", "Berlin", BERLIN, "192.0.2.7");
    let nowhere = side("XX", "", None, "192.0.2.7");
    let no_network = with(berlin(), |side| side.origin.place.asn = None);
    let tor = side("T1", "", None, "192.0.2.7");
    let hosting = with(berlin(), |side| side.origin.place.asn = Some(16_509));
    for (odd, why) in [
        (Side::default(), Doubt::NotKnown),
        (no_country, Doubt::NotKnown),
        (nowhere, Doubt::NotKnown),
        (no_network, Doubt::NotKnown),
        (tor, Doubt::Tor),
        (hosting, Doubt::Hosting),
    ] {
        for other in [berlin(), side("NG", "Lagos", LAGOS, "198.51.100.1")] {
            let on = |whose| Verdict::Unknown { why, whose: Some(whose) };
            assert_eq!(verdicts(&odd, &other), on(Whose::Device));
            assert_eq!(verdicts(&other, &odd), on(Whose::Person));
        }
        assert_eq!(verdicts(&odd, &odd), Verdict::Unknown { why, whose: Some(Whose::Both) });
    }
}

#[test]
fn a_start_from_a_page_that_hides_its_address_is_never_near_but_can_be_far() {
    let started_by =
        |side: Side, page: &str| with(side, |side| side.origin.page = WebOrigin::parse(page).ok());
    let lagos = side("NG", "Lagos", LAGOS, "198.51.100.1");

    assert_eq!(verdicts(&started_by(berlin(), "null"), &berlin()), unsure(Doubt::HiddenPage));
    assert_eq!(verdicts(&started_by(berlin(), "https://app.example"), &berlin()), Verdict::Near);
    assert_eq!(verdicts(&started_by(lagos, "null"), &berlin()), Verdict::Far);
}

#[test]
fn the_facts_beside_a_verdict_can_be_shown_as_they_are() {
    let region = |side: Side, region: &str| {
        let region = Some(region.to_owned());
        with(side, |side| side.origin.place.region = region)
    };
    let odd = region(side("de", "Ber\u{202e}lin", BERLIN, "192.0.2.7"), "Land");

    let found = compare(&odd, &region(berlin(), "Berlin"));

    assert_eq!(found.kilometers, Some(0));
    assert_eq!(found.person.name().as_deref(), Some("Berlin, DE"), "no region that is called like the city");
    assert_eq!(found.device.country, None, "not the code of a country");
    assert_eq!(found.device.name().as_deref(), Some("Ber lin, Land"));
    assert_eq!(Spot::default().name(), None);
    let far = |place| compare(&place, &berlin()).kilometers;
    assert_eq!(far(side("NG", "Lagos", LAGOS, "198.51.100.1")), Some(5_200));
    assert_eq!(far(side("DE", "Hannover", HANNOVER, "198.51.100.1")), Some(250));
}

#[test]
fn the_list_of_hosting_networks_is_sorted_and_says_where_it_comes_from() {
    let lines: Vec<&str> = HOSTING.lines().collect();
    let head: Vec<&&str> = lines.iter().take_while(|line| line.starts_with('#')).collect();
    let numbers: Vec<u32> = lines
        .iter()
        .skip(head.len())
        .map(|line| line.split_once('\t').filter(|(_, name)| !name.is_empty()).unwrap().0.parse().unwrap())
        .collect();

    assert!(head.iter().any(|line| line.starts_with("# Source: ")));
    assert!(head.iter().any(|line| line.starts_with("# Date: 20")));
    assert!(numbers.len() > 50 && numbers.is_sorted());
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
    assert!(is_hosting(24_940) && !is_hosting(3_215), "Hetzner is, and a provider of homes is not");
}
