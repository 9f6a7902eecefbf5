"""Calls the recognition function for audio in the bucket, and returns its answer."""

from __future__ import annotations

import functools
import json
import logging
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from chalicelib import settings
from chalicelib.engines import catalogue
from chalicelib.recognition.request.models import ServingModel
from chalicelib.recognition.request.options import Options
from chalicelib.sharing import meter, usage
from chalicelib.sharing.meter import MeteredWork, Used
from chalicelib.storage import objects

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_log = logging.getLogger(__name__)
_making_client = threading.Lock()

Told = Callable[[dict[str, Any]], None]
"""Takes a result."""

MIN_AUDIO_BYTES = 100
MAX_AUDIO_BYTES = 100 * 1024 * 1024
ENDPOINT = "https://<STT_API_ENDPOINT>"
"""In an error of the recognition function: to be replaced by where the client has called."""
STREAMED_HEADER = "X-Attune-Streamed"
"""The front door says with it that a body came in chunks, and for how many seconds."""
_CONNECT_TIMEOUT_S = 10
_READ_TIMEOUT_S = 4 * 3600
"""An answer comes when all is recognised; 100 MB hold hours of compressed speech."""


class TooLittleAudio(Exception):
    """The audio has less than 100 bytes."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"Stream was {size_bytes} bytes but needs to be at least {MIN_AUDIO_BYTES} bytes.")
        self.size_bytes = size_bytes


class RecognitionFailed(Exception):
    """No result; `code` is the HTTP status to answer with and the text is for the client."""

    def __init__(self, code: int, message: str, *, rate_too_low: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.rate_too_low = rate_too_low
        """The audio has a lower sampling rate than the base model accepts."""


def check_size(size_bytes: int) -> None:
    """Refuse audio that cannot hold a word.

    Raises:
        TooLittleAudio: it has fewer than 100 bytes.
    """
    if size_bytes < MIN_AUDIO_BYTES:
        raise TooLittleAudio(size_bytes)


def streamed_s(header: str | None) -> float | None:
    """Return what `STREAMED_HEADER` says; None: the body did not come in chunks."""
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


@dataclass(frozen=True)
class Form:
    """The audio is a multipart form."""

    boundary: str
    parts: int | None
    """How many parts with audio it is said to have."""
    name: str = "upload"
    """Of these parts."""
    by_content: bool = False
    """What the parts are said to be counts only where their first bytes do not tell."""

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads; what is as usual is left out."""
        usual = Form(self.boundary, self.parts)
        always = {"boundary": self.boundary, "parts": self.parts}
        return always | ({} if self == usual else {"name": self.name, "by_content": self.by_content})

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """Read it from an event."""
        return cls(**fields)


def event_for(
    key: str,
    content_type: str | None,
    model: ServingModel,
    options: Options,
    *,
    owner: str,
    form: Form | None = None,
    streamed_s: float | None = None,
) -> dict[str, Any]:
    """Return what to ask the recognition function; arguments as of `recognize`."""
    audio: dict[str, Any] = {"bucket": settings.current().bucket, "key": key, "content_type": content_type}
    if streamed_s is not None:
        audio["streamed_s"] = streamed_s
    if form is not None:
        audio["form"] = form.to_json()
    return {
        "owner": owner,
        "audio": audio,
        "base_version": model.base_version,
        "adapted_model": None if model.adapted_model is None else asdict(model.adapted_model),
        "language_model": None if model.language_model is None else asdict(model.language_model),
        "options": options.to_json(),
    }


def recognize(
    key: str,
    content_type: str | None,
    model: ServingModel,
    options: Options,
    *,
    owner: str,
    form: Form | None = None,
    streamed_s: float | None = None,
) -> dict[str, Any]:
    """Return the `SpeechRecognitionResults` for the audio under `key`, which stays there.

    Args:
        key: in the service's bucket.
        content_type: as understood, parameters included; None: to be detected from the bytes.
        model: what recognises.
        options: of the request.
        owner: whose request it is; owners take turns.
        form: what lies under the key is a form; the content type is that of its audio.
        streamed_s: how long the audio was sent in chunks; None: it came at once, and nothing times out.

    Raises:
        RecognitionFailed: bad audio (400), too much of this owner's under way (429), no capacity (503), or a
            failure of the engine (500).
    """
    event = event_for(key, content_type, model, options, owner=owner, form=form, streamed_s=streamed_s)
    return measured(event)[0]


def invoke(event: dict[str, Any]) -> dict[str, Any]:
    """Return the results that the recognition function gives for an event of `event_for`.

    Raises:
        RecognitionFailed: see `recognize`.
    """
    return _results_of(ask(event))


