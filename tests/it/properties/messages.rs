//! The messages between a Worker and its objects, letter for letter.
//!
//! During a deployment, a Worker and an object can be of different versions. If a test here fails, they would
//! not understand each other.

use std::time::Duration;

use std::collections::BTreeMap;

use device_grant::ask::{Answer, Ask};
use device_grant::audit::change::{Actor, Changed};
use device_grant::audit::closing::{
    CloseLedger, ContinueClosing, Head, KeepHeads, KeepRoot, ReadHeads, ReadRoots, Root, Seal, SignedRoot,
    Step,
};
use device_grant::audit::facts_record::FactsRecord;
use device_grant::audit::ledger::{
    FindLedgers, FindRecord, ListOutboxes, NoteLedger, OutboxReport, Receipt, Record, ReportOutbox, Shipment,
};
use device_grant::audit::ledger_name::LedgerName;
use device_grant::audit::policy_record::PolicyRecord;
use device_grant::audit::reading::{EventPage, Filter, ReadEvents};
use device_grant::audit::verification::{Fault as LedgerFault, Position, Tampering, Verified, VerifyLedger};
use device_grant::client::demo;
use device_grant::client::history::Expected;
use device_grant::counts::alert::{Alert, AlertState};
use device_grant::counts::blocked::{Blocked, By, Steps};
use device_grant::counts::command::{
    BlockedPage, CloseAlert, ListAlerts, NoteRefusedStarts, NoteWrongCodes, ReadBlocked, ReadOverview,
    ReadTotals, ReadUsage, RefusedStarts, Tell, Told, Totals,
};
use device_grant::counts::destination_command::{
    CreateDestination, DeleteDestination, DestinationRefusal, ListDestinations, NoteDeliveries,
    ReplaceDestination,
};
use device_grant::counts::detection::Detection;
use device_grant::counts::kind::{Kind, Tallied};
use device_grant::counts::overview::{DayCounts, Overview};
use device_grant::counts::subject::Subject;
use device_grant::counts::usage::Usage;
use device_grant::courier::command::{
    CourierState, Discard, FindDue, Hear, ListDeliveries, ReadCourier, Resend, Settle, Wake,
};
use device_grant::courier::delivery::{Condition, Outcome as Attempted};
use device_grant::courier::destination::Destination;
use device_grant::family::command::{
    EndFamilies, FindFamily, LiveFamilies, PresentToken, RevokeFamily, RotateToken,
};
use device_grant::family::id::{AttemptId, FamilyId};
use device_grant::family::{Current, Ending, Holder, Presented, Rotation};
use device_grant::fault::Fault;
use device_grant::format::Format;
use device_grant::grant::command::{
    Caps, ConsentDecision, Decide, Decided, EndGrant, FindRequest, Held, LiveGrant, LiveState, Misidentified,
    Misidentify, Miss, NoteRefusal, Open, Opened, PollCode, Redeem, RefuseElsewhere, Refused, Settled, Shown,
    Standing, TakeHold, WalkGrants, Withdraw,
};
use device_grant::grant::instant::{Listen, Refusal};
use device_grant::grant::poll::{Poll, Ready};
use device_grant::grant::redemption::Redemption;
use device_grant::grant::routing::RowKey;
use device_grant::grant::verification::{Digits, Match};
use device_grant::grant::{Denial, Outcome, State};
use device_grant::identity;
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::command::{
    AccountEvent, BeginRecheck, CheckDevice, CheckSession, Checked, ClaimPointer, ConfirmAccess, EndDevices,
    EndListedSessions, EndRecheck, EndSession, EndSessions, EnterDevice, Entered, FindAccount, FindByPointer,
    FindByPointers, ForgetDevices, KeepUpstreamToken, ListAccounts, ListDevices, ListSessions, NameDevice,
    NoteDecision, NoteKill, NoteRefusedSignIn, Put, PutAccount, ReadHistory, ReleasePointer, SettleDevices,
    StartSession, Upstream, UseDevice, WalkDevices, WalkSessions,
};
use device_grant::identity::demand::Demand;
use device_grant::identity::device::{Asked, DeviceId, Selection};
use device_grant::identity::group::Group;
use device_grant::identity::history::{History, Known};
use device_grant::identity::latest_kill::{Edition, LatestKill};
use device_grant::identity::pointer::{Pointer, Target};
use device_grant::identity::recheck::{Recheck, Reply};
use device_grant::identity::session::SessionSelection;
use device_grant::identity::walk::{Bounds, Walked};
use device_grant::limiter::command::{
    DocumentNow, Expose, FindDocument, Full, GiveBack, KeepDocument, KeptDocument, Room, Rule, Take, UseOnce,
};
use device_grant::logo::Logo;
use device_grant::network::Width;
use device_grant::policy::access_request::{self, AccessRequest, Terms};
use device_grant::policy::difference::Difference;
use device_grant::policy::document::Policy;
use device_grant::policy::exception::Exception;
use device_grant::policy::inventory::Identifier;
use device_grant::policy::kill::KillSwitch;
use device_grant::policy::name::Name;
use device_grant::provenance::ApprovalId;
use device_grant::registry::admin_tokens::{
    CreateAdminToken, ListAdminTokens, RevokeAdminToken, TokenRefusal, UseAdminToken,
};
use device_grant::registry::command::{
    AllowDocument, AwaitReplicas, CreateClient, CreateProvider, DeleteClient, DeleteProvider, DescribeScope,
    FindAtSource, FindKeys, FindLogo, FindProvider, Invalidate, KeepLogo, Keeper, KeyRefusal, ListClients,
    ListDocuments, ListProviders, ProviderRefusal, RegistryRefusal, RemoveDocument, ReplaceProvider,
    RetireKey, RotateKeys, RotateSecret, ScopeNow, TakeOutline, Trial,
};
use device_grant::registry::governance::access_requests::{
    AnswerRefusal, AskForAccess, AskRefusal, FindAccessRequest, FindOwnAccessRequests, GrantAccess,
    ListAccessRequests, RefuseAccess,
};
use device_grant::registry::governance::exceptions::{
    CreateException, EndException, ExceptionRefusal, FindException, ListExceptions, Person, RenewException,
    ReplaceException,
};
use device_grant::registry::governance::kills::{
    EndKillSwitch, KillRefusal, KillSwitchNow, ListKillSwitches, SetKillSwitch,
};
use device_grant::registry::governance::{
    FindPolicy, ListPolicies, PolicyChange, PolicyNow, PolicyRefusal, PolicyVersion, ReplacePolicy,
    RollBackPolicy,
};
use device_grant::registry::inventory::{FindInventory, ListInventory, PutInventory, RemoveInventory};
use device_grant::registry::invitations::{
    CreateInvitation, FindFirstIssuer, FindInvitation, ListInvitations, RevokeInvitation, SpendInvitation,
};
use device_grant::registry::key_schedule::State as KeyState;
use device_grant::registry::passkeys::NotePasskey;
use device_grant::scope::Scope;
use device_grant::secret::{Digest, encode};
use device_grant::sharding::{Region, Replica};
use device_grant::sub::Sub;
use device_grant::token::confirmation::Confirmation;
use device_grant::upstream::provider::{Provider, ProviderId};
use device_grant::verdict::Spot;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::records::{
    AT, approval, bound, decision, device, family, grant, hold, journey, network, policy_record, request,
};

const KEY: RowKey = RowKey([7; 16]);
const ID: FamilyId = FamilyId::from_bytes([7; 16]);
/// [`KEY`] and [`ID`] as text.
const SEVENS: &str = "BwcHBwcHBwcHBwcHBwcHBw";

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("it serializes")
}

/// Checks that the command is written as `text`, and that `text` is read as the command.
#[track_caller]
fn travels<A: Ask>(ask: A, text: &str)
where
    A::Command: DeserializeOwned,
{
    let command: A::Command = ask.into();
    assert_eq!(json(&command), text);
    let read: A::Command = serde_json::from_str(text).expect("it parses");
    assert_eq!(json(&read), text);
}

/// Checks that the reply to an `A` is written as `text`, and that it is read back as the same.
#[track_caller]
fn answers<A: Ask>(reply: &A::Reply, text: &str) {
    let answer = Answer::to::<A>(reply);
    assert_eq!(answer.clone().into_json(), text);
    let read = answer.read::<A>().expect("it parses");
    assert_eq!(Answer::to::<A>(&read), answer);
}

fn secret() -> Digest {
    Digest::of(b"secret")
}

fn typed(text: &str) -> Digits {
    Digits::parse(text).expect("four digits")
}

fn words(sign_in: Demand) -> ScopeNow {
    ScopeNow { description: "Words".to_owned(), sign_in }
}

