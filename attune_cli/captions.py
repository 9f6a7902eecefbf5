"""Recognition results as people and programs want them: plain text, SRT, WebVTT, TSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

FORMATS = ("txt", "json", "srt", "vtt", "tsv")
_LINE_CHARACTERS = 42
_CUE_CHARACTERS = 2 * _LINE_CHARACTERS
_LONGEST_CUE_S = 7.0
_PAUSE_S = 1.0
"""A pause within a result at which a caption ends."""


@dataclass(frozen=True)
class Caption:
    """A caption: what is said from `start_s` to `end_s`."""

    start_s: float
    end_s: float
    text: str


def text_of(document: dict[str, Any]) -> str:
    """Return what was said, a line for each result, as the network writes it where it does."""
    return "\n".join(text for text, _ in _results(document) if text)


def cues(document: dict[str, Any]) -> list[Caption]:
    """Return captions of at most two lines of 42 characters and seven seconds, cut at pauses."""
    found: list[Caption] = []
    for text, timestamps in _results(document):
        if not text or not timestamps:
            continue
        words = [(float(start), float(end)) for _, start, end in timestamps]
        tokens = text.split()
        if len(tokens) != len(words):
            words = _spread(tokens, words)
        found += _cut(tokens, words)
    # Captions of separate channels, and rounding, must not run backwards.
    return sorted(found, key=lambda cue: (cue.start_s, cue.end_s))


def rendered(document: dict[str, Any], form: str) -> str:
    """Return results in one of FORMATS but `json`."""
    match form:
        case "srt":
            parts = (
                f"{number}\n{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}\n{_lines(cue.text)}\n"
                for number, cue in enumerate(cues(document), 1)
            )
            return "\n".join(parts)
        case "vtt":
            parts = (
                f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}\n{_lines(_escaped(cue.text))}\n"
                for cue in cues(document)
            )
            return "\n".join(["WEBVTT\n", *parts])
        case "tsv":
            lines = (
                f"{round(1000 * cue.start_s)}\t{round(1000 * cue.end_s)}\t{cue.text}"
                for cue in cues(document)
            )
            return "\n".join(["start\tend\ttext", *lines])
        case _:
            return text_of(document)


def _results(document: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the text and the words' times of each final result."""
    for result in document.get("results", ()):
        best = result["alternatives"][0] if result.get("alternatives") else {}
        text = str(best.get("written") or best.get("transcript") or "")
        yield " ".join(text.replace("%HESITATION", " ").split()), best.get("timestamps") or []


def _spread(tokens: list[str], words: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Give each written token the time of the spoken words at its place, by the letters before it."""
    total = sum(map(len, tokens))
    spread: list[tuple[float, float]] = []
    before = 0
    for token in tokens:
        first = min(len(words) - 1, before * len(words) // total)
        before += len(token)
        last = max(first, min(len(words) - 1, (before * len(words) - 1) // total))
        spread.append((words[first][0], words[last][1]))
    return spread


def _cut(tokens: list[str], words: list[tuple[float, float]]) -> Iterator[Caption]:
    first = 0
    for place in range(1, len(tokens) + 1):
        whole = place == len(tokens)
        if not whole:
            characters = len(" ".join(tokens[first : place + 1]))
            pause_s = words[place][0] - words[place - 1][1]
            lasts_s = words[place][1] - words[first][0]
            ends = tokens[place - 1].endswith((".", "?", "!")) and characters > _LINE_CHARACTERS
            whole = characters > _CUE_CHARACTERS or pause_s >= _PAUSE_S or lasts_s > _LONGEST_CUE_S or ends
        if whole:
            start_s, end_s = words[first][0], max(words[place - 1][1], words[first][0] + 0.01)
            yield Caption(start_s, end_s, " ".join(tokens[first:place]))
            first = place


def _lines(text: str) -> str:
    """Return a caption's text on one or two lines of about the same length."""
    if len(text) <= _LINE_CHARACTERS:
        return text
    spaces = [place for place, sign in enumerate(text) if sign == " "]
    if not spaces:
        return text
    middle = min(spaces, key=lambda place: abs(place - len(text) / 2))
    return f"{text[:middle]}\n{text[middle + 1 :]}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(seconds: float, mark: str) -> str:
    milliseconds = round(1000 * seconds)
    whole_s, part = divmod(milliseconds, 1000)
    return f"{whole_s // 3600:02d}:{whole_s // 60 % 60:02d}:{whole_s % 60:02d}{mark}{part:03d}"


def joined(documents: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the results of a job, which come in a list whose last entry has them, as one document."""
    last: dict[str, Any] = {"result_index": 0, "results": []}
    for one in documents:
        if "results" in one:
            last = one
    return last
