//! Calls the function for an address and a method.

use core::pin::Pin;

use rand_core::CryptoRng;

use super::caller::Caller;
use super::done::Done;
use super::problem::Problem;
use super::route::{
    AccessPlace, AccountPlace, AskedPlace, ClientPlace, DestinationPlace, ExceptionPlace, Found, KeyPlace,
    KillPlace, Part, Place, PolicyPlace, RecordPlace, ScopePlace, WatchPlace,
};
use super::{
    access, access_requests, accounts, alerts, clients, deliveries, destinations, devices, doctor, documents,
    dry_run, event, events, exceptions, grants, inventory, invitations, kill_switches, ledger, openapi,
    outboxes, overview, policy, providers, report, scope_claims, scopes, settings, signing_keys, tokens,
    usage, what_if,
};
use crate::audit::change::Actor;
use crate::endpoint::boxed::boxed;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Done, Problem>> + 'a>>;

/// A request with a method that its address has, from a caller who may make it.
struct Call<'a, P> {
    context: Context<'a, P>,
    caller: &'a Caller,
    method: &'a str,
    /// The first segment that matched one in braces; empty if none did.
    name: &'a str,
    /// The second one; empty if there is none.
    part: &'a str,
}

impl<P> Call<'_, P> {
    fn by(&self) -> Actor {
        self.caller.by.clone()
    }
}

pub(super) async fn dispatch<P: Platform>(
    context: Context<'_, P>,
    found: &Found,
    caller: &Caller,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let name = found.names.first().map(String::as_str).unwrap_or_default();
    let part = found.names.get(1).map(String::as_str).unwrap_or_default();
    let call = Call { context, caller, method: &context.request.method, name, part };
    let done = match found.place {
        Place::OpenApi => return Ok(Done::read(openapi::answer())),
        Place::Doctor => boxed(doctor::run(context)),
        Place::DryRun => boxed(dry_run::run(context)),
        Place::WhatIf => boxed(what_if::run(context, call.caller)),
        Place::Clients(place) => of_clients(&call, place, rng),
        Place::Scopes(place) => of_scopes(&call, place),
        Place::Documents(part) => of_documents(&call, part),
        Place::Inventory(part) => of_inventory(&call, part),
        Place::Providers(part) => of_providers(&call, part, rng),
        Place::Keys(place) => of_keys(&call, place),
        Place::Record(RecordPlace::Events) => boxed(events::list(context)),
        Place::Record(RecordPlace::Event) => boxed(event::read(context, name)),
        Place::Record(RecordPlace::Export) => boxed(events::export(context)),
        Place::Record(RecordPlace::Verification) => boxed(ledger::verify(context)),
        Place::Record(RecordPlace::Outboxes) => boxed(outboxes::list(context)),
        Place::Watch(WatchPlace::Alerts) => boxed(alerts::list(context)),
        Place::Watch(WatchPlace::AlertClose) => boxed(alerts::close(context, name, call.by())),
        Place::Watch(WatchPlace::Blocked) => boxed(report::list(context)),
        Place::Watch(WatchPlace::Usage) => boxed(usage::list(context)),
        Place::Watch(WatchPlace::Overview) => boxed(overview::read(context)),
        Place::Settings => boxed(settings::list(context)),
        Place::Destinations(place) => of_destinations(&call, place, rng),
        Place::Tokens(part) => of_tokens(&call, part, rng),
        Place::Invitations(part) => of_invitations(&call, part, rng),
        Place::Accounts(place) => of_accounts(&call, place, rng),
        Place::Access(place) => of_access(&call, place),
        Place::Policy(place) => of_policy(&call, place),
        Place::Exceptions(place) => of_exceptions(&call, place),
        Place::KillSwitches(place) => of_kill_switches(&call, place),
        Place::Asked(place) => of_access_requests(&call, place),
    };
    done.await
}

fn of_access_requests<'a, P: Platform>(call: &Call<'a, P>, place: AskedPlace) -> Answer<'a> {
    let Call { context, name, caller, .. } = *call;
    match place {
        AskedPlace::All => boxed(access_requests::list(context)),
        AskedPlace::One => boxed(access_requests::read(context, name)),
        AskedPlace::Grant => boxed(access_requests::grant(context, name, caller)),
        AskedPlace::Refusal => boxed(access_requests::refuse(context, name, call.by())),
    }
}

fn of_clients<'a, P: Platform>(
    call: &Call<'a, P>,
    place: ClientPlace,
    rng: &'a mut impl CryptoRng,
) -> Answer<'a> {
    let Call { context, method, name, .. } = *call;
    match (place, method) {
        (ClientPlace::All, "POST") => boxed(clients::create(context, call.by(), rng)),
        (ClientPlace::All, _) => boxed(clients::list(context)),
        (ClientPlace::One, "PUT") => boxed(clients::replace(context, name, call.by(), rng)),
        (ClientPlace::One, "PATCH") => boxed(clients::change(context, name, call.by(), rng)),
        (ClientPlace::One, "DELETE") => boxed(clients::delete(context, name, call.by())),
        (ClientPlace::One, _) => boxed(clients::read(context, name)),
        (ClientPlace::Secret, _) => boxed(clients::rotate(context, name, call.by(), rng)),
    }
}

