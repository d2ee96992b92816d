"""Signs in with requests_oauth2client, which waits by itself."""

import os

from requests_oauth2client import DeviceAuthorizationPollingJob, OAuth2Client

ISSUER = os.environ["ISSUER"]

# It does not read the device authorization endpoint from the metadata.
client = OAuth2Client.from_discovery_endpoint(
    issuer=ISSUER,
    device_authorization_endpoint=ISSUER + "/device_authorization",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ.get("CLIENT_SECRET"),
)
codes = client.authorize_device(scope="openid email offline_access")
print(codes.user_code, flush=True)
job = DeviceAuthorizationPollingJob(client, codes)
token = None
while token is None:
    token = job()
print("access token:", client.refresh_token(token).access_token)
