"""Signs in with Authlib, which leaves starting and waiting to the program."""

import os
import time

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

ISSUER = os.environ["ISSUER"]
GRANT = "urn:ietf:params:oauth:grant-type:device_code"

client = OAuth2Session(
    os.environ["CLIENT_ID"],
    os.environ.get("CLIENT_SECRET"),
    token_endpoint_auth_method="client_secret_post" if "CLIENT_SECRET" in os.environ else "none",
    token_endpoint=ISSUER + "/token",
)
form = {"client_id": client.client_id, "client_secret": client.client_secret, "scope": "openid email offline_access"}
codes = client.request("POST", ISSUER + "/device_authorization", data=form, withhold_token=True).json()
print(codes["user_code"], flush=True)
while True:
    time.sleep(codes["interval"])
    try:
        token = client.fetch_token(grant_type=GRANT, device_code=codes["device_code"])
        break
    except OAuthError as error:
        if error.error != "authorization_pending":
            raise
print("access token:", client.refresh_token(ISSUER + "/token")["access_token"])
