"""Announced uploads: made, found, listed, removed, and looked at before somebody uses what has come.

There is nothing to keep a status of: the object is there, whole, or it is not. So an upload may be used as
often as one likes until it expires, and a request whose answer was lost can be made again. Rows go by the
table's time-to-live, objects by a rule of the bucket.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum

from chalicelib.direct_uploads.errors import MismatchedUpload, NotYetThere, TooManyUploads, UnknownUpload
from chalicelib.storage import failures, objects
from chalicelib.storage.conditional import ConditionFailed, Delete, Put, write
from chalicelib.storage.layout import direct_upload_key
from chalicelib.storage.tables import DirectUpload

_log = logging.getLogger(__name__)

MIB = 1024**2
LASTS_S = 24 * 3600
"""For so long what has come can be used."""
PER_OWNER = 200
BYTES_PER_OWNER = 100 * 1024 * MIB
"""Of all that an owner has announced and not removed."""


class Purpose(StrEnum):
    """What an upload may be said to be for; its length is judged by that."""

    AUDIO = "audio"
    RECOGNITION = "recognition"
    JOB = "job"


class DirectUploadStatus(StrEnum):
    """What a client sees."""

    WAITING = "waiting"
    COMPLETE = "complete"


def announce(
    owner: str,
    *,
    size_bytes: int,
    sha256: str,
    content_type: str | None = None,
    purpose: Purpose | None = None,
    customer_id: str | None = None,
) -> DirectUpload:
    """Make an upload whose bytes are yet to come.

    Args:
        owner: of the upload.
        size_bytes: exactly so many will come.
        sha256: of them, in hex.
        content_type: of them; None: they say it themselves.
        purpose: what it is for; None: anything.
        customer_id: label of whose data it is.

    Raises:
        TooManyUploads: the owner has announced as many, or as much, as one may; counted with this one,
            whoever else announces one at this moment.
    """
    now = datetime.now(UTC)
    row = DirectUpload(
        owner,
        str(uuid.uuid4()),
        created=now,
        expires=int(now.timestamp()) + LASTS_S,
        size_bytes=size_bytes,
        sha256=sha256,
        content_type=content_type,
        purpose=purpose,
        customer_id=customer_id,
    )
    with suppress(ConditionFailed):  # of a new id: a try whose answer was lost did it
        write(Put(row, DirectUpload.upload_id.does_not_exist()))
    try:
        _check_room(owner)
    except TooManyUploads:
        row.delete()
        raise
    return row


def _check_room(owner: str) -> None:
    held = of_owner(owner)
    if len(held) > PER_OWNER:
        raise TooManyUploads(f"You have announced {PER_OWNER} uploads, the most that one may have at a time.")
    if sum(int(row.size_bytes) for row in held) > BYTES_PER_OWNER:
        raise TooManyUploads(
            f"With this one you would have announced more than {BYTES_PER_OWNER // MIB} MB, the most that "
            "one may have at a time."
        )


def get(owner: str, upload_id: str) -> DirectUpload:
    """Return an upload.

    Raises:
        UnknownUpload: the owner has no such one, or it has expired.
    """
    try:
        row = DirectUpload.get(owner, upload_id, consistent_read=True)
    except DirectUpload.DoesNotExist:
        raise UnknownUpload(upload_id) from None
    if _expired(row):
        raise UnknownUpload(upload_id)
    return row


def of_owner(owner: str) -> Sequence[DirectUpload]:
    """Return the owner's uploads, newest first."""
    rows = DirectUpload.query(owner, consistent_read=True)
    return sorted((row for row in rows if not _expired(row)), key=lambda row: row.created, reverse=True)


def _expired(row: DirectUpload) -> bool:
    return int(row.expires) <= time.time()


def status(row: DirectUpload) -> DirectUploadStatus:
    """Tell whether the bytes have come."""
    return DirectUploadStatus.COMPLETE if objects.exists(key_of(row)) else DirectUploadStatus.WAITING


def arrived(owner: str, upload_id: str) -> DirectUpload:
    """Return an upload whose bytes are there, and are those that were announced.

    Raises:
        UnknownUpload: the owner has no such one, or it has expired.
        NotYetThere: nothing has come yet.
        MismatchedUpload: something else has come; it is removed, so that the right bytes can be sent.
    """
    row = get(owner, upload_id)
    try:
        found = objects.describe(key_of(row))
    except objects.ObjectNotFound:
        raise NotYetThere(upload_id, int(row.size_bytes)) from None
    if found.size_bytes != int(row.size_bytes) or found.sha256 not in (None, row.sha256):
        objects.delete(key_of(row))
        raise MismatchedUpload(upload_id, int(row.size_bytes), found.size_bytes)
    return row


def delete(owner: str, upload_id: str) -> None:
    """Remove an upload, and what has come.

    Raises:
        UnknownUpload: the owner has no such one, or it has expired.
    """
    row = get(owner, upload_id)
    with suppress(ConditionFailed):  # gone: a try whose answer was lost did it, or somebody else
        write(Delete(row, DirectUpload.upload_id.exists()))
    try:
        objects.delete(key_of(row))
    except failures.FAILURES:
        _log.warning("could not remove upload %s; it goes with its day", upload_id, exc_info=True)


def erase(owner: str, customer_id: str, until: datetime) -> bool:
    """Remove the labelled uploads that were announced before a moment; always succeeds."""
    labelled = DirectUpload.query(
        owner, filter_condition=DirectUpload.customer_id == customer_id, consistent_read=True
    )
    for row in labelled:
        if row.created <= until:
            objects.delete(key_of(row))
            row.delete()
    return True


def key_of(row: DirectUpload) -> str:
    """Return where the bytes of an upload lie."""
    return direct_upload_key(row.owner, row.upload_id)
