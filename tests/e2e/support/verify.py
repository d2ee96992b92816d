"""Verifies tokens as a client or resource server in Python does: with PyJWT and the keys from /jwks.json.

Reads {"jwks": URL, "tokens": [{"token", "alg", "audience", "issuer"}]} from stdin. Prints a list with {"claims"} or
{"error"} for each token.
"""

import json
import sys

import jwt

asked = json.load(sys.stdin)
keys = jwt.PyJWKClient(asked["jwks"])
answers = []
for one in asked["tokens"]:
    try:
        # Uses `found.key` with the algorithm's name, and not `found`, because PyJWT 2.6 takes every RSA key for RS256.
        found = keys.get_signing_key_from_jwt(one["token"])
        claims = jwt.decode(
            one["token"], found.key, algorithms=[one["alg"]], audience=one["audience"], issuer=one["issuer"]
        )
        answers.append({"claims": claims})
    except jwt.PyJWTError as error:
        answers.append({"error": type(error).__name__})
print(json.dumps(answers))
