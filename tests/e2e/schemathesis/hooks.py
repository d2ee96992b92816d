"""A check that valid requests are accepted, except for rules that JSON Schema cannot express.

Each of those rules names the operations, the member and the whole message. tests/e2e/openapi_requests.test.mjs tries them
and lists them as `inexpressible`.
"""

import itertools
import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Callable

import requests
import schemathesis

CHANGE = "PATCH /clients/{client_id}"
CLIENTS = ("POST /clients", "PUT /clients/{client_id}", CHANGE)
CHANGE_PROVIDER = "PATCH /providers/{id}"
PROVIDERS = ("POST /providers", "PUT /providers/{id}", CHANGE_PROVIDER)
DESTINATIONS = ("POST /destinations", "PUT /destinations/{id}")
WALKS = ("GET /devices", "POST /devices/end", "GET /sessions", "POST /sessions/end")
DESCRIBE = "PUT /scopes/{name}"
POLICY = ("PUT /policy",)
EXCEPTIONS = ("POST /exceptions", "PUT /exceptions/{id}")
KILL = ("POST /kill-switches",)
GRANT = ("POST /access-requests/{id}/grant",)
REFUSE = ("POST /access-requests/{id}/refuse",)
GOVERNANCE = (*POLICY, *EXCEPTIONS)
WHAT_IF = "POST /policy/what-if"
ALLOW = "PUT /documents/{entry}"
ASSIGN = "PUT /inventory/{identifier}"
IF_MATCH_OPTIONAL = (
    "POST /clients/{client_id}/secret",
    "DELETE /accounts/{account}",
    "POST /accounts/{account}/block",
    "POST /accounts/{account}/unblock",
    "PUT /accounts/{account}/groups",
    "POST /exceptions/{id}/renew",
    "POST /exceptions/{id}/end",
)
# What is stored decides about these: no such record, a change that it does not allow, another version of it.
DEPENDS_ON_STATE = (404, 409, 412)


@dataclass(frozen=True)
class Rule:
    """A rule that the server enforces: operations, JSON Pointer of a member, message, and what its value is like."""

    operations: tuple[str, ...]
    pointer: str
    detail: str
    holds: Callable[[Any], bool] = lambda value: True

    def covers(self, operation: str, error: dict[str, str], body: Any) -> bool:
        return (
            operation in self.operations
            and re.fullmatch(self.pointer, error["pointer"]) is not None
            and re.fullmatch(self.detail, error["detail"], re.DOTALL) is not None
            and self.holds(value_at(body, error["pointer"]))
        )


def value_at(body: Any, pointer: str) -> Any:
    """Returns the value that a JSON Pointer (RFC 6901) points to; None if there is none."""
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(body, dict):
            body = body.get(step)
        elif isinstance(body, list) and step.isdigit() and int(step) < len(body):
            body = body[int(step)]
        else:
            return None
    return body


def only_bytes_exceed(limit: int) -> Callable[[Any], bool]:
    """JSON Schema counts the characters of a text, the server the bytes of its UTF-8."""
    return lambda text: isinstance(text, str) and len(text) <= limit < len(text.encode())


def is_long_json(value: Any) -> bool:
    """JSON Schema measures only texts, and them without quotes and escapes."""
    is_long_text = isinstance(value, str) and len(value) > 1_022
    return not is_long_text and len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) > 1_024


def texts(operations: tuple[str, ...], names: str, above: str = "", item: str = "") -> list[Rule]:
    """What no portable pattern says about text that people see: see PlainText in the document. `above` is the way to the
    member, and `item` what the message says before its name."""
    visible = r": it must be a string of 1 to \d+ visible characters"
    flaws = (
        r"has U\+[0-9A-F]{4,6} at character \d+, which is invisible, a control or not assigned",
        r"has U\+[0-9A-F]{4,6} at character \d+, a combining mark with nothing to combine with or after 6 others",
        r"has neither a letter, a digit nor a pictograph",
    )
    return [Rule(operations, f"/{above}{names}", f"{item}{names} {flaw}{visible}") for flaw in flaws]


