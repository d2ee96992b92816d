//! A day, minute by minute: what reaches each object at most.

use device_grant::counts::telling;
use device_grant::courier::feeding;
use device_grant::sharding::AccountShard;

use crate::bounds::{self, WRONG_CODES};
use crate::costs::{Class, Costs, Done};
use crate::courier::{self, Wanted};
use crate::demand::{
    ABANDONED, BUSIEST, Chance, DATA_CENTERS, MINUTES, Networks, REFRESHES, REGIONS, REQUESTS_PER_ISOLATE,
    SIGN_IN, WRONG, Wait, after_pauses,
};
use crate::limits::FILL;
use crate::source::{AfterChange, Asked};

/// The settings that decide how many objects share the load.
#[derive(Clone, Copy)]
pub(crate) struct Deployment {
    /// `SHARDS_PER_REGION`.
    pub(crate) shards: u32,
    /// `REGISTRY_REPLICAS`: copies of the registry in each region.
    pub(crate) replicas: u32,
    /// `REGISTRY_LEASE_SECONDS`.
    pub(crate) lease: f64,
}

/// The most that one object of a class gets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Peak {
    /// In the busiest second.
    pub(crate) requests: f64,
    /// Requests that write, in the busiest second.
    pub(crate) commits: f64,
    /// Events that it leaves in its outbox, in the busiest minute.
    pub(crate) events: f64,
}

impl Peak {
    /// Takes in what an object gets in a minute.
    fn see(&mut self, requests: f64, commits: f64, events: f64) {
        self.requests = self.requests.max(busiest_second(requests));
        self.commits = self.commits.max(busiest_second(commits));
        self.events = self.events.max(events);
    }
}

/// Returns what the busiest second of a minute has, but for one in a thousand.
fn busiest_second(of_a_minute: f64) -> f64 {
    rarely_more(of_a_minute / 60.0)
}

/// Returns a number that chance exceeds once in a thousand times, if there are `mean` on average.
fn rarely_more(mean: f64) -> f64 {
    3.09f64.mul_add(mean.sqrt(), mean)
}

/// What a day has come to.
#[derive(Debug, Default)]
pub(crate) struct Day {
    pub(crate) logins: f64,
    pub(crate) grants: Peak,
    /// A shard that also gets a phishing campaign.
    pub(crate) attacked: Peak,
    pub(crate) accounts: Peak,
    pub(crate) limiter: Peak,
    /// The registry, if no replica answers for it.
    pub(crate) registry: Peak,
    pub(crate) replica: Peak,
    /// The registry, if replicas answer for it: requests in the busiest second, and on average in the busiest minute.
    pub(crate) source: f64,
    pub(crate) asked: Asked,
    pub(crate) after_change: AfterChange,
    /// The object that hears all ledgers.
    pub(crate) counts: Peak,
    /// The courier of a destination that wants everything.
    pub(crate) courier: Peak,
    /// The events of such a destination, and of one that wants approvals.
    pub(crate) everything: Wanted,
    pub(crate) approvals: Wanted,
    /// Live codes of a shard, and of the largest network.
    pub(crate) live_codes: f64,
    pub(crate) network_codes: f64,
    /// Bytes in the fullest object.
    pub(crate) grant_bytes: f64,
    pub(crate) account_bytes: f64,
    pub(crate) counts_bytes: f64,
    pub(crate) courier_bytes: f64,
    /// Grants and families of a shard that end in a second, and are deleted by its alarm.
    pub(crate) ended: f64,
    /// Reports of outboxes per second.
    pub(crate) reports: f64,
    /// Reports of outboxes, and notes of new ledgers, on the first full minute of a day, when all alarms ring.
    pub(crate) at_once: f64,
    /// Rows that a login and its refreshes write.
    pub(crate) rows: f64,
}

/// What happens in a shard, or in several, in a minute.
#[derive(Clone, Copy, Default)]
struct Minute {
    starts: f64,
    refreshes: f64,
}

impl Minute {
    fn add(&mut self, other: Self) {
        self.starts += other.starts;
        self.refreshes += other.refreshes;
    }

    fn logins(&self) -> f64 {
        self.starts * (1.0 - ABANDONED)
    }

    fn wrong_codes(&self) -> f64 {
        self.logins() * WRONG
    }

