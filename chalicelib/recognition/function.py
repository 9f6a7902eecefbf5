"""The recognition function: audio in the bucket to Watson's results."""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib import settings
from chalicelib.audio import content_types
from chalicelib.audio.container_processes import ReadingInterrupted
from chalicelib.audio.content_types import ContentType, ContentTypeError, UnsupportedContentType
from chalicelib.audio.errors import AudioError, EndiannessUnclear, RateTooLow, Undecodable
from chalicelib.engines import availability
from chalicelib.engines.catalogue import base_version
from chalicelib.engines.errors import BaseUnreadable, CustomizationUnsupported, ModelUnreadable
from chalicelib.recognition import forms, kept_results, recordings
from chalicelib.recognition.backend import ENDPOINT, Form, TooLittleAudio, check_size
from chalicelib.recognition.decoders import DecoderPool, DecodingFailed
from chalicelib.recognition.decoding_processes import BACKGROUND_COMMAND
from chalicelib.recognition.forms import BadForm
from chalicelib.recognition.inactivity import NoSpeech
from chalicelib.recognition.kept_results import Keeping
from chalicelib.recognition.live_model import LiveModel, fetched
from chalicelib.recognition.models import ServingModel
from chalicelib.recognition.options import Options
from chalicelib.recognition.pieces import Cutter, Gatherer, WasCut, decode_piece
from chalicelib.recognition.transcription import Decoder, decoding_options, transcribe
from chalicelib.sharing.held import TooMuchHeld
from chalicelib.storage import objects, scratch, spool

Tell = Callable[[dict[str, Any]], None]

INLINE_RESULTS_BYTES = 5 * 1024 * 1024
"""A larger answer is put into the bucket: Lambda passes at most 6 MB."""

_HEAD_BYTES = 4096
_BACKGROUND_LIMIT_S = 3600.0
"""For one utterance, which may have to wait for the cores for long."""

_log = logging.getLogger(__name__)
_making_pool = threading.Lock()


@dataclass(frozen=True)
class Step:
    """One step of a job, whose recording may be cut into pieces: the first, that of a piece, or the last."""

    prefix: str
    """Of the keys of the pieces."""
    piece: int | None = None
    """Decode this piece."""
    pieces: int | None = None
    """Put these pieces together."""
    keep: Keeping | None = None
    """What is to be done with the results."""

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Step:
        """Read it from the event."""
        keep = fields.get("keep")
        return cls(
            fields["prefix"],
            fields.get("piece"),
            fields.get("pieces"),
            None if keep is None else Keeping.from_json(keep),
        )


@dataclass(frozen=True)
class Request:
    """The function's event."""

    audio_key: str
    content_type: ContentType | None
    """None: to be detected."""
    model: ServingModel
    """Its base version and artefacts."""
    options: Options
    form: Form | None = None
    step: Step | None = None
    """Of a job; None: everything is wanted at once."""
    owner: str = ""
    """Whose it is."""
    streamed_s: float | None = None
    """How long the audio was sent in chunks; None: it came at once."""
    background: bool = False
    """Nobody sits and waits for it; so it is with every job."""

    @classmethod
    def parse(cls, event: dict[str, Any]) -> Request:
        """Read the event.

        Raises:
            audio.content_types.ContentTypeError: the content type cannot be used.
        """
        content_type = event["audio"].get("content_type")
        form = event["audio"].get("form")
        return cls(
            audio_key=event["audio"]["key"],
            content_type=None if content_type is None else content_types.parse(content_type),
            model=ServingModel.from_json(event),
            options=Options.from_json(event["options"]),
            form=None if form is None else Form.from_json(form),
            step=Step.from_json(event["step"]) if "step" in event else None,
            owner=event.get("owner", ""),
            streamed_s=event["audio"].get("streamed_s"),
            background=event.get("background", False),
        )


def handle(event: dict[str, Any], tell: Tell | None = None) -> dict[str, Any]:
    """Answer the event of docs/internals/architecture.md: `results`, `results_key`, `kept`,
    `pieces`, `piece` or `error`; with `audio_s` where audio was decoded for the first time.

    `tell` gets each result as soon as it is known, if whoever calls wants to know.
    """
    heard: list[float] = []
    answer = _answer(event, heard.append, tell or (lambda _: None))
    return answer | {"audio_s": round(sum(heard), 2)} if heard else answer


