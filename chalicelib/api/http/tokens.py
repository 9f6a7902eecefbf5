"""Access tokens: JWTs signed with the internal secret (RFC 7519, HS256), made from API keys."""

from __future__ import annotations

import base64
import binascii
import json
import time
from dataclasses import dataclass
from typing import Any

from chalicelib.storage import internal_secret

LIFETIME_S = 3600
_PURPOSE = b"access-token."
"""Before what is signed: no other signature of the service can be taken for that of a token."""
_HEADER = {"alg": "HS256", "typ": "JWT"}


class InvalidToken(Exception):
    """A token is malformed, forged or expired."""


@dataclass(frozen=True)
class AccessToken:
    """What a token says: which key it was made from, and when (epoch seconds)."""

    key_hash: str
    issued: int
    expires: int


def issue(key_hash: str, now_s: float | None = None) -> tuple[str, AccessToken]:
    """Return a new token for the key with that hash, as text and as what it says."""
    issued = int(time.time() if now_s is None else now_s)
    token = AccessToken(key_hash, issued, issued + LIFETIME_S)
    claims = {"sub": token.key_hash, "iat": token.issued, "exp": token.expires, "iss": "attune"}
    signed = f"{_encode(json.dumps(_HEADER).encode())}.{_encode(json.dumps(claims).encode())}"
    return f"{signed}.{_encode(internal_secret.sign(_PURPOSE + signed.encode()))}", token


def read(text: str, now_s: float | None = None, *, expired_too: bool = False) -> AccessToken:
    """Check a token and return what it says.

    Raises:
        InvalidToken: it is malformed, not signed by this service, or expired (unless those do, too).
    """
    signed, _, signature = text.rpartition(".")
    # Nothing of the token is looked at before its signature holds; the algorithm is ours, not its own.
    if not internal_secret.holds(_PURPOSE + signed.encode(), _decode(signature)):
        raise InvalidToken("the signature is wrong")
    claims: Any = json.loads(_decode(signed.partition(".")[2]))
    token = AccessToken(claims["sub"], claims["iat"], claims["exp"])
    if not expired_too and (time.time() if now_s is None else now_s) >= token.expires:
        raise InvalidToken("the token has expired")
    return token


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidToken("the token is malformed") from None