def ask(event: dict[str, Any], told: Told | None = None) -> dict[str, Any]:
    """Return the recognition function's answer to an event, whatever was asked.

    Args:
        event: of `event_for`.
        told: is told each result as soon as it is known, where the function can tell: on one machine.

    Raises:
        RecognitionFailed: see `recognize`.
    """
    answer = _invoke(event, told)
    if (audio_s := answer.get("audio_s", 0.0)) > 0:
        usage.add(event["owner"], audio_s)
    if "error" in answer:
        error = answer["error"]
        raise RecognitionFailed(
            int(error["code"]), str(error["message"]), rate_too_low=error.get("rate_too_low", False)
        )
    return answer


def measured(event: dict[str, Any], told: Told | None = None) -> tuple[dict[str, Any], float]:
    """Return the results that the recognition function gives, and how many seconds of audio it decoded.

    They count as recognised, which is for those who answer a client with them.

    Args:
        event: of `event_for`.
        told: see `ask`.

    Raises:
        RecognitionFailed: see `recognize`.
    """
    answer = ask(event, told)
    results, audio_s = _results_of(answer), float(answer.get("audio_s", 0.0))
    meter.add(event["owner"], used(event, audio_s))
    return results, audio_s


def used(asked: Mapping[str, Any], audio_s: float) -> Used:
    """Return what recognition counts as on the meter.

    Args:
        asked: event of `event_for`, or what `ServingModel.to_json` gives.
        audio_s: seconds of audio that were recognised.
    """
    customization = meter.customization(
        acoustic=asked.get("adapted_model") is not None, language=asked.get("language_model") is not None
    )
    engine = catalogue.engine_of(asked["base_version"])
    return Used(MeteredWork.RECOGNITION, engine, customization, audio_s)


def _results_of(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the results that an answer has, or names."""
    if "results_key" in answer:
        answer["results"] = json.loads(objects.get(answer["results_key"]))
        objects.delete(answer["results_key"])
    results: dict[str, Any] = answer["results"]
    return results


def with_warnings(answer: dict[str, Any], warnings: Sequence[str]) -> dict[str, Any]:
    """Return results with the warnings that belong to them, in the place where Watson shows them.

    Warnings that the answer itself has come last.
    """
    together = [*warnings, *answer.get("warnings", ())]
    if not together:
        return answer
    first = {"result_index": answer["result_index"], "warnings": together}
    return {**first, **{name: value for name, value in answer.items() if name not in first}}


def _client() -> LambdaClient:
    with _making_client:
        return _made_client()


@functools.cache
def _made_client() -> LambdaClient:
    """Return this process's client. It never repeats a call: the work would be done, and paid for, twice."""
    return boto3.client(
        "lambda",
        config=Config(
            connect_timeout=_CONNECT_TIMEOUT_S,
            read_timeout=_READ_TIMEOUT_S,
            retries={"total_max_attempts": 1},
            tcp_keepalive=True,
            max_pool_connections=100,
        ),
    )


def _function_for(base_version: str) -> str:
    try:
        engine = catalogue.base_version(base_version).engine
    except KeyError:
        raise RecognitionFailed(
            400, f"Base model version '{base_version}' is no longer served. Send the audio again."
        ) from None
    return settings.current().engine(engine).recognition_function


def _invoke(event: dict[str, Any], told: Told | None) -> dict[str, Any]:
    function, asked = _function_for(event["base_version"]), json.dumps(event).encode()
    try:
        if told is None:
            answer = _client().invoke(FunctionName=function, InvocationType="RequestResponse", Payload=asked)
            payload, failed = answer["Payload"].read(), "FunctionError" in answer
        else:
            payload, failed = _streamed(function, asked, told)
    except (ClientError, BotoCoreError, HTTPError) as error:
        _log.error("the recognition function did not answer: %s", error)
        raise RecognitionFailed(
            503, "Recognition has no capacity at the moment. Try again in a minute."
        ) from error
    if failed:
        _log.error("the recognition function failed: %s", payload[:2000])
        if b"timed out" in payload:
            raise RecognitionFailed(
                500, "Recognition took longer than this service allows. Send the audio in shorter parts."
            )
        raise RecognitionFailed(500, "Recognition failed. Try again; if it fails again, tell your operator.")
    decoded: dict[str, Any] = json.loads(payload)
    return decoded


def _streamed(function: str, asked: bytes, told: Told) -> tuple[bytes, bool]:
    """Return what a function answers, and whether it failed; what it tells before comes a line each."""
    answer = _client().invoke_with_response_stream(FunctionName=function, Payload=asked)
    rest, failed = b"", False
    for event in answer["EventStream"]:
        if "PayloadChunk" in event:
            *lines, rest = (rest + event["PayloadChunk"]["Payload"]).split(b"\n")
            for line in lines:
                told(json.loads(line)["told"])
        elif "ErrorCode" in event.get("InvokeComplete", {}):
            rest, failed = event["InvokeComplete"].get("ErrorDetails", "").encode(), True
    return rest, failed
