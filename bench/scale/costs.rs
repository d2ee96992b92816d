//! What an operation costs, as a test in `workerd` counts it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The table that `tests/e2e/cost.test.mjs` holds true.
pub(crate) const COUNTED: &str = include_str!("operations.json");

/// The operations of a day, in the order of the numbers in [`Done`].
const OPERATIONS: [&str; 8] =
    ["start", "pending poll", "wrong code", "sign-in", "code entry", "decision", "redemption", "refresh"];

/// How often each operation is done.
pub(crate) type Done = [f64; 8];

#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Class {
    GrantShard,
    AccountShard,
    LimiterShard,
    Registry,
    Ledger,
    Courier,
}

/// What operations cost in the objects of a class.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Cost {
    pub(crate) requests: f64,
    /// Requests that write, each of which is a commit.
    #[serde(default)]
    pub(crate) commits: f64,
    /// Rows and entries of indexes that are written.
    #[serde(default)]
    pub(crate) rows: f64,
    /// Events that are left in the outbox.
    #[serde(default)]
    pub(crate) events: f64,
}

#[derive(Debug, Deserialize)]
struct Table {
    operations: BTreeMap<String, BTreeMap<Class, Cost>>,
    bytes: BTreeMap<Class, BTreeMap<String, f64>>,
    counted: Counted,
    courier: AtCourier,
    registry: AtRegistry,
}

/// What an event costs at the courier of a destination that wants it, besides its part of a message.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct AtCourier {
    /// It waits, and is delivered at the first try.
    pub(crate) delivered: Rows,
    /// As many wait and are dead as may, so it is dead at once, and later makes room for another.
    pub(crate) dropped: Rows,
}

/// Rows and entries of indexes that are written.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Rows {
    pub(crate) rows: f64,
}

/// What the registry is asked if replicas answer for it.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct AtRegistry {
    /// A replica renews the lease of a reply.
    pub(crate) renewal: Cost,
    /// An isolate takes a snapshot, because KV has none.
    pub(crate) snapshot: Cost,
    /// An operator changes a client, and waits for the replicas.
    pub(crate) change: Cost,
}

/// What a login leaves in the object that counts, as `tests/it/registry/counts.rs` holds true.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Counted {
    login: Memories,
    /// Bytes of what is remembered for each account, and for each client that it uses, with their entries in an index.
    bytes: BTreeMap<String, f64>,
}

/// How many memories are written, each of which is a row and an entry in an index.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Memories {
    memories: f64,
}

impl Counted {
    /// Returns the rows and entries of indexes that a login writes, without the sums that all events of a message share.
    pub(crate) const fn rows(&self) -> f64 {
        self.login.memories * 2.0
    }

    /// Returns the bytes that stay of an account that uses one client.
    pub(crate) fn bytes(&self) -> f64 {
        self.bytes.values().sum()
    }
}

#[derive(Debug)]
pub(crate) struct Costs {
    /// What each of [`OPERATIONS`] costs.
    operations: BTreeMap<Class, Vec<Cost>>,
    /// Bytes of a row with its entries in indexes, by table.
    bytes: BTreeMap<Class, BTreeMap<String, f64>>,
    pub(crate) counted: Counted,
    pub(crate) courier: AtCourier,
    pub(crate) registry: AtRegistry,
}

impl Costs {
    pub(crate) fn counted() -> Self {
        Self::parse(COUNTED)
    }

    pub(crate) fn parse(text: &str) -> Self {
        let Table { operations, bytes, counted, courier, registry } =
            serde_json::from_str(text).expect("the table is JSON of this form");
        let in_class = |class: Class| {
            let cost = |name: &str| {
                let costs = operations.get(name).unwrap_or_else(|| panic!("{name} is not in the table"));
                costs.get(&class).copied().unwrap_or_default()
            };
            (class, OPERATIONS.map(cost).to_vec())
        };
        let classes = [Class::GrantShard, Class::AccountShard, Class::LimiterShard, Class::Registry];
        Self { operations: classes.map(in_class).into(), bytes, counted, courier, registry }
    }

    /// Returns what operations cost together in a class.
    pub(crate) fn of(&self, class: Class, done: &Done) -> Cost {
        let mut sum = Cost::default();
        for (cost, times) in self.operations.get(&class).into_iter().flatten().zip(done) {
            sum.requests += times * cost.requests;
            sum.commits += times * cost.commits;
            sum.rows += times * cost.rows;
            sum.events += times * cost.events;
        }
        sum
    }

    /// Returns the rows that operations write, in all classes.
    pub(crate) fn rows(&self, done: &Done) -> f64 {
        self.operations.keys().map(|class| self.of(*class, done).rows).sum()
    }

    pub(crate) fn bytes(&self, class: Class, table: &str) -> f64 {
        let size = self.bytes.get(&class).and_then(|tables| tables.get(table));
        *size.unwrap_or_else(|| panic!("{table} is not in the table"))
    }
}