INEXPRESSIBLE = [
    # A cursor is any text to the document, and only one that a page had is good.
    Rule(("GET /accounts", "GET /events", "GET /events/export", "GET /grants", "GET /inventory", "GET /usage", "GET /policy/report", *WALKS), "/cursor", r"cursor must be the next_cursor of a previous page"),
    Rule(("GET /ledger/verification",), "/cursor", r"cursor must be the next_cursor of a previous answer for the same day"),
    # No portable pattern says what a key is, because it depends on the providers.
    Rule(WALKS, "/account", r"account is .*: it must be the key of an account, such as local:alice"),
    # The set of accounts, clients and scopes changes.
    Rule(("POST /dry-run",), "/account", "no account has this username"),
    Rule(("POST /invitations",), "/username", "no account has this username"),
    Rule(("POST /tokens",), "/id", "a token with this id is live: revoke it first, or choose another id"),
    Rule(("POST /dry-run",), "/client_id", "no client has this client_id"),
    Rule((*CLIENTS, ALLOW), "/scope", r'scope has ".+", which has no description: describe that scope first'),
    # It depends on the address.
    Rule(CLIENTS[1:], "/client_id", r'client_id is ".*": it cannot be changed from ".*"'),
    Rule((DESCRIBE,), "/name", r'name cannot be changed from ".*"'),
    Rule((ALLOW,), "/entry", r"entry is .*: it must be the one in the address"),
    Rule((ASSIGN,), "/identifier", r"identifier (is .*: it must be the one in the address|must be 8 to 64 letters and digits, .*)"),
    # Names of private networks, dot segments and long names are more than a pattern should say.
    Rule((ALLOW,), "/entry", r"the entry has .*: it must be the https URL of a document, or a host, such as tool\.example\.com"),
    Rule(DESTINATIONS, "/url", r"the url .*: it must be an https URL of a public server"),
    Rule(DESTINATIONS[1:], "/id", r'id is ".*": it cannot be changed from ".*"'),
    # It depends on the patched client, to which RFC 7396 merges the patch.
    Rule((CHANGE,), "/jwks", r"jwks must be a JWK set: an object with the member keys, a list of 1 to 20 keys"),
    Rule((CHANGE,), "/jwks", r"private_key_jwt needs the client's public keys: send jwks or jwks_uri"),
    Rule((CHANGE,), "/jwks", r"self_signed_tls_client_auth needs the client's certificate: send jwks with x5c, or jwks_uri"),
    Rule((CHANGE,), "/jwks_uri", r"send either jwks or jwks_uri, not both"),
    Rule(
        (CHANGE,),
        "/tls_client_auth_subject_dn",
        r"tls_client_auth_subject_dn is for token_endpoint_auth_method tls_client_auth only",
    ),
    Rule(PROVIDERS[1:], "/id", r'id is ".*": it cannot be changed from ".*"'),
    # It depends on the stored provider, and on the patched one.
    Rule(PROVIDERS[1:], "/client_secret", r"client_secret is missing: send the secret that the provider issued"),
    Rule((CHANGE_PROVIDER,), "/client_secret", r"client_secret is for client_secret_basic and client_secret_post only: .*"),
    Rule((CHANGE_PROVIDER,), "/token_endpoint_auth_signing_alg", "token_endpoint_auth_signing_alg is for private_key_jwt only"),
    # JSON Schema compares no two numbers, and adds up nothing.
    Rule(("GET /events", "GET /events/export"), "/from", r"from is \d+: it must not be after to, which is \d+"),
    Rule(CLIENTS, "/polling_interval", r"polling_interval is \d+: it must be less than code_lifetime, which is \d+"),
    Rule(
        CLIENTS,
        "/refresh_token_idle_lifetime",
        r"refresh_token_idle_lifetime is \d+: it must not exceed refresh_token_lifetime, which is \d+",
    ),
    Rule((*CLIENTS, ALLOW), "/audience", r"audience has \d+ characters in total: at most 4096 are allowed"),
    Rule(
        (*CLIENTS, "PUT /scopes/{name}/claims"),
        "/claims",
        r'claims of client ".*" and of its scopes can add \d+ bytes to a token: the limit is 4096',
    ),
    Rule((ALLOW,), "/claims", r'claims of the scopes of ".*" can add \d+ bytes to a token: the limit is 4096'),
    # It counts no bytes.
    Rule(CLIENTS, r"/contacts/\d+", r"contacts has .*: each entry must be an e-mail address", only_bytes_exceed(254)),
    Rule(
        CLIENTS,
        "/tls_client_auth_subject_dn",
        r"tls_client_auth_subject_dn is .*: it must be a subject in RFC 4514 form, such as CN=tv,O=Example",
        only_bytes_exceed(512),
    ),
    Rule(
        (*CLIENTS, "PUT /scopes/{name}/claims"),
        r"/claims/\d+/value",
        r"a value must not be longer than 1024 bytes of JSON",
        is_long_json,
    ),
    # It knows no IPv6 addresses.
    Rule(
        CLIENTS,
        r"/allowed_origins/\d+",
        r'allowed_origins has "[a-z][a-z0-9+.-]*://\[[0-9a-f:.]+\](:\d+)?": each entry must be an origin whose host is '
        r"an ASCII name or an IP address \(write xn-- for other scripts\)",
    ),
    # Nor does it know whether two halves of a key belong together.
    Rule(("POST /keys",), "/jwk", "the private key does not match the public key"),
    *texts(CLIENTS, "(client_name|owner|consent_text)"),
    *texts((DESCRIBE,), "description"),
    *texts(("POST /tokens",), "owner"),
    *texts(("POST /invitations",), "username"),
    Rule(
        ("POST /invitations",),
        r"/groups/\d+",
        r"groups has .*: each entry must be the full name of a local group, such as local:staff, of at most 128 visible "
        r"characters",
    ),
    Rule(
        ("POST /accounts", "PUT /accounts/{account}/groups"),
        r"/groups/\d+",
        r"groups has .*: each entry must be the full name of a group of this server, such as local:staff",
    ),
    # What holds for texts that people see holds for the name of a group.
    Rule(
        (*CLIENTS, "PUT /scopes/{name}/claims"),
        r"/claims/\d+",
        r"a group is named by its source, a colon and its name there, such as local:staff, with at most 128 visible characters",
    ),
    *texts(("POST /accounts",), "(username|name)"),
    *texts((ASSIGN,), "note"),
    Rule((ASSIGN,), r"/accounts/\d+", r"accounts has .*: each entry must be the key of an account, such as .*"),
    Rule((ASSIGN,), r"/groups/\d+", r"groups has .*: each entry must be the full name of a group, such as .*"),
    *texts(PROVIDERS, "name"),
    # As above, of a list.
    Rule(
        PROVIDERS,
        r"/allowed_groups/\d+",
        r"allowed_groups has .*: each entry must be the name of a group, of 1 to 255 visible characters",
    ),
]


