use super::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

fn shape() -> Shape {
    Shape::new(CONSONANTS, 8, false).unwrap()
}

#[test]
fn every_spelling_of_a_code_is_the_same_code() {
    for typed in [
        "WDJB-MJHT",
        "wdjbmjht",
        " wdjb mjht ",
        "W.D.J.B/M_J_H_T",
        "ＷＤＪＢ－ＭＪＨＴ",
        "WDJВ–МЈНТ",
        "WDJB-MJHT!!aeiou",
    ] {
        assert_eq!(UserCode::parse(typed, &shape()).unwrap().canonical(), "WDJBMJHT", "{typed}");
    }
}

#[test]
fn codes_that_are_too_short_or_too_long_are_refused() {
    for typed in ["", "WDJB", "WDJB-MJHTW", "WDJB-MJHT-WDJB", "\0"] {
        assert!(UserCode::parse(typed, &shape()).is_none(), "{typed:?}");
    }
}

#[test]
fn a_text_that_is_no_code_says_why() {
    let flaw = |typed: &str| UserCode::read_either(typed, &shape()).expect_err(typed);

    assert_eq!(flaw(""), CodeFlaw::Nothing);
    assert_eq!(flaw(" -- "), CodeFlaw::Nothing);
    assert_eq!(flaw("WDJB"), CodeFlaw::Short { needed: 8 });
    assert_eq!(flaw("WDJB-MJHT-W"), CodeFlaw::Length { typed: 9 });
    assert_eq!(flaw("WDJB-MJHT-WDJB"), CodeFlaw::Long { longest: 10 });
    assert_eq!(flaw("ЦДЖБ-МЖХТ"), CodeFlaw::Script);
    assert_eq!(flaw("コード"), CodeFlaw::Script);
    assert_eq!(flaw("WDJA-MJHT"), CodeFlaw::Symbol('A'));
    assert_eq!(flaw("WDJÉ-MJHT"), CodeFlaw::Symbol('É'));
    assert_eq!(flaw("1234"), CodeFlaw::Short { needed: 12 }, "some clients have codes of digits");
}

#[test]
fn digits_of_other_scripts_are_read() {
    let digits = Shape::new(DIGITS, 12, false).unwrap();

    assert_eq!(UserCode::parse("١٢٣٤-٥٦٧٨-٩٠١٢", &digits).unwrap().canonical(), "123456789012");
    assert_eq!(UserCode::parse("۱۲۳۴ ۵۶۷۸ ۹۰۱۲", &digits).unwrap().canonical(), "123456789012");
}

#[test]
fn a_letter_counts_as_a_digit_only_where_the_alphabet_has_no_such_letter() {
    let read = |typed, alphabet| {
        let shape = Shape::new(alphabet, 4, true).unwrap();
        UserCode::parse(typed, &shape).map(|code| code.canonical().to_owned())
    };

    assert_eq!(read("o1BC", "BC01").as_deref(), Some("01BC"));
    assert_eq!(read("o1BC", "BCO01").as_deref(), Some("O1BC"));
}

#[test]
fn in_a_code_of_digits_letters_that_look_like_digits_are_read_as_them() {
    let digits = Shape::new(DIGITS, 12, false).unwrap();

    let code = UserCode::parse("o1l2-3456-7890", &digits).unwrap();

    assert_eq!(code.to_string(), "0112-3456-7890");
}

