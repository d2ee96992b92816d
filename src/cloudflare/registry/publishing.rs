//! Takes snapshots of the registry, and publishes them in KV.

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Error, Result};

use super::{ExportedRegistry, Registry};
use crate::cloudflare::exported::answered;
use crate::cloudflare::object;
use crate::cloudflare::platform::{SNAPSHOT, snapshot_key};
use crate::registry::publication::{Next, PUBLISHED_SECONDS};
use crate::registry::rows::Rows as _;
use crate::registry::snapshot::{self, Undescribed};

#[wasm_bindgen]
impl ExportedRegistry {
    /// Takes a snapshot: a `Uint8Array`.
    pub fn snapshot(&self) -> core::result::Result<JsValue, JsValue> {
        let registry = std::rc::Rc::clone(&self.0);
        answered(async move {
            let snapshot = registry.snapshot().await?;
            Ok(Uint8Array::from(snapshot.as_bytes()).into())
        })
    }
}

impl Registry {
    /// Takes a snapshot, and publishes it if the last publication is not too recent.
    async fn snapshot(&self) -> Result<String> {
        let now = object::now();
        let snapshot = match snapshot::take(&*self.table, now)? {
            Ok(snapshot) => snapshot,
            Err(Undescribed { client_id, scope }) => {
                worker::console_error!(
                    "client {client_id:?} is registered for scope {scope:?}, which has no description: no snapshot can \
                     be taken"
                );
                return Err(Error::from("no snapshot can be taken"));
            }
        };
        if self.has_keys()? && self.publications.is_due(now) {
            self.publish(&snapshot).await;
        }
        Ok(snapshot)
    }

    /// Publishes a change, and waits as long as KV takes no writes. Gives up if another change does it later.
    pub(super) async fn publish_change(&self) {
        if self.env.kv(SNAPSHOT).is_err() {
            return;
        }
        let mut publication = self.publications.change();
        loop {
            match publication.next(&self.publications, object::now()) {
                Next::Wait(pause) => worker::Delay::from(pause).await,
                Next::Publish => {
                    if self.publish_now().await {
                        return;
                    }
                }
                Next::GiveUp => return,
            }
        }
    }

    /// Returns whether there are keys. No Worker would use a published snapshot without them.
    fn has_keys(&self) -> Result<bool> {
        Ok(!self.table.keys()?.is_empty())
    }

    /// Publishes the registry as it is now, if it has keys. Returns `false` if that failed.
    async fn publish_now(&self) -> bool {
        let taken = self
            .has_keys()
            .and_then(|has| Ok(if has { snapshot::take(&*self.table, object::now())?.ok() } else { None }));
        match taken {
            Ok(Some(snapshot)) => self.publish(&snapshot).await,
            Ok(None) => true,
            Err(error) => {
                object::complain("publish", &error);
                false
            }
        }
    }

    /// Writes the snapshot to KV, where Workers read it without asking this object. Returns `false` if that
    /// failed. A deployment without KV does not publish: KV only saves time.
    async fn publish(&self, snapshot: &str) -> bool {
        let Ok(kv) = self.env.kv(SNAPSHOT) else { return true };
        self.publications.published(object::now());
        let key = snapshot_key(&self.state.id().to_string());
        let put = async {
            let put = kv.put_bytes(&key, snapshot.as_bytes())?;
            put.expiration_ttl(PUBLISHED_SECONDS).execute().await?;
            Ok(())
        };
        let put: Result<()> = put.await;
        put.inspect_err(|error| object::complain("publish", error)).is_ok()
    }
}
