//! Signing in with a passkey: from the form to the account (WebAuthn §7.2).

use super::begun::{Begun, For};
use super::note::note;
use crate::audit::change::Changed;
use crate::endpoint::attempt::Attempt;
use crate::endpoint::form::Form;
use crate::endpoint::page::problem::Problem;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::identity::account::Account;
use crate::identity::command::{FindByPointer, Put, PutAccount};
use crate::identity::pointer::Pointer;
use crate::identity::session::Browser;
use crate::identity::sign_in::SignIn;
use crate::limiter::budgets::sign_ins_by_network;
use crate::passkey::assertion::{Assertion, Used};
use crate::passkey::signed::Signed;
use crate::passkey::{Flaw, record};
use crate::token::signing_key::PublicKey;

/// How often a change of the account that comes between is tolerated.
const ROUNDS: usize = 3;

/// Why nobody is signed in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// The form came without a response: there are no scripts, or they were not used.
    Missing,
    /// The challenge is not of this page, too old, or used.
    Over,
    /// Too many attempts: seconds until the next one can succeed.
    Wait(u64),
    /// The response is not good.
    Flawed(Flaw),
    /// No account has the passkey.
    Unknown,
}

impl Refusal {
    /// Returns what the page says.
    pub(crate) const fn problem(self) -> Problem<'static> {
        match self {
            Self::Missing => Problem::PasskeyMissing,
            Self::Over => Problem::PasskeyOver,
            Self::Wait(seconds) => Problem::Wait { seconds },
            Self::Flawed(Flaw::Counter) => Problem::PasskeyCopied,
            Self::Flawed(_) | Self::Unknown => Problem::PasskeyRefused,
        }
    }

    /// Returns the reason as the log states it.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "passkey_missing",
            Self::Over => "passkey_challenge_over",
            Self::Wait(_) => "budget",
            Self::Flawed(flaw) => flaw.reason(),
            Self::Unknown => "passkey_unknown",
        }
    }
}

/// The result of a sign-in.
pub(crate) type Proof = Result<SignIn, Refusal>;

/// Verifies the response in `form`. Everything that needs no object comes first; the attempt is given back if the passkey
/// is good.
pub(crate) async fn prove<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
) -> Result<Proof, Unavailable> {
    let (begun, assertion, used) = match read(context, form, browser) {
        Ok(read) => read,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if !context.server.platform.within_limit(&context.rate_key("sign-in")).await {
        return Ok(Err(Refusal::Wait(60)));
    }
    let taken = match Attempt::take(context, [sign_ins_by_network(&context.network())]).await? {
        Attempt::Taken(taken) => taken,
        Attempt::Wait(full) => return Ok(Err(Refusal::Wait(full.seconds))),
    };
    let proof = verify(context, &begun, &assertion, used).await?;
    if proof.is_ok() {
        taken.give_back(context);
    }
    Ok(proof)
}

fn read<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    browser: &Browser,
) -> Result<(Begun, Assertion, Used), Refusal> {
    let json = form.get("credential").ok_or(Refusal::Missing)?;
    let begun = Begun::open(context, form, browser).filter(|begun| begun.purpose == For::SignIn);
    let begun = begun.filter(|begun| begun.is_fresh(context.now)).ok_or(Refusal::Over)?;
    let assertion = Assertion::parse(json).map_err(Refusal::Flawed)?;
    let used = assertion.check(begun.ceremony(context).ok_or(Refusal::Over)?).map_err(Refusal::Flawed)?;
    Ok((begun, assertion, used))
}

/// Finds the account, verifies the signature, uses the challenge, and stores the new counter.
async fn verify<P: Platform>(
    context: Context<'_, P>,
    begun: &Begun,
    assertion: &Assertion,
    used: Used,
) -> Result<Proof, Unavailable> {
    let pointer = Pointer::credential(assertion.id());
    let found = context.server.platform.accounts(pointer.shard(), FindByPointer { pointer }).await?;
    let Some(key) = found else { return Ok(Err(Refusal::Unknown)) };
    let Some(account) = context.server.account(&key).await? else { return Ok(Err(Refusal::Unknown)) };
    let signed = match signed(assertion, &account) {
        Ok(signed) => signed,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if !context.server.platform.verify(&signed.0, &signed.1.input, &signed.1.signature).await? {
        return Ok(Err(Refusal::Flawed(Flaw::Signature)));
    }
    if !begun.take(context).await? {
        return Ok(Err(Refusal::Over));
    }
    store(context, assertion, used, account).await
}

/// Returns the key of the passkey, and what must verify with it.
fn signed(assertion: &Assertion, account: &Account) -> Result<(PublicKey, Signed), Refusal> {
    let known = account.passkeys.iter().find(|known| known.id == *assertion.id());
    let key = known.and_then(record::public_key).ok_or(Refusal::Unknown)?;
    let signed = assertion.signed(&key, account.sub.as_str().as_bytes()).map_err(Refusal::Flawed)?;
    Ok((key, signed))
}

/// Stores the counter and the backup state, judged against what is stored then.
async fn store<P: Platform>(
    context: Context<'_, P>,
    assertion: &Assertion,
    used: Used,
    mut account: Account,
) -> Result<Proof, Unavailable> {
    for _ in 0..ROUNDS {
        let known = account.passkeys.iter_mut().find(|known| known.id == *assertion.id());
        let Some(known) = known else { return Ok(Err(Refusal::Unknown)) };
        if let Err(flaw) = record::note_use(known, used, context.now) {
            if flaw == Flaw::Counter {
                note(context, Changed::PasskeyCopied, &account.sub).await;
            }
            return Ok(Err(Refusal::Flawed(flaw)));
        }
        let (shard, expected) = (account.key.shard(), Some(account.version));
        let put = PutAccount { account: Box::new(account), expected, event: None };
        account = match context.server.platform.accounts(shard, put).await? {
            Put::Stored(account) => {
                let credential = assertion.id().clone();
                return Ok(Ok(SignIn::by_passkey(*account, credential, context.now)));
            }
            Put::Other(Some(other)) => *other,
            Put::Other(None) => return Ok(Err(Refusal::Unknown)),
        };
    }
    Err(Unavailable)
}