# What messages about a policy, an exception or a kill switch say first: which one it is, and the tables around the member.
ITEM = r"((rule|the exception|exception|the kill switch|kill switch)[^:]*: )?"


def of_item(operations: tuple[str, ...], pointer: str, detail: str) -> Rule:
    """What a policy or an exception says about a rule that JSON Schema cannot express."""
    # A question can have a draft of a policy, and drafts of exceptions.
    if set(operations) & set(GOVERNANCE):
        operations, pointer = (*operations, WHAT_IF), rf"(/policy|/exceptions/\d+)?{pointer}"
    return Rule(operations, pointer, ITEM + detail)


INEXPRESSIBLE += [
    of_item(POLICY, r"/rules/\d+/id", "id is used by a rule above: it must be different for each rule"),
    of_item(GOVERNANCE, "/.*networks", r'networks has ".+", which the policy does not have under networks: .*'),
    of_item(POLICY, r"/networks/.+/\d+", r"\S+ has .*: each entry must be a range of addresses such as .*"),
    of_item(GOVERNANCE, r"/.*accounts/\d+", r"accounts has .*: each entry must be the key of an account, such as .*"),
    of_item(GOVERNANCE, r"/.*groups/\d+", r"groups has .*: each entry must be the full name of a group, such as .*"),
    of_item(GOVERNANCE, r"/.*regions/\d+", r"regions has .*: each entry must be a country, a slash, and the name of a region there, such as .*"),
    # Two texts can stand for the same.
    of_item(POLICY, r"/networks/.+/\d+", r"\S+ has .*: each entry must be listed only once"),
    # It depends on the time, and on the end before.
    of_item(
        (*GOVERNANCE, "POST /exceptions/{id}/renew"),
        "/.*(expires_at|not_before|before)",
        r"(expires_at|not_before|before) (is|must be) .*",
    ),
    of_item(EXCEPTIONS, "/lifts", r'lifts has ".+", (and the policy has no such rule|which does not deny: .*)'),
    of_item(("POST /exceptions/{id}/renew",), "/reason", "reason was given before: .*"),
    Rule(EXCEPTIONS[1:], "/id", r'id is ".*": it cannot be changed from ".*"'),
    Rule(("POST /policy/rollback",), "/version", "there is no such version: the last 200 are kept"),
    Rule(POLICY, "/rules", "the policy lets people in, but no administrator: .*"),
    Rule(("POST /policy/rollback",), "/version", "the policy lets people in, but no administrator: .*"),
    Rule(("GET /policy/versions/{version}",), "/against", r"against is .*: it must be the number of a version that is kept"),
    Rule(("GET /exceptions",), "/cursor", r"cursor must be the next_cursor of a previous page"),
    Rule(("GET /access-requests",), "/cursor", r"cursor must be the next_cursor of a previous page"),
    # It depends on the token, and on the time.
    Rule(GRANT, "/owner", "owner is missing: write who answers for the exception"),
    Rule(GRANT, "/expires_at", r"expires_at is .*"),
    *texts(GRANT, "(owner|reason|ticket)"),
    *texts(REFUSE, "message"),
    Rule(KILL, "/cursor", r"cursor must be the next_cursor of a previous answer"),
    of_item(KILL, r"/target/networks/\d+", r"networks has .*: each entry must be (an address such as .*|listed only once)"),
    of_item(KILL, "/target/code", "code must be the id of a live code, .*"),
    of_item(KILL, "/target/account", r"account is .*: it must be the key of an account, such as .*"),
    # No pattern knows how long a month is, and JSON Schema compares no two instants.
    of_item(KILL, "/target/started/(from|to)", r"(from|to) is .*: it must be (a date and time such as .*|after .*, which is from)"),
    of_item(KILL, "/until", r"until is .*"),
    Rule((WHAT_IF,), "/cursor", r"cursor is .*: it must be the next_cursor of a previous answer"),
    Rule((WHAT_IF,), "/event", r'event (".*" )?is in no ledger of the .*'),
    Rule((WHAT_IF,), "/request/account", r"account is .*: it must be the key of an account, such as .*"),
    Rule((WHAT_IF,), r"/request/groups/\d+", r"groups has .*: each entry must be the full name of a group, such as .*"),
    Rule((WHAT_IF,), "/request/(device|person)/address", r"address is .*: it must be an IP address"),
    Rule((WHAT_IF,), "(/request)?/at", r"at is .*: it must be a date and time such as .*"),
    *texts((WHAT_IF,), "(reason|contact|description|message|owner|ticket)", "(.*/)?", ITEM),
    *texts(KILL, "reason", "(.*/)?", ITEM),
    *texts(("POST /policy/rollback", "POST /exceptions/{id}/renew", *POLICY), "(reason|contact)"),
    *texts(GOVERNANCE, "(description|message|owner|reason|ticket)", "(.*/)?", ITEM),
]


