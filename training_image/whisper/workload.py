"""How much work the parts of an adaptation are, which progress is told by: 1 is to read a second of audio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training_image.adaptation import Assignment
from training_image.whisper.course import Course
from training_image.whisper.lessons import BatchPlan

# As measured on two cores.
READING, LEARNING, JUDGING = 1.0, 1.3, 0.8
JUDGED_SHARES = 1.5
"""So many shares of a change are judged in the mean."""

_KEPT_S_SHARE = 0.93
"""Of the audio that is read, so much teaches: the surest readings are the longer ones."""


@dataclass(frozen=True)
class Workload:
    """The parts of one adaptation."""

    rounds: int
    a_round: float
    """Reading everything, and learning from it."""
    a_hearing: float
    """Of everything that judges a network."""

    @property
    def total(self) -> float:
        """All of it, as far as can be known before it begins: the base is judged, too."""
        return self.rounds * self.a_round + (1 + JUDGED_SHARES) * self.a_hearing

    def left(self, plans: Sequence[BatchPlan], round_number: int) -> float:
        """Return what is left when a round begins to learn."""
        rounds_left = self.rounds - round_number
        learning = LEARNING * sum(one.speech_s for one in plans)
        return learning + rounds_left * self.a_round + JUDGED_SHARES * self.a_hearing


def workload(assignment: Assignment, course: Course, judged_s: float) -> Workload:
    """Return how much work an adaptation will be.

    Args:
        assignment: what is adapted to what.
        course: how.
        judged_s: length of all audio that judges a network, what is heard twice counted twice.
    """
    learned_s = sum(one.duration_s for one in assignment.adaptation)
    held_out_s = sum(one.duration_s for one in assignment.held_out)
    beside = 1 + course.replay_share + course.silence_share
    return Workload(
        course.rounds,
        learned_s * (READING + _KEPT_S_SHARE * course.epochs * beside * LEARNING),
        READING * held_out_s + JUDGING * judged_s,
    )
