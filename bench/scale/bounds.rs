//! Bounds that the server's code keeps to itself. They are read from its text, so a change there changes the table.

/// What a courier does in an alarm.
pub(crate) const COURIER: &str = include_str!("../../src/endpoint/courier.rs");
/// Which events a ledger takes.
pub(crate) const OUTBOX: &str = include_str!("../../src/audit/outbox.rs");
/// How long an object waits for another one.
pub(crate) const PLATFORM: &str = include_str!("../../src/cloudflare/platform.rs");
/// How often an isolate reports wrong codes.
pub(crate) const WRONG_CODES: &str = include_str!("../../src/endpoint/wrong_codes.rs");

/// Returns the only number in `const NAME: … = …;`, such as 3 for `Duration::from_secs(3)`.
pub(crate) fn number(text: &str, name: &str) -> f64 {
    let value = text.split_once(&format!("const {name}: "));
    let value = value.and_then(|(_, rest)| rest.split_once('=')?.1.split_once(';'));
    let (value, _) = value.unwrap_or_else(|| panic!("there is no constant {name}"));
    let is_of_number = |letter: &char| letter.is_ascii_digit() || *letter == '_';
    let from_number = || value.chars().skip_while(|letter| !letter.is_ascii_digit());
    assert!(!from_number().skip_while(is_of_number).any(|letter| letter.is_ascii_digit()), "{name} has two");
    let digits: String = from_number().take_while(is_of_number).filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("{name} has no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "const LONG: Duration = Duration::from_secs(3);\npub const MANY: u32 = 1_000;\nconst SUM: u32 = 2 + 3;";

    #[test]
    fn a_constant_is_found_by_its_name() {
        assert_eq!(number(TEXT, "LONG").to_bits(), 3.0f64.to_bits());
        assert_eq!(number(TEXT, "MANY").to_bits(), 1_000.0f64.to_bits());
    }

    #[test]
    #[should_panic(expected = "SUM has two")]
    fn a_sum_is_no_number() {
        number(TEXT, "SUM");
    }

    #[test]
    #[should_panic(expected = "there is no constant GONE")]
    fn a_constant_that_is_gone_is_no_number() {
        number(TEXT, "GONE");
    }
}