# Of 13,000 cases for a policy, nearly all differ only in which conditions a rule has. One in this many is tried.
SAMPLED = {POLICY[0]: 10}
seen = Counter()


@schemathesis.hook
def filter_case(context, case):
    """Samples the cases of some operations, and leaves out an empty If-Match where it is optional: workerd hides it, so the
    server cannot refuse it."""
    label = case.operation.label
    seen[label] += 1
    if seen[label] % SAMPLED.get(label, 1) != 0:
        return False
    return label not in IF_MATCH_OPTIONAL or case.headers.get("If-Match") != ""


# The first number of the addresses of this run.
NETWORK = os.environ["NETWORK"]


class Session(requests.Session):
    """Sends each request from a network of its own, so that wrong tokens use up nobody's attempts."""

    numbers = itertools.count()

    def send(self, request, **kwargs):
        number = next(Session.numbers)
        request.headers["CF-Connecting-IP"] = f"{NETWORK}.{number >> 8 & 255}.{number & 255}.1"
        return super().send(request, **kwargs)


requests.Session = Session


@schemathesis.check
def valid_requests_are_accepted(ctx, response, case):
    """Fails if a valid request is refused for a reason that the document could have named."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code < 400 or response.status_code in DEPENDS_ON_STATE:
        return
    errors = response.json().get("errors", [])
    unknown = [
        error
        for error in errors
        if not any(rule.covers(case.operation.label, error, case.body) for rule in INEXPRESSIBLE)
    ]
    if unknown or not errors:
        raise AssertionError(f"A valid request was refused with {response.status_code}: {unknown or response.text}")