fn of_scopes<'a, P: Platform>(call: &Call<'a, P>, place: ScopePlace) -> Answer<'a> {
    let Call { context, method, name, .. } = *call;
    match (place, method) {
        (ScopePlace::All, _) => boxed(scopes::list(context)),
        (ScopePlace::One, "PUT") => boxed(scopes::describe(context, name, call.by())),
        (ScopePlace::One, "DELETE") => boxed(scopes::forget(context, name, call.by())),
        (ScopePlace::One, _) => boxed(scopes::read(context, name)),
        (ScopePlace::Claims, "PUT") => boxed(scope_claims::write(context, name, call.by())),
        (ScopePlace::Claims, _) => boxed(scope_claims::read(context, name)),
    }
}

fn of_documents<'a, P: Platform>(call: &Call<'a, P>, part: Part) -> Answer<'a> {
    let Call { context, method, name, .. } = *call;
    match (part, method) {
        (Part::All, _) => boxed(documents::list(context)),
        (Part::One, "PUT") => boxed(documents::allow(context, name, call.by())),
        (Part::One, "DELETE") => boxed(documents::remove(context, name, call.by())),
        (Part::One, _) => boxed(documents::read(context, name)),
    }
}

fn of_inventory<'a, P: Platform>(call: &Call<'a, P>, part: Part) -> Answer<'a> {
    let Call { context, method, name, .. } = *call;
    match (part, method) {
        (Part::All, _) => boxed(inventory::list(context)),
        (Part::One, "PUT") => boxed(inventory::put(context, name, call.by())),
        (Part::One, "DELETE") => boxed(inventory::remove(context, name, call.by())),
        (Part::One, _) => boxed(inventory::read(context, name)),
    }
}

fn of_providers<'a, P: Platform>(call: &Call<'a, P>, part: Part, rng: &'a mut impl CryptoRng) -> Answer<'a> {
    let Call { context, caller, method, name, .. } = *call;
    match (part, method) {
        (Part::All, "POST") => boxed(providers::create(context, caller, rng)),
        (Part::All, _) => boxed(providers::list(context)),
        (Part::One, "PUT") => boxed(providers::replace(context, name, caller, rng)),
        (Part::One, "PATCH") => boxed(providers::patch(context, name, caller, rng)),
        (Part::One, "DELETE") => boxed(providers::delete(context, name, call.by())),
        (Part::One, _) => boxed(providers::read(context, name)),
    }
}

fn of_keys<'a, P: Platform>(call: &Call<'a, P>, place: KeyPlace) -> Answer<'a> {
    let Call { context, method, name, .. } = *call;
    match (place, method) {
        (KeyPlace::All, "POST") => boxed(signing_keys::bring(context, call.by())),
        (KeyPlace::All, _) => boxed(signing_keys::list(context)),
        (KeyPlace::Rotation, _) => boxed(signing_keys::rotate(context, call.by())),
        (KeyPlace::Retirement, _) => boxed(signing_keys::retire(context, name, call.by())),
    }
}

fn of_destinations<'a, P: Platform>(
    call: &Call<'a, P>,
    place: DestinationPlace,
    rng: &'a mut impl CryptoRng,
) -> Answer<'a> {
    let Call { context, method, name, part, .. } = *call;
    match (place, method) {
        (DestinationPlace::All, "POST") => boxed(destinations::create(context, call.by(), rng)),
        (DestinationPlace::All, _) => boxed(destinations::list(context)),
        (DestinationPlace::One, "PUT") => boxed(destinations::replace(context, name, call.by(), rng)),
        (DestinationPlace::One, "DELETE") => boxed(destinations::delete(context, name, call.by())),
        (DestinationPlace::One, _) => boxed(destinations::read(context, name)),
        (DestinationPlace::Secret, _) => boxed(destinations::rotate(context, name, call.by(), rng)),
        (DestinationPlace::Test, _) => boxed(destinations::test(context, name, rng)),
        (DestinationPlace::Deliveries, _) => boxed(deliveries::list(context, name)),
        (DestinationPlace::ResendAll, _) => boxed(deliveries::resend_all(context, name, call.by())),
        (DestinationPlace::Delivery, _) => boxed(deliveries::discard(context, (name, part), call.by())),
        (DestinationPlace::Resend, _) => boxed(deliveries::resend(context, (name, part), call.by())),
    }
}

