"""`/v1/recognize`: speech to text, synchronously."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from chalicelib.api import bodies, errors
from chalicelib.api.bodies import Body
from chalicelib.api.calls import Answer, Call
from chalicelib.api.errors import ApiError
from chalicelib.api.routing import Routes
from chalicelib.audio import content_types
from chalicelib.recognition import backend, models, options
from chalicelib.storage import failures, objects, spool

routes = Routes()

for _refused, _status in {
    options.InvalidOption: 400,
    options.MalformedGuid: 400,
    options.OptionsConflict: 400,
    models.UnknownModel: 404,
    models.UnknownCustomization: 401,
    models.NotAvailable: 400,
    models.WrongBase: 400,
    backend.TooLittleAudio: 400,
}.items():
    errors.register(_refused, _status)


@routes.route("POST", "/recognize")
def recognize(call: Call) -> Answer | dict[str, Any]:
    """Recognise the body."""
    query = options.parse(call.query)
    model = models.choose(call.owner, query.options)
    body = bodies.read(call, backend.MAX_AUDIO_BYTES)
    content_types.of_recognition(call.content_type, None)
    if body.pending:
        return Answer(204)
    backend.check_size(body.size_bytes)
    content_type = content_types.of_recognition(call.content_type, body.head())
    with _in_bucket(body) as key:
        try:
            answer = backend.recognize(
                key, None if content_type is None else str(content_type), model, query.options
            )
        except backend.RecognitionFailed as error:
            raise ApiError(error.code, str(error)) from error
    return backend.with_warnings(answer, [*query.warnings, *model.warnings])


@routes.route("GET", "/recognize")
def connect(call: Call) -> dict[str, Any]:
    """Say which model serves a WebSocket: the front door has the socket, and asks before it accepts one."""
    header = call.headers.get(spool.HEADER.lower())
    if header is None:
        raise ApiError(
            426, "GET /v1/recognize is a WebSocket: connect with one, or send the audio with POST."
        )
    if not spool.read_header(header).pending:
        raise spool.ForgedReference
    query = options.parse(call.query, "websocket")
    return models.choose(call.owner, query.options).to_json()


@contextmanager
def _in_bucket(body: Body) -> Iterator[str]:
    """Let the audio lie in the bucket, under the key given, for as long as the context lasts."""
    key = body.spooled.key if body.spooled is not None else spool.new_key()
    try:
        if body.spooled is None:
            body.store(key)
        yield key
    finally:
        with suppress(*failures.FAILURES):  # a lifecycle rule removes it later
            objects.delete(key)