def _answer(event: dict[str, Any], heard: Callable[[float], None], tell: Tell) -> dict[str, Any]:
    try:
        request = Request.parse(event)
        if (missing := availability.obstacle(request.model.base_version)) is not None:
            return _error(400, missing)  # of a job that was accepted while its engine was there
        if request.step is not None and request.step.piece is not None:
            _decode_piece(request, request.step.prefix, request.step.piece)
            return {"piece": request.step.piece}
        answer = _recognize(request, heard, tell)
        if request.step is not None and request.step.keep is not None:
            kept_results.keep(request.step.keep, answer)
            return {"kept": request.step.keep.key}
    except WasCut as cut:
        return {"pieces": cut.pieces}
    except UnsupportedContentType as error:
        return _error(415, str(error))
    except (AudioError, ContentTypeError, CustomizationUnsupported) as error:
        more = {"rate_too_low": True} if isinstance(error, RateTooLow) else {}
        return {"error": {"code": 400, "message": wording(error), **more}}
    except (BadForm, NoSpeech, TooLittleAudio, TooMuchHeld) as error:
        return _error(429 if isinstance(error, TooMuchHeld) else 400, str(error))
    except ModelUnreadable as error:
        return _unreadable(error, event["audio"]["key"])
    except (DecodingFailed, ReadingInterrupted) as error:
        _log.error("decoding failed: %s", error)
        return _error(500, "Recognition failed. Try again, or send the audio in shorter parts.")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _log.error("no disk space: %s", error)
        return _error(503, "The service has no room for this audio at the moment. Try again in a minute.")
    encoded = json.dumps(answer).encode()
    if len(encoded) <= INLINE_RESULTS_BYTES:
        return {"results": answer}
    key = spool.new_key()
    objects.put(key, encoded, "application/json")
    return {"results_key": key}


def _unreadable(error: ModelUnreadable, audio_key: str) -> dict[str, Any]:
    if isinstance(error, BaseUnreadable):
        _log.error("%s", error)
        return _error(503, str(error))
    _log.error("custom models of %s: %s", audio_key, error)
    return _error(500, "The custom model's data is damaged. Train the model again.")


def _recognize(request: Request, heard: Callable[[float], None], tell: Tell) -> dict[str, Any]:
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


def _model(request: Request) -> LiveModel:
    return fetched(request.model).asked(request.options)


def _decoder(request: Request) -> Decoder:
    if request.step is None:
        return (background_pool() if request.background else decoder_pool()).of(request.owner)
    if request.step.pieces is not None:
        return Gatherer(request.step.prefix, request.step.pieces)
    rate_hz = base_version(request.model.base_version).rate_hz
    decoder = background_pool().of(request.owner)
    return Cutter(request.step.prefix, decoder, rate_hz, settings.current().piece_s)


def _decode_piece(request: Request, prefix: str, number: int) -> None:
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


def _recordings(request: Request, source: Path) -> list[tuple[Path, ContentType | None]]:
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


def decoder_pool() -> DecoderPool:
    """Return this process's decoding processes: one for each core that it may use."""
    with _making_pool:
        return _decoder_pool()


def background_pool() -> DecoderPool:
    """Return processes for work that nobody sits and waits for: they take what others leave of the cores."""
    with _making_pool:
        return _background_pool()


@functools.cache
def _background_pool() -> DecoderPool:
    return DecoderPool(len(os.sched_getaffinity(0)), command=BACKGROUND_COMMAND, limit_s=_BACKGROUND_LIMIT_S)


@functools.cache
def _decoder_pool() -> DecoderPool:
    return DecoderPool(len(os.sched_getaffinity(0)))


def wording(error: AudioError | ContentTypeError | CustomizationUnsupported) -> str:
    """Return what is wrong with the request, with the audio in the words that clients of Watson match on."""
    match error:
        case EndiannessUnclear():
            return str(error)
        case Undecodable(essence=essence):
            return f"unable to transcode data stream {essence} -> audio/l16 : {error}"
        case RateTooLow(rate_hz=rate_hz, needed_hz=needed_hz) if needed_hz > 8000:
            return (
                f"This {rate_hz}hz audio input requires a narrow band model.  "
                f"See {ENDPOINT}/v1/models for a list of available models. {error}"
            )
        case RateTooLow(rate_hz=rate_hz, needed_hz=needed_hz):
            return f"This {rate_hz}hz audio input has too low a rate: record it at {needed_hz}hz or more."
        case CustomizationUnsupported():
            return (
                f"This version of the base model cannot do that: {error}. Leave that out of the request, "
                "or ask for another version with base_model_version."
            )
        case _:
            return str(error)


def _error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}