    /// Returns the isolates of the Worker that have requests.
    fn isolates(&self, wait: &Wait) -> f64 {
        DATA_CENTERS + self.done(wait).iter().sum::<f64>() / 60.0 / REQUESTS_PER_ISOLATE
    }

    fn done(&self, wait: &Wait) -> Done {
        let logins = self.logins();
        // The last poll of a code that is approved redeems it.
        let polls = self.starts.mul_add(wait.polls, -logins);
        let signed_in = logins * (1.0 - SIGN_IN);
        [self.starts, polls, self.wrong_codes(), logins * SIGN_IN, signed_in, logins, logins, self.refreshes]
    }
}

/// Days for which a family is kept: the day in which its device uses it, and the fortnight until it ends unused. The row of its
/// device stays a day longer, as long as an access token can live.
const FAMILY_DAYS: f64 = 15.0;
const DEVICE_DAYS: f64 = 16.0;
/// Outboxes besides those of shards and accounts: of the registry, and of the object that counts.
const OTHER_OUTBOXES: f64 = 2.0;
/// Minutes after which it is looked at again how often replicas renew their leases, which changes slowly.
const ASKED_EVERY: u32 = 10;
/// A campaign's starts a second: those of 256 addresses, each within the platform's rate limit of 60 a minute.
const CAMPAIGN: f64 = 256.0;
/// Its starts a second that get a code: those that let a network have 480 codes that live for 300 s.
const CAMPAIGN_CODES: f64 = 1.6;

impl Day {
    pub(crate) fn simulate(logins: f64, deployment: Deployment, costs: &Costs, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let wait = Wait::average(&mut chance);
        let spread = |part: f64| Networks::spread(logins * part, deployment.shards, &mut chance);
        let networks: Vec<Networks> = REGIONS.iter().map(|region| region.part).map(spread).collect();
        let (mut day, mut busiest) = (Self { logins, ..Self::default() }, Vec::<f64>::new());
        for minute in 0..MINUTES {
            let (mut all, mut reads) = (Minute::default(), Vec::new());
            for (region, networks) in REGIONS.iter().zip(&networks) {
                let mut in_region = Minute::default();
                for shard in &networks.parts {
                    let part = region.in_minute(minute) * shard;
                    let starts = chance.count(logins / (1.0 - ABANDONED) * part);
                    let in_shard = Minute { starts, refreshes: chance.count(logins * REFRESHES * part) };
                    day.shard(in_shard, &wait, costs);
                    in_region.add(in_shard);
                }
                reads.push(day.replica(in_region, &wait, deployment, costs));
                all.add(in_region);
            }
            day.everywhere(all, &wait, costs);
            day.tell(all, &wait, deployment, costs);
            if minute % ASKED_EVERY == 0 {
                let asked = Asked::in_a_minute(&reads, all.isolates(&wait), deployment, costs);
                day.asked = if asked.sum() > day.asked.sum() { asked } else { day.asked };
            }
            if reads.iter().sum::<f64>() > busiest.iter().sum::<f64>() {
                busiest = reads;
            }
        }
        day.source = rarely_more(day.asked.sum());
        day.after_change = AfterChange::simulate(&busiest, deployment, &mut chance);
        day.keep(logins, &networks, deployment, costs);
        day.largest_network(&networks, &wait);
        let login = Minute { starts: 1.0 / (1.0 - ABANDONED), refreshes: REFRESHES };
        day.rows = costs.rows(&login.done(&wait)) + costs.counted.rows();
        day
    }

    fn shard(&mut self, minute: Minute, wait: &Wait, costs: &Costs) {
        let cost = costs.of(Class::GrantShard, &minute.done(wait));
        // A code that expires leaves an event, too.
        let events = minute.starts.mul_add(ABANDONED, cost.events);
        self.grants.see(cost.requests, cost.commits, events);
        let (requests, codes) = (CAMPAIGN * 60.0, CAMPAIGN_CODES * 60.0);
        self.attacked.see(cost.requests + requests, cost.commits + codes, events + 2.0 * codes);
        self.ended = self.ended.max((minute.starts + minute.logins()) / 60.0);
        self.live_codes = self.live_codes.max(minute.starts / 60.0 * wait.live);
    }

    /// Adds what the replicas of a region get. Returns how many reads that are in a second.
    fn replica(&mut self, minute: Minute, wait: &Wait, deployment: Deployment, costs: &Costs) -> f64 {
        let reads = costs.of(Class::Registry, &minute.done(wait)).requests;
        self.replica.see(reads / f64::from(deployment.replicas.max(1)), 0.0, 0.0);
        reads / 60.0
    }

