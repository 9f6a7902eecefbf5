"""`POST /identity/token`: an API key becomes an access token, as IBM's IAM does it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from chalicelib.api.http import tokens
from chalicelib.api.http.calls import Answer, Call
from chalicelib.api.http.routing import Routes
from chalicelib.storage import credentials

routes = Routes()

_GRANT = "urn:ibm:params:oauth:grant-type:apikey"


@routes.route("POST", "/identity/token", prefixes=("",), needs_credentials=False)
def make_token(call: Call) -> Answer:
    """Exchange an API key for a token that is valid for an hour."""
    try:
        form = parse_qs(call.body.decode(), max_num_fields=100)
    except ValueError:
        form = {}
    grant, key = form.get("grant_type", [""])[-1], form.get("apikey", [""])[-1]
    if grant != _GRANT:
        return _refused(call, "BXNIM0136E", f"The grant_type '{grant[:100]}' is not supported; use {_GRANT}.")
    if not key:
        return _refused(call, "BXNIM0109E", "Property missing or empty: 'apikey'.")
    key_hash = credentials.hash_of(key)
    if credentials.find(key_hash) is None:
        return _refused(call, "BXNIM0415E", "Provided API key could not be found.")
    text, token = tokens.issue(key_hash)
    return Answer(
        200,
        {
            "access_token": text,
            "refresh_token": "not_supported",
            "token_type": "Bearer",
            "expires_in": token.expires - token.issued,
            "expiration": token.expires,
            "scope": "ibm openid",
        },
        {"Cache-Control": "no-store"},
    )


def _refused(call: Call, code: str, message: str) -> Answer:
    body: dict[str, Any] = {
        "errorCode": code,
        "errorMessage": message,
        "context": {"requestId": call.transaction_id},
    }
    return Answer(400, json.loads(json.dumps(body)))
