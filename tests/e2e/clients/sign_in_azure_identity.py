"""Signs in with azure-identity. The issuer must end in /TENANT/v2.0."""

import os

from azure.identity import DeviceCodeCredential

authority, tenant, _ = os.environ["ISSUER"].rsplit("/", 2)
credential = DeviceCodeCredential(
    os.environ["CLIENT_ID"],
    authority=authority,
    tenant_id=tenant,
    disable_instance_discovery=True,
    prompt_callback=lambda address, code, _: print(address, code, flush=True),
)
print("access token:", credential.get_token("email").token)
