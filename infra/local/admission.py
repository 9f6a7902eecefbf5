"""Who may call an internal port of the service: whoever names its access key, under the port's own name."""

from __future__ import annotations

import hmac
import json
import re
from http import HTTPStatus
from urllib.parse import parse_qs

from infra.local.wire import Application, Receive, Scope, Send, answer, headers_of

_NAMES = ("127.0.0.1", "localhost")
_REFUSED = "UnrecognizedClientException"


class Admitted:
    """An application that only the service's own processes reach; it is asked nothing by anybody else.

    Other users of the machine can connect to a port of the loopback interface, and so can a page in a browser
    whose name was made to mean this machine. The first do not know the key; the second cannot choose `Host`.
    """

    def __init__(self, application: Application, access_key: str) -> None:
        """Take what is to be reached, and the key that opens it."""
        self._application = application
        self._access_key = access_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = headers_of(scope)
        if not _is_own(headers.get("host", ""), scope["server"][1]):
            await _refuse(send, "The Host of the request is not this port.")
        elif not hmac.compare_digest(_named(headers, scope["query_string"]), self._access_key):
            await _refuse(send, "Wrong credentials.")
        else:
            await self._application(scope, receive, send)


def _is_own(host: str, port: int) -> bool:
    return host in [f"{name}:{port}" for name in _NAMES]


def _named(headers: dict[str, str], query: bytes) -> bytes:
    """Return the access key that a signed request names; on the loopback interface the key is the proof."""
    signed = re.search(r"Credential=([^/,]+)/", headers.get("authorization", ""))
    presigned = parse_qs(query.decode("latin-1")).get("X-Amz-Credential", [""])[0].partition("/")[0]
    return (signed[1] if signed else presigned).encode()


async def _refuse(send: Send, message: str) -> None:
    fields = {"content-type": "application/x-amz-json-1.1", "x-amzn-errortype": _REFUSED}
    body = json.dumps({"__type": _REFUSED, "message": message}).encode()
    await answer(send, HTTPStatus.FORBIDDEN, fields, body)
