//! The governance that this isolate applies: the policy with its exceptions and kill switches.

use std::rc::Rc;

use super::platform::{Platform, Unavailable};
use super::server::Server;
use crate::policy::governance::Governance;
use crate::time::Timestamp;

impl<P: Platform> Server<P> {
    /// Returns the governance of the snapshot, or newer one that this isolate has read at the source.
    pub async fn governance(&self, now: Timestamp) -> Result<Rc<Governance>, Unavailable> {
        self.outline(now).await?;
        self.governance_at_source()
    }

    /// Returns the governance as it is now. The caller has just read the client at its source, which told this isolate about
    /// the governance, too.
    pub fn governance_at_source(&self) -> Result<Rc<Governance>, Unavailable> {
        self.cache.governance.last().ok_or(Unavailable)
    }

    /// Keeps what the registry read at `at`, by its clock.
    pub(super) fn keep_governance(&self, sent: &Rc<Governance>, at: Timestamp) {
        self.cache.governance.keep(sent, at, self.settings.is_development());
    }
}
