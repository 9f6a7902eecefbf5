"""Uploads that clients send to the store themselves."""

from __future__ import annotations

from chalicelib.api.descriptions.acoustic import LABEL
from chalicelib.api.descriptions.operation import (
    BINARY,
    GUID,
    JSON,
    NOTHING,
    TEXT,
    TIME,
    Answered,
    Operation,
    Schema,
    answered,
    fields,
    many,
    one_of,
    record,
    the,
)
from chalicelib.api.http.upload_lengths import longest_bytes
from chalicelib.direct_uploads.uploads import DirectUploadStatus, Purpose

_GROUP = "Uploads"
_UPLOADS, _UPLOAD = "/uploads", "/uploads/{upload_id}"
_BYTES: Schema = {"type": "integer", "minimum": 1, "maximum": longest_bytes(None)}
_SHA256: Schema = {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}
_MEMBERS: dict[str, Schema] = {
    "upload_id": GUID,
    "bytes": _BYTES,
    "sha256": _SHA256,
    "created": TIME,
    "expires": TIME,
}
_OPTIONAL: dict[str, Schema] = {"content_type": TEXT, "purpose": one_of(*Purpose)}
_STATUS: dict[str, Schema] = {"status": one_of(*DirectUploadStatus)}

SCHEMAS: dict[str, Schema] = {
    "Upload": record(_MEMBERS, _OPTIONAL),
    "Uploads": record({"uploads": many(the("Upload"))}),
    "UploadAndStatus": record({**_MEMBERS, **_STATUS}, _OPTIONAL),
    "MadeUpload": record(
        {
            **_MEMBERS,
            **_STATUS,
            "method": one_of("PUT"),
            "url": TEXT,
            "headers": {"type": "object", "additionalProperties": TEXT},
            "url_expires": TIME,
        },
        {**_OPTIONAL, "warnings": TEXT},
    ),
}

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", _UPLOADS): Operation(
        _GROUP,
        {201: answered("Where to send the bytes, how, and until when.", the("MadeUpload"))},
        headers=LABEL,
        body={JSON: fields({"bytes": _BYTES, "sha256": _SHA256}, _OPTIONAL)},
        description=(
            "Send the bytes to `url` with `method` and `headers`, without credentials. Then name the upload "
            "with the query parameter `upload` in place of a body, as often as you like until it `expires`."
        ),
    ),
    ("GET", _UPLOADS): Operation(_GROUP, {200: answered("The uploads.", the("Uploads"))}),
    ("GET", _UPLOAD): Operation(_GROUP, {200: answered("The upload.", the("UploadAndStatus"))}),
    ("DELETE", _UPLOAD): Operation(_GROUP, {204: Answered("It is gone.")}),
    ("PUT", _UPLOAD): Operation(
        _GROUP,
        {200: answered("The bytes are there.", NOTHING)},
        query={"owner": TEXT, "expires": TEXT, "signature": TEXT},
        required=("owner", "expires", "signature"),
        body={"application/octet-stream": BINARY},
        refusals=(403, 412),
        description="On one machine the `url` of an upload; elsewhere that is one of the store itself.",
    ),
}
