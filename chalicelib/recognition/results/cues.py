"""Results to the cues of subtitles: what is shown at a time, broken into lines. Imports no engine.

Lengths follow what broadcasters agree on: two lines of 42 columns, at most seven seconds, at least one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LINE_COLUMNS = 42
"""A character of East Asian width takes two."""
LINES = 2
LONGEST_S = 7.0
SHORTEST_S = 1.0
"""A cue is shown for so long, if the next one of the same voice does not begin before."""
_PAUSE_S = 1.5
"""Nothing is shown on through a silence like this."""
_FILLED = 0.4
"""A cue that is this full may end where the words suggest it."""

HESITATION = "%HESITATION"
_SENTENCE_ENDS, _CLAUSE_ENDS = ".?!…。？！", ",;:—、，；："
_CLOSING = "\"'”’»)]」』"


class NoTimes(ValueError):
    """The results have no `timestamps`, without which nobody knows when to show what."""

    def __init__(self) -> None:
        super().__init__("These results have no word times, which subtitles need.")


@dataclass(frozen=True)
class Cue:
    """What is shown from one time to another, in seconds of the recording."""

    start_s: float
    end_s: float
    text: str
    """In one line; `lines` breaks it."""
    voice: str | None = None
    """Who speaks, where speakers or channels are told apart."""
    confidence: float = 1.0
    """Of the result that it is part of."""

    @property
    def lines(self) -> list[str]:
        """The text in lines of at most `LINE_COLUMNS` columns, if its words allow it."""
        return _lines(self.text)


@dataclass(frozen=True)
class _Piece:
    """A written word, or a spoken one where nothing is written, with its times."""

    text: str
    start_s: float
    end_s: float


def cues(answer: Mapping[str, Any]) -> list[Cue]:
    """Return the cues of `SpeechRecognitionResults` in the order in which they begin.

    The written text is shown where results have it (`written_timestamps`), else the spoken words. A cue is
    of one result and one voice: the channel, if channels are apart, else the speaker, if there are labels.

    Raises:
        NoTimes: a final result has no `timestamps`.
    """
    speakers = {
        (label["from"], label["to"]): label["speaker"] for label in answer.get("speaker_labels") or ()
    }
    made: list[Cue] = []
    for result in answer["results"]:
        if not result.get("final", True):
            continue
        best = result["alternatives"][0]
        if "timestamps" not in best:
            raise NoTimes
        confidence = float(best.get("confidence", 1.0))
        for voice, pieces in _by_voice(result, best, speakers):
            groups = [group for part in _apart(pieces) for group in _groups(part)]
            made += [
                Cue(group[0].start_s, group[-1].end_s, _joined(group), voice, confidence) for group in groups
            ]
    made.sort(key=lambda cue: (cue.start_s, cue.end_s))
    return _long_enough(made)


def _by_voice(
    result: Mapping[str, Any], best: Mapping[str, Any], speakers: Mapping[tuple[float, float], int]
) -> Iterator[tuple[str | None, list[_Piece]]]:
    """Yield runs of pieces of one voice, in order."""
    words = best["timestamps"]
    pieces = [_Piece(str(text), start_s, end_s) for text, start_s, end_s in _pieces(best)]
    channel = result.get("channel")
    if not speakers or channel is not None:
        yield None if channel is None else f"Channel {channel}", pieces
        return
    # A piece is of whoever says the word that it begins with.
    starts = {start_s: speakers.get((start_s, end_s)) for _, start_s, end_s in reversed(words)}
    run: list[_Piece] = []
    current: int | None = None
    for piece in pieces:
        speaker = starts.get(piece.start_s)
        speaker = current if speaker is None else speaker
        if run and speaker != current:
            yield _speaker(current), run
            run = []
        current = speaker
        run.append(piece)
    if run:
        yield _speaker(current), run


def _speaker(number: int | None) -> str | None:
    return None if number is None else f"Speaker {number}"


def _pieces(best: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
    if "written_timestamps" in best:
        return list(best["written_timestamps"])
    return [word for word in best["timestamps"] if word[0] != HESITATION]


def _apart(pieces: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    """Yield what silences separate."""
    part: list[_Piece] = []
    for piece in pieces:
        if part and piece.start_s - part[-1].end_s >= _PAUSE_S:
            yield part
            part = []
        part.append(piece)
    if part:
        yield part


def _groups(pieces: Sequence[_Piece]) -> Iterator[Sequence[_Piece]]:
    """Yield what one cue holds at a time: as much as fits, up to where the words suggest an end."""
    left = pieces
    while left:
        fitting = _fitting(left)
        # Half of a sentence that is left over is shown by itself only if there is no better place before it.
        count = fitting if fitting == len(left) else _best_end(left[:fitting])
        yield left[:count]
        left = left[count:]


def _fitting(pieces: Sequence[_Piece]) -> int:
    """Return how many pieces fit into a cue, at least one."""
    for count in range(2, len(pieces) + 1):
        group = pieces[:count]
        too_long = group[-1].end_s - group[0].start_s > LONGEST_S
        lines = _lines(_joined(group))
        if too_long or len(lines) > LINES or any(columns(line) > LINE_COLUMNS for line in lines):
            return count - 1
    return len(pieces)


def _best_end(pieces: Sequence[_Piece]) -> int:
    """Return after how many pieces a cue that is full ends best."""
    total = columns(_joined(pieces))
    best, chosen = 0, len(pieces)
    for count in range(1, len(pieces) + 1):
        worth = _worth_of_end(pieces[count - 1].text)
        if worth >= max(best, 1) and columns(_joined(pieces[:count])) >= _FILLED * total:
            best, chosen = worth, count
    return chosen


def _worth_of_end(text: str) -> int:
    last = text.rstrip(_CLOSING)[-1:]
    return 2 if last and last in _SENTENCE_ENDS else 1 if last and last in _CLAUSE_ENDS else 0


def _joined(pieces: Sequence[_Piece]) -> str:
    return " ".join(" ".join(piece.text.split()) for piece in pieces)


def _long_enough(found: Sequence[Cue]) -> list[Cue]:
    """Return cues that are shown for long enough to be read, as far as the next of the same voice allows."""
    next_start_s: dict[str | None, float] = {}
    kept: list[Cue] = []
    for cue in reversed(found):
        wanted_s = max(cue.end_s, cue.start_s + SHORTEST_S)
        end_s = max(cue.end_s, min(wanted_s, next_start_s.get(cue.voice, wanted_s)))
        next_start_s[cue.voice] = cue.start_s
        kept.append(Cue(cue.start_s, round(end_s, 2), cue.text, cue.voice, cue.confidence))
    return kept[::-1]


def _lines(text: str) -> list[str]:
    """Break a text into lines: one if it fits, else two as equal as possible, else as many as it takes."""
    if columns(text) <= LINE_COLUMNS:
        return [text]
    words = text.split(" ")
    halves = [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words))]
    fitting = [pair for pair in halves if max(map(columns, pair)) <= LINE_COLUMNS]
    if fitting:
        return list(min(fitting, key=lambda pair: _unevenness(*pair)))
    lines = [words[0]]
    for word in words[1:]:
        if columns(f"{lines[-1]} {word}") <= LINE_COLUMNS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _unevenness(first: str, second: str) -> int:
    """Return how uneven two lines are; the end of a sentence or clause makes up for some columns."""
    return abs(columns(first) - columns(second)) - 15 * _worth_of_end(first)


def columns(text: str) -> int:
    """Return how wide a text is shown."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
