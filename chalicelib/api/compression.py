"""Large answers travel compressed, so that Lambda carries them; where they cannot, the client is told how."""

from __future__ import annotations

import gzip
import os
import re

from chalice.app import Request, Response

from chalicelib.api.errors import ApiError

COMPRESSED_FROM_BYTES = 1024 * 1024
LAMBDA_BYTES = 4_400_000
"""What Lambda's 6 MB hold once it is base64, in which every answer leaves the function, with its headers."""
_LEVEL = 5
_NOT_WANTED = re.compile(r"q\s*=\s*0(\.0*)?")


class AnswerTooLarge(ApiError):
    """Lambda cannot carry an answer in a form that the client accepts."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(
            406,
            f"The answer has {size_bytes} bytes, more than AWS Lambda passes on uncompressed. Send the "
            "header 'Accept-Encoding: gzip', as IBM's SDKs do ('curl --compressed').",
        )


def compressed(request: Request, answer: Response) -> Response:
    """Return the answer as it is to be sent: with gzip if it is large and the client accepts that.

    Events are sent as they come, so never with gzip.

    Raises:
        AnswerTooLarge: it is too large for Lambda, on which this runs.
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
        raise AnswerTooLarge(len(body))
    return answer


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` header names gzip, or anything, without a quality of zero (RFC 9110)."""
    wanted = {}
    for part in accept_encoding.lower().split(","):
        coding, _, parameter = part.partition(";")
        wanted[coding.strip()] = _NOT_WANTED.fullmatch(parameter.strip()) is None
    return wanted.get("gzip", wanted.get("*", False))
