#!/bin/sh
# Signs in with NeoMutt's mutt_oauth2.py, after adding this server to the table in the script, and refreshes.
set -eu
script=$HOME/mutt_oauth2.py
own="'own': {'devicecode_endpoint': '$ISSUER/device_authorization', 'token_endpoint': '$ISSUER/token', 'scope': 'openid offline_access'},"
sed "s#^registrations = {#&$own#" "$1" >"$script"
run() {
  python3 -u "$script" --encryption-pipe cat --decryption-pipe cat "$@" "$HOME/token"
}
# It asks for a client secret; a public client has none.
echo | run --authorize --authflow devicecode --provider own --email alice@example.com --client-id "$CLIENT_ID"
sed -i 's/\("access_token_expiration": "\)[0-9]*/\12000/' "$HOME/token"
echo "access token: $(run)"
