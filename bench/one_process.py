"""The service's whole path with the engine in this process, so that a bench can change a part of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import soundfile

from chalicelib.engines import loading
from chalicelib.engines.protocol import CustomModels, DecodedUtterance, Samples
from chalicelib.recognition.decoding.decoder_worker import Task
from chalicelib.recognition.function.transcription import transcribe
from chalicelib.recognition.request.options import Options

_PLAIN = Options(profanity_filter=False)


class OneProcess:
    """A base version that hears recordings as the service does: detection, cutting, decoding, results."""

    def __init__(self, version: str) -> None:
        self.version = version
        self._recognizer = loading.load(version)

    def decode(self, tasks: Iterator[Task]) -> Iterator[DecodedUtterance]:
        """Yield what was decoded of each task."""
        for task in tasks:
            yield self._recognizer.recognize(task.samples, task.options)

    def heard(self, samples: Samples, rate_hz: int) -> str:
        """Return the words of a recording."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "recording.wav"
            soundfile.write(source, samples, rate_hz, subtype="PCM_16")
            answer = transcribe(source, None, self.version, CustomModels(), options=_PLAIN, pool=self)
        return " ".join(result["alternatives"][0]["transcript"].strip() for result in answer["results"])
