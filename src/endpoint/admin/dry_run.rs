//! A dry run: the claims that the tokens for an account and a client would have. It issues nothing.
//!
//! Nobody knows from where the device and the person will come, nor how the person will sign in. So the rules refuse only
//! what they refuse in any case: `POST /policy/what-if` is for the rest.

use core::time::Duration;

use futures_util::future::join;
use serde::Serialize;
use serde_json::{Map, Value};

use super::body;
use super::done::Done;
use super::problem::Problem;
use crate::client::Client;
use crate::client::registration::json_members::Members;
use crate::client::rules::AccessTokenFormat;
use crate::endpoint::client_auth::document::NoClient;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::policy::ask::{Permit, Refusal, ask};
use crate::endpoint::server::Context;
use crate::endpoint::token::mint::{ScopeClaims, Subject};
use crate::endpoint::token::{mint, resource};
use crate::family::id::{AttemptId, FamilyId, SessionId};
use crate::fault::Fault;
use crate::identity::account::Account;
use crate::identity::account_key::AccountKey;
use crate::policy;
use crate::policy::facts::{Facts, Groups};
use crate::policy::governance::Governance;
use crate::policy::window::Span;
use crate::policy::{Point, PolicyDecision, PolicyFacts, PolicyRefusal};
use crate::provenance::Provenance;
use crate::scope::{OFFLINE_ACCESS, OPENID, Scope};
use crate::sharding::{Region, Shard};
use crate::token::confirmation::Confirmation;
use crate::token::resource::Own;

struct Trial {
    client_id: String,
    /// A username.
    account: String,
    /// `None` for the scope that a device gets if it does not send one.
    scope: Option<Scope>,
    resources: Vec<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Issued(Box<Issued>),
    Refused(Refused),
}

/// The claims, without those that identify tokens, sessions and approvals that do not exist.
#[derive(Serialize)]
struct Issued {
    allowed: bool,
    scope: Scope,
    refresh_token: bool,
    access_token_format: AccessTokenFormat,
    access_token: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    userinfo: Option<Value>,
}

#[derive(Serialize)]
struct Refused {
    allowed: bool,
    at: Point,
    /// The reason as it would be in the log.
    reason: &'static str,
    /// What of the policy decided, such as `rule staff-cli`.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<String>,
}

/// Answers `POST /dry-run`.
pub(super) async fn run<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let trial = Trial::read(body::object(context.request)?)?;
    let server = context.server;
    // The outline comes first because, in development, reading it stores the demo clients.
    let outline = server.outline(context.now).await?;
    let account = AccountKey::local(&trial.account);
    let (client, account) = join(server.client_at_source(&trial.client_id), server.account(&account)).await;
    let (client, account) = (client.or_else(NoClient::known)?, account?);
    let client = client.ok_or_else(|| invalid("client_id", "no client has this client_id"))?;
    let account = account.ok_or_else(|| invalid("account", "no account has this username"))?;
    let scope = trial.scope.unwrap_or_else(|| client.scope.without(OFFLINE_ACCESS));
    let resources: Vec<&str> = trial.resources.iter().map(String::as_str).collect();
    let governance = server.governance(context.now).await?;
    let permit = permitted((context, &governance), &client, &account, scope);
    let outcome = match permit {
        Ok(permit) => judge(context, &client, &account, permit, &resources, &outline.scope_claims),
        Err(refused) => Outcome::Refused(refused),
    };
    let done = Done::read(Response::json(200, &outcome));
    Ok(Done { client: Some(client.client_id), outcome: "tokens_tried", ..done })
}

impl Trial {
    fn read(members: Map<String, Value>) -> Result<Self, Problem> {
        const SCOPE: &str = "space-separated scopes of ASCII characters other than \" and \\";
        let mut members = Members::of(members);
        let client_id = required(&mut members, "client_id");
        let account = required(&mut members, "account");
        let scope = members.text("scope", SCOPE, |text| Scope::parse(text).is_some());
        let resources = if members.is_text("resource") {
            members.text("resource", "a resource", |_| true).into_iter().collect()
        } else {
            members.texts("resource", 20, "a resource", |_| true).unwrap_or_default()
        };
        body::sound(members)?;
        Ok(Self { client_id, account, scope: scope.as_deref().and_then(Scope::parse), resources })
    }
}

fn required(members: &mut Members, name: &str) -> String {
    let text = members.text(name, "a non-empty string", |text| !text.is_empty());
    if text.is_none() && !members.is_refused(name) {
        members.refuse(name, format!("{name} is missing"));
    }
    text.unwrap_or_default()
}

fn invalid(member: &str, detail: &str) -> Problem {
    Problem::Invalid(vec![Fault::at(member, detail)])
}

