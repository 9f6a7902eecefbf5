"""Answers events of the recognition function: which step, and what is answered when it fails."""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Callable
from typing import Any

from chalicelib.audio.containers.container_processes import ReadingInterrupted
from chalicelib.audio.content_types import ContentTypeError, UnsupportedContentType
from chalicelib.audio.errors import AudioError, RateTooLow
from chalicelib.engines import availability
from chalicelib.engines.errors import BaseUnreadable, CustomizationUnsupported, ModelUnreadable
from chalicelib.recognition.audio.inactivity import NoSpeech
from chalicelib.recognition.decoding.decoders import DecodingFailed
from chalicelib.recognition.function import kept_results
from chalicelib.recognition.function.event import RecognitionRequest
from chalicelib.recognition.function.pieces import WasCut
from chalicelib.recognition.function.steps import Tell, decode_request_piece, recognize
from chalicelib.recognition.function.wording import wording
from chalicelib.recognition.request.backend import TooLittleAudio
from chalicelib.recognition.request.forms import BadForm
from chalicelib.sharing.held import TooMuchHeld
from chalicelib.storage import objects, spool

INLINE_RESULTS_BYTES = 5 * 1024 * 1024
"""A larger answer is put into the bucket: Lambda passes at most 6 MB."""
_log = logging.getLogger(__name__)


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
        request = RecognitionRequest.parse(event)
        if (missing := availability.obstacle(request.model.base_version)) is not None:
            return _error(400, missing)  # of a job that was accepted while its engine was there
        if request.step is not None and request.step.piece is not None:
            decode_request_piece(request, request.step.prefix, request.step.piece)
            return {"piece": request.step.piece}
        answer = recognize(request, heard, tell)
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


def _error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}
