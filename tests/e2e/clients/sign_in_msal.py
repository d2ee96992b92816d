"""Signs in with MSAL: as with Entra ID if the issuer ends in /TENANT/v2.0, else as with any OpenID provider."""

import os

import msal

issuer = os.environ["ISSUER"]
authority = {"authority": issuer.removesuffix("/v2.0")} if issuer.endswith("/v2.0") else {"oidc_authority": issuer}
app = msal.PublicClientApplication(os.environ["CLIENT_ID"], instance_discovery=False, **authority)
flow = app.initiate_device_flow(scopes=["email"])
print(flow.get("message", flow), flush=True)
app.acquire_token_by_device_flow(flow)
token = app.acquire_token_silent(["email"], account=app.get_accounts()[0], force_refresh=True)
print("access token:", token["access_token"])
