"""Which readings teach: the surest of all, and some of every long recording."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from training_image.speech.utterances import Utterance
from training_image.whisper.course import Course
from training_image.whisper.teacher import Read

_LONG_RECORDING = 5
"""Utterances; a quota of fewer says nothing."""
_FEWEST = 8
LEAST_SCORE = -1.2
"""A mean log-probability below this is wrong in every other word or more: no quota keeps it."""
UNSURE = "the network is less sure of it than of the others"
NOTHING_HEARD = "no words were found"
IMPLAUSIBLE = "what was found repeats itself"


def left_out(utterances: Sequence[Utterance], read: Sequence[Read], course: Course) -> dict[int, str]:
    """Return for every utterance that does not teach why, by its place.

    Args:
        utterances: what was read.
        read: what was found in each.
        course: says which share is kept, of all and of every long recording.
    """
    found = {
        place: IMPLAUSIBLE if one.odd else NOTHING_HEARD
        for place, one in enumerate(read)
        if one.odd or not one.heard
    }
    candidates = [place for place in range(len(read)) if place not in found]
    if not candidates:
        return found
    candidates.sort(key=lambda place: (-read[place].score, place))
    wanted = max(_FEWEST, round(course.kept_share * len(candidates)))
    chosen = set(candidates[:wanted])
    for places in _by_recording(utterances, candidates).values():
        if len(places) >= _LONG_RECORDING:
            quota = round(course.kept_of_recording * len(places))
            chosen.update(place for place in places[:quota])
    chosen = {place for place in chosen if read[place].score >= LEAST_SCORE}
    return found | {place: UNSURE for place in candidates if place not in chosen}


def mean_score(read: Sequence[Read]) -> float:
    """Return the mean log-probability over all tokens; -inf where nothing was heard."""
    heard = [one for one in read if one.heard]
    if not heard:
        return float("-inf")
    weights = [len(one.ids) + 1 for one in heard]
    return float(np.average([one.score for one in heard], weights=weights))


def _by_recording(utterances: Sequence[Utterance], places: Sequence[int]) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place in places:
        found[utterances[place].audio_name, utterances[place].member or ""].append(place)
    return found
