"""Where the bytes of an upload are sent: to S3, or to this service where clients cannot reach the store.

Either URL takes exactly the announced bytes, once, for an hour, and needs no credentials. It is a PUT, not a
form: S3 then takes the very length (a form has a range), refuses a second one by `If-None-Match`, and any
program can send a file as it is.
"""

from __future__ import annotations

import hashlib
import time
from typing import IO
from urllib.parse import urlencode, urlsplit

from chalicelib import settings
from chalicelib.direct_uploads import uploads
from chalicelib.direct_uploads.errors import RefusedByUrl, UnknownUpload
from chalicelib.storage import internal_secret, objects
from chalicelib.storage.layout import UPLOADS_PREFIX
from chalicelib.storage.tables import DirectUpload

VALID_S = 3600
"""An upload that has begun by then may take as long as it takes."""
_READ_BYTES = 1024**2
_ANOTHER = "Make another upload with POST /v1/uploads."


def url_of(row: DirectUpload, base_url: str) -> str:
    """Return the URL to which the bytes of an upload are sent, with `objects.conditions` as headers.

    Args:
        row: the upload.
        base_url: of this service, as its client has called it.
    """
    if settings.uploads_to_store():
        return objects.presigned_put(uploads.key_of(row), int(row.size_bytes), row.sha256, VALID_S)
    expires = str(int(time.time()) + VALID_S)
    signature = internal_secret.sign(_signed(row.owner, row.upload_id, expires)).hex()
    query = urlencode({"owner": row.owner, "expires": expires, "signature": signature})
    return f"{base_url}/uploads/{row.upload_id}?{query}"


def store() -> str | None:
    """Return scheme and host of the store to which clients send uploads; None: that is this service."""
    if not settings.uploads_to_store():
        return None
    split = urlsplit(objects.presigned_get(UPLOADS_PREFIX, VALID_S))
    return f"{split.scheme}://{split.netloc}"


def opened(owner: str, upload_id: str, expires: str, signature: str) -> DirectUpload:
    """Return the upload that a URL of this service is for.

    Raises:
        RefusedByUrl: it was not signed here, or is late; the upload was removed, or has its bytes.
    """
    try:
        proof = bytes.fromhex(signature)
    except ValueError:
        proof = b""
    if not internal_secret.holds(_signed(owner, upload_id, expires), proof):
        raise RefusedByUrl(
            403, f"This URL is not signed. Use it as POST /v1/uploads has answered it. {_ANOTHER}"
        )
    if int(expires) <= time.time():
        raise RefusedByUrl(403, f"This URL has expired, an hour after it was made. {_ANOTHER}")
    try:
        row = uploads.get(owner, upload_id)
    except UnknownUpload:
        raise RefusedByUrl(404, f"The upload of this URL was removed. {_ANOTHER}") from None
    if uploads.status(row) is uploads.DirectUploadStatus.COMPLETE:
        raise RefusedByUrl(
            412,
            f"The bytes of this upload are there already: name it with upload={upload_id}. Other bytes need "
            "another upload: make it with POST /v1/uploads.",
        )
    return row


def check_length(row: DirectUpload, size_bytes: int) -> None:
    """Refuse bytes that cannot be the announced ones.

    Raises:
        RefusedByUrl: they are more or fewer.
    """
    if size_bytes != int(row.size_bytes):
        raise RefusedByUrl(
            400,
            f"This URL takes exactly {row.size_bytes} bytes, as was announced, but {size_bytes} came. Send "
            "the whole file as it was when you announced it, or make another upload with POST /v1/uploads.",
        )


def check_bytes(row: DirectUpload, content: IO[bytes]) -> None:
    """Refuse bytes that are not the announced ones.

    Raises:
        RefusedByUrl: their checksum is another.
    """
    digest = hashlib.sha256()
    while block := content.read(_READ_BYTES):
        digest.update(block)
    if digest.hexdigest() != row.sha256:
        raise RefusedByUrl(
            400,
            f"The SHA-256 of what came is {digest.hexdigest()}, but {row.sha256} was announced. Send the "
            "file again; if it has changed, make another upload with POST /v1/uploads.",
        )


def _signed(owner: str, upload_id: str, expires: str) -> bytes:
    # Its last part is no number, so that it cannot stand for a reference to a spooled body.
    return f"{expires};{owner};{upload_id};upload".encode()
