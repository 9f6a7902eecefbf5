"""`/v1/uploads`: bytes that clients send to the store itself, and name afterwards."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from chalicelib.api.http import bodies, errors, parameters
from chalicelib.api.http.calls import Answer, Call
from chalicelib.api.http.errors import BadRequest
from chalicelib.api.http.routing import OWNER_HEADER, Routes
from chalicelib.api.http.upload_lengths import longest_bytes
from chalicelib.audio import content_types
from chalicelib.direct_uploads import addresses, uploads
from chalicelib.direct_uploads import errors as refusals
from chalicelib.direct_uploads.uploads import Purpose
from chalicelib.sharing import usage
from chalicelib.storage import objects
from chalicelib.storage.tables import DirectUpload, watson_time

routes = Routes()

_UPLOADS, _UPLOAD = "/uploads", "/uploads/{upload_id}"
_FIELDS = frozenset({"bytes", "sha256", "content_type", "purpose"})
_LONGEST_TEXT = 1_000
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")

errors.register(refusals.UnknownUpload, 404)
errors.register(refusals.NotYetThere, 409)
errors.register(refusals.MismatchedUpload, 409)
errors.register(refusals.TooManyUploads, 429)


@routes.route("POST", _UPLOADS)
def make_upload(call: Call) -> Answer:
    """Announce bytes, and learn where to send them; afterwards calls take them by the upload's id."""
    fields = parameters.json_object(call.body)
    purpose = _purpose(parameters.optional_text(fields, "purpose", _LONGEST_TEXT))
    size_bytes = _size_bytes(fields, purpose)
    sha256 = _sha256(parameters.required_text(fields, "sha256", _LONGEST_TEXT))
    content_type = parameters.optional_text(fields, "content_type", _LONGEST_TEXT) or None
    customer_id = parameters.customer_id(call)
    usage.check(call.owner)
    row = uploads.announce(
        call.owner,
        size_bytes=size_bytes,
        sha256=sha256,
        content_type=_checked(content_type, purpose),
        purpose=purpose,
        customer_id=customer_id,
    )
    answer = {
        **_shown(row),
        "status": uploads.DirectUploadStatus.WAITING,
        "method": "PUT",
        "url": addresses.url_of(row, call.base_url),
        "headers": objects.conditions(row.sha256),
        "url_expires": _time(row.created.timestamp() + addresses.VALID_S),
    }
    return Answer(201, parameters.with_unknown_fields(answer, fields, _FIELDS))


@routes.route("GET", _UPLOADS)
def list_uploads(call: Call) -> dict[str, Any]:
    """List the uploads that have not expired, newest first."""
    return {"uploads": [_shown(row) for row in uploads.of_owner(call.owner)]}


@routes.route("GET", _UPLOAD)
def get_upload(call: Call, upload_id: str) -> dict[str, Any]:
    """Show an upload, and whether its bytes have come."""
    row = uploads.get(call.owner, upload_id)
    return {**_shown(row), "status": uploads.status(row)}


@routes.route("DELETE", _UPLOAD)
def delete_upload(call: Call, upload_id: str) -> Answer:
    """Remove an upload, and what has come; what was made of it stays."""
    uploads.delete(call.owner, upload_id)
    return Answer(204)


@routes.route(
    "PUT", _UPLOAD, prefixes=("", "/instances/{instance_id}", "/speech-to-text/api"), needs_credentials=False
)
def send_upload(call: Call, upload_id: str) -> Answer:
    """Take the bytes of an upload in place of the store, which clients of one machine cannot reach."""
    owner, expires, signature = (
        parameters.text(call, name) or "" for name in ("owner", "expires", "signature")
    )
    try:
        row = addresses.opened(owner, upload_id, expires, signature)
        body = bodies.read(call, longest_bytes(None))
        if body.size_bytes or not body.pending:
            addresses.check_length(row, body.size_bytes)
        if body.pending:
            return Answer(204, headers={OWNER_HEADER: owner})
        with body.open() as content:
            addresses.check_bytes(row, content)
    except refusals.RefusedByUrl as error:
        raise errors.ApiError(error.status, str(error)) from None
    body.store(uploads.key_of(row))
    body.discard()
    return Answer(200, {}, {OWNER_HEADER: owner})


def _purpose(said: str | None) -> Purpose | None:
    if said is None:
        return None
    try:
        return Purpose(said)
    except ValueError:
        raise BadRequest(
            f"Invalid value '{said[:60]}' for parameter 'purpose': it must be one of {', '.join(Purpose)}, "
            "or be left out."
        ) from None


def _size_bytes(fields: dict[str, Any], purpose: Purpose | None) -> int:
    if "bytes" not in fields:
        raise BadRequest("Required parameter 'bytes' is missing")
    size_bytes, most = fields["bytes"], longest_bytes(purpose)
    of_purpose = f", the most for the purpose '{purpose}'" if purpose else ""
    if isinstance(size_bytes, bool) or not isinstance(size_bytes, int) or not 1 <= size_bytes <= most:
        raise BadRequest(
            "Invalid value for parameter 'bytes': it must be the whole number of bytes to be sent, from 1 to "
            f"{most}{of_purpose}."
        )
    return size_bytes


def _sha256(said: str) -> str:
    if not _SHA256.fullmatch(said):
        raise BadRequest(
            "Invalid value for parameter 'sha256': it must be the SHA-256 of the bytes to be sent, as 64 "
            "hexadecimal digits. 'sha256sum FILE' prints it."
        )
    return said.lower()


def _checked(content_type: str | None, purpose: Purpose | None) -> str | None:
    """Refuse a content type that the calls for a purpose would refuse."""
    match purpose:
        case Purpose.AUDIO:
            content_types.of_resource_header(content_type)
        case Purpose.RECOGNITION | Purpose.JOB:
            content_types.of_recognition(content_type, None)
    return content_type


def _shown(row: DirectUpload) -> dict[str, Any]:
    shown = {
        "upload_id": row.upload_id,
        "bytes": int(row.size_bytes),
        "sha256": row.sha256,
        "content_type": row.content_type,
        "purpose": row.purpose,
        "created": watson_time(row.created),
        "expires": _time(float(row.expires)),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _time(unix_s: float) -> str:
    return watson_time(datetime.fromtimestamp(unix_s, UTC))
