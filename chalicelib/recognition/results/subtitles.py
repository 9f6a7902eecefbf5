"""Cues to text: WebVTT and SubRip, and which of them an `Accept` header prefers to JSON."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Sequence
from typing import Literal

from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results.cues import Cue

Format = Literal["vtt", "srt"]

MEDIA_TYPES: dict[Format, str] = {
    "vtt": "text/vtt; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
}
_BY_RANGE: dict[str, Format] = {
    "text/vtt": "vtt",
    "application/x-subrip": "srt",
    "application/srt": "srt",
    "text/srt": "srt",
}


def accepted(accept: str | None) -> Format | None:
    """Return the format of subtitles that an `Accept` header names before JSON; None: JSON is to be answered.

    Weights decide, then the order. A range such as `text/*` names no format, so JSON meets it.
    """
    best: tuple[float, Format | None] = (0.0, None)
    for media_range in (accept or "").split(","):
        media, *parameters = (part.strip().lower() for part in media_range.split(";"))
        weight = _weight(parameters)
        json_meets_it = media in ("application/json", "application/*", "*/*")
        if weight > best[0] and (media in _BY_RANGE or json_meets_it):
            best = (weight, _BY_RANGE.get(media))
    return best[1]


def needed(options: Options) -> Options:
    """Return options with all that cues are made of: word times, and the written text where it can be had."""
    return dataclasses.replace(options, timestamps=True, written=True)


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def written(cues: Sequence[Cue], wanted: Format) -> str:
    """Return the text of a file of subtitles."""
    return vtt(cues) if wanted == "vtt" else srt(cues)


def vtt(cues: Sequence[Cue]) -> str:
    """Return WebVTT (W3C); whoever speaks is a voice span."""
    blocks = ["WEBVTT"]
    for cue in cues:
        text = "\n".join(html.escape(line, quote=False) for line in cue.lines)
        said = text if cue.voice is None else f"<v {html.escape(cue.voice, quote=False)}>{text}"
        blocks.append(f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}\n{said}")
    return "\n\n".join(blocks) + "\n"


def srt(cues: Sequence[Cue]) -> str:
    """Return SubRip, which has no voices: a new speaker's name stands before what is said."""
    blocks = []
    before: str | None = None
    for number, cue in enumerate(cues, 1):
        text = "\n".join(cue.lines).replace("-->", "->")
        said = text if cue.voice in (None, before) else f"{cue.voice}: {text}"
        before = cue.voice
        blocks.append(f"{number}\n{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}\n{said}\n")
    return "\n".join(blocks)


def _clock(time_s: float, separator: str) -> str:
    total_ms = round(time_s * 1000)
    seconds, ms = divmod(total_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{ms:03}"
