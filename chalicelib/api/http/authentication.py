"""Who is calling: API keys by Basic authentication or as bearer, and the access tokens made from them."""

from __future__ import annotations

import base64
import binascii
import threading
import time
from collections.abc import Mapping

from chalicelib.api.http import tokens
from chalicelib.api.http.errors import Forbidden, Unauthorized
from chalicelib.storage import credentials, spool

REMEMBERED_S = 5.0
"""A revoked key works for at most this long in a process that has just seen it."""
_MOST_REMEMBERED = 10_000
_DOTS_OF_A_TOKEN = 2


class Known:
    """Owners by the hash of their key, remembered for a few seconds: most requests then cost no look-up."""

    def __init__(self, remembered_s: float = REMEMBERED_S) -> None:
        self._remembered_s = remembered_s
        self._owners: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def owner(self, key_hash: str) -> str | None:
        """Return whom the key opens now, or did a few seconds ago; None: nobody."""
        now_s = time.monotonic()
        with self._lock:
            until_s, owner = self._owners.get(key_hash, (0.0, ""))
        if now_s < until_s:
            return owner
        found = credentials.find(key_hash)
        with self._lock:
            self._owners.pop(key_hash, None)
            if found is None:
                return None
            if len(self._owners) >= _MOST_REMEMBERED:
                self._owners.clear()
            self._owners[key_hash] = (now_s + self._remembered_s, found.owner)
        return found.owner


_known = Known()


def owner_of(headers: Mapping[str, str], instance_id: str | None = None) -> str:
    """Return the owner (service instance) whose credentials a request carries.

    Args:
        headers: names in lower case.
        instance_id: the instance that the URL names, if it does.

    Raises:
        Unauthorized: no credentials, or wrong ones.
        Forbidden: the credentials belong to another instance than the URL's.
    """
    owner = _known.owner(key_hash_of(headers))
    if owner is None:
        raise Unauthorized
    if instance_id is not None and instance_id.lower() != owner:
        raise Forbidden
    return owner


def key_hash_of(headers: Mapping[str, str]) -> str:
    """Return the hash of the key that a request carries, or that its token was made from.

    Raises:
        Unauthorized: there is none, or its token is forged or expired.
    """
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    match scheme.lower():
        case "basic":
            return credentials.hash_of(_key_of_basic(value.strip()))
        case "bearer":
            return _key_hash_of_bearer(value.strip(), expired_too=_is_continued(headers))
        case _:
            raise Unauthorized


def _key_of_basic(value: str) -> str:
    try:
        user, separator, key = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Unauthorized from None
    if not separator or user != "apikey" or not key:
        raise Unauthorized
    return key


def _is_continued(headers: Mapping[str, str]) -> bool:
    """Tell whether the front door asks for an open connection: its token was good when it was opened."""
    try:
        return spool.read_header(headers.get(spool.HEADER.lower(), "")).continued
    except ValueError:
        return False


def _key_hash_of_bearer(value: str, *, expired_too: bool) -> str:
    """Return the hash of the key behind a token, or of one that is sent itself, as OpenAI's clients do."""
    if value.count(".") != _DOTS_OF_A_TOKEN:
        return credentials.hash_of(value)
    try:
        return tokens.read(value, expired_too=expired_too).key_hash
    except tokens.InvalidToken:
        raise Unauthorized from None