fn judge<P: Platform>(
    context: Context<'_, P>,
    client: &Client,
    account: &Account,
    Permit { scope, limits, .. }: Permit,
    asked: &[&str],
    scopes: &ScopeClaims,
) -> Outcome {
    let granted = resource::granted(context, client, asked);
    let audience = granted.and_then(|granted| resource::narrowed(context, client, &[], &granted, &scope));
    let audience = match audience {
        Ok(audience) => audience,
        Err(error) => return Outcome::Refused(refused(Point::DeviceAuthorization, error.reason())),
    };
    let nowhere =
        SessionId { shard: Shard { region: Region::Weur, index: 0 }, family: FamilyId::from_bytes([0; 16]) };
    let subject = Subject {
        client,
        account,
        scope: &scope,
        auth_time: context.now,
        amr: &["pwd".to_owned()],
        acr: None,
        nonce: None,
        audience: &audience,
        cnf: &Confirmation::default(),
        attempt: &AttemptId::of_jti(""),
        session: nowhere,
        provenance: &Provenance::default(),
        limits: &limits,
    };
    Outcome::Issued(Box::new(describe(context, &subject, scopes)))
}

const fn refused(at: Point, reason: &'static str) -> Refused {
    Refused { allowed: false, at, reason, decided_by: None }
}

/// Asks policy what it allows: by client and account, by the rules when the code is requested, and by the rules when the
/// person is known.
fn permitted<P: Platform>(
    (context, governance): (Context<'_, P>, &Governance),
    client: &Client,
    account: &Account,
    scope: Scope,
) -> Result<Permit, Refused> {
    let scope = pass(client, account, scope).map_err(|(point, why)| refused(point, why.name()))?;
    let lifetime = client.codes.code_lifetime.unwrap_or(context.server.settings.code_lifetime);
    let time = Span { from: context.now, until: context.now + Duration::from_secs(lifetime) };
    let start = Facts {
        client: Some(&client.client_id),
        scope: Some(&scope),
        ..Facts::unknown(Point::DeviceAuthorization, time)
    };
    let person = Facts {
        account: Some(&account.key),
        groups: Some(Groups::exactly(&account.groups)),
        // At an approval, only what certainly applies would count, and much is not known here.
        point: Point::SignIn,
        ..start
    };
    let ask = |facts: &Facts<'_>, at| {
        ask(governance, (None, None), facts).map_err(|Refusal { why, record, .. }| Refused {
            decided_by: record.map(|record| record.decided_by),
            ..refused(at, why.reason())
        })
    };
    ask(&start, Point::DeviceAuthorization)?;
    ask(&person, Point::Approval)
}

/// Applies policy at every point up to the redemption. Returns what is left of the scope, or the point that
/// refuses and why.
fn pass(client: &Client, account: &Account, scope: Scope) -> Result<Scope, (Point, PolicyRefusal)> {
    let points = [
        (Point::DeviceAuthorization, Some(client), None),
        (Point::SignIn, None, Some(account)),
        (Point::Approval, Some(client), Some(account)),
        (Point::Redemption, Some(client), Some(account)),
    ];
    points.into_iter().try_fold(scope, |scope, (point, client, account)| {
        match policy::decide(point, PolicyFacts { client, account, scope: &scope }) {
            PolicyDecision::Allow(scope) => Ok(scope),
            PolicyDecision::Refuse(why) => Err((point, why)),
        }
    })
}

fn describe<P: Platform>(context: Context<'_, P>, subject: &Subject<'_>, scopes: &ScopeClaims) -> Issued {
    let Context { server, issuer, now, .. } = context;
    let access = mint::access_claims(context, subject, scopes);
    let openid = subject.scope.has(OPENID);
    let own = Own::of(issuer.as_str());
    let userinfo = openid && subject.audience.iter().any(|resource| own.has(resource));
    let signed = subject.client.tokens.userinfo_signed_response_alg.is_some();
    let until = |lifetime: u64| Some((now.seconds(), now.seconds() + lifetime));
    Issued {
        allowed: true,
        scope: subject.scope.clone(),
        refresh_token: subject.may_refresh(),
        access_token_format: subject.client.tokens.access_token_format,
        access_token: shown(access, until(subject.access_token_lifetime(&server.settings))),
        id_token: openid.then(|| {
            let claims = mint::id_claims(context, subject, scopes, "");
            shown(claims, until(subject.id_token_lifetime(&server.settings)))
        }),
        userinfo: userinfo
            .then(|| shown(mint::userinfo(context, subject.facts(), subject.client, scopes, signed), None)),
    }
}

/// Adds `iat` and `exp` if given, and removes what identifies tokens, sessions and approvals that do not exist.
fn shown(claims: impl Serialize, times: Option<(u64, u64)>) -> Value {
    let mut claims = serde_json::to_value(claims).expect("claims have text keys");
    if let Value::Object(claims) = &mut claims {
        for name in ["jti", "sid", "at_hash", "approval_id", "started", "approved"] {
            claims.remove(name);
        }
        if let Some((iat, exp)) = times {
            claims.insert("iat".to_owned(), iat.into());
            claims.insert("exp".to_owned(), exp.into());
        }
    }
    claims
}
