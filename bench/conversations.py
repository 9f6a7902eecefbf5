"""Made conversations of AN4's speakers, who take turns; and how many words got the right speaker."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray

from bench.recordings import AN4, RecordingsUnavailable, through_telephone

RATE_HZ = 16_000
TURNS = 16
_LINE_HISS = 10.0
"""Standard deviation of the hiss on the line, in steps of 16 bits."""

Speakers = Mapping[str, Sequence[NDArray[np.int16]]]


@dataclass(frozen=True)
class Turn:
    """From here to there, in seconds, somebody speaks."""

    start_s: float
    end_s: float
    speaker: int


@dataclass(frozen=True)
class Conversation:
    """16-bit samples, and who speaks when."""

    samples: NDArray[np.int16]
    rate_hz: int
    turns: tuple[Turn, ...]


def speakers(split: str) -> Speakers:
    """Return the utterances of each speaker of AN4's `train` or `test` half, at 16 kHz.

    Raises:
        RecordingsUnavailable: AN4 is not beside the project.
    """
    listing = AN4 / f"{split}.tsv"
    if not listing.exists():
        raise RecordingsUnavailable(f"AN4 is not there: put it into {AN4}")
    found: dict[str, list[NDArray[np.int16]]] = {}
    with listing.open() as rows:
        for row in csv.DictReader(rows, delimiter="\t"):
            samples, _ = soundfile.read(AN4 / row["path"], dtype="int16")
            found.setdefault(row["speaker"], []).append(samples)
    return found


def conversation(of: Speakers, count: int, random: np.random.Generator, *, telephone: bool) -> Conversation:
    """Let `count` random speakers take turns of one utterance each, with pauses of 0.2 to 1 s between them."""
    chosen = random.choice(sorted(of), count, replace=False).tolist()
    left = {name: list(random.permutation(len(of[name]))) for name in chosen}
    parts: list[NDArray[np.int16]] = []
    turns: list[Turn] = []
    place, last = 0, -1
    for number in range(TURNS):
        others = [speaker for speaker in range(count) if count == 1 or speaker != last]
        others = [speaker for speaker in others if left[chosen[speaker]]]
        if not others:
            break
        last = number if number < count else others[int(random.integers(len(others)))]
        samples = of[chosen[last]][left[chosen[last]].pop()]
        pause = np.zeros(round(random.uniform(0.2, 1.0) * RATE_HZ), np.int16)
        parts += [pause, samples]
        start = place + len(pause)
        place = start + len(samples)
        turns.append(Turn(start / RATE_HZ, place / RATE_HZ, last))
    joined = np.concatenate([*parts, np.zeros(RATE_HZ, np.int16)])
    hissing = joined + _LINE_HISS * random.standard_normal(len(joined))
    samples = np.clip(np.rint(hissing), -32768, 32767).astype(np.int16)
    if telephone:
        return Conversation(through_telephone(samples), 8_000, tuple(turns))
    return Conversation(samples, RATE_HZ, tuple(turns))


def speaker_at(turns: Sequence[Turn], time_s: float) -> int:
    """Return whose turn is nearest to a time."""
    return min(turns, key=lambda turn: max(turn.start_s - time_s, time_s - turn.end_s, 0.0)).speaker


def rightly_labelled(truth: Sequence[int], labels: Sequence[int], weights: Sequence[float]) -> float:
    """Return the share of the weight under the best one-to-one naming of labels after true speakers."""
    names, found = sorted(set(truth)), sorted(set(labels))
    agreed = np.zeros((len(names), len(found)))
    for speaker, label, weight in zip(truth, labels, weights, strict=True):
        agreed[names.index(speaker), found.index(label)] += weight
    if len(names) > len(found):
        agreed = agreed.T
    best = max(
        sum(agreed[row, column] for row, column in enumerate(columns))
        for columns in itertools.permutations(range(agreed.shape[1]), agreed.shape[0])
    )
    return float(best / sum(weights))
