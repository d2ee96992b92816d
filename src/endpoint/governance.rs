//! The governance that this isolate applies: the policy with its exceptions and kill switches.

use std::rc::Rc;

use super::platform::{Platform, Unavailable};
use super::server::Server;
use crate::identity::latest_kill::{Edition, LatestKill};
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

    /// Returns which governance that is.
    pub(super) fn governance_edition(&self) -> Result<Edition, Unavailable> {
        self.cache.governance.edition().ok_or(Unavailable)
    }

    /// Returns the governance, which has this kill switch. If the isolate's copy lacks it, reads a client at its source, which
    /// brings the governance.
    pub(super) async fn governance_with(
        &self,
        kill: Option<LatestKill>,
        client_id: &str,
        now: Timestamp,
    ) -> Result<Rc<Governance>, Unavailable> {
        let governance = self.governance(now).await?;
        let edition = self.governance_edition()?;
        if kill.is_none_or(|kill| kill.is_in(edition)) {
            return Ok(governance);
        }
        self.registered_client(client_id).await?;
        self.governance_at_source()
    }

    /// Keeps what the registry read at `at`, by its clock.
    pub(super) fn keep_governance(&self, sent: &Rc<Governance>, at: Timestamp) {
        self.cache.governance.keep(sent, at, self.settings.is_development());
    }
}
