#!/bin/sh
# Signs in with oidc-agent, and lets it refresh. CLIENT_ID is registered already.
set -eu
eval "$(oidc-agent)" >/dev/null
trap 'oidc-agent --kill >/dev/null' EXIT
oidc-gen --iss="$ISSUER" --flow=device --client-id="$CLIENT_ID" --client-secret= --scope="openid email offline_access" \
  --cp="$SSL_CERT_FILE" --pw-cmd="echo password" --prompt=none account
echo "access token: $(oidc-token --force-new account)"