    /// Adds what all shards cause in the objects that they share.
    fn everywhere(&mut self, minute: Minute, wait: &Wait, costs: &Costs) {
        let done = minute.done(wait);
        let [accounts, limiter, registry] =
            [Class::AccountShard, Class::LimiterShard, Class::Registry].map(|class| costs.of(class, &done));
        // There are as many limiters as objects with accounts, and one of them has the row that every isolate reports to.
        let objects = accounts_in_all();
        self.accounts.see(accounts.requests / objects, accounts.commits / objects, accounts.events / objects);
        let reports = minute.isolates(wait).mul_add(6.0, minute.wrong_codes());
        self.limiter.see(limiter.requests / objects + reports, limiter.commits / objects + reports, 0.0);
        self.registry.see(registry.requests, registry.commits, registry.events);
    }

    /// Adds what ledgers tell `Counts` and a courier. A shard ships once a minute, and its ledger then passes these events on, in
    /// messages of bounded size. Isolates also report wrong codes to `Counts`.
    fn tell(&mut self, minute: Minute, wait: &Wait, deployment: Deployment, costs: &Costs) {
        let done = minute.done(wait);
        let [grants, accounts] =
            [Class::GrantShard, Class::AccountShard].map(|class| costs.of(class, &done).events);
        let grants = minute.starts.mul_add(ABANDONED, grants);
        let ledgers = [(shards_in_all(deployment), grants), (accounts_in_all(), accounts)];
        let messages = |most: u32| {
            let of_all = |(number, events): (f64, f64)| number * (events / number / f64::from(most)).ceil();
            ledgers.map(of_all).iter().sum::<f64>()
        };
        let told = messages(telling::MOST) + reports_of_wrong_codes(minute, wait);
        self.counts.see(told, told, grants + accounts);
        let fed = messages(feeding::MOST);
        self.courier.see(fed, fed, grants + accounts);
        self.everything.add(grants + accounts);
        self.approvals.add(minute.logins());
    }

    /// Adds what the objects have stored after weeks of such days.
    fn keep(&mut self, logins: f64, networks: &[Networks], deployment: Deployment, costs: &Costs) {
        let objects = accounts_in_all();
        let fullest = networks.iter().map(|networks| networks.parts.iter().copied().fold(0.0, f64::max));
        let part = REGIONS.iter().zip(fullest).map(|(region, part)| region.part * part).fold(0.0, f64::max);
        let families = logins * part * FAMILY_DAYS;
        self.grant_bytes = families * costs.bytes(Class::GrantShard, "families") / FILL;
        let [account, device, history] =
            ["accounts", "devices", "histories"].map(|table| costs.bytes(Class::AccountShard, table));
        self.account_bytes = logins * DEVICE_DAYS.mul_add(device, account + history) / objects / FILL;
        self.counts_bytes = logins * costs.counted.bytes() / FILL;
        let deliveries = costs.bytes(Class::Courier, "deliveries");
        self.courier_bytes = courier::kept() * deliveries / FILL;
        let outboxes = shards_in_all(deployment) + objects + OTHER_OUTBOXES;
        self.reports = outboxes / 60.0;
        self.at_once = 2.0 * outboxes;
    }

    /// Adds the live codes of the network with the most people, at its busiest.
    fn largest_network(&mut self, networks: &[Networks], wait: &Wait) {
        let people = networks.iter().map(|networks| networks.largest).fold(0.0, f64::max);
        let starts = people * BUSIEST / (1.0 - ABANDONED) / 86_400.0;
        self.network_codes = rarely_more(starts * wait.live);
    }
}

fn accounts_in_all() -> f64 {
    AccountShard::all().map(|_| 1.0).sum()
}

fn shards_in_all(deployment: Deployment) -> f64 {
    f64::from(deployment.shards) * 6.0
}

/// Returns the reports in a minute. An isolate reports at a wrong code, but not again within its span.
fn reports_of_wrong_codes(minute: Minute, wait: &Wait) -> f64 {
    let (isolates, span) = (minute.isolates(wait), bounds::number(WRONG_CODES, "SPAN"));
    60.0 * isolates * after_pauses(minute.wrong_codes() / 60.0 / isolates, span)
}
