//! What holds for any code that people type, and for any request.

use device_grant::grant::user_code::{CONSONANTS, DIGITS, Shape, UserCode};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_code_is_read_as_it_was_shown(seed: u64, digits: bool, longer: bool, lower: bool) {
        let shape = if digits { Shape::new(DIGITS, 12, false) } else { Shape::new(CONSONANTS, 8, false) };
        let shape = shape.expect("a good shape");
        let code = UserCode::draw(&shape, longer, &mut ChaCha20Rng::seed_from_u64(seed));

        let shown = if lower { code.to_string().to_lowercase() } else { code.to_string() };

        prop_assert!(UserCode::parse(&shown, &shape) == Some(code));
    }

    #[test]
    fn no_input_makes_the_code_parser_panic(typed in ".{0,80}") {
        let shape = Shape::new(CONSONANTS, 8, false).expect("a good shape");

        if let Some(code) = UserCode::parse(&typed, &shape) {
            prop_assert!(code.canonical().bytes().all(|symbol| CONSONANTS.as_bytes().contains(&symbol)));
        }
    }

    #[test]
    fn no_request_is_answered_with_a_500(path in 0..4_usize, body in prop::collection::vec(any::<u8>(), 0..400)) {
        let world = crate::support::World::new();
        let path = ["/device_authorization", "/token", "/device", "/authorize"][path];

        let status = world.send(&crate::support::post_raw(path, &body)).status;

        prop_assert!((400..500).contains(&status), "{status}");
    }

    #[test]
    fn no_form_is_answered_with_a_500(
        path in 0..3_usize,
        fields in prop::collection::vec((0..NAMES.len(), "\\PC{0,40}|[\\x00-\\x1f]{0,4}"), 0..8),
    ) {
        let world = crate::support::World::new();
        let path = ["/device_authorization", "/token", "/device"][path];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (NAMES[*name], value.as_str())).collect();

        let status = world.post(path, &fields).status;

        prop_assert!(status < 500, "{status}");
    }
}

const NAMES: &[&str] = &[
    "client_id",
    "client_secret",
    "scope",
    "nonce",
    "grant_type",
    "device_code",
    "refresh_token",
    "user_code",
    "username",
    "password",
    "csrf",
    "transaction",
    "step",
    "decision",
];
