//! A new passkey: from the form to what is stored (WebAuthn §7.1).

use super::begun::Begun;
use super::prove::Refusal;
use crate::endpoint::form::Form;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::identity::account_key::AccountKey;
use crate::identity::command::ClaimPointer;
use crate::identity::pointer::{Pointer, Target};
use crate::passkey::Flaw;
use crate::passkey::registration::{Registered, Registration};

/// Verifies the response in `form` to the ceremony.
pub(crate) async fn verify<P: Platform>(
    context: Context<'_, P>,
    form: &Form,
    begun: &Begun,
) -> Result<Result<Registered, Refusal>, Unavailable> {
    let registered = match read(context, form, begun) {
        Ok(registered) => registered,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(proof) = &registered.proof
        && !context.server.platform.verify(&registered.key, &proof.input, &proof.signature).await?
    {
        return Ok(Err(Refusal::Flawed(Flaw::Signature)));
    }
    Ok(Ok(registered))
}

fn read<P: Platform>(context: Context<'_, P>, form: &Form, begun: &Begun) -> Result<Registered, Refusal> {
    let json = form.get("credential").ok_or(Refusal::Missing)?;
    let ceremony = begun.ceremony(context).ok_or(Refusal::Over)?;
    Registration::parse(json).and_then(|read| read.check(ceremony)).map_err(Refusal::Flawed)
}

/// Makes the passkey lead to the account. Returns `false` if it leads to another one (WebAuthn §7.1 step 26).
pub(crate) async fn claim<P: Platform>(
    context: Context<'_, P>,
    passkey: &Registered,
    account: &AccountKey,
) -> Result<bool, Unavailable> {
    let pointer = Pointer::credential(&passkey.id);
    let target = Target { account: account.clone(), ends_at: None };
    let holder = context.server.platform.accounts(pointer.shard(), ClaimPointer { pointer, target }).await?;
    Ok(holder == *account)
}
