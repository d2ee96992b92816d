"""A check that valid requests are accepted, for rules that JSON Schema cannot express.

tests/e2e/openapi_requests.test.mjs tries each of those rules and lists them as `inexpressible`.
"""

import re

import schemathesis

# What the server may say against a request that the document accepts: the answer depends on what is stored, on another
# part of the request, or on a sum.
INEXPRESSIBLE = [
    r"no account has this username|no client has this client_id|no such client|there is no client",
    r"(the private key does not match the public key)",
    r"^(name|client_id) cannot be changed from|^client_id is .*: it cannot be changed",
    r"scope .*(is unknown|has no description|not described)|unknown scope|has no description",
    r"must be (less|shorter|smaller|longer|greater) than|longer than (the )?code_lifetime|exceeds",
    r"a value must not be longer than",
    r"which is invisible, a control or not assigned",
    r"^allowed_origins .*IP address",
    r"bytes",
]


@schemathesis.check
def valid_requests_are_accepted(ctx, response, case):
    """Fails if a valid request is refused for a reason that the document could have named."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code in (401, 403, 404, 409, 412, 428, 429) or response.status_code < 400:
        return
    errors = response.json().get("errors", [])
    unknown = [error for error in errors if not any(re.search(rule, error["detail"]) for rule in INEXPRESSIBLE)]
    if unknown or not errors:
        raise AssertionError(f"A valid request was refused with {response.status_code}: {unknown or response.text}")
