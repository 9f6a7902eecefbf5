"""Errors that end a live request, and their texts for the client."""

from __future__ import annotations

import logging

from chalicelib.audio.content_types import ContentTypeError
from chalicelib.audio.errors import AudioError
from chalicelib.engines.errors import BaseUnreadable, CustomizationUnsupported, ModelUnreadable
from chalicelib.recognition.audio.inactivity import NoSpeech
from chalicelib.recognition.decoding.decoders import NoCapacity
from chalicelib.recognition.function import wording as function_wording
from chalicelib.recognition.request.models import UnknownGrammar
from chalicelib.recognition.request.options import InvalidOption, OptionsConflict

_log = logging.getLogger(__name__)


def wording(error: Exception) -> str:
    """Return what a client is told about an error of `LiveRequest` or of what made it."""
    match error:
        case AudioError() | ContentTypeError() | CustomizationUnsupported():
            return function_wording.wording(error)
        case InvalidOption() | OptionsConflict() | NoSpeech() | UnknownGrammar():
            return str(error)
        case NoCapacity():
            return "Recognition has no capacity at the moment. Try again in a minute."
        case BaseUnreadable():
            _log.error("%s", error)
            return str(error)
        case ModelUnreadable():
            _log.error("custom model: %s", error)
            return "The custom model's data is damaged. Train the model again."
        case _:
            _log.error("live recognition failed", exc_info=error)
            return "Recognition failed. Try again; if it fails again, tell your operator."
