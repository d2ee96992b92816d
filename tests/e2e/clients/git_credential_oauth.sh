#!/bin/sh
# Signs in with git-credential-oauth, as git calls it for a repository, and refreshes.
set -eu
set_option() {
  git config --global "credential.https://git.example.com.$1" "$2"
}
set_option oauthClientId "$CLIENT_ID"
set_option oauthScopes "openid offline_access"
set_option oauthAuthURL "$ISSUER/authorize"
set_option oauthDeviceAuthURL "$ISSUER/device_authorization"
set_option oauthTokenURL "$ISSUER/token"
ask() {
  { printf 'protocol=https\nhost=git.example.com\n%s\n\n' "$1"; } | git-credential-oauth -device get
}
refresh_token=$(ask '' | grep ^oauth_refresh_token=)
echo "access token: $(ask "$refresh_token" | sed -n 's/^password=//p')"
