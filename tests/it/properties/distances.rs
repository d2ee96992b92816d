//! Distances and verdicts, for points and places at random.

use device_grant::coordinates::Coordinates;
use device_grant::network::Network;
use device_grant::place::{Origin, Place};
use device_grant::verdict::{Side, Verdict, compare};
use device_grant::web_origin::WebOrigin;
use proptest::prelude::*;

/// Half of the Earth's circumference in kilometers.
const FARTHEST: f64 = 20_016.0;

fn points() -> impl Strategy<Value = Coordinates> {
    (-90.0..=90.0, -180.0..=180.0).prop_map(|(latitude, longitude)| {
        Coordinates::of(latitude, longitude).expect("there is such a point")
    })
}

/// Returns any side, of few countries, cities, networks and addresses, so that equal ones are drawn often.
fn sides() -> impl Strategy<Value = Side> {
    let country = prop::option::of(prop::sample::select(vec!["DE", "CH", "T1", "XX", "de"]));
    let city = prop::option::of(prop::sample::select(vec!["Basel", "Berlin"]));
    let asn = prop::option::of(prop::sample::select(vec![3_320, 24_940]));
    let address = prop::option::of(prop::sample::select(vec!["192.0.2.7", "192.0.2.9", "2001:db8::1"]));
    let page = prop::option::of(prop::sample::select(vec!["null", "https://app.example"]));
    (country, city, prop::option::of(points()), asn, address, page).prop_map(
        |(country, city, coordinates, asn, address, page)| {
            let text = |text: &str| text.to_owned();
            let (country, city) = (country.map(text), city.map(text));
            let place = Place { country, city, coordinates, asn, ..Place::default() };
            let page = page.and_then(|page| WebOrigin::parse(page).ok());
            let network = Network::of(address, |prefix| prefix.replace(['.', '/'], "_"));
            Side { origin: Origin { place, page, ..Origin::default() }, network }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_distance_is_the_same_in_both_directions_and_nothing_to_the_point_itself(
        one in points(), other in points(), third in points()
    ) {
        let distance = one.kilometers_to(other);

        prop_assert!((0.0..=FARTHEST).contains(&distance), "{}", distance);
        prop_assert!((distance - other.kilometers_to(one)).abs() < 1e-6);
        prop_assert!(one.kilometers_to(one) < 1e-9);
        let detour = one.kilometers_to(third) + third.kilometers_to(other);
        prop_assert!(distance <= detour + 1e-6, "{} and {}", distance, detour);
    }

    #[test]
    fn a_verdict_is_near_only_if_both_sides_are_known(device in sides(), person in sides()) {
        let verdict = compare(&device, &person).verdict;

        let known = [&device, &person].map(|side| {
            let Place { country, asn, .. } = &side.origin.place;
            matches!(country.as_deref(), Some("DE" | "CH")) && *asn == Some(3_320)
        });
        let hides = device.origin.page.as_ref().is_some_and(WebOrigin::hides_address);
        prop_assert!(known == [true, true] || matches!(verdict, Verdict::Unknown { .. }), "{:?}", verdict);
        prop_assert!(!(hides && verdict == Verdict::Near));
        let same_country = device.origin.place.is_in_country_of(&person.origin.place);
        prop_assert!(same_country || verdict != Verdict::Near);
    }

    #[test]
    fn a_verdict_without_a_page_does_not_depend_on_who_asks(device in sides(), person in sides()) {
        let plain = |side: Side| Side { origin: Origin { page: None, ..side.origin }, ..side };
        let (one, other) = (plain(device), plain(person));
        let kind = |verdict| match verdict {
            Verdict::Near => 0,
            Verdict::Far => 1,
            Verdict::Unknown { .. } => 2,
        };

        let (there, back) = (compare(&one, &other), compare(&other, &one));

        prop_assert_eq!(kind(there.verdict), kind(back.verdict));
        prop_assert_eq!(there.kilometers, back.kilometers);
    }
}
