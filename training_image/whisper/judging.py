"""Judges networks while the time lasts; what it heard outlives a kill."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from training_image import guard
from training_image.adaptation import Assignment
from training_image.guard import Hearing
from training_image.progress import WorkDone
from training_image.whisper.examination import Examination, hearing_arrays, hearing_of
from training_image.whisper.teacher import Read, Teacher
from training_image.whisper.workload import JUDGING, READING, Workload

_log = logging.getLogger(__name__)


class Judge:
    """Has networks hear what judges them."""

    def __init__(
        self, assignment: Assignment, examination: Examination, work: Workload, progress: WorkDone
    ) -> None:
        """Take what there is to hear, and what is told how far it is."""
        self._given, self._examination = assignment, examination
        self._work, self._progress = work, progress
        self.took_s = 0.0
        """How long the last network took."""

    def base(self, teacher: Teacher, read: Sequence[Read]) -> Hearing:
        """Return what the base makes of everything.

        Args:
            teacher: the base.
            read: what it read in the held-out audio.
        """
        return self._heard(
            "judged-base", "", lambda: self._hearing(teacher, read, read, "hearing ordinary speech")
        )

    def share(
        self, alpha: float, sha256: str, teacher: Callable[[], Teacher], of_base: Sequence[Read]
    ) -> Hearing:
        """Return what a share of a change makes of everything.

        Args:
            alpha: the share.
            sha256: checksum of the change.
            teacher: returns the network that has it; not asked where a checkpoint holds what it heard.
            of_base: what the base read in the held-out audio.
        """

        def hear() -> Hearing:
            stage, asked = "judging what was learned", teacher()
            self._progress.expect(self._work.a_hearing)
            read = asked.read(
                self._given.held_out, lambda audio_s: self._progress.add(READING * audio_s, stage)
            )
            return self._hearing(asked, read, of_base, stage)

        return self._heard(f"judged-{alpha:.2f}", sha256, hear)

    def affordable(self) -> Iterator[float]:
        """Yield the shares that can be judged before the platform ends the job."""
        for alpha in guard.ALPHAS:
            if self._given.seconds_left() < self.took_s:
                _log.warning("no time is left to judge smaller shares than those before %.2f", alpha)
                return
            yield alpha

    def _hearing(
        self, teacher: Teacher, read: Sequence[Read], of_base: Sequence[Read], stage: str
    ) -> Hearing:
        return self._examination.hearing(
            teacher, read, of_base, lambda audio_s: self._progress.add(JUDGING * audio_s, stage)
        )

    def _heard(self, name: str, sha256: str, hear: Callable[[], Hearing]) -> Hearing:
        """Return what was heard, from a checkpoint if it holds it."""
        saved = self._given.checkpoint.load(name)
        if saved is not None and (hearing := hearing_of(saved, sha256)) is not None:
            return hearing
        began_s = time.monotonic()
        hearing = hear()
        self.took_s = time.monotonic() - began_s
        self._given.checkpoint.save(name, hearing_arrays(hearing, sha256))
        return hearing
