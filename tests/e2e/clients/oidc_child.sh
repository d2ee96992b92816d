#!/bin/sh
# Signs in with SSSD's oidc_child, which SSSD calls twice: it prints the codes, then waits and prints who signed in.
set -eu
child() {
  /usr/libexec/sssd/oidc_child "$@" --issuer-url="$ISSUER" --client-id="$CLIENT_ID" --ca-db="$SSL_CERT_FILE" --logger=stderr
}
codes=$(child --get-device-code)
echo "$codes"
# Each call polls at once; SSSD makes the second one when the person presses Enter.
sleep "$(echo "$codes" | sed -n 's/.*"interval": *\([0-9]*\).*/\1/p')"
echo "$codes" | head -n 1 | child --get-access-token
