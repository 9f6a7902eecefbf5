"""`/v1/recognize`: speech to text, synchronously."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from chalicelib.api import subtitled
from chalicelib.api.http import bodies, errors, parameters
from chalicelib.api.http.bodies import UploadBody
from chalicelib.api.http.calls import Answer, Call
from chalicelib.api.http.errors import ApiError, BadRequest
from chalicelib.api.http.routing import Routes
from chalicelib.audio import content_types
from chalicelib.audio.content_types import ContentType
from chalicelib.recognition.request import backend, forms, models, options, unheeded
from chalicelib.recognition.request.models import ServingModel
from chalicelib.recognition.results import subtitles
from chalicelib.sharing import meter, usage
from chalicelib.storage import failures, objects, spool

routes = Routes()

_LONGEST_TYPE = 1_000

for _refused, _status in {
    options.InvalidOption: 400,
    options.MalformedGuid: 400,
    options.OptionsConflict: 400,
    models.UnknownModel: 404,
    models.UnknownCustomization: 401,
    models.UnknownVersion: 404,
    models.NotAvailable: 400,
    models.WrongBase: 400,
    models.UnknownGrammar: 400,
    backend.TooLittleAudio: 400,
    forms.BadForm: 400,
    usage.AudioBudgetSpent: 429,
}.items():
    errors.register(_refused, _status)


@routes.route("POST", "/recognize")
def recognize(call: Call) -> Answer | dict[str, Any]:
    """Recognise the body."""
    by_name = parameters.text(call, bodies.UPLOAD) is not None
    boundary = None if by_name else forms.boundary_of(call.content_type)
    if boundary is not None:
        return _recognize_form(call, boundary)
    query = options.parse(call.query)
    usage.check(call.owner)
    model = models.choose(call.owner, query.options)
    body = bodies.read(call, backend.MAX_AUDIO_BYTES)
    content_types.of_recognition(body.content_type, None)
    if body.pending:
        return Answer(204)
    backend.check_size(body.size_bytes)
    content_type = content_types.of_recognition(body.content_type, body.head())
    return _answer(
        body,
        content_type,
        model,
        query,
        owner=call.owner,
        base_url=call.base_url,
        wanted=subtitled.format_of(call),
        streamed_s=_streamed_s(call),
    )


def _recognize_form(call: Call, boundary: str) -> Answer | dict[str, Any]:
    """Recognise the files of a form; its first part says how, and the query only with which model."""
    query = options.parse(call.query, "multipart")
    usage.check(call.owner)
    models.choose(call.owner, query.options)
    body = bodies.read(call, backend.MAX_AUDIO_BYTES)
    if body.pending:
        return Answer(204)
    metadata = parameters.json_object(forms.metadata(body.open(), boundary))
    asked = options.from_message(metadata, query, "multipart")
    content_type = content_types.of_recognition(
        parameters.optional_text(metadata, "part_content_type", _LONGEST_TYPE), None
    )
    parts = parameters.optional_number(metadata, "data_parts_count", 1, forms.MAX_UPLOADS)
    wanted = subtitled.format_of(call)
    if wanted is not None and parts not in (None, 1):
        raise BadRequest("Subtitles are of one recording: send one file, or accept application/json.")
    form = backend.Form(boundary, 1 if wanted is not None else None if parts is None else int(parts))
    return _answer(
        body,
        content_type,
        models.choose(call.owner, asked.options),
        replace(asked, warnings=(*query.warnings, *asked.warnings)),
        owner=call.owner,
        base_url=call.base_url,
        wanted=wanted,
        form=form,
    )


def _streamed_s(call: Call) -> float | None:
    return backend.streamed_s(call.headers.get(backend.STREAMED_HEADER.lower()))


def _answer(
    body: UploadBody,
    content_type: ContentType | None,
    model: ServingModel,
    asked: options.Parsed,
    *,
    owner: str,
    base_url: str,
    wanted: subtitles.Format | None = None,
    form: backend.Form | None = None,
    streamed_s: float | None = None,
) -> Answer | dict[str, Any]:
    asked_options = asked.options if wanted is None else subtitles.needed(asked.options)
    with in_bucket(body) as key:
        try:
            answer = backend.recognize(
                key,
                None if content_type is None else str(content_type),
                model,
                asked_options,
                owner=owner,
                form=form,
                streamed_s=streamed_s,
            )
        except backend.RecognitionFailed as error:
            message = str(error).replace(backend.ENDPOINT, base_url)
            raise ApiError(error.code, message) from error
    answer = backend.with_warnings(
        answer, [*asked.warnings, *unheeded.warnings(asked.options, model.base_version), *model.warnings]
    )
    return answer if wanted is None else subtitled.answer(answer, wanted)


@routes.route("GET", "/recognize")
def connect(call: Call) -> dict[str, Any]:
    """Open a WebSocket: the front door asks here which model serves it, before it accepts one."""
    header = call.headers.get(spool.HEADER.lower())
    if header is None:
        raise ApiError(
            426, "GET /v1/recognize is a WebSocket: connect with one, or send the audio with POST."
        )
    asked = spool.read_header(header)
    if asked.continued and asked.size_bytes:
        usage.add(call.owner, asked.size_bytes)
    if not asked.pending and not asked.continued:
        raise spool.ForgedReference
    query = options.parse(call.query, "websocket")
    chosen = models.choose(call.owner, query.options).to_json()
    if asked.continued:
        meter.add(call.owner, backend.used(chosen, asked.size_bytes))
    usage.check(call.owner)
    return chosen


@contextmanager
def in_bucket(body: UploadBody) -> Iterator[str]:
    """Let the audio lie in the bucket, under the key given, for as long as the context lasts."""
    key = body.spooled.key if body.spooled is not None else spool.new_key()
    try:
        if body.spooled is None:
            body.store(key)
        yield key
    finally:
        with suppress(*failures.FAILURES):  # a lifecycle rule removes it later
            objects.delete(key)
