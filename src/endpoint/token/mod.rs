//! `POST /token` (RFC 6749 §3.2): passes the request on to its grant.

mod device_code_grant;
pub(super) mod mint;
pub(super) mod pkce;
mod redemption;
mod refresh_grant;
pub(super) mod resource;
mod state;
pub(super) mod verification;

use rand_core::CryptoRng;

use super::boxed::boxed;
use super::client_auth::Caller;
use super::client_auth::envelope::{Answered, AssertionUse, Envelope};
use super::error::{Error, shown};
use super::form::Form;
use super::http::Response;
use super::platform::Platform;
use super::server::Context;
use super::{alias, dpop};
use crate::client::authentication::Requirement;
use crate::client::{DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT};
use crate::settings::compatibility::Product;
use mint::Tokens;

/// The grant types that this server supports.
#[derive(Clone, Copy)]
enum GrantType {
    DeviceCode,
    RefreshToken,
}

pub(super) async fn answer<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    let envelope =
        |what| Envelope { what, required: Requirement::Always, assertion: AssertionUse::Afterwards };
    let read = |form: Form| Ok((GrantType::read(&form, &context.server.settings.compatibility)?, form));
    let (grant_type, form) = match Form::of(context.request).and_then(read) {
        Ok(read) => read,
        Err(error) => return envelope("token").refuse(None, &error),
    };
    let exchange = async |caller: &Caller, form: &Form| {
        let body = grant_type.exchange(context, caller, form, rng).await?;
        Ok(Answered { body, outcome: Some("issued") })
    };
    envelope(grant_type.what()).answer_form(context, form, exchange).await
}

impl GrantType {
    fn read(form: &Form, products: &[Product]) -> Result<Self, Error> {
        match alias::grant_type(form.require("grant_type")?, products) {
            DEVICE_CODE_GRANT => Ok(Self::DeviceCode),
            REFRESH_TOKEN_GRANT => Ok(Self::RefreshToken),
            other => Err(Error::UnknownGrantType(shown(other))),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::DeviceCode => DEVICE_CODE_GRANT,
            Self::RefreshToken => REFRESH_TOKEN_GRANT,
        }
    }

    /// Returns the name of such a request in the log.
    const fn what(self) -> &'static str {
        match self {
            Self::DeviceCode => "poll",
            Self::RefreshToken => "refresh",
        }
    }

    async fn exchange<P: Platform>(
        self,
        context: Context<'_, P>,
        caller: &Caller,
        form: &Form,
        rng: &mut impl CryptoRng,
    ) -> Result<Tokens, Error> {
        if !caller.client.may_use(self.name()) {
            return Err(Error::GrantNotAllowed);
        }
        let proven = dpop::prove(context).await?;
        // A missing key is reported at the first poll, not after the person has approved.
        proven.confirmation(context, &caller.client)?;
        match self {
            Self::DeviceCode => boxed(device_code_grant::poll(context, caller, &proven, form, rng)).await,
            Self::RefreshToken => {
                caller.use_up(context).await?;
                boxed(refresh_grant::refresh(context, caller, &proven, form, rng)).await
            }
        }
    }
}
