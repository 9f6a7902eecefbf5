"""What a network makes of the audio that judges it: held-out, ordinary, and no speech at all."""

from __future__ import annotations

import difflib
import itertools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from chalicelib.audio.speech.speech_detection import find_speech
from chalicelib.language.edit_distance import edit_distance
from training_image.guard import Errors, Figures, Hearing
from training_image.speech import non_speech, ordinary_speech
from training_image.speech.utterances import Utterance
from training_image.whisper.lessons import AudioClip, Samples, SpeechAudio
from training_image.whisper.selection import mean_score
from training_image.whisper.teacher import Read, Teacher

SURE = -0.35
"""Mean log-probability of a reading that the base is sure of: about every twelfth word of such is wrong."""
_FASTER = 1.06
"""How much the tempo and pitch of held-out audio are altered."""
_SOFTER = 0.5
_TAKES = 3
"""Of each kind of sound without speech: about half of them reach the network."""


@dataclass(frozen=True)
class _Altered:
    """Audio that is a little faster, higher and softer."""

    audio: SpeechAudio

    @property
    def duration_s(self) -> float:
        return self.audio.duration_s / _FASTER

    def samples(self) -> Samples:
        samples = soxr.resample(self.audio.samples(), 16_000 * _FASTER, 16_000)
        return np.asarray(samples * _SOFTER, np.float32)


def non_speech_that_is_heard() -> list[non_speech.NonSpeechClip]:
    """Return sounds that recognition has a network hear: its speech detector takes them for speech.

    What the detector keeps away is never written down, whatever a network would make of it.
    """
    found = non_speech.clips("guard", takes=_TAKES)
    return [one for one in found if find_speech(one.samples, non_speech.RATE_HZ)]


class Examination:
    """The same questions for every network."""

    def __init__(self, held_out: Sequence[Utterance], ordinary: int) -> None:
        """Take the held-out audio, and how many utterances of ordinary speech, which comes along, are heard.

        That is in English: for a model of another language none can be heard.

        Raises:
            JobFailed: what comes with the program is missing or damaged.
        """
        self._held_out = held_out
        self._ordinary = [
            (AudioClip(one.samples), one.transcript.split())
            for one in itertools.islice(ordinary_speech.ordinary_speech("guard"), ordinary)
        ]
        self._non_speech = [AudioClip(one.samples) for one in non_speech_that_is_heard()]

    @property
    def audio_s(self) -> float:
        """How much audio a network hears in it."""
        clips = [clip for clip, _ in self._ordinary] + self._non_speech
        return 2 * sum(one.duration_s for one in self._held_out) + sum(one.duration_s for one in clips)

    def held_out(self, teacher: Teacher, advance: Callable[[float], None] | None = None) -> list[Read]:
        """Return what a network reads in the held-out audio."""
        return teacher.read(self._held_out, advance)

    def hearing(
        self,
        teacher: Teacher,
        read: Sequence[Read],
        of_base: Sequence[Read],
        advance: Callable[[float], None] | None = None,
    ) -> Hearing:
        """Return what a network makes of everything.

        Args:
            teacher: of the network.
            read: what it read in the held-out audio.
            of_base: what the base read there.
            advance: is told how many seconds of audio were heard.
        """
        altered = teacher.read([_Altered(one) for one in self._held_out], advance)
        ordinary = teacher.read([clip for clip, _ in self._ordinary], advance)
        silent = teacher.read(self._non_speech, advance)
        words = [teacher.words(one) for one in read]
        sure = [place for place, one in enumerate(of_base) if one.score >= SURE]
        return Hearing(
            held_out=figures(teacher, read, sum(one.duration_s for one in self._held_out)),
            agreement=_found_again(words, [teacher.words(one) for one in altered]),
            sure_words_found=_found_again(
                [teacher.words(of_base[place]) for place in sure], [words[place] for place in sure]
            ),
            spoken=sum(one.heard for one in read),
            silenced=sum(one.heard and not now.heard for one, now in zip(of_base, read, strict=True)),
            ordinary=_errors(
                [transcript for _, transcript in self._ordinary], [teacher.words(one) for one in ordinary]
            ),
            non_speech_words=sum(len(teacher.words(one)) for one in silent),
            repetitions=sum(one.odd for one in read),
            changed=sum(words[place] != teacher.words(one) for place, one in enumerate(of_base)),
        )


def hearing_arrays(hearing: Hearing, sha256: str) -> dict[str, NDArray[Any]]:
    """Return a hearing as arrays, for a checkpoint, with the checksum of the change that was heard with."""
    text = json.dumps({"sha256": sha256, "hearing": asdict(hearing)})
    return {"json": np.frombuffer(text.encode(), np.uint8)}


def hearing_of(arrays: Mapping[str, NDArray[Any]], sha256: str) -> Hearing | None:
    """Return the hearing that `hearing_arrays` made arrays of; None where it was with another change."""
    document = json.loads(arrays["json"].tobytes())
    if document["sha256"] != sha256:
        return None
    found = document["hearing"]
    return Hearing(
        **found | {"held_out": Figures(**found["held_out"]), "ordinary": Errors(**found["ordinary"])}
    )


def figures(teacher: Teacher, read: Sequence[Read], audio_s: float) -> Figures:
    """Return how sure a network was of what it read."""
    words = [teacher.words(one) for one in read]
    count = sum(map(len, words))
    score = mean_score(read)
    return Figures(
        words=count,
        words_a_minute=round(60 * count / audio_s, 2) if audio_s else 0.0,
        mean_posterior=round(math.exp(score), 4),
        different_words=len({word for one in words for word in one}),
    )


def _found_again(wanted: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> float:
    """Return which share of words stands in the same order in other texts; 1 where there are none."""
    count = sum(map(len, wanted))
    same = sum(
        block.size
        for one, other in zip(wanted, found, strict=True)
        for block in difflib.SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    )
    return round(same / count, 4) if count else 1.0


def _errors(wanted: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> Errors:
    return Errors(
        words=sum(map(len, wanted)),
        errors=sum(edit_distance(one, other) for one, other in zip(wanted, found, strict=True)),
    )
