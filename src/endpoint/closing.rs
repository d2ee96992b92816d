//! The end of a day: closes its ledgers, and signs the root that links their heads. `docs/decisions/0066-*` has the reasons.
//!
//! The alarm of the object that keeps the roots runs this. Each step can be repeated, so a failure only delays it.

use core::time::Duration;

use serde::Deserialize;

use super::platform::{Platform, Unavailable};
use super::server::Server;
use crate::ask::Ask;
use crate::audit::closing::{
    CloseLedger, ContinueClosing, Head, KeepHeads, KeepRoot, Root, SignedRoot, Step,
};
use crate::audit::ledger::Command;
use crate::audit::ledger_name::LedgerName;
use crate::endpoint::at_once::all;
use crate::json;
use crate::time::Timestamp;
use crate::token::jws::Compact;

/// The type of a root, in the header of its JWS.
pub const TYPE: &str = "device-grant-ledger-root+jwt";
/// The most steps at a time. Each closes up to 20 ledgers, which are calls of other objects; the platform's free plan allows
/// 50 of them.
const MOST_STEPS: u32 = 2;
/// Pause after a failure.
const AGAIN: Duration = Duration::from_secs(300);

/// The object that keeps heads and roots, for itself.
pub trait Index {
    /// Applies a command to its own rows.
    ///
    /// # Errors
    ///
    /// A row could not be read or written.
    fn apply<A: Ask<Command = Command>>(&self, ask: A) -> Result<A::Reply, Unavailable>;
}

impl<P: Platform> Server<P> {
    /// Goes on with closing the days that are over. Returns when to try again after a failure; `None` if the steps were
    /// taken, even if others are left.
    pub async fn close_days(&self, index: &impl Index, now: Timestamp) -> Option<Timestamp> {
        for _ in 0..MOST_STEPS {
            match self.close_on(index, now).await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(Unavailable) => return Some(now + AGAIN),
            }
        }
        None
    }

    /// Takes one step. Returns whether there was one.
    async fn close_on(&self, index: &impl Index, now: Timestamp) -> Result<bool, Unavailable> {
        let Some(step) = index.apply(ContinueClosing { now })? else { return Ok(false) };
        match step {
            Step::Close(ledgers) => {
                let closed = ledgers.into_iter().map(|ledger| self.close_ledger(ledger));
                // What has closed is kept, even if another has not.
                let closed = all(closed).await;
                let is_all = closed.iter().all(Result::is_ok);
                index.apply(KeepHeads { heads: closed.into_iter().flatten().collect() })?;
                return if is_all { Ok(true) } else { Err(Unavailable) };
            }
            Step::Sign(root) => {
                let root = self.sign_root(root, now).await?;
                index.apply(KeepRoot { root })?;
            }
        }
        Ok(true)
    }

    async fn close_ledger(&self, ledger: LedgerName) -> Result<Head, Unavailable> {
        let seal = self.platform.ledger(&ledger.to_string(), CloseLedger {}).await?;
        Ok(Head { ledger, seal })
    }

    async fn sign_root(&self, root: Root, now: Timestamp) -> Result<SignedRoot, Unavailable> {
        let iss = self.settings.issuer.as_ref().map(|issuer| issuer.as_str().to_owned());
        let day = root.day;
        let payload = serde_json::to_string(&Root { iss, ..root }).map_err(|_| Unavailable)?;
        Ok(SignedRoot { day, root: self.signed(TYPE, &payload, now).await? })
    }

    /// Reads a root that this server has signed; `None` if it is no such thing. Says whether its key is still published, and
    /// if so, whether the signature is good.
    pub(super) async fn read_root(
        &self,
        root: &SignedRoot,
        now: Timestamp,
    ) -> Result<Option<(Root, Signature)>, Unavailable> {
        let Some((compact, header, payload)) = parts(&root.root) else { return Ok(None) };
        let keys = self.verifying_keys(now).await?;
        let Some(key) = keys.iter().find(|key| key.kid == header.kid) else {
            return Ok(Some((payload, Signature::KeyRetired)));
        };
        let is_good = key.fits(&compact.signature)
            && self.platform.verify(key, compact.input.as_bytes(), &compact.signature).await?;
        Ok(Some((payload, if is_good { Signature::Good } else { Signature::Wrong })))
    }
}

/// What is known about the signature of a root.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Signature {
    Good,
    Wrong,
    /// The key is not published any more. The next root vouches for this one.
    KeyRetired,
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    kid: String,
}

fn parts(root: &str) -> Option<(Compact<'_>, Header, Root)> {
    let compact = Compact::parse(root)?;
    let header: Header = json::read_bytes(&compact.header).ok()?;
    let payload = json::read_bytes(&compact.payload).ok()?;
    (header.typ == TYPE).then_some((compact, header, payload))
}
