"""Results in the shapes of OpenAI's audio API: text, JSON, JSON with times, subtitles, server-sent events."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.api.http.calls import Content
from chalicelib.api.openai.openai_request import TranscriptionRequest
from chalicelib.recognition.results import cues, subtitles

_PLAIN = "text/plain; charset=utf-8"
EVENTS = "text/event-stream; charset=utf-8"
_PUNCTUATION = ".,!?;:…"
_LEAST_CONFIDENCE = 0.01


@dataclass(frozen=True)
class Transcription:
    """What was recognised."""

    results: Mapping[str, Any]
    """`SpeechRecognitionResults` with word times."""
    audio_s: float
    """Length of the recording."""
    language: str
    """As OpenAI's answers name it."""
    warnings: tuple[str, ...] = ()
    told: int = 0
    """So many texts were sent before all was known."""

    @property
    def texts(self) -> list[str]:
        """The text of each utterance."""
        return [text for result in self.results["results"] if (text := text_of(result))]

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(self.texts)

    def body(self, request: TranscriptionRequest) -> Content | dict[str, Any]:
        """Return the body of the answer that was asked for."""
        if request.stream:
            return Content(b"".join(self._events()), EVENTS)
        match request.response_format:
            case "text":
                return Content(f"{self.text}\n".encode(), _PLAIN)
            case "srt":
                return Content(subtitles.srt(cues.cues(self.results)).encode(), subtitles.MEDIA_TYPES["srt"])
            case "vtt":
                return Content(subtitles.vtt(cues.cues(self.results)).encode(), subtitles.MEDIA_TYPES["vtt"])
            case "verbose_json":
                return self._verbose(request) | self._told()
            case "json":
                return {"text": self.text, "usage": self._usage()} | self._told()

    def _usage(self) -> dict[str, Any]:
        return {"type": "duration", "seconds": math.ceil(self.audio_s)}

    def _told(self) -> dict[str, Any]:
        return {"warnings": list(self.warnings)} if self.warnings else {}

    def _verbose(self, request: TranscriptionRequest) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "task": "transcribe",
            "language": self.language,
            "duration": round(self.audio_s, 2),
            "text": self.text,
        }
        if "segment" in request.granularities:
            answer["segments"] = [_segment(number, cue) for number, cue in enumerate(cues.cues(self.results))]
        if "word" in request.granularities:
            answer["words"] = [
                {"word": text.strip(_PUNCTUATION) or text, "start": start_s, "end": end_s}
                for result in self.results["results"]
                for text, start_s, end_s in _words(result["alternatives"][0])
            ]
        return answer | {"usage": self._usage()}

    def _events(self) -> Iterator[bytes]:
        for number, text in enumerate(self.texts):
            if number >= self.told:
                yield delta(text, number)
        done = {"type": "transcript.text.done", "text": self.text, "usage": self._usage()}
        yield _event(done | self._told())


def text_of(result: Mapping[str, Any]) -> str:
    """Return the written text of a result; what was said, where nothing writes."""
    best = result["alternatives"][0]
    return str(best.get("written") or best["transcript"]).strip()


def delta(text: str, number: int) -> bytes:
    """Return the event of a text, the first of which has the number 0."""
    return _event({"type": "transcript.text.delta", "delta": text if number == 0 else f" {text}"})


def _event(document: dict[str, Any]) -> bytes:
    return f"event: {document['type']}\ndata: {json.dumps(document, ensure_ascii=False)}\n\n".encode()


def _words(best: Mapping[str, Any]) -> list[list[Any]]:
    words: list[list[Any]] = best.get("written_timestamps") or best["timestamps"]
    return [word for word in words if word[0] != cues.HESITATION]


def _segment(number: int, cue: cues.Cue) -> dict[str, Any]:
    """Return OpenAI's segment; of what belongs to its networks alone, what says the least."""
    text = f" {cue.text}"
    encoded = text.encode()
    return {
        "id": number,
        "seek": 0,
        "start": cue.start_s,
        "end": cue.end_s,
        "text": text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(math.log(max(cue.confidence, _LEAST_CONFIDENCE)), 4),
        "compression_ratio": round(len(encoded) / len(zlib.compress(encoded)), 4),
        "no_speech_prob": 0.0,
    }
