//! Whose pages these are: name, color and help of the service.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::support::World;
use crate::support::person::Person;

const NAMED: &[(&str, &str)] = &[
    ("SERVICE_NAME", "Beispiel <TV>"),
    ("SUPPORT_URL", "https://help.example/devices"),
    ("ACCENT_COLOR", "#7a1fa2"),
];

#[test]
fn every_page_has_the_name_the_color_and_the_help_of_the_service() {
    let world = World::with(NAMED);
    let person = Person::of(&world);
    let enter = person.open("/device");
    let lost = person.submit_only(&[("step", "unknown")]);
    for page in [&enter, &lost] {
        assert!(page.body.contains("· Beispiel &#60;TV&#62;</title>"), "{}", page.body);
        assert!(page.body.contains("<span><bdi>Beispiel &#60;TV&#62;</bdi></span>"));
        assert!(page.body.contains("<a href=\"https://help.example/devices\" rel=\"noopener\">Help</a>"));
        assert!(page.body.contains("--accent: #7a1fa2;"));
    }
}

#[test]
fn the_policy_allows_the_style_sheet_of_the_page_and_no_other() {
    for settings in [NAMED, &[]] {
        let world = World::with(settings);
        let page = Person::of(&world).open("/device");
        let (_, rest) = page.body.split_once("<style>").expect("a style sheet");
        let (style, rest) = rest.split_once("</style>").expect("its end");
        let hash = STANDARD.encode(Sha256::digest(style));

        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.contains(&format!("style-src 'sha256-{hash}';")), "{policy}");
        assert!(!rest.contains("<style"));
    }
}
