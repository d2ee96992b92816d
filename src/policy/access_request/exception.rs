//! Turns a request into the exception that lets the person through, and says what an administrator should know before.

use super::{AccessRequest, Places, Terms};
use crate::audit::change::Actor;
use crate::client::history::History;
use crate::format::Format;
use crate::policy::condition::Conditions;
use crate::policy::document::Policy;
use crate::policy::exception::Exception;
use crate::policy::name::Name;
use crate::time::Timestamp;

/// The most scopes that an exception names. A request for more is granted for every scope.
pub(super) const MOST_SCOPES: usize = 50;

impl AccessRequest {
    /// Returns the exception that lets the person through with this client, for the scopes that the device requested. It
    /// lifts the rules that denied the login and still do.
    ///
    /// # Panics
    ///
    /// Never: a request's identifier is short.
    #[must_use]
    pub fn exception(&self, terms: Terms, policy: &Policy, by: Actor, now: Timestamp) -> Exception {
        let when = Conditions {
            clients: vec![self.client_id.clone()],
            accounts: vec![self.asker.account.clone()],
            only_scopes: self.only_scopes(),
            ..Conditions::default()
        };
        let id = Name::parse(&format!("access-{}", self.id)).expect("the identifier of a request is short");
        Exception {
            format: Format,
            id,
            when,
            lifts: self.denied_by.iter().filter(|rule| policy.denies(rule)).cloned().collect(),
            owner: terms.owner,
            reason: terms.reason.unwrap_or_else(|| self.reason.clone()),
            ticket: terms.ticket.unwrap_or_else(|| self.ticket()),
            created_by: by,
            expires_at: terms.expires_at,
            renewals: Vec::new(),
            history: History::beginning(now),
        }
    }

    /// Returns the scopes that the exception is for; none if it is for every scope.
    fn only_scopes(&self) -> Vec<String> {
        let scopes: Vec<String> = self.scope.iter().map(str::to_owned).collect();
        if scopes.len() > MOST_SCOPES { Vec::new() } else { scopes }
    }

    /// Returns a sentence for each point that an administrator should know who grants the request.
    #[must_use]
    pub fn warnings(&self, policy: &Policy) -> Vec<String> {
        let idle = self.denied_by.iter().filter(|rule| !policy.denies(rule));
        let mut warnings: Vec<String> =
            idle.map(|rule| format!("rule {rule} denies nothing any more")).collect();
        if self.only_scopes().is_empty() {
            warnings.push("the exception is for every scope of the client".to_owned());
        }
        if let Places::Person(_) = self.places {
            warnings.push("the person asked without a code: where the device is, is not known".to_owned());
        }
        warnings
    }

    /// Returns what an exception names where no ticket is given.
    fn ticket(&self) -> String {
        format!("access request {}", self.id)
    }
}
