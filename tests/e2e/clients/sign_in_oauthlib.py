"""Signs in with oauthlib's device client, through requests-oauthlib."""

import os
import time

import requests
from oauthlib.oauth2 import DeviceClient
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error
from requests_oauthlib import OAuth2Session

ISSUER = os.environ["ISSUER"]
CLIENT = os.environ["CLIENT_ID"]

scope = ["openid", "email", "offline_access"]
codes = requests.post(ISSUER + "/device_authorization", data={"client_id": CLIENT, "scope": " ".join(scope)}).json()
print(codes["user_code"], flush=True)
session = OAuth2Session(client=DeviceClient(CLIENT, scope=scope))
while True:
    time.sleep(codes["interval"])
    try:
        session.fetch_token(ISSUER + "/token", device_code=codes["device_code"], include_client_id=True)
        break
    except CustomOAuth2Error as error:
        if error.error != "authorization_pending":
            raise
print("access token:", session.refresh_token(ISSUER + "/token", client_id=CLIENT)["access_token"])
