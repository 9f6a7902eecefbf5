"""OpenAI's API beside Watson's: which clients use it, and its errors. Imports no engine."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_OWN_PATHS = re.compile(r"(?:/.*)?/v1/audio/[^/]+")
_SHARED_PATHS = re.compile(r"(?:/.*)?/v1/models(?:/[^/]+)?")
_PARTS_OF_A_TOKEN = 3
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}


def is_spoken(path: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a request is to be answered as OpenAI would.

    On the paths that are OpenAI's alone it always is. On those that both APIs have, it is for clients that
    say so: OpenAI's own send `X-Stainless-*` or their name, and others send an API key itself as the bearer
    token, where IBM's clients send an access token made from one.

    Args:
        path: of the URL, or the pattern of its route.
        headers: names in lower case.
    """
    if _OWN_PATHS.fullmatch(path):
        return True
    return _SHARED_PATHS.fullmatch(path) is not None and _is_theirs(headers)


def _is_theirs(headers: Mapping[str, str]) -> bool:
    if any(name.startswith("x-stainless-") for name in headers):
        return True
    if headers.get("user-agent", "").lower().startswith(("openai/", "asyncopenai/")):
        return True
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    return scheme.lower() == "bearer" and bool(value) and value.count(".") != _PARTS_OF_A_TOKEN - 1


def error_body(status: int, message: str, *, param: str | None = None, code: str | None = None) -> str:
    """Return the JSON of an error; `param` names the field of the request that it is about."""
    kind = _TYPES.get(status) or ("server_error" if status >= 500 else "invalid_request_error")
    error = {"message": message, "type": kind, "param": param, "code": code or _CODES.get(status)}
    return json.dumps({"error": error})


def message_of(body: str | bytes) -> str | None:
    """Return the message of an error in Watson's shape; None: it is something else."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    message = document.get("error") if isinstance(document, dict) else None
    return message if isinstance(message, str) else None
