"""What a student is taught, and when: lessons of what was read, beside ordinary speech and silence."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Mapping, Sequence

from chalicelib.engines.whisper.text.wording import spoken_words
from chalicelib.engines.whisper.tokens import Tokens
from training_image.speech import non_speech, ordinary_speech
from training_image.speech.transcripts import Transcripts
from training_image.speech.utterances import Utterance
from training_image.whisper.bases import NetworkBase
from training_image.whisper.course import Course
from training_image.whisper.lessons import AudioClip, BatchPlan, Lesson, batches
from training_image.whisper.teacher import Read

_TAKES = 3
"""Of each kind of sound without speech: more than an epoch teaches, so that each epoch has others."""


def lessons_of_readings(
    tokens: Tokens,
    utterances: Sequence[Utterance],
    read: Sequence[Read],
    left_out: dict[int, str],
    transcripts: Transcripts | None,
) -> tuple[list[Lesson], float]:
    """Return what is learned from, and how many seconds of it have a transcript from the corpora.

    Args:
        tokens: the base's vocabulary.
        utterances: the user's audio.
        read: what was read in each.
        left_out: why some do not teach, by place; those with a transcript do, and are taken out of it.
        transcripts: what the corpora hold; None: there are none.
    """
    lessons: list[Lesson] = []
    transcribed_s = 0.0
    for place, (utterance, one) in enumerate(zip(utterances, read, strict=True)):
        ids = one.ids
        if transcripts is not None and one.heard:
            said = transcripts.find(spoken_words(tokens.decode(ids)))
            if said is not None:
                left_out.pop(place, None)
                transcribed_s += utterance.duration_s
                ids = tuple(tokens.encode(" " + " ".join(said)))
        if place not in left_out:
            lessons.append(Lesson(utterance, ids))
    return lessons, transcribed_s


def lessons_of_transcripts(
    tokens: Tokens, utterances: Sequence[Utterance], transcripts: Mapping[int, str]
) -> tuple[list[Lesson], float]:
    """Return what is learned from, by place what was really said, and how many seconds it is."""
    lessons = [
        Lesson(utterances[place], tuple(tokens.encode(f" {text}"))) for place, text in transcripts.items()
    ]
    return lessons, sum(one.audio.duration_s for one in lessons)


class Curriculum:
    """The batches of a round: the user's speech, and beside it what must not be forgotten."""

    def __init__(self, base: NetworkBase, course: Course) -> None:
        """Take the network that is taught, and how."""
        self._base, self._course = base, course

    def plans(self, number: int, lessons: Sequence[Lesson]) -> list[BatchPlan]:
        """Return the batches of a round, in order; the same ones whenever they are asked for."""
        chosen = self._course
        plans: list[BatchPlan] = []
        for epoch in range(math.ceil(chosen.epochs)):
            choice = random.Random(f"{chosen.seed} {number} {epoch}")
            share = min(1.0, chosen.epochs - epoch)
            of_epoch = batches(
                [*lessons, *self._beside(lessons, choice)],
                longest_s=chosen.longest_window_s,
                batch_s=chosen.batch_s,
                window=self._base.window,
                choice=choice,
            )
            plans += of_epoch[: max(1, round(share * len(of_epoch)))]
        return plans

    def _beside(self, lessons: Sequence[Lesson], choice: random.Random) -> list[Lesson]:
        """Return what is taught beside the user's speech in one epoch: ordinary speech, and silence."""
        total_s = sum(one.audio.duration_s for one in lessons)
        beside: list[Lesson] = []
        for kind, share in (
            (self._ordinary, self._course.replay_share),
            (self._silent, self._course.silence_share),
        ):
            taken_s = 0.0
            shuffled = list(kind)
            choice.shuffle(shuffled)
            for lesson in shuffled:
                if taken_s >= share * total_s:
                    break
                beside.append(lesson)
                taken_s += lesson.audio.duration_s
        return beside

    @functools.cached_property
    def _ordinary(self) -> list[Lesson]:
        """Ordinary speech, which is English."""
        if not (self._course.replay_share and self._base.hears_english):
            return []
        tokens = self._base.tokens
        return [
            Lesson(AudioClip(one.samples), tuple(tokens.encode(f" {one.written}")))
            for one in ordinary_speech.ordinary_speech("replay")
        ]

    @functools.cached_property
    def _silent(self) -> list[Lesson]:
        if not self._course.silence_share:
            return []
        return [Lesson(AudioClip(one.samples), ()) for one in non_speech.clips("replay", takes=_TAKES)]