#[test]
fn a_wrong_try_at_the_digits_of_a_grant() {
    let (key, secret, digest) = (KEY, secret(), encode(secret().bytes()));
    travels(
        Miss { key, secret, digits: typed("0042") },
        &format!(r#"{{"miss":{{"key":"{SEVENS}","secret":"{digest}","digits":"0042"}}}}"#),
    );
}

#[test]
fn a_wrong_end_of_the_identifier_of_a_device() {
    let (key, held) = (KEY, json(&hold()));
    let person = json(&request().side());
    travels(
        Misidentify { key, hold: hold(), person: Box::new(request().side()) },
        &format!(r#"{{"misidentify":{{"key":"{SEVENS}","hold":{held},"person":{person}}}}}"#),
    );
}

#[test]
fn commands_about_a_grant() {
    let (key, secret, digest) = (KEY, secret(), encode(secret().bytes()));
    let pending = Box::new(grant(State::Pending { hold: None }));
    let open = format!(
        r#"{{"open":{{"key":"{SEVENS}","grant":{},"caps":{{"client":120,"shard":2000}}}}}}"#,
        json(&pending)
    );
    travels(Open { key, grant: pending, caps: Caps { client: 120, shard: 2_000 }, policy: None }, &open);
    let proven = Confirmation::default();
    travels(
        PollCode {
            key,
            secret,
            reissue: false,
            reissue_bound: false,
            proven,
            by_header: false,
            digits: None,
        },
        &format!(r#"{{"poll_code":{{"key":"{SEVENS}","secret":"{digest}"}}}}"#),
    );
    travels(
        PollCode {
            key,
            secret,
            reissue: true,
            reissue_bound: true,
            proven: bound(),
            by_header: true,
            digits: Some(typed("0042")),
        },
        &format!(
            r#"{{"poll_code":{{"key":"{SEVENS}","secret":"{digest}","reissue":true,"reissue_bound":true,"proven":{{"jkt":"thumbprint"}},"by_header":true,"digits":"0042"}}}}"#
        ),
    );
    let (attempt, record) = (AttemptId::of_jti("attempt"), json(&family()));
    travels(
        Redeem {
            key,
            secret,
            attempt: attempt.clone(),
            id: ID,
            family: Box::new(family()),
            reissue: false,
            journey: None,
            policy: None,
            digits: None,
        },
        &format!(
            r#"{{"redeem":{{"key":"{SEVENS}","secret":"{digest}","attempt":"attempt","id":"{SEVENS}","family":{record}}}}}"#
        ),
    );
    let policy = json(&policy_record());
    let there = r#"{"start":{"country":"FR","asn":64500},"redemption":{}}"#;
    travels(
        Redeem {
            key,
            secret,
            attempt,
            id: ID,
            family: Box::new(family()),
            reissue: true,
            journey: Some(journey()),
            policy: Some(Box::new(policy_record())),
            digits: Some(typed("0042")),
        },
        &format!(
            r#"{{"redeem":{{"key":"{SEVENS}","secret":"{digest}","attempt":"attempt","id":"{SEVENS}","family":{record},"reissue":true,"journey":{there},"policy":{policy},"digits":"0042"}}}}"#
        ),
    );
    travels(
        RefuseElsewhere { key, secret, journey: journey() },
        &format!(r#"{{"refuse_elsewhere":{{"key":"{SEVENS}","secret":"{digest}","journey":{there}}}}}"#),
    );
    let held = json(&hold());
    let person = r#"{"origin":{"place":{"country":"FR","asn":64500},"device":"Apple TV","at":1763733780123},"network":"24.abc/32.def"}"#;
    travels(
        TakeHold { key, hold: hold(), person: Box::new(request().side()) },
        &format!(r#"{{"take_hold":{{"key":"{SEVENS}","hold":{held},"person":{person}}}}}"#),
    );
    travels(
        FindRequest { key, hold: hold() },
        &format!(r#"{{"find_request":{{"key":"{SEVENS}","hold":{held}}}}}"#),
    );
    travels(Withdraw { key, hold: hold() }, &format!(r#"{{"withdraw":{{"key":"{SEVENS}","hold":{held}}}}}"#));
    for (decision, name) in [
        (ConsentDecision::Approve(Box::new(approval())), format!(r#"{{"approve":{}}}"#, json(&approval()))),
        (
            ConsentDecision::Verify(Box::new(approval()), typed("0042")),
            format!(r#"{{"verify":[{},"0042"]}}"#, json(&approval())),
        ),
        (ConsentDecision::Deny(Denial::Reported), r#"{"deny":"reported"}"#.to_owned()),
    ] {
        travels(
            Decide { key, hold: hold(), person: Box::new(request().side()), decision, policy: None },
            &format!(
                r#"{{"decide":{{"key":"{SEVENS}","hold":{held},"person":{person},"decision":{name}}}}}"#
            ),
        );
    }
}

#[test]
fn commands_about_a_family() {
    let (id, secret, digest) = (ID, secret(), encode(secret().bytes()));
    for (proven, more) in [(Confirmation::default(), ""), (bound(), r#","proven":{"jkt":"thumbprint"}"#)] {
        let holder = Holder { client_id: "demo-tv".to_owned(), proven };
        travels(
            PresentToken { id, secret, genuine: true, holder },
            &format!(
                r#"{{"present_token":{{"id":"{SEVENS}","secret":"{digest}","genuine":true,"holder":{{"client_id":"demo-tv"{more}}}}}}}"#
            ),
        );
    }
    let next = Current { digest: secret, attempt: AttemptId::of_jti("attempt"), good_until: AT };
    let (token, at) = (json(&next), AT.millis());
    for (cnf, more) in [(Confirmation::default(), ""), (bound(), r#","cnf":{"jkt":"thumbprint"}"#)] {
        travels(
            RotateToken { id, secret, next: next.clone(), ends_at: AT, cnf, policy: None },
            &format!(
                r#"{{"rotate_token":{{"id":"{SEVENS}","secret":"{digest}","next":{token},"ends_at":{at}{more}}}}}"#
            ),
        );
    }
    travels(FindFamily { id, seen: None }, &format!(r#"{{"find_family":{{"id":"{SEVENS}"}}}}"#));
    let seen = Some(AttemptId::of_jti("jti"));
    travels(FindFamily { id, seen }, &format!(r#"{{"find_family":{{"id":"{SEVENS}","seen":"jti"}}}}"#));
    travels(
        RevokeFamily { id, client_id: "demo-tv".to_owned(), proof: None },
        &format!(r#"{{"revoke_family":{{"id":"{SEVENS}","client_id":"demo-tv","proof":null}}}}"#),
    );
    travels(LiveFamilies { ids: vec![id] }, &format!(r#"{{"live_families":{{"ids":["{SEVENS}"]}}}}"#));
    for (by, more) in [(None, ""), (Some(operator()), r#","by":{"operator":"9f86d081"}"#)] {
        travels(
            EndFamilies { ids: vec![id], why: Ending::EndedByAdministrator, by },
            &format!(r#"{{"end_families":{{"ids":["{SEVENS}"],"why":"ended_by_administrator"{more}}}}}"#),
        );
    }
}

#[test]
fn commands_about_refusals() {
    let why = || "client_disabled".to_owned();
    travels(
        NoteRefusal { of: Refused::Redemption(KEY), why: why(), policy: None, person: None },
        &format!(r#"{{"note_refusal":{{"of":{{"redemption":"{KEY}"}},"why":"client_disabled"}}}}"#),
    );
    let policy = PolicyRecord {
        version: 1,
        revision: 2,
        point: "approval".to_owned(),
        outcome: "refuse".to_owned(),
        decided_by: "default".to_owned(),
        matched: Vec::new(),
        would: None,
        facts: Some(Box::new(FactsRecord { scope: "openid".to_owned(), ..FactsRecord::default() })),
    };
    let record = r#"{"version":1,"revision":2,"point":"approval","outcome":"refuse","decided_by":"default","facts":{"scope":"openid"}}"#;
    travels(
        NoteRefusal { of: Refused::Approval(KEY), why: why(), policy: Some(Box::new(policy)), person: None },
        &format!(
            r#"{{"note_refusal":{{"of":{{"approval":"{KEY}"}},"why":"client_disabled","policy":{record}}}}}"#
        ),
    );
    travels(
        NoteRefusal { of: Refused::Refresh(ID), why: why(), policy: None, person: None },
        &format!(r#"{{"note_refusal":{{"of":{{"refresh":"{SEVENS}"}},"why":"client_disabled"}}}}"#),
    );
    let (account, person) = (AccountKey::local("alice"), Box::new(Spot::of(&request().origin)));
    travels(
        NoteRefusedSignIn { account, why: "credentials".to_owned(), person, policy: None },
        r#"{"note_refused_sign_in":{"account":"local:alice","why":"credentials","person":{"country":"FR","asn":64500,"kind":"Apple TV"}}}"#,
    );
}

#[test]
fn commands_and_replies_about_live_grants() {
    let bounds = Bounds { limit: 9, look: 99 };
    travels(
        WalkGrants { after: None, refused_by: None, bounds },
        r#"{"walk_grants":{"bounds":{"limit":9,"look":99}}}"#,
    );
    travels(
        WalkGrants { after: Some(KEY), refused_by: None, bounds },
        &format!(r#"{{"walk_grants":{{"after":"{KEY}","bounds":{{"limit":9,"look":99}}}}}}"#),
    );
    travels(
        EndGrant { key: KEY, by: Actor::Registration },
        &format!(r#"{{"end_grant":{{"key":"{KEY}","by":"registration"}}}}"#),
    );
    answers::<EndGrant>(&None, "null");
    let live = |state, account| LiveGrant {
        client_id: "tv".to_owned(),
        scope: Scope::default(),
        started: device().provenance.approved,
        expires_at: AT,
        state,
        account,
    };
    let text = |state: &str, more: &str| {
        format!(
            r#"{{"client_id":"tv","scope":"","started":{{"at":1763733780123,"kind":"Unknown device"}},"expires_at":1763733780123,"state":"{state}"{more}}}"#
        )
    };
    let found = vec![
        (KEY, live(LiveState::Waiting, None)),
        (KEY, live(LiveState::Opened, Some(Sub::from("acct-a")))),
        (KEY, live(LiveState::Approved, None)),
    ];
    answers::<WalkGrants>(
        &Walked { found, looked: 9, next: Some(KEY) },
        &format!(
            r#"{{"found":[["{KEY}",{}],["{KEY}",{}],["{KEY}",{}]],"looked":9,"next":"{KEY}"}}"#,
            text("waiting", ""),
            text("opened", r#","account":"acct-a""#),
            text("approved", "")
        ),
    );
}

#[test]
fn replies_of_a_shard_of_grants() {
    answers::<Open>(&Opened::Live(3), r#"{"live":3}"#);
    answers::<Open>(&Opened::Taken, r#""taken""#);
    answers::<Open>(&Opened::Full(9), r#"{"full":9}"#);
    answers::<Open>(&Opened::ClientFull(Width::Site, 9), r#"{"client_full":[48,9]}"#);
    answers::<Open>(&Opened::Crowded(Width::Block, 9), r#"{"crowded":[24,9]}"#);
    let ready = Ready { request: request(), approval: approval(), digits: None };
    let typed_right = Box::new(Ready { digits: Some(Match::Right), ..ready.clone() });
    let verified = format!(r#"{{"ready":{}}}"#, json(&typed_right));
    assert!(verified.ends_with(r#","digits":"right"}}"#), "{verified}");
    let approved = format!(r#"{{"ready":{}}}"#, json(&ready));
    for (poll, text) in [
        (Poll::Pending(5), r#"{"pending":5}"#),
        (Poll::TooSoon(10), r#"{"too_soon":10}"#),
        (Poll::Denied(Denial::Denied), r#"{"denied":"denied"}"#),
        (Poll::Denied(Denial::Elsewhere), r#"{"denied":"elsewhere"}"#),
        (Poll::Expired, r#""expired""#),
        (Poll::Ready(Box::new(ready)), approved.as_str()),
        (Poll::Ready(typed_right), verified.as_str()),
        (Poll::DigitsNeeded(5), r#"{"digits_needed":5}"#),
        (Poll::Denied(Denial::Mistyped), r#"{"denied":"mistyped"}"#),
        (Poll::Spent, r#""spent""#),
        (Poll::Replayed, r#""replayed""#),
        (Poll::Unknown, r#""unknown""#),
        (Poll::WithoutKey, r#""without_key""#),
    ] {
        answers::<PollCode>(&poll, text);
    }
    answers::<RefuseElsewhere>(&Poll::Denied(Denial::Elsewhere), r#"{"denied":"elsewhere"}"#);
    answers::<Miss>(&Poll::WrongDigits(2), r#"{"wrong_digits":2}"#);
    answers::<Redeem>(&Redemption::Won, r#""won""#);
    answers::<Redeem>(&Redemption::Again, r#""again""#);
    answers::<Redeem>(&Redemption::Lost, r#""lost""#);
    let shown = Box::new(Shown { request: request(), nonce: "nonce".to_owned(), expires_at: AT });
    let page = format!(r#"{{"yours":{}}}"#, json(&shown));
    answers::<TakeHold>(&Held::Yours(shown.clone()), &page);
    answers::<FindRequest>(&Standing::Open(shown), &page.replace("yours", "open"));
    answers::<TakeHold>(&Held::Absent(2), r#"{"absent":2}"#);
    let settled = || {
        Box::new(Settled {
            request: request(),
            outcome: Outcome::Approved,
            at: AT,
            ends_at: AT,
            digits: None,
        })
    };
    let (text, at) = (json(&request()), AT.millis());
    let record = format!(r#"{{"request":{text},"outcome":"approved","at":{at},"ends_at":{at}}}"#);
    answers::<Decide>(&Decided::Done(settled()), &format!(r#"{{"done":{record}}}"#));
    answers::<Withdraw>(&Decided::Before(settled()), &format!(r#"{{"before":{record}}}"#));
    answers::<FindRequest>(&Standing::Settled(settled()), &format!(r#"{{"settled":{record}}}"#));
    let shown = Settled { digits: Some(typed("0042")), ..*settled() };
    let with_digits =
        record.replace(&format!(r#""ends_at":{at}}}"#), &format!(r#""ends_at":{at},"digits":"0042"}}"#));
    answers::<FindRequest>(&Standing::Settled(Box::new(shown)), &format!(r#"{{"settled":{with_digits}}}"#));
    answers::<FindRequest>(&Standing::Expired(AT), &format!(r#"{{"expired":{at}}}"#));
    answers::<FindRequest>(&Standing::Elsewhere, r#""elsewhere""#);
    answers::<FindRequest>(&Standing::Over, r#""over""#);
    answers::<Misidentify>(&Misidentified::Left(2), r#"{"left":2}"#);
    answers::<Misidentify>(&Misidentified::Denied(settled()), &format!(r#"{{"denied":{record}}}"#));
    answers::<Misidentify>(&Misidentified::Over, r#""over""#);
    answers::<Decide>(&Decided::Elsewhere, r#""elsewhere""#);
    answers::<Decide>(&Decided::Over, r#""over""#);
}

#[test]
fn a_request_for_a_web_socket_and_its_refusals() {
    let (key, secret, digest) = (KEY, secret(), encode(secret().bytes()));
    for (proven, member) in [(Confirmation::default(), ""), (bound(), r#","proven":{"jkt":"thumbprint"}"#)] {
        let text = format!(r#"{{"key":"{SEVENS}","secret":"{digest}"{member},"most":2000}}"#);
        let ask = Listen { key, secret, proven, most: 2_000 };
        assert_eq!(json(&ask), text);
        assert_eq!(serde_json::from_str::<Listen>(&text).expect("it parses"), ask);
    }
    for (refusal, text) in [
        (Refusal::Unknown, r#""unknown""#),
        (Refusal::WithoutKey, r#""without_key""#),
        (Refusal::Decided, r#""decided""#),
        (Refusal::TooSoon(4), r#"{"too_soon":4}"#),
        (Refusal::Full, r#""full""#),
    ] {
        assert_eq!(json(&refusal), text);
        assert_eq!(serde_json::from_str::<Refusal>(text).expect("it parses"), refusal);
    }
}

#[test]
fn replies_about_a_family() {
    let current = format!(r#"{{"current":{}}}"#, json(&family()));
    answers::<PresentToken>(&Presented::Current(Box::new(family())), &current);
    answers::<PresentToken>(&Presented::Raced, r#""raced""#);
    answers::<PresentToken>(&Presented::Reused, r#""reused""#);
    answers::<PresentToken>(&Presented::WithoutKey, r#""without_key""#);
    answers::<PresentToken>(&Presented::Dead, r#""dead""#);
    answers::<RotateToken>(&Rotation::Rotated, r#""rotated""#);
    answers::<RotateToken>(&Rotation::Again, r#""again""#);
    answers::<RotateToken>(&Rotation::Lost, r#""lost""#);
    answers::<FindFamily>(&None, "null");
    answers::<FindFamily>(&Some(Box::new(family())), &json(&family()));
    answers::<RevokeFamily>(&(), "null");
    answers::<EndFamilies>(&vec![ID], &format!(r#"["{SEVENS}"]"#));
}

#[test]
fn commands_and_replies_of_an_account() {
    let account = AccountKey::local("alice");
    travels(FindAccount { account }, r#"{"find_account":{"account":"local:alice"}}"#);
    let digest = encode(secret().bytes());
    travels(CheckSession { id: secret() }, &format!(r#"{{"check_session":{{"id":"{digest}"}}}}"#));
    travels(EndSession { id: secret() }, &format!(r#"{{"end_session":{{"id":"{digest}"}}}}"#));
    answers::<FindAccount>(&None, "null");
    answers::<EndSession>(&(), "null");
    answers::<StartSession>(&None, "null");
    let known = Known { clients: vec!["demo-tv".to_owned()], countries: vec!["FR".to_owned()] };
    answers::<StartSession>(&Some(known), r#"{"clients":["demo-tv"],"countries":["FR"]}"#);
    let alice = || AccountKey::local("alice");
    travels(
        EndSessions {
            account: alice(),
            upstream: None,
            except: None,
            begun_by: None,
            by: Actor::Registration,
        },
        r#"{"end_sessions":{"account":"local:alice","by":"registration"}}"#,
    );
    let upstream = Some(Upstream { provider: "corp".to_owned(), sid: Some("s".to_owned()) });
    travels(
        EndSessions {
            account: alice(),
            upstream,
            except: Some(secret()),
            begun_by: Some(AT),
            by: Actor::Provider("corp".to_owned()),
        },
        &format!(
            r#"{{"end_sessions":{{"account":"local:alice","upstream":{{"provider":"corp","sid":"s"}},"except":"{digest}","begun_by":1763733780123,"by":{{"provider":"corp"}}}}}}"#
        ),
    );
    answers::<EndSessions>(&3, "3");
}

#[test]
fn commands_about_the_leaver_check() {
    let alice = || AccountKey::local("alice");
    travels(
        KeepUpstreamToken { account: alice(), token: Some("c2VhbGVk".to_owned()), ends_at: AT },
        r#"{"keep_upstream_token":{"account":"local:alice","token":"c2VhbGVk","ends_at":1763733780123}}"#,
    );
    travels(
        KeepUpstreamToken { account: alice(), token: None, ends_at: AT },
        r#"{"keep_upstream_token":{"account":"local:alice","ends_at":1763733780123}}"#,
    );
    let every = Duration::from_secs(60);
    travels(
        BeginRecheck { account: alice(), every },
        r#"{"begin_recheck":{"account":"local:alice","every":{"secs":60,"nanos":0}}}"#,
    );
    let reply = Reply::There(Some("c2VhbGVk".to_owned()));
    travels(
        EndRecheck { account: alice(), every, serial: 2, reply },
        r#"{"end_recheck":{"account":"local:alice","every":{"secs":60,"nanos":0},"serial":2,"reply":{"there":"c2VhbGVk"}}}"#,
    );
    let ask = Recheck::Ask { token: "c2VhbGVk".to_owned(), serial: 2 };
    answers::<BeginRecheck>(&ask, r#"{"ask":{"token":"c2VhbGVk","serial":2}}"#);
    answers::<EndRecheck>(&Recheck::Left, r#""left""#);
}

#[test]
fn commands_and_replies_about_stored_accounts_and_pointers() {
    let account = Box::new(identity::demo::accounts().pop().expect("bob"));
    let record = json(&account);
    let members = vec!["groups".to_owned()];
    let event = AccountEvent { what: Changed::AccountChanged, by: operator(), members };
    travels(
        PutAccount { account: account.clone(), expected: None, event: None },
        &format!(r#"{{"put_account":{{"account":{record}}}}}"#),
    );
    travels(
        PutAccount { account: account.clone(), expected: Some(7), event: Some(event) },
        &format!(
            r#"{{"put_account":{{"account":{record},"expected":7,"event":{{"what":"account_changed","by":{{"operator":"9f86d081"}},"members":["groups"]}}}}}}"#
        ),
    );
    answers::<PutAccount>(&Put::Stored(account.clone()), &format!(r#"{{"stored":{record}}}"#));
    answers::<PutAccount>(&Put::Other(Some(account)), &format!(r#"{{"other":{record}}}"#));
    travels(
        ListAccounts { after: None, prefix: String::new(), limit: 3 },
        r#"{"list_accounts":{"limit":3}}"#,
    );
    let after = Some(AccountKey::local("bob"));
    travels(
        ListAccounts { after, prefix: "local:".to_owned(), limit: 3 },
        r#"{"list_accounts":{"after":"local:bob","prefix":"local:","limit":3}}"#,
    );
    travels(
        ListSessions { account: AccountKey::local("bob") },
        r#"{"list_sessions":{"account":"local:bob"}}"#,
    );
    answers::<PutAccount>(&Put::Other(None), r#"{"other":null}"#);
    let (pointer, account) = (Pointer::name("corp", "Bob"), AccountKey::local("bob"));
    travels(
        FindByPointers { pointers: vec![pointer.clone()] },
        r#"{"find_by_pointers":{"pointers":["name:corp:bob"]}}"#,
    );
    travels(FindByPointer { pointer: pointer.clone() }, r#"{"find_by_pointer":{"pointer":"name:corp:bob"}}"#);
    for (ends_at, more) in [(None, ""), (Some(AT), r#","ends_at":1763733780123"#)] {
        travels(
            ClaimPointer { pointer: pointer.clone(), target: Target { account: account.clone(), ends_at } },
            &format!(
                r#"{{"claim_pointer":{{"pointer":"name:corp:bob","target":{{"account":"local:bob"{more}}}}}}}"#
            ),
        );
    }
    answers::<ClaimPointer>(&account, r#""local:bob""#);
    travels(
        ReleasePointer { pointer, account },
        r#"{"release_pointer":{"pointer":"name:corp:bob","account":"local:bob"}}"#,
    );
}

#[test]
fn commands_and_replies_about_devices() {
    let id = || DeviceId::from("sid".to_owned());
    let record = json(&device());
    let judged_by = Edition { revision: 7, read_at: AT };
    let edition = r#""judged_by":{"revision":7,"read_at":1763733780123}"#;
    travels(
        EnterDevice { id: id(), device: Box::new(device()), groups: Vec::new(), judged_by },
        &format!(r#"{{"enter_device":{{"id":"sid","device":{record},{edition}}}}}"#),
    );
    let staff: Vec<Group> = Group::parse("local:staff").into_iter().collect();
    travels(
        EnterDevice { id: id(), device: Box::new(device()), groups: staff.clone(), judged_by },
        &format!(r#"{{"enter_device":{{"id":"sid","device":{record},"groups":["local:staff"],{edition}}}}}"#),
    );
    answers::<EnterDevice>(&Entered::Refused, r#""refused""#);
    answers::<EnterDevice>(&Entered::OtherGroups(staff), r#"{"other_groups":["local:staff"]}"#);
    travels(
        UseDevice { id: id(), good_until: AT },
        r#"{"use_device":{"id":"sid","good_until":1763733780123}}"#,
    );
    answers::<EnterDevice>(&Entered::Outdated, r#""outdated""#);
    travels(CheckDevice { id: id() }, r#"{"check_device":{"id":"sid"}}"#);
    answers::<CheckDevice>(&Checked { account: None, kill: None }, "{}");
    let kill = LatestKill { format: Format, revision: 7, at: AT };
    let told = r#""kill":{"format":1,"revision":7,"at":1763733780123}"#;
    answers::<CheckDevice>(&Checked { account: None, kill: Some(kill) }, &format!("{{{told}}}"));
    travels(NoteKill { kill }, &format!(r#"{{"note_kill":{{{told}}}}}"#));
    travels(EndDevices { ids: vec![id()] }, r#"{"end_devices":{"ids":["sid"]}}"#);
    travels(ForgetDevices { ids: vec![id()] }, r#"{"forget_devices":{"ids":["sid"]}}"#);
    travels(
        SettleDevices { live: vec![id()], gone: Vec::new() },
        r#"{"settle_devices":{"live":["sid"],"gone":[]}}"#,
    );
    travels(
        NameDevice { id: id(), account: AccountKey::local("alice"), label: Some("TV".to_owned()) },
        r#"{"name_device":{"id":"sid","account":"local:alice","label":"TV"}}"#,
    );
    travels(
        ReadHistory { account: AccountKey::local("alice") },
        r#"{"read_history":{"account":"local:alice"}}"#,
    );
    answers::<ReadHistory>(&History::default(), r#"{"format":1}"#);
    travels(
        ConfirmAccess { account: AccountKey::local("alice"), client_id: "tv".to_owned() },
        r#"{"confirm_access":{"account":"local:alice","client_id":"tv"}}"#,
    );
    let record = json(&decision());
    travels(
        NoteDecision { account: AccountKey::local("alice"), decision: Box::new(decision()) },
        &format!(r#"{{"note_decision":{{"account":"local:alice","decision":{record}}}}}"#),
    );
    let record = json(&device());
    let bounds = Bounds { limit: 9, look: 99 };
    let walk = WalkDevices { account: None, selection: Selection::default(), after: None, bounds };
    travels(walk, r#"{"walk_devices":{"selection":{},"bounds":{"limit":9,"look":99}}}"#);
    let walked = Walked { found: vec![(id(), device())], looked: 3, next: Some(id()) };
    answers::<WalkDevices>(&walked, &format!(r#"{{"found":[["sid",{record}]],"looked":3,"next":"sid"}}"#));
    let selection = SessionSelection {
        provider: Some("corp".to_owned()),
        country: Some("FR".to_owned()),
        asn: Some(64_500),
        from: Some(AT),
        to: Some(AT),
    };
    let account = Some(AccountKey::local("alice"));
    travels(
        WalkSessions { account, selection, after: Some(secret()), bounds },
        &format!(
            r#"{{"walk_sessions":{{"account":"local:alice","selection":{{"provider":"corp","country":"FR","asn":64500,"from":1763733780123,"to":1763733780123}},"after":"{}","bounds":{{"limit":9,"look":99}}}}}}"#,
            encode(secret().bytes())
        ),
    );
    answers::<WalkSessions>(
        &Walked { found: Vec::new(), looked: 0, next: None },
        r#"{"found":[],"looked":0}"#,
    );
    travels(
        EndListedSessions { ids: vec![secret()], by: Actor::Registration },
        &format!(
            r#"{{"end_listed_sessions":{{"ids":["{}"],"by":"registration"}}}}"#,
            encode(secret().bytes())
        ),
    );
}

#[test]
fn commands_that_list_devices() {
    let id = || DeviceId::from("sid".to_owned());
    let record = json(&device());
    let list = ListDevices { account: None, selection: Selection::default(), after: None, limit: 9 };
    travels(list, r#"{"list_devices":{"selection":{},"limit":9}}"#);
    let selection = Selection {
        ids: Some(vec![id()]),
        client_id: Some("tv".to_owned()),
        approval_id: Some(ApprovalId::from("a")),
        codes: vec![KEY],
        country: Some("FR".to_owned()),
        asn: Some(64_500),
        from: Some(AT),
        to: Some(AT),
        networks: network().prefixes().take(1).cloned().collect(),
        asked: Some(Asked { from: AT, to: AT, since: AT }),
    };
    let account = Some(AccountKey::local("alice"));
    travels(
        ListDevices { account, selection, after: Some(id()), limit: 9 },
        r#"{"list_devices":{"account":"local:alice","selection":{"ids":["sid"],"client_id":"tv","approval_id":"a","codes":["BwcHBwcHBwcHBwcHBwcHBw"],"country":"FR","asn":64500,"from":1763733780123,"to":1763733780123,"networks":["24.abc"],"asked":{"from":1763733780123,"to":1763733780123,"since":1763733780123}},"after":"sid","limit":9}}"#,
    );
    answers::<ListDevices>(&vec![(id(), device())], &format!(r#"[["sid",{record}]]"#));
}

#[test]
fn commands_and_replies_of_a_limiter() {
    let (key, at) = (|| "k".to_owned(), AT.millis());
    let rule = Rule::Window { limit: 5, window: 300 };
    for (from, more) in [(None, ""), (Some(network()), r#","network":"24.abc/32.def""#)] {
        travels(
            Take { key: key(), rule, network: from.clone() },
            &format!(r#"{{"take":{{"key":"k","rule":{{"window":{{"limit":5,"window":300}}}}{more}}}}}"#),
        );
        travels(
            GiveBack { key: key(), at: AT, network: from },
            &format!(r#"{{"give_back":{{"key":"k","at":{at}{more}}}}}"#),
        );
    }
    travels(UseOnce { key: key(), until: AT }, &format!(r#"{{"use_once":{{"key":"k","until":{at}}}}}"#));
    let live = BTreeMap::from([("weur/0".to_owned(), 3)]);
    travels(
        Expose { key: key(), live, wrong: 1, right: 7, window: 300, allowed: 5 },
        r#"{"expose":{"key":"k","live":{"weur/0":3},"wrong":1,"right":7,"window":300,"allowed":5}}"#,
    );
    answers::<Take>(&Room::Taken(AT), &format!(r#"{{"taken":{at}}}"#));
    let full = Full { seconds: 9, prefix: Some(Width::Site) };
    answers::<Take>(&Room::Wait(full), r#"{"wait":{"seconds":9,"prefix":48}}"#);
    let full = Full { prefix: None, ..full };
    answers::<Take>(&Room::Wait(full), r#"{"wait":{"seconds":9}}"#);
    answers::<UseOnce>(&true, "true");
    travels(FindDocument { key: key(), pause: 10 }, r#"{"find_document":{"key":"k","pause":10}}"#);
    let kept = || KeptDocument { text: "{}".to_owned(), fresh_until: AT };
    let text = format!(r#"{{"text":"{{}}","fresh_until":{at}}}"#);
    travels(
        KeepDocument { key: key(), document: Some(kept()) },
        &format!(r#"{{"keep_document":{{"key":"k","document":{text}}}}}"#),
    );
    answers::<FindDocument>(&DocumentNow::Fresh(kept()), &format!(r#"{{"fresh":{text}}}"#));
    answers::<FindDocument>(&DocumentNow::Fetch { stale: None }, r#"{"fetch":{"stale":null}}"#);
    let wait = DocumentNow::Wait { seconds: 9, stale: Some(kept()) };
    answers::<FindDocument>(&wait, &format!(r#"{{"wait":{{"seconds":9,"stale":{text}}}}}"#));
}

fn keeper() -> Keeper {
    Keeper { replica: Replica { region: Region::Weur, index: 1 }, lease: 30 }
}

#[test]
fn commands_about_the_inventory() {
    let entry = r#"{"format":1,"identifier":"SN0042AB17","accounts":["local:alice"],"groups":["local:staff"],"note":"Room 4"}"#;
    let identifier = Identifier::parse("sn-0042-ab17").expect("an identifier");
    travels(
        PutInventory { entry: serde_json::from_str(entry).expect("it parses"), by: Actor::Registration },
        &format!(r#"{{"put_inventory":{{"entry":{entry},"by":"registration"}}}}"#),
    );
    travels(ListInventory { after: None, limit: 9 }, r#"{"list_inventory":{"limit":9}}"#);
    travels(
        FindInventory { identifier: identifier.clone() },
        r#"{"find_inventory":{"identifier":"SN0042AB17"}}"#,
    );
    travels(
        RemoveInventory { identifier, by: Actor::Registration },
        r#"{"remove_inventory":{"identifier":"SN0042AB17","by":"registration"}}"#,
    );
}

#[test]
fn commands_to_the_registry() {
    let name = || "a".to_owned();
    travels(TakeOutline {}, r#"{"take_outline":{}}"#);
    travels(
        FindAtSource { client_id: name(), using: false, revision: None, keeper: None },
        r#"{"find_at_source":{"client_id":"a"}}"#,
    );
    travels(
        FindAtSource { client_id: name(), using: true, revision: Some(7), keeper: Some(keeper()) },
        r#"{"find_at_source":{"client_id":"a","using":true,"revision":7,"keeper":{"replica":{"region":"weur","index":1},"lease":30}}}"#,
    );
    travels(FindKeys::default(), r#"{"find_keys":{}}"#);
    travels(
        FindKeys { keeper: Some(keeper()) },
        r#"{"find_keys":{"keeper":{"replica":{"region":"weur","index":1},"lease":30}}}"#,
    );
    travels(Invalidate {}, r#"{"invalidate":{}}"#);
    travels(AwaitReplicas {}, r#"{"await_replicas":{}}"#);
    answers::<Invalidate>(&(), "null");
    answers::<AwaitReplicas>(&vec![keeper().replica], r#"[{"region":"weur","index":1}]"#);
    travels(ListClients { after: None, limit: 3 }, r#"{"list_clients":{"after":null,"limit":3}}"#);
    let client = Box::new(demo::clients().remove(0));
    let record = json(&client);
    let dry_run = Some(Trial { scopes: Scope::parse("fly").expect("a scope") });
    travels(
        CreateClient { client, logo: None, dry_run, by: operator() },
        &format!(
            r#"{{"create_client":{{"client":{record},"dry_run":{{"scopes":"fly"}},"by":{{"operator":"9f86d081"}}}}}}"#
        ),
    );
    let (name_of_it, logo) = (name(), Logo::read(b"\xff\xd8\xff".to_vec()).expect("a JPEG"));
    travels(FindLogo { name: name() }, r#"{"find_logo":{"name":"a"}}"#);
    travels(KeepLogo { name: name_of_it, logo }, r#"{"keep_logo":{"name":"a","logo":"/9j/"}}"#);
    travels(
        DeleteClient {
            client_id: name(),
            expected: Expected::OneOf(vec!["\"0.1\"".to_owned()]),
            by: Actor::Registration,
        },
        r#"{"delete_client":{"client_id":"a","expected":{"one_of":["\"0.1\""]},"by":"registration"}}"#,
    );
    let digest = encode(secret().bytes());
    travels(
        RotateSecret {
            client_id: name(),
            expected: Expected::Any,
            secret: secret(),
            overlap: 5,
            by: operator(),
        },
        &format!(
            r#"{{"rotate_secret":{{"client_id":"a","expected":"any","secret":"{digest}","overlap":5,"by":{{"operator":"9f86d081"}}}}}}"#
        ),
    );
    travels(
        DescribeScope { name: name(), now: words(Demand::default()), by: Actor::Registration },
        r#"{"describe_scope":{"name":"a","description":"Words","by":"registration"}}"#,
    );
    travels(
        DescribeScope {
            name: name(),
            now: words(Demand { max_age: Some(60), ..Demand::default() }),
            by: Actor::Registration,
        },
        r#"{"describe_scope":{"name":"a","description":"Words","sign_in":{"max_age":60},"by":"registration"}}"#,
    );
    travels(ListDocuments {}, r#"{"list_documents":{}}"#);
    let entry = r#"{"format":1,"entry":"tool.example","scope":"openid"}"#;
    let dry_run = Some(Trial { scopes: Scope::parse("fly").expect("a scope") });
    let allow = |dry_run| AllowDocument {
        entry: serde_json::from_str(entry).expect("it parses"),
        dry_run,
        by: Actor::Registration,
    };
    travels(allow(None), &format!(r#"{{"allow_document":{{"entry":{entry},"by":"registration"}}}}"#));
    travels(
        allow(dry_run),
        &format!(
            r#"{{"allow_document":{{"entry":{entry},"dry_run":{{"scopes":"fly"}},"by":"registration"}}}}"#
        ),
    );
    travels(
        RemoveDocument { entry: name(), by: Actor::Registration },
        r#"{"remove_document":{"entry":"a","by":"registration"}}"#,
    );
    travels(
        RotateKeys { alg: None, at_once: true, by: Actor::Registration },
        r#"{"rotate_keys":{"alg":null,"at_once":true,"by":"registration"}}"#,
    );
    travels(
        RetireKey { kid: name(), by: Actor::Registration },
        r#"{"retire_key":{"kid":"a","by":"registration"}}"#,
    );
}

#[test]
fn commands_about_governance() {
    let policy = Policy::without_document(false);
    let change = PolicyChange {
        expected: Expected::OneOf(vec!["\"5.1\"".to_owned()]),
        reason: "Words".to_owned(),
        administrators: vec![Group::parse("local:root").expect("a group")],
        dry_run: false,
        by: operator(),
    };
    let rest = r#""expected":{"one_of":["\"5.1\""]},"reason":"Words","administrators":["local:root"]"#;
    let by = r#""by":{"operator":"9f86d081"}"#;
    let written = r#"{"default":"enforced","longest_exception_days":90}"#;
    travels(
        ReplacePolicy { policy: Box::new(policy.clone()), change: change.clone() },
        &format!(r#"{{"replace_policy":{{"policy":{written},"change":{{{rest},{by}}}}}}}"#),
    );
    travels(
        RollBackPolicy { version: 3, change: PolicyChange { dry_run: true, ..change } },
        &format!(r#"{{"roll_back_policy":{{"version":3,"change":{{{rest},"dry_run":true,{by}}}}}}}"#),
    );
    travels(FindPolicy { version: None }, r#"{"find_policy":{}}"#);
    travels(FindPolicy { version: Some(3) }, r#"{"find_policy":{"version":3}}"#);
    travels(ListPolicies {}, r#"{"list_policies":{}}"#);
    let (author, reason, at) = (operator(), "Words".to_owned(), AT);
    let version = PolicyVersion { format: Format, version: 4, policy, author, reason, at };
    let edit = r#""author":{"operator":"9f86d081"},"reason":"Words","at":1763733780123"#;
    answers::<ListPolicies>(&vec![version.edit()], &format!(r#"[{{"version":4,{edit}}}]"#));
    let difference = Difference { at: "/default".to_owned(), before: None, after: Some(7.into()) };
    answers::<ReplacePolicy>(
        &Ok(PolicyNow {
            version: Some(Box::new(version)),
            revision: 9,
            differences: vec![difference],
            warnings: vec!["Words".to_owned()],
        }),
        &format!(
            r#"{{"Ok":{{"version":{{"format":1,"version":4,"policy":{written},{edit}}},"revision":9,"differences":[{{"at":"/default","after":7}}],"warnings":["Words"]}}}}"#
        ),
    );
    answers::<ReplacePolicy>(&Err(PolicyRefusal::ShutsOut), r#"{"Err":"shuts_out"}"#);
}

#[test]
fn commands_about_exceptions() {
    let id = || Name::parse("bob").expect("a name");
    let by = r#""by":{"operator":"9f86d081"}"#;
    travels(ListExceptions { after: None, limit: 3 }, r#"{"list_exceptions":{"limit":3}}"#);
    travels(
        ListExceptions { after: Some(id()), limit: 3 },
        r#"{"list_exceptions":{"after":"bob","limit":3}}"#,
    );
    travels(FindException { id: id() }, r#"{"find_exception":{"id":"bob"}}"#);
    travels(
        EndException { id: id(), expected: Expected::Any, by: operator() },
        &format!(r#"{{"end_exception":{{"id":"bob","expected":"any",{by}}}}}"#),
    );
    let person = Person { account: AccountKey::local("alice"), groups: Vec::new(), names: Vec::new() };
    let renewal = RenewException {
        id: id(),
        expected: Expected::Any,
        reason: "Words".to_owned(),
        expires_at: AT,
        person: Some(person),
        dry_run: false,
        by: operator(),
    };
    travels(
        renewal,
        &format!(
            r#"{{"renew_exception":{{"id":"bob","expected":"any","reason":"Words","expires_at":1763733780123,"person":{{"account":"local:alice","groups":[]}},{by}}}}}"#
        ),
    );
    let record = r#"{"format":1,"id":"bob","when":{"accounts":["local:bob"]},"owner":"Alice","reason":"Words","ticket":"SEC-1","created_by":"server","expires_at":"2027-02-01T00:00:00Z","history":{"version":1}}"#;
    let exception: Box<Exception> = serde_json::from_str(record).expect("an exception");
    travels(
        CreateException { exception: exception.clone(), dry_run: true, by: operator() },
        &format!(r#"{{"create_exception":{{"exception":{record},"dry_run":true,{by}}}}}"#),
    );
    travels(
        ReplaceException {
            exception: exception.clone(),
            expected: Expected::Any,
            dry_run: false,
            by: operator(),
        },
        &format!(r#"{{"replace_exception":{{"exception":{record},"expected":"any",{by}}}}}"#),
    );
    answers::<CreateException>(&Ok(*exception), &format!(r#"{{"Ok":{record}}}"#));
    answers::<EndException>(&Err(ExceptionRefusal::Over), r#"{"Err":"over"}"#);
    let faulty = ExceptionRefusal::Faulty(vec![Fault::at("reason", "Words")]);
    answers::<RenewException>(&Err(faulty), r#"{"Err":{"faulty":[{"pointer":"/reason","detail":"Words"}]}}"#);
}

#[test]
fn commands_about_requests_for_access() {
    let (id, by) = (|| Name::parse("1").expect("a name"), r#""by":{"operator":"9f86d081"}"#);
    let record = r#"{"format":1,"id":"1","asker":{"account":"local:bob","sub":"bobs","name":"Bob"},"client_id":"cli","client_name":"CLI","reason":"Words","places":{"person":{"kind":"Unknown device"}},"asked_at":1763733780123,"state":"open"}"#;
    let request: Box<AccessRequest> = serde_json::from_str(record).expect("a request");
    travels(
        AskForAccess { request: request.clone() },
        &format!(r#"{{"ask_for_access":{{"request":{record}}}}}"#),
    );
    answers::<AskForAccess>(&Ok(AccessRequest::clone(&request)), &format!(r#"{{"Ok":{record}}}"#));
    answers::<AskForAccess>(&Err(AskRefusal::TooManyOpen), r#"{"Err":"too_many_open"}"#);
    travels(
        ListAccessRequests { after: Some(id()), state: Some(access_request::Standing::Open), limit: 3 },
        r#"{"list_access_requests":{"after":"1","state":"open","limit":3}}"#,
    );
    travels(FindAccessRequest { id: id() }, r#"{"find_access_request":{"id":"1"}}"#);
    travels(
        FindOwnAccessRequests { account: AccountKey::local("bob"), sub: "bobs".into() },
        r#"{"find_own_access_requests":{"account":"local:bob","sub":"bobs"}}"#,
    );
    let terms = Terms { owner: "Alice".to_owned(), reason: None, ticket: None, expires_at: AT };
    let person = Some(Person { account: AccountKey::local("alice"), groups: Vec::new(), names: Vec::new() });
    travels(
        GrantAccess { id: id(), terms, person, dry_run: false, by: operator() },
        &format!(
            r#"{{"grant_access":{{"id":"1","terms":{{"owner":"Alice","expires_at":1763733780123}},"person":{{"account":"local:alice","groups":[]}},{by}}}}}"#
        ),
    );
    answers::<GrantAccess>(&Err(AnswerRefusal::Own), r#"{"Err":"own"}"#);
    answers::<RefuseAccess>(
        &Err(AnswerRefusal::Over(access_request::Standing::Granted)),
        r#"{"Err":{"over":"granted"}}"#,
    );
    travels(
        RefuseAccess { id: id(), message: Some("No.".to_owned()), dry_run: true, by: operator() },
        &format!(r#"{{"refuse_access":{{"id":"1","message":"No.","dry_run":true,{by}}}}}"#),
    );
}

#[test]
fn commands_about_kill_switches() {
    let record = r#"{"format":1,"id":"stop","target":{"client":"cli"},"until":"2027-02-01T00:00:00Z","reason":"Words","by":"registration","at":"2025-11-21T14:03:00.123Z"}"#;
    let switch: Box<KillSwitch> = serde_json::from_str(record).expect("a kill switch");
    travels(ListKillSwitches {}, r#"{"list_kill_switches":{}}"#);
    answers::<ListKillSwitches>(&vec![KillSwitch::clone(&switch)], &format!("[{record}]"));
    for (dry_run, more) in [(false, ""), (true, r#","dry_run":true"#)] {
        travels(
            SetKillSwitch { switch: switch.clone(), dry_run },
            &format!(r#"{{"set_kill_switch":{{"switch":{record}{more}}}}}"#),
        );
    }
    let now = KillSwitchNow { switch: KillSwitch::clone(&switch), revision: 7, is_new: true };
    answers::<SetKillSwitch>(
        &Ok(now),
        &format!(r#"{{"Ok":{{"switch":{record},"revision":7,"is_new":true}}}}"#),
    );
    answers::<SetKillSwitch>(&Err(KillRefusal::Exists), r#"{"Err":"exists"}"#);
    let id = Name::parse("stop").expect("a name");
    travels(
        EndKillSwitch { id, by: operator() },
        r#"{"end_kill_switch":{"id":"stop","by":{"operator":"9f86d081"}}}"#,
    );
    answers::<EndKillSwitch>(&Err(KillRefusal::Missing), r#"{"Err":"missing"}"#);
    let (after, refused_by, bounds) = (None, Some(switch), Bounds { limit: 9, look: 99 });
    travels(
        WalkGrants { after, refused_by, bounds },
        &format!(r#"{{"walk_grants":{{"refused_by":{record},"bounds":{{"limit":9,"look":99}}}}}}"#),
    );
}

#[test]
fn commands_about_admin_tokens_and_invitations() {
    let digest = encode(secret().bytes());
    travels(ListAdminTokens {}, r#"{"list_admin_tokens":{}}"#);
    travels(UseAdminToken { digest: secret() }, &format!(r#"{{"use_admin_token":{{"digest":"{digest}"}}}}"#));
    travels(
        RevokeAdminToken { id: "ci".to_owned(), by: operator() },
        r#"{"revoke_admin_token":{"id":"ci","by":{"operator":"9f86d081"}}}"#,
    );
    travels(ListInvitations {}, r#"{"list_invitations":{}}"#);
    travels(
        RevokeInvitation { id: "i".to_owned(), by: operator() },
        r#"{"revoke_invitation":{"id":"i","by":{"operator":"9f86d081"}}}"#,
    );
    travels(
        FindInvitation { digest: secret() },
        &format!(r#"{{"find_invitation":{{"digest":"{digest}"}}}}"#),
    );
    let (attempt, account) = ("t".to_owned(), "acct-a".into());
    travels(
        SpendInvitation { digest: secret(), attempt, account },
        &format!(r#"{{"spend_invitation":{{"digest":"{digest}","attempt":"t","account":"acct-a"}}}}"#),
    );
    answers::<CreateAdminToken>(&Err(TokenRefusal::Exists), r#"{"Err":"exists"}"#);
    answers::<CreateAdminToken>(&Ok(()), r#"{"Ok":null}"#);
    travels(FindFirstIssuer {}, r#"{"find_first_issuer":{}}"#);
    answers::<CreateInvitation>(&true, "true");
    answers::<UseAdminToken>(&None, "null");
    answers::<SpendInvitation>(&None, "null");
    travels(
        NotePasskey { what: Changed::PasskeyCopied, account: "acct-a".into() },
        r#"{"note_passkey":{"what":"passkey_copied","account":"acct-a"}}"#,
    );
    answers::<NotePasskey>(&(), "null");
}

#[test]
fn commands_about_providers() {
    travels(ListProviders {}, r#"{"list_providers":{}}"#);
    let id = || ProviderId::parse("okta").expect("an id");
    travels(FindProvider { id: id() }, r#"{"find_provider":{"id":"okta"}}"#);
    let record = r#"{"format":1,"id":"okta","name":"Okta","issuer":"https://okta.example","client_id":"a","authentication":{"method":"private_key_jwt","alg":"ES256"},"id_token_signed_response_alg":"RS256","scope":"openid","claims":{"subject":"sub","name":"name","email":"email","username":"preferred_username","groups":"groups"},"end_families_on_logout":false,"enabled":true,"order":0,"history":{"version":1}}"#;
    let provider: Box<Provider> = serde_json::from_str(record).expect("a provider");
    travels(
        CreateProvider { provider: provider.clone(), dry_run: false, by: operator() },
        &format!(r#"{{"create_provider":{{"provider":{record},"by":{{"operator":"9f86d081"}}}}}}"#),
    );
    travels(
        ReplaceProvider {
            provider: provider.clone(),
            expected: Expected::Any,
            dry_run: true,
            by: operator(),
        },
        &format!(
            r#"{{"replace_provider":{{"provider":{record},"expected":"any","dry_run":true,"by":{{"operator":"9f86d081"}}}}}}"#
        ),
    );
    travels(
        DeleteProvider { id: id(), expected: Expected::Any, by: Actor::Registration },
        r#"{"delete_provider":{"id":"okta","expected":"any","by":"registration"}}"#,
    );
    answers::<FindProvider>(&None, "null");
    let taken = ProviderRefusal::Taken(provider.source());
    answers::<CreateProvider>(
        &Err(taken),
        r#"{"Err":{"taken":{"issuer":"https://okta.example","subject":"sub"}}}"#,
    );
    answers::<CreateProvider>(&Err(ProviderRefusal::SameToken(id())), r#"{"Err":{"same_token":"okta"}}"#);
}

fn operator() -> Actor {
    Actor::operator(&Digest::of(b"test"))
}

#[test]
fn commands_about_destinations_of_events() {
    let webhook = r#"{"format":1,"id":"siem","url":"https://siem.example/","receiver":{"webhook":{"secrets":["AAAA"]}},"filter":{"what":["reported"]},"enabled":true,"history":{"version":1}}"#;
    let signals = r#"{"format":1,"id":"siem","url":"https://siem.example/","receiver":{"shared_signals":{"issuer":"https://login.example.com","audience":"siem","authorization":"AAAA"}},"filter":{},"enabled":false,"history":{"version":1}}"#;
    for record in [webhook, signals] {
        let destination: Box<Destination> = serde_json::from_str(record).expect("a destination");
        travels(
            CreateDestination { destination: destination.clone(), dry_run: false, by: operator() },
            &format!(r#"{{"create_destination":{{"destination":{record},"by":{{"operator":"9f86d081"}}}}}}"#),
        );
        travels(
            ReplaceDestination {
                destination: destination.clone(),
                expected: Expected::Any,
                dry_run: true,
                by: operator(),
            },
            &format!(
                r#"{{"replace_destination":{{"destination":{record},"expected":"any","dry_run":true,"by":{{"operator":"9f86d081"}}}}}}"#
            ),
        );
        answers::<Tell>(
            &Some(Told { destinations: vec![*destination] }),
            &format!(r#"{{"destinations":[{record}]}}"#),
        );
    }
    travels(ListDestinations {}, r#"{"list_destinations":{}}"#);
    let id = Name::parse("siem").expect("a name");
    let (what, event) = (Changed::DeliveryDiscarded, Some("weur/3/17".to_owned()));
    travels(
        NoteDeliveries { id: id.clone(), what, event, by: Actor::Server },
        r#"{"note_deliveries":{"id":"siem","what":"delivery_discarded","event":"weur/3/17","by":"server"}}"#,
    );
    let (what, event) = (Changed::DeliveriesResent, None);
    travels(
        NoteDeliveries { id: id.clone(), what, event, by: Actor::Server },
        r#"{"note_deliveries":{"id":"siem","what":"deliveries_resent","by":"server"}}"#,
    );
    answers::<NoteDeliveries>(&(), "null");
    travels(
        DeleteDestination { id, expected: Expected::Any, by: Actor::Server },
        r#"{"delete_destination":{"id":"siem","expected":"any","by":"server"}}"#,
    );
    answers::<DeleteDestination>(&Err(DestinationRefusal::OtherKind), r#"{"Err":"other_kind"}"#);
    // As a ledger of an earlier version expects it.
    answers::<Tell>(&None, "null");
}

#[test]
fn commands_to_a_courier() {
    let ledger = LedgerName { day: 20_412, object: "weur/3".to_owned(), block: 0 };
    travels(
        Hear { ledger, up_to: 7, records: vec![(7, "{}".to_owned())] },
        r#"{"hear":{"ledger":"20412/weur/3/0","up_to":7,"records":[[7,"{}"]]}}"#,
    );
    answers::<Hear>(&(), "null");
    travels(ReadCourier {}, r#"{"read_courier":{}}"#);
    let state = CourierState { waiting: 1, dead: 2, oldest: None, condition: Condition::default() };
    answers::<ReadCourier>(&state, r#"{"waiting":1,"dead":2,"condition":{"dropped":0}}"#);
    travels(
        ListDeliveries { is_dead: true, after: 3, limit: 9 },
        r#"{"list_deliveries":{"is_dead":true,"after":3,"limit":9}}"#,
    );
    travels(Resend { number: None }, r#"{"resend":{}}"#);
    travels(Resend { number: Some(3) }, r#"{"resend":{"number":3}}"#);
    answers::<Resend>(&2, "2");
    travels(Discard { number: 3 }, r#"{"discard":{"number":3}}"#);
    travels(FindDue {}, r#"{"find_due":{}}"#);
    travels(Wake {}, r#"{"wake":{}}"#);
    travels(
        Settle { number: 3, outcome: Attempted::Again("timeout".to_owned()), pause: None },
        r#"{"settle":{"number":3,"outcome":{"again":"timeout"}}}"#,
    );
}

#[test]
fn commands_to_the_object_that_counts() {
    let ledger = LedgerName { day: 20_412, object: "weur/3".to_owned(), block: 0 };
    travels(
        Tell { ledger, up_to: 7, records: vec![(7, "{}".to_owned())] },
        r#"{"tell":{"ledger":"20412/weur/3/0","up_to":7,"records":[[7,"{}"]]}}"#,
    );
    travels(
        NoteWrongCodes { by_network: vec![(64_500, 3)] },
        r#"{"note_wrong_codes":{"by_network":[[64500,3]]}}"#,
    );
    travels(ReadTotals {}, r#"{"read_totals":{}}"#);
    let counts = vec![Tallied { kind: Kind::StartedInCountry, key: "FR".to_owned(), count: 2 }];
    answers::<ReadTotals>(
        &Totals { counts, open_alerts: vec![(Detection::FarApproval, 1)] },
        r#"{"counts":[{"kind":"started_in_country","key":"FR","count":2}],"open_alerts":[["far_approval",1]]}"#,
    );
    travels(
        ListAlerts { is_open: true, before: Some(5), limit: 9 },
        r#"{"list_alerts":{"is_open":true,"before":5,"limit":9}}"#,
    );
    travels(CloseAlert { id: 5, by: Actor::Registration }, r#"{"close_alert":{"id":5,"by":"registration"}}"#);
    let alert = Alert {
        format: Format,
        id: 5,
        detection: Detection::Campaign,
        subject: Subject { asn: Some(64_500), ..Subject::default() },
        at: AT,
        last_at: AT,
        count: 5,
        evidence: vec!["weur/3/17".to_owned()],
        state: AlertState::Closed { by: Actor::Registration, at: AT },
    };
    let json = r#"{"format":1,"id":5,"detection":"campaign","subject":{"asn":64500},"at":1763733780123,"last_at":1763733780123,"count":5,"evidence":["weur/3/17"],"state":{"closed":{"by":"registration","at":1763733780123}}}"#;
    answers::<CloseAlert>(&Some(alert.clone()), json);
    answers::<ListAlerts>(&vec![alert], &format!("[{json}]"));
    let starts = vec![RefusedStarts {
        client_id: "tv".to_owned(),
        is_registered: true,
        decided_by: "default".to_owned(),
        is_by_policy: true,
        matched: vec!["abroad".to_owned()],
        country: None,
        asn: Some(64_500),
        times: 2,
    }];
    travels(
        NoteRefusedStarts { starts },
        r#"{"note_refused_starts":{"starts":[{"client_id":"tv","is_registered":true,"decided_by":"default","is_by_policy":true,"matched":["abroad"],"asn":64500,"times":2}]}}"#,
    );
    travels(
        ReadBlocked { by: By::UnknownClient, since: 20_778, after: "a".to_owned(), limit: 9 },
        r#"{"read_blocked":{"by":"unknown_client","since":20778,"after":"a","limit":9}}"#,
    );
    let steps = vec![Steps { day: 20_778, point: "approval".to_owned(), refused: 1, would_refuse: 0 }];
    let row = Blocked { steps, first_at: AT, last_at: AT, ..Blocked::default() };
    answers::<ReadBlocked>(
        &BlockedPage { rows: vec![("tv".to_owned(), row)], next: Some("tv".to_owned()) },
        r#"{"rows":[["tv",{"steps":[{"day":20778,"point":"approval","refused":1,"would_refuse":0}],"more_people":0,"first_at":1763733780123,"last_at":1763733780123}]],"next":"tv"}"#,
    );
    travels(ReadUsage { after: "tv".to_owned(), limit: 9 }, r#"{"read_usage":{"after":"tv","limit":9}}"#);
    travels(
        ReadOverview { first_day: 20_412, last_day: 20_413, most: 9 },
        r#"{"read_overview":{"first_day":20412,"last_day":20413,"most":9}}"#,
    );
    answers::<ReadOverview>(
        &Overview {
            days: vec![DayCounts { day: 20_413, counts: vec![3; 9] }],
            clients: vec![("tv".to_owned(), 2)],
            countries: vec![("FR".to_owned(), 3)],
            latency: vec![1; 8],
            open_alerts: vec![(Detection::Campaign, 1)],
        },
        r#"{"days":[{"day":20413,"counts":[3,3,3,3,3,3,3,3,3]}],"clients":[["tv",2]],"countries":[["FR",3]],"latency":[1,1,1,1,1,1,1,1],"open_alerts":[["campaign",1]]}"#,
    );
    let usage = Usage { client_id: "tv".to_owned(), logins: 3, people: 2, first_at: AT, last_at: AT };
    answers::<ReadUsage>(
        &vec![usage],
        r#"[{"client_id":"tv","logins":3,"people":2,"first_at":1763733780123,"last_at":1763733780123}]"#,
    );
}

#[test]
fn commands_to_a_ledger() {
    let shipment = Shipment { id: "weur/3/17".to_owned(), event: serde_json::json!({ "at": 1 }) };
    travels(
        Record { shipments: vec![shipment] },
        r#"{"record":{"shipments":[{"id":"weur/3/17","event":{"at":1}}]}}"#,
    );
    travels(ListOutboxes {}, r#"{"list_outboxes":{}}"#);
    let clear =
        OutboxReport { object: name(), at: AT, waiting: 0, oldest: None, set_aside: 0, live_codes: None };
    let json = r#"{"object":"a","at":1763733780123,"waiting":0,"set_aside":0}"#;
    travels(ReportOutbox { report: clear.clone() }, &format!(r#"{{"report_outbox":{{"report":{json}}}}}"#));
    answers::<ListOutboxes>(&vec![clear], &format!("[{json}]"));
    let ledger = LedgerName { day: 20_412, object: "weur/3".to_owned(), block: 0 };
    travels(NoteLedger { name: ledger.clone() }, r#"{"note_ledger":{"name":"20412/weur/3/0"}}"#);
    travels(
        FindLedgers { first: ledger.clone(), last_day: 20_413, limit: 21 },
        r#"{"find_ledgers":{"first":"20412/weur/3/0","last_day":20413,"limit":21}}"#,
    );
    answers::<FindLedgers>(&vec![ledger], r#"["20412/weur/3/0"]"#);
    let filter = Filter { to: AT, what: Some("reported".to_owned()), ..Filter::default() };
    travels(
        ReadEvents { after: 7, limit: 9, filter },
        r#"{"read_events":{"after":7,"limit":9,"filter":{"from":0,"to":1763733780123,"what":"reported"}}}"#,
    );
    travels(FindRecord { id: "weur/3/17".to_owned() }, r#"{"find_record":{"id":"weur/3/17"}}"#);
    answers::<FindRecord>(&None, "null");
    let page = EventPage { records: vec![serde_json::json!({ "id": "weur/3/17" })], next: Some(17) };
    answers::<ReadEvents>(&page, r#"{"records":[{"id":"weur/3/17"}],"next":17}"#);
}

fn name() -> String {
    "a".to_owned()
}

#[test]
fn replies_of_the_registry() {
    answers::<ListClients>(&Vec::new(), "[]");
    answers::<DescribeScope>(&Ok(true), r#"{"Ok":true}"#);
    answers::<DeleteClient>(&Ok(()), r#"{"Ok":null}"#);
    let unknown = RegistryRefusal::Unknown(vec![Fault::at("scope", "unknown")]);
    for (refusal, text) in [
        (RegistryRefusal::Stale, r#"{"Err":"stale"}"#),
        (RegistryRefusal::InUse(2, "a".to_owned()), r#"{"Err":{"in_use":[2,"a"]}}"#),
        (
            RegistryRefusal::TooMuch(Fault::at("claims", "heavy")),
            r#"{"Err":{"too_much":{"pointer":"/claims","detail":"heavy"}}}"#,
        ),
        (unknown, r#"{"Err":{"unknown":[{"pointer":"/scope","detail":"unknown"}]}}"#),
    ] {
        answers::<DeleteClient>(&Err(refusal), text);
    }
    answers::<RetireKey>(&Err(KeyRefusal::Known(KeyState::Retired)), r#"{"Err":{"known":"retired"}}"#);
}

#[test]
fn messages_about_closed_days() {
    let ledger: LedgerName = "20412/weur/3/0".parse().expect("a name");
    let seal = Seal { first: 3, last: 17, head: "h".to_owned() };
    let (sealed, at) = (r#"{"first":3,"last":17,"head":"h"}"#, AT.millis());
    travels(CloseLedger {}, r#"{"close_ledger":{}}"#);
    answers::<CloseLedger>(&seal, sealed);
    travels(ContinueClosing { now: AT }, &format!(r#"{{"continue_closing":{{"now":{at}}}}}"#));
    answers::<ContinueClosing>(&Some(Step::Close(vec![ledger.clone()])), r#"{"close":["20412/weur/3/0"]}"#);
    let root = Root { iss: None, iat: 7, day: 20_412, previous: Some("p".to_owned()), heads: "d".to_owned() };
    let sign = r#"{"sign":{"iat":7,"day":20412,"previous":"p","heads":"d"}}"#;
    answers::<ContinueClosing>(&Some(Step::Sign(root)), sign);
    answers::<ContinueClosing>(&None, "null");
    let head = format!(r#"{{"ledger":"20412/weur/3/0","seal":{sealed}}}"#);
    let heads = vec![Head { ledger: ledger.clone(), seal: seal.clone() }];
    answers::<ReadHeads>(&heads, &format!("[{head}]"));
    travels(KeepHeads { heads }, &format!(r#"{{"keep_heads":{{"heads":[{head}]}}}}"#));
    travels(
        ReadHeads { first: ledger, last_day: 20_412, limit: 9 },
        r#"{"read_heads":{"first":"20412/weur/3/0","last_day":20412,"limit":9}}"#,
    );
    let root = SignedRoot { day: 20_412, root: "a.b.c".to_owned() };
    let signed = r#"{"day":20412,"root":"a.b.c"}"#;
    answers::<ReadRoots>(&vec![root.clone()], &format!("[{signed}]"));
    travels(KeepRoot { root }, &format!(r#"{{"keep_root":{{"root":{signed}}}}}"#));
    travels(ReadRoots { before: 9, limit: 1 }, r#"{"read_roots":{"before":9,"limit":1}}"#);
    let after = Position { row: 9, event: 11, head: "h".to_owned(), before: "b".to_owned() };
    let position = r#"{"row":9,"event":11,"head":"h","before":"b"}"#;
    travels(
        VerifyLedger { after: after.clone(), seal: Some(seal) },
        &format!(r#"{{"verify_ledger":{{"after":{position},"seal":{sealed}}}}}"#),
    );
    let faults =
        vec![LedgerFault { what: Tampering::Changed, events: vec!["weur/3/9".to_owned()], records: None }];
    answers::<VerifyLedger>(
        &Verified { records: 9, faults, next: Some(after) },
        &format!(
            r#"{{"records":9,"faults":[{{"what":"changed","events":["weur/3/9"]}}],"next":{position}}}"#
        ),
    );
    answers::<NoteLedger>(&true, "true");
    answers::<Record>(&Receipt::default(), "{}");
    answers::<Record>(&Receipt { late: vec!["weur/3/17".to_owned()] }, r#"{"late":["weur/3/17"]}"#);
}
