//! Which attempts are counted where, and how many there may be.

use super::Rule;

/// Wrong user codes per account and code lifetime.
pub const CODES_PER_ACCOUNT: usize = 5;
/// Wrong user codes per network and code lifetime.
pub const CODES_PER_NETWORK: usize = 30;
/// Clients that may register themselves in an hour.
pub const REGISTRATIONS_PER_HOUR: usize = 100;
/// For how long a failed sign-in counts, in seconds.
const SIGN_IN_WINDOW: u64 = 900;

/// A budget and the row it is counted in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Budget {
    /// The row.
    pub key: String,
    /// The rule.
    pub rule: Rule,
}

/// Code entries of an account, by its pseudonym, over a code's lifetime in seconds.
#[must_use]
pub fn codes_by_account(account: &str, lifetime: u64) -> Budget {
    let rule = Rule::Window { limit: CODES_PER_ACCOUNT, window: lifetime };
    Budget { key: format!("code/account/{account}"), rule }
}

/// Code entries from a network, over a code's lifetime in seconds.
#[must_use]
pub fn codes_by_network(network: &str, lifetime: u64) -> Budget {
    let rule = Rule::Window { limit: CODES_PER_NETWORK, window: lifetime };
    Budget { key: format!("code/network/{network}"), rule }
}

/// Sign-ins to an account, by its pseudonym. The longest wait is short, because strangers can cause it.
///
/// `own` is the pseudonym of a browser that the account's owner has signed in with before: it has a budget of its own.
#[must_use]
pub fn sign_ins_by_account(account: &str, own: Option<&str>) -> Budget {
    let rule = Rule::Backoff { free: 5, longest: 15, window: SIGN_IN_WINDOW };
    let browser = own.unwrap_or("any");
    Budget { key: format!("sign-in/account/{account}/{browser}"), rule }
}

/// Sign-ins from a network.
#[must_use]
pub fn sign_ins_by_network(network: &str) -> Budget {
    let rule = Rule::Backoff { free: 20, longest: 60, window: SIGN_IN_WINDOW };
    Budget { key: format!("sign-in/network/{network}"), rule }
}

/// Admin tokens tried from a network. The longest wait is short, because strangers behind the same address can cause it.
#[must_use]
pub fn admin_tokens_by_network(network: &str) -> Budget {
    let rule = Rule::Backoff { free: 20, longest: 60, window: SIGN_IN_WINDOW };
    Budget { key: format!("admin/network/{network}"), rule }
}

/// Initial access tokens tried from a network.
#[must_use]
pub fn registration_tokens_by_network(network: &str) -> Budget {
    let rule = Rule::Backoff { free: 20, longest: 60, window: SIGN_IN_WINDOW };
    Budget { key: format!("registration/network/{network}"), rule }
}

/// Clients that register themselves, all together.
#[must_use]
pub fn registrations() -> Budget {
    let rule = Rule::Window { limit: REGISTRATIONS_PER_HOUR, window: 3_600 };
    Budget { key: "registration".to_owned(), rule }
}

/// The row of a client's assertion that was used, by the digest that names it.
#[must_use]
pub fn used_assertion(once: &str) -> String {
    format!("assertion/{once}")
}

/// The row of a DPoP proof that was used, by the digest that names it.
#[must_use]
pub fn used_proof(once: &str) -> String {
    format!("dpop/{once}")
}

/// The gauge of a client's live codes on a network.
#[must_use]
pub fn gauge(client_id: &str, network: &str) -> String {
    format!("live/{client_id}/{network}")
}

/// The one row in which guesses are weighed against live codes.
pub const EXPOSURE: &str = "exposure";

/// How many wrong entries times live codes stay within a chance of 2⁻³² (RFC 8628 §5.1).
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number; saturating is right"
)]
pub fn allowed_exposure(bits: f64) -> u64 {
    (bits - 32.0).exp2() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_consonants_leave_five_guesses() {
        // 20^8 / 2^32 = 5.96.
        assert_eq!(allowed_exposure(34.575), 5);
        assert_eq!(allowed_exposure(20.0), 0, "a weak code leaves none");
    }
}
