"""Sends a large body to where a service's store takes it, for services that cannot take it themselves.

The service says where by `POST /v1/uploads`, and takes the body by the upload's id afterwards. A service that
does not offer that, as Watson, gets the body itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any, Literal

from attune_cli.client import Service, ServiceAnswer, path
from attune_cli.errors import Away, CommandError
from attune_cli.refusals import message_of_document
from attune_cli.upload.parcels import FileBody

FROM_BYTES = 4_000_000
"""What is larger does not fit the 6 MB of AWS Lambda."""
_READ_BYTES = 1 << 20
_TRIES = 3
_THERE = 412
"""The bytes have come with an attempt whose answer was lost: the URL takes these bytes and no others."""
_NOT_TAKEN = frozenset({400, 403, 404, 409})

Purpose = Literal["audio", "recognition", "job"]


@contextmanager
def uploaded(
    service: Service,
    file: IO[bytes],
    headers: Mapping[str, str],
    purpose: Purpose | None,
    body: Callable[[], FileBody],
) -> Iterator[str | None]:
    """Let a body lie in the store for as long as the block takes, and give the upload's id.

    It gives None where the body is to be sent with the request: it is small, or the service has no uploads.

    Args:
        service: that is to take it.
        file: the body, for its length and checksum.
        headers: of the request that is to have it; its content type counts.
        purpose: of the upload.
        body: opens what is sent, for each attempt.

    Raises:
        CommandError: the store does not take it.
    """
    upload_id = None
    if file.seek(0, 2) > FROM_BYTES and service.has_uploads is not False:
        upload_id = _sent(service, file, headers.get("Content-Type"), purpose, body)
    try:
        yield upload_id
    except Away:
        raise  # then it cannot be removed either, and goes by itself
    except CommandError:
        _forget(service, upload_id)
        raise
    _forget(service, upload_id)


def _forget(service: Service, upload_id: str | None) -> None:
    if upload_id is not None:
        with suppress(CommandError):
            service.call("DELETE", path("uploads", upload_id), accepted=frozenset({404}), once=True)


def _sent(
    service: Service,
    file: IO[bytes],
    content_type: str | None,
    purpose: Purpose | None,
    body: Callable[[], FileBody],
) -> str | None:
    message = ""
    for _ in range(_TRIES):
        # Looked at anew: a file that has changed while it was sent is refused.
        made = _announced(service, file, content_type, purpose)
        if made is None:
            return None
        answer = service.call(
            made["method"], made["url"], elsewhere=True, body=body, headers=made["headers"],
            accepted=_NOT_TAKEN | {_THERE},
        )  # fmt: skip
        if answer.status < 300 or answer.status == _THERE:
            return str(made["upload_id"])
        message = _reason(answer)
    raise CommandError(
        f"The store does not take what is sent: {message}",
        "Does a proxy change what you send, and is this machine's clock right? Run the same command again.",
    )


def _announced(service: Service, file: IO[bytes], content_type: str | None, purpose: Purpose | None) -> Any:
    """Return where a body is to be sent; None: the service has no uploads."""
    digest = hashlib.sha256()
    file.seek(0)
    while block := file.read(_READ_BYTES):
        service.check_stopped()
        digest.update(block)
    fields = {
        "bytes": file.tell(),
        "sha256": digest.hexdigest(),
        "content_type": content_type,
        "purpose": purpose,
    }
    asked = {name: value for name, value in fields.items() if value is not None}
    answer = service.call("POST", path("uploads"), document=asked, accepted=frozenset({404, 405}))
    service.has_uploads = answer.status < 300
    return answer.document if service.has_uploads else None


def _reason(answer: ServiceAnswer) -> str:
    """Return what a store says, in JSON or in S3's XML."""
    told = re.search(rb"<Message>(.*?)</Message>", answer.content, re.DOTALL)
    if told:
        return told[1].decode(errors="replace")
    return message_of_document(answer.document) or f"it answers with status {answer.status}."