#[test]
fn u9_digits_are_as_hard_to_guess_as_the_configured_codes() {
    let length = |alphabet: &str, length| Shape::new(alphabet, length, true).unwrap().in_digits().length();

    assert_eq!(length(CONSONANTS, 8), 12, "39.9 bits instead of 34.6");
    assert_eq!(length(CONSONANTS, 10), 14, "46.5 bits instead of 43.2");
    assert_eq!(length("BCDFGHJKLM", 14), 14, "ten letters are as hard to guess as ten digits");
    assert_eq!(length("ABCD1234", 4), 12, "digits have their own floor, even if codes are weak");
    assert_eq!(length("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 24), 24);
    assert_eq!(length(DIGITS, 9), 9, "configured digits stay as they are");
}

#[test]
fn u9_either_kind_of_code_is_read() {
    let plain = shape();
    let mixed = Shape::new("BCDFGHJKLMNPQRSTVWXZ23456789", 8, false).unwrap();
    let read = |typed, shape| UserCode::parse_either(typed, shape).map(|code| code.canonical().to_owned());

    assert_eq!(read("wdjb mjht", &plain).as_deref(), Some("WDJBMJHT"));
    assert_eq!(read("1234 5678-9012", &plain).as_deref(), Some("123456789012"));
    assert_eq!(read("I234-5678-9O12", &plain).as_deref(), Some("123456789012"), "letters read as digits");
    assert_eq!(read("1001-2345-6789", &mixed).as_deref(), Some("100123456789"), "not 23456789");
    assert_eq!(read("2345-6789", &mixed).as_deref(), Some("23456789"));
    assert_eq!(read("WDJB-2345", &mixed).as_deref(), Some("WDJB2345"));
    assert_eq!(read("1234", &plain), None);
}

#[test]
fn codes_are_shown_in_groups_of_about_four() {
    let shown = |code: &str| UserCode(code.to_owned()).to_string();

    assert_eq!(shown("WDJBMJHT"), "WDJB-MJHT");
    assert_eq!(shown("WDJBMJHTBC"), "WDJB-MJH-TBC");
    assert_eq!(shown("123456789"), "12345-6789");
}

#[test]
fn symbols_are_drawn_evenly() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut counts = [0_u32; 20];

    for _ in 0..20_000 {
        for symbol in UserCode::draw(&shape(), false, &mut rng).canonical().chars() {
            counts[CONSONANTS.find(symbol).unwrap()] += 1;
        }
    }

    // Chi-squared with 19 degrees of freedom: a fair generator exceeds 43.8 once in a thousand runs.
    let expected = 20_000.0 * 8.0 / 20.0;
    let chi: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    assert!(chi < 43.8, "{chi}");
}

/// A generator that returns these bytes.
struct Scripted(std::vec::IntoIter<u8>);

impl rand_core::TryRng for Scripted {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        unreachable!("only bytes are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unreachable!("only bytes are drawn")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.fill_with(|| self.0.next().expect("more bytes were drawn than expected"));
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Scripted {}

#[test]
fn only_bytes_that_would_favor_some_symbols_are_drawn_again() {
    let shape = Shape::new(CONSONANTS, 4, true).unwrap();
    let mut rng = Scripted(vec![0, 19, 239, 240, 255, 20].into_iter());

    assert_eq!(UserCode::draw(&shape, false, &mut rng).canonical(), "BZZB");
}

#[test]
fn a_shape_below_the_floor_says_what_would_pass() {
    assert_eq!(Shape::new("ABCD1234", 7, false), Err(BadShape::Weak { needed: 12 }));
    assert_eq!(Shape::new(DIGITS, 9, false), Err(BadShape::Weak { needed: 12 }));
    assert_eq!(Shape::new("01", 12, false), Err(BadShape::Weak { needed: 35 }), "one bit per digit");
    assert!(Shape::new("ABCD1234", 7, true).unwrap().is_weak());
    assert!(!shape().is_weak());
}

#[test]
fn a_shape_with_repeated_or_strange_characters_is_refused() {
    assert_eq!(Shape::new("BCDB", 24, true), Err(BadShape::Repeated('B')));
    assert_eq!(Shape::new("bcdf", 24, true), Err(BadShape::Symbol('b')));
    assert_eq!(Shape::new("", 8, true), Err(BadShape::TooFew));
    assert_eq!(Shape::new(CONSONANTS, 3, true), Err(BadShape::Length));
}
