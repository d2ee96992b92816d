//! The budgets: which row counts an attempt, and how many attempts are allowed.

use super::command::Rule;
use crate::network::Network;

/// Allowed wrong user codes per account and code lifetime.
pub const CODES_PER_ACCOUNT: u64 = 5;
/// Allowed wrong user codes per IPv4 address or IPv6 /64 and code lifetime; wider prefixes have more.
pub const CODES_PER_NETWORK: u64 = 30;
/// The most clients that may register themselves per hour, in total.
pub const REGISTRATIONS_PER_HOUR: u64 = 100;
/// The most clients per hour from open registration, in total.
pub const OPEN_REGISTRATIONS_PER_HOUR: u64 = 100;
/// The most clients per hour from open registration on one network. A person registers one per program and
/// machine, and an office shares an address.
pub const OPEN_REGISTRATIONS_PER_NETWORK: u64 = 10;
/// The most fetches of client ID metadata documents per host and minute.
pub const DOCUMENTS_PER_HOST: u64 = 30;
/// Seconds between two fetches of the same document.
pub const DOCUMENT_PAUSE: u64 = 10;
/// Seconds for which a failed sign-in or a wrong token counts.
const SIGN_IN_WINDOW: u64 = 900;

/// A limit and the row that counts attempts against it.
#[expect(missing_docs, reason = "the type's comment says what they are")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Budget {
    pub key: String,
    pub rule: Rule,
    /// The network whose prefixes are counted; `None` in a row that counts something else.
    pub network: Option<Network>,
}

impl Budget {
    fn new(key: String, rule: Rule) -> Self {
        Self { key, rule, network: None }
    }

    /// Returns a budget of `network` in the row of its widest prefix.
    fn of_network(what: &str, network: &Network, rule: Rule) -> Self {
        let key = format!("{what}/network/{}", network.widest());
        Self { key, rule, network: Some(network.clone()) }
    }
}

/// Returns the budget for codes entered by an account. `account` is its pseudonym, and `lifetime` is the
/// lifetime of a code in seconds.
#[must_use]
pub fn codes_by_account(account: &str, lifetime: u64) -> Budget {
    let rule = Rule::Window { limit: CODES_PER_ACCOUNT, window: lifetime };
    Budget::new(format!("code/account/{account}"), rule)
}

/// Returns the budget for codes entered from a network. `lifetime` is the lifetime of a code in seconds.
#[must_use]
pub fn codes_by_network(network: &Network, lifetime: u64) -> Budget {
    let rule = Rule::Window { limit: CODES_PER_NETWORK, window: lifetime };
    Budget::of_network("code", network, rule)
}

/// Returns the budget for sign-ins to an account. `account` is its pseudonym. The longest wait is short,
/// because strangers can cause it.
///
/// `own` is the pseudonym of a browser in which the account was the last to sign in; `None` for any other
/// browser. Each such browser has a separate budget.
#[must_use]
pub fn sign_ins_by_account(account: &str, own: Option<&str>) -> Budget {
    let rule = Rule::Backoff { free: 5, longest: 15, window: SIGN_IN_WINDOW };
    let browser = own.unwrap_or("any");
    Budget::new(format!("sign-in/account/{account}/{browser}"), rule)
}

/// Returns the budget for sign-ins from a network.
#[must_use]
pub fn sign_ins_by_network(network: &Network) -> Budget {
    let rule = Rule::Backoff { free: 20, longest: 60, window: SIGN_IN_WINDOW };
    Budget::of_network("sign-in", network, rule)
}

/// Returns the budget for wrong tokens for the metrics, tried from a network, and for short ones.
#[must_use]
pub fn metrics_tokens_by_network(network: &Network) -> Budget {
    let rule = Rule::Backoff { free: 20, longest: 60, window: SIGN_IN_WINDOW };
    Budget::of_network("metrics", network, rule)
}

/// Returns the budget for wrong admin tokens tried from a network, and for short ones.
#[must_use]
pub fn admin_tokens_by_network(network: &Network) -> Budget {
    let rule = Rule::Backoff { free: 20, longest: 60, window: SIGN_IN_WINDOW };
    Budget::of_network("admin", network, rule)
}

/// Returns the budget for wrong initial access tokens tried from a network, and for short ones.
#[must_use]
pub fn registration_tokens_by_network(network: &Network) -> Budget {
    let rule = Rule::Backoff { free: 20, longest: 60, window: SIGN_IN_WINDOW };
    Budget::of_network("registration", network, rule)
}

/// Returns the budget that all clients with an initial access token share.
#[must_use]
pub fn registrations() -> Budget {
    let rule = Rule::Window { limit: REGISTRATIONS_PER_HOUR, window: 3_600 };
    Budget::new("registration".to_owned(), rule)
}

/// Returns the budgets of a client that registers without a token: that of its network, and the one that all such
/// clients share. Neither touches [`registrations`], so strangers cannot keep others from registering.
#[must_use]
pub fn open_registrations(network: &Network) -> [Budget; 2] {
    let rule = |limit| Rule::Window { limit, window: 3_600 };
    [
        Budget::of_network("open-registration", network, rule(OPEN_REGISTRATIONS_PER_NETWORK)),
        Budget::new("open-registration".to_owned(), rule(OPEN_REGISTRATIONS_PER_HOUR)),
    ]
}

/// Returns the budget for fetches of client ID metadata documents from a host.
#[must_use]
pub fn documents_of_host(host: &str) -> Budget {
    let rule = Rule::Window { limit: DOCUMENTS_PER_HOST, window: 60 };
    Budget::new(format!("document/host/{host}"), rule)
}

/// Returns the key of the row that shares the document at `url`.
#[must_use]
pub fn document_at(url: &str) -> String {
    format!("document/url/{url}")
}

/// Returns the key of the row that remembers the use of a client assertion. `once` is the digest that names
/// the use.
#[must_use]
pub fn used_assertion(once: &str) -> String {
    format!("assertion/{once}")
}

/// Returns the key of the row that remembers the use of a DPoP proof. `once` is the digest that names the
/// use.
#[must_use]
pub fn used_proof(once: &str) -> String {
    format!("dpop/{once}")
}

/// Returns the key of the row that remembers the use of a callback from a provider. `once` is the digest of its `state`.
#[must_use]
pub fn used_state(once: &str) -> String {
    format!("callback/{once}")
}

/// Returns the key of the row that remembers an event of a provider. `once` is the digest of its `jti`.
#[must_use]
pub fn used_event(provider: &str, once: &str) -> String {
    format!("event/{provider}/{once}")
}

/// The key of the only row for [`Expose`](super::command::Expose), which counts the code entries and live
/// codes of the whole server.
pub const EXPOSURE: &str = "exposure";

/// Returns the largest product of guesses and live codes for which the chance of a hit within one code lifetime stays
/// within 2⁻²⁰. `bits` is the entropy of a user code.
///
/// `docs/decisions/0009-codes-grow-under-guessing.md` has the arithmetic.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is positive, and saturation is right"
)]
pub fn allowed_exposure(bits: f64) -> u64 {
    (bits - 20.0).exp2() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_consonants_leave_twenty_four_guesses_at_a_thousand_codes() {
        // 20^8 / 2^20 = 24,414.
        assert_eq!(allowed_exposure(34.575_424) / 1_000, 24);
        assert_eq!(allowed_exposure(19.9), 0, "a weak code leaves none");
    }
}
