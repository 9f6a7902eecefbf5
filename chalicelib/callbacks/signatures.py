"""Signatures by which a client knows that it is this service that calls."""

from __future__ import annotations

import base64
import hashlib
import hmac


def headers(secret: str | None, body: bytes, now_s: int, *, former: str | None = None) -> dict[str, str]:
    """Return the headers that sign a body; none without a secret.

    `X-Callback-Signature` is Watson's: the HMAC-SHA1 of the body, in base64. `X-Attune-Signature` is
    `t={now_s},v1={…}`: the hexadecimal HMAC-SHA256 of the time, a full stop and the body, so that an old
    notification cannot be sent again by somebody else. With a `former` secret, which was replaced lately, a
    second `,v1={…}` follows by that one.
    """
    if secret is None:
        return {}
    dated = "".join(
        f",v1={hmac.new(one.encode(), f'{now_s}.'.encode() + body, hashlib.sha256).hexdigest()}"
        for one in (secret, former)
        if one is not None
    )
    return {"X-Callback-Signature": watson(secret, body), "X-Attune-Signature": f"t={now_s}{dated}"}


def watson(secret: str, body: bytes) -> str:
    """Return Watson's signature alone."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha1).digest()).decode()
