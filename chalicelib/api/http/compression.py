"""Large answers are compressed; what Lambda cannot carry even so, the client fetches from the bucket."""

from __future__ import annotations

import gzip
import os
import re

from chalice.app import Request, Response

from chalicelib.api.http import errors
from chalicelib.storage import objects, spool

COMPRESSED_FROM_BYTES = 1024 * 1024
LAMBDA_BYTES = 4_400_000
"""What Lambda's 6 MB hold once it is base64, in which every answer leaves the function, with its headers."""
FETCHED_WITHIN_S = 3600
_LEVEL = 5
_NOT_WANTED = re.compile(r"q\s*=\s*0(\.0*)?")


def compressed(request: Request, answer: Response) -> Response:
    """Return the answer as it is to be sent: with gzip if it is large and the client accepts that.

    Events are sent as they come, so never with gzip. What is too large for Lambda, on which this runs, goes
    into the bucket, and the client is sent there: clients follow a 303 with a GET by themselves, and without
    their credentials, as it is another host.
    """
    body = answer.body.encode() if isinstance(answer.body, str) else answer.body
    if not isinstance(body, bytes) or len(body) < COMPRESSED_FROM_BYTES:
        return answer
    in_events = str(answer.headers.get("Content-Type", "")).startswith("text/event-stream")
    if not in_events and accepts_gzip(request.headers.get("accept-encoding", "")):
        body = gzip.compress(body, _LEVEL, mtime=0)
        headers = {**answer.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        answer = Response(body, headers, answer.status_code)
    if len(body) > LAMBDA_BYTES and "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        return _elsewhere(answer, body)
    return answer


def _elsewhere(answer: Response, body: bytes) -> Response:
    """Put an answer into the bucket, where a lifecycle rule removes it, and return one that says where."""
    headers = dict[str, str | list[str]]((name.lower(), text) for name, text in answer.headers.items())
    key = spool.new_key()
    gzipped = headers.pop("content-encoding", None) is not None
    objects.put(key, body, str(headers.pop("content-type")), gzipped=gzipped)
    url = objects.presigned_get(key, FETCHED_WITHIN_S)
    message = (
        f"The answer has {len(body)} bytes, more than AWS Lambda passes on. Fetch it within an hour from the "
        "URL in the header Location, without credentials ('curl --location' does)."
    )
    headers |= {"content-type": "application/json", "location": url, "cache-control": "no-store"}
    return Response(errors.service_body(303, message), headers, 303)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` header names gzip, or anything, without a quality of zero (RFC 9110)."""
    wanted = {}
    for part in accept_encoding.lower().split(","):
        coding, _, parameter = part.partition(";")
        wanted[coding.strip()] = _NOT_WANTED.fullmatch(parameter.strip()) is None
    return wanted.get("gzip", wanted.get("*", False))
