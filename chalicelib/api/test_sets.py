"""`/v1/test_sets`: recordings with transcripts, to measure models by."""

from __future__ import annotations

from typing import Any

from chalicelib.api.http import bodies, errors, parameters
from chalicelib.api.http.calls import Answer, Call
from chalicelib.api.http.errors import BadRequest
from chalicelib.api.http.routing import Routes
from chalicelib.audio import content_types
from chalicelib.audio.content_types import UnsupportedContentType
from chalicelib.evaluation import errors as evaluation
from chalicelib.evaluation import limits, test_sets
from chalicelib.evaluation.recordings.listing import UtteranceListing
from chalicelib.evaluation.statuses import SetStatus
from chalicelib.sharing import usage
from chalicelib.storage import objects
from chalicelib.storage.layout import TestSetKey
from chalicelib.storage.tables import TestSet, watson_time

routes = Routes()

_SETS = "/test_sets"
_SET = "/test_sets/{test_set_id}"

errors.register(evaluation.UnknownTestSet, 404)
errors.register(evaluation.TooMany, 400)


@routes.route("POST", _SETS)
def add_test_set(call: Call) -> Answer:
    """Take in an archive of recordings with transcripts; it is read afterwards."""
    name = name_of(parameters.text(call, "name"))
    customer_id = parameters.customer_id(call)
    said = content_types.of_resource_header(call.content_type)
    if said is not None and said.kind != "archive":
        raise UnsupportedContentType(call.content_type or "")
    contained = call.headers.get("contained-content-type") or None
    content_types.of_members(contained)
    usage.check(call.owner)
    test_sets.check_room(call.owner)
    body = bodies.read(call, limits.UPLOAD_BYTES)
    if body.pending:
        return Answer(204)
    if body.size_bytes == 0:
        raise BadRequest("The body is empty: send a zip or tar.gz archive of recordings with transcripts.")
    seen = content_types.sniff(body.head())
    if seen is None or seen.kind != "archive":
        raise BadRequest(
            "A test set is a zip or tar.gz archive of recordings with transcripts, but this is "
            f"{'none' if seen is None else seen.essence}."
        )
    test_set_id = test_sets.new_id()
    key = TestSetKey(call.owner, test_set_id).upload_key
    body.store(key)
    try:
        test_sets.create(
            call.owner,
            test_set_id,
            name=name,
            size_bytes=body.size_bytes,
            contained_content_type=contained,
            customer_id=customer_id or body.customer_id,
        )
    except BaseException:
        objects.delete(key)
        raise
    body.discard()
    return Answer(201, {"test_set_id": test_set_id})


@routes.route("GET", _SETS)
def list_test_sets(call: Call) -> dict[str, Any]:
    """List the owner's test sets, newest first."""
    return {"test_sets": [_shown(row) for row in test_sets.of_owner(call.owner)]}


@routes.route("GET", _SET)
def get_test_set(call: Call, test_set_id: str) -> dict[str, Any]:
    """Show a test set, with what was left out of it and why."""
    row = test_sets.get(call.owner, test_set_id)
    if row.status == SetStatus.PROCESSING:
        return _shown(row)
    try:
        listing = UtteranceListing.fetch(test_sets.key_of(row).listing_key)
    except objects.ObjectNotFound:  # it was deleted just now
        raise evaluation.UnknownTestSet(test_set_id) from None
    findings = [
        {"file": one.file, "message": one.message} | ({} if one.line is None else {"line": one.line})
        for one in listing.findings
    ]
    more = {"findings_left_out": listing.findings_left_out} if listing.findings_left_out else {}
    return {**_shown(row), "findings": findings, **more}


@routes.route("DELETE", _SET)
def delete_test_set(call: Call, test_set_id: str) -> dict[str, Any]:
    """Remove a test set with its audio."""
    test_sets.delete(call.owner, test_set_id)
    return {}


def name_of(text: str | None) -> str:
    """Return a name that was given, or none.

    Raises:
        BadRequest: it has too many characters.
    """
    name = (text or "").strip()
    if len(name) > limits.NAME_CHARACTERS:
        raise BadRequest(f"The name has more than {limits.NAME_CHARACTERS} characters. Shorten it.")
    return name


def _shown(row: TestSet) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "test_set_id": row.test_set_id,
        "name": row.name,
        "status": row.status,
        "created": watson_time(row.created),
        "updated": watson_time(row.updated),
        "bytes": int(row.size_bytes),
    }
    if row.status != SetStatus.PROCESSING:
        shown |= {
            "utterances": int(row.utterances),
            "duration": round(float(row.duration_s), 1),
            "words": int(row.words),
            "script": row.script,
            "left_out": int(row.left_out),
        }
    if row.error:
        shown["error"] = row.error
    return shown