fn of_tokens<'a, P: Platform>(call: &Call<'a, P>, part: Part, rng: &'a mut impl CryptoRng) -> Answer<'a> {
    let Call { context, caller, method, name, .. } = *call;
    match (part, method) {
        (Part::All, "POST") => boxed(tokens::create(context, caller, rng)),
        (Part::All, _) => boxed(tokens::list(context, caller)),
        (Part::One, "DELETE") => boxed(tokens::revoke(context, name, call.by())),
        (Part::One, _) => boxed(tokens::read(context, name, caller)),
    }
}

fn of_invitations<'a, P: Platform>(
    call: &Call<'a, P>,
    part: Part,
    rng: &'a mut impl CryptoRng,
) -> Answer<'a> {
    let Call { context, caller, method, name, .. } = *call;
    match (part, method) {
        (Part::All, "POST") => boxed(invitations::create(context, caller, rng)),
        (Part::All, _) => boxed(invitations::list(context)),
        (Part::One, "DELETE") => boxed(invitations::revoke(context, name, call.by())),
        (Part::One, _) => boxed(invitations::read(context, name)),
    }
}

fn of_accounts<'a, P: Platform>(
    call: &Call<'a, P>,
    place: AccountPlace,
    rng: &'a mut impl CryptoRng,
) -> Answer<'a> {
    let Call { context, caller, method, name, .. } = *call;
    match (place, method) {
        (AccountPlace::All, "POST") => boxed(accounts::create(context, caller, rng)),
        (AccountPlace::All, _) => boxed(accounts::list(context)),
        (AccountPlace::One, "DELETE") => boxed(accounts::delete(context, name, call.by())),
        (AccountPlace::One, _) => boxed(accounts::read(context, name)),
        (AccountPlace::Groups, _) => boxed(accounts::set_groups(context, name, caller)),
        (AccountPlace::Block, _) => boxed(accounts::block(context, name, call.by())),
        (AccountPlace::Unblock, _) => boxed(accounts::unblock(context, name, caller)),
        (AccountPlace::Devices, _) => boxed(devices::list(context, name)),
        (AccountPlace::DevicesEnd, _) => boxed(devices::end(context, name, call.by())),
        (AccountPlace::Sessions, _) => boxed(devices::sessions(context, name)),
        (AccountPlace::SessionsEnd, _) => boxed(devices::end_sessions(context, name, call.by())),
    }
}

fn of_access<'a, P: Platform>(call: &Call<'a, P>, place: AccessPlace) -> Answer<'a> {
    let Call { context, name, .. } = *call;
    match place {
        AccessPlace::Devices => boxed(access::devices(context)),
        AccessPlace::DevicesEnd => boxed(access::end_devices(context, call.by())),
        AccessPlace::Sessions => boxed(access::sessions(context)),
        AccessPlace::SessionsEnd => boxed(access::end_sessions(context, call.by())),
        AccessPlace::Grants => boxed(grants::list(context)),
        AccessPlace::Grant => boxed(grants::end(context, name, call.by())),
    }
}

fn of_policy<'a, P: Platform>(call: &Call<'a, P>, place: PolicyPlace) -> Answer<'a> {
    let Call { context, method, name, .. } = *call;
    match (place, method) {
        (PolicyPlace::Now, "PUT") => boxed(policy::replace(context, call.by())),
        (PolicyPlace::Now, _) => boxed(policy::now(context)),
        (PolicyPlace::Rollback, _) => boxed(policy::roll_back(context, call.by())),
        (PolicyPlace::Versions, _) => boxed(policy::versions(context)),
        (PolicyPlace::Version, _) => boxed(policy::version(context, name)),
    }
}

fn of_exceptions<'a, P: Platform>(call: &Call<'a, P>, place: ExceptionPlace) -> Answer<'a> {
    let Call { context, method, name, .. } = *call;
    match (place, method) {
        (ExceptionPlace::All, "POST") => boxed(exceptions::create(context, call.caller)),
        (ExceptionPlace::All, _) => boxed(exceptions::list(context)),
        (ExceptionPlace::One, "PUT") => boxed(exceptions::replace(context, name, call.caller)),
        (ExceptionPlace::One, _) => boxed(exceptions::read(context, name)),
        (ExceptionPlace::Renewal, _) => boxed(exceptions::renew(context, name, call.caller)),
        (ExceptionPlace::End, _) => boxed(exceptions::end(context, name, call.by())),
    }
}

fn of_kill_switches<'a, P: Platform>(call: &Call<'a, P>, place: KillPlace) -> Answer<'a> {
    let Call { context, method, name, .. } = *call;
    match (place, method) {
        (KillPlace::All, "POST") => boxed(kill_switches::set(context, call.by())),
        (KillPlace::All, _) => boxed(kill_switches::list(context)),
        (KillPlace::One, _) => boxed(kill_switches::find(context, name)),
        (KillPlace::End, _) => boxed(kill_switches::end(context, name, call.by())),
    }
}
