"""The steps of the recognition function: a whole recording, its cutting, a piece, and the joining of all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from chalicelib import settings
from chalicelib.audio import content_types
from chalicelib.audio.content_types import ContentType
from chalicelib.audio.errors import EndiannessUnclear, Undecodable
from chalicelib.engines.catalogue import base_version
from chalicelib.recognition.audio import recordings
from chalicelib.recognition.decoding.fetched_model import FetchedModel, fetched
from chalicelib.recognition.function.event import RecognitionRequest
from chalicelib.recognition.function.pieces import Gatherer, PieceCutter, decode_piece
from chalicelib.recognition.function.pools import background_pool, decoder_pool
from chalicelib.recognition.function.transcription import UtteranceDecoder, decoding_options, transcribe
from chalicelib.recognition.request import forms
from chalicelib.recognition.request.backend import check_size
from chalicelib.recognition.request.forms import BadForm
from chalicelib.storage import objects, scratch

Tell = Callable[[dict[str, Any]], None]
_HEAD_BYTES = 4096


def recognize(request: RecognitionRequest, heard: Callable[[float], None], tell: Tell) -> dict[str, Any]:
    """Return Watson's results for the recordings of a request, or the error of the step that it is.

    Args:
        request: what is asked for.
        heard: gets the seconds of each recording that is decoded for the first time.
        tell: gets each result as soon as it is known.

    Raises:
        WasCut: the recording is long, and lies in pieces in the bucket now.
    """
    again = request.step is not None and request.step.pieces is not None
    with scratch.folder() as folder, recordings.held.holding(request.owner) as take:
        source = Path(folder) / "audio"
        take(objects.size_bytes(request.audio_key))
        objects.download(request.audio_key, source)
        model = _model(request)  # holds the files
        answers = []
        for file, content_type in _recordings(request, source):
            with _found_type_named(file):
                answers.append(
                    transcribe(
                        file,
                        content_type,
                        model.base_version,
                        model.custom,
                        options=request.options,
                        pool=_decoder(request),
                        streamed_s=request.streamed_s,
                        owner=request.owner,
                        heard=(lambda _: None) if again else heard,
                        told=tell,
                    )
                )
        return _joined(answers)


@contextlib.contextmanager
def _found_type_named(file: Path) -> Iterator[None]:
    """Say of audio that is not what it is said to be what it looks like, if it looks like anything."""
    try:
        yield
    except Undecodable as error:
        with file.open("rb") as opened:
            found = content_types.sniff(opened.read(_HEAD_BYTES))
        if found is None or found.essence == error.essence or isinstance(error, EndiannessUnclear):
            raise
        reason = f"This was sent as {error.essence}, but it is {found.essence}."
        raise Undecodable(error.essence, f"{reason} Send it again with that Content-Type.") from error


def _model(request: RecognitionRequest) -> FetchedModel:
    return fetched(request.model).asked(request.options)


def _decoder(request: RecognitionRequest) -> UtteranceDecoder:
    if request.step is None:
        return (background_pool() if request.background else decoder_pool()).of(request.owner)
    if request.step.pieces is not None:
        return Gatherer(request.step.prefix, request.step.pieces)
    rate_hz = base_version(request.model.base_version).rate_hz
    decoder = background_pool().of(request.owner)
    return PieceCutter(request.step.prefix, decoder, rate_hz, settings.current().piece_s)


def decode_request_piece(request: RecognitionRequest, prefix: str, number: int) -> None:
    """Decode a piece of a recording that was cut, and keep what was found beside it."""
    wanted, decoder, model = (
        decoding_options(request.options),
        background_pool().of(request.owner),
        _model(request),
    )
    decode_piece(
        prefix,
        number,
        base_version=model.base_version,
        custom=model.custom,
        wanted=wanted,
        decoder=decoder,
    )


def _recordings(request: RecognitionRequest, source: Path) -> list[tuple[Path, ContentType | None]]:
    """Return the recordings of a request: the body itself, or the files of a form."""
    if request.form is None:
        return [(source, request.content_type)]
    with source.open("rb") as body:
        uploads = forms.uploads(body, request.form.boundary, source.parent, request.form.name)
    source.unlink()
    if request.form.parts not in (None, len(uploads)):
        raise BadForm(
            f"data_parts_count is {request.form.parts}, but the form has {len(uploads)} parts named "
            f"'{request.form.name}'."
        )
    recordings = []
    for upload in uploads:
        check_size(upload.size_bytes)
        with upload.path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        said = (content_types.by_content if request.form.by_content else content_types.of_recognition)(
            upload.content_type, head
        )
        recordings.append((upload.path, request.content_type or said))
    return recordings


def _joined(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return one answer with the results of all recordings, in order; each has times of its own."""
    first, *others = answers
    for answer in others:
        for name in ("results", "speaker_labels"):
            if name in answer:
                first[name] += answer[name]
        told = first.get("warnings", [])
        if news := [warning for warning in answer.get("warnings", []) if warning not in told]:
            first["warnings"] = told + news
    return first
