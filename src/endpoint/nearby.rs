//! Reads the registry where it is near: at a replica in the region of the grant. The replica answers as the source would,
//! because no change is acknowledged while a replica may answer with what was before it.

use super::client_auth::document::NoClient;
use super::platform::{Platform, Unavailable};
use super::server::Server;
use crate::client::Client;
use crate::registry::command::{AtSource, FindKeys, Keeper};
use crate::registry::replica::Replicated;
use crate::registry::rows::StoredKey;
use crate::sharding::{Replica, Shard};

impl<P: Platform> Server<P> {
    /// Returns a client as it is now, for the approval of a grant in `shard`.
    pub(super) async fn client_now(
        &self,
        client_id: &str,
        shard: Shard,
    ) -> Result<Option<Client>, Unavailable> {
        self.find_nearby(client_id, false, shard).await
    }

    /// Returns a client as it is now, for a redemption or refresh in `shard`, which is a use of the client.
    pub(super) async fn client_in_use(
        &self,
        client_id: &str,
        shard: Shard,
    ) -> Result<Option<Client>, Unavailable> {
        self.find_nearby(client_id, true, shard).await
    }

    async fn find_nearby(
        &self,
        client_id: &str,
        using: bool,
        shard: Shard,
    ) -> Result<Option<Client>, Unavailable> {
        let replica = Replica::near(shard, self.settings.replicas.per_region);
        self.cache.replica.set(replica);
        let found: AtSource = self.read_nearby(self.find(client_id, using), replica).await?;
        self.found_client(client_id, self.learn(found)).await.or_else(NoClient::known)
    }

    /// Returns the keys as they are now, from the replica that this isolate last read a client from.
    pub(super) async fn keys_nearby(&self) -> Result<Vec<StoredKey>, Unavailable> {
        self.read_nearby(FindKeys::default(), self.cache.replica.get()).await
    }

    /// Asks a replica. Asks the source if there is none, or if the replica does not answer: it may have lost its memory and
    /// not reach the source, while this Worker does.
    async fn read_nearby<A: Replicated>(
        &self,
        ask: A,
        replica: Option<Replica>,
    ) -> Result<A::Reply, Unavailable> {
        if let Some(replica) = replica {
            let keeper = Keeper { replica, lease: self.settings.replicas.lease };
            let answered = self.platform.replica(replica, ask.clone().kept_by(keeper)).await;
            if answered.is_ok() {
                return answered;
            }
        }
        self.platform.registry(ask).await
    }
}
