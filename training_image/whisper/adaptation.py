"""Adapts a network to audio without transcripts: it reads, learns from its surest readings, and is judged."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from chalicelib.engines.adapted_model import KEPT_BASE
from chalicelib.engines.protocol import CustomModels
from chalicelib.engines.whisper.language import load_language
from chalicelib.engines.whisper.low_rank import FILE_NAME, Delta
from chalicelib.engines.whisper.rescoring import CustomLanguage
from chalicelib.language.artefact import read_artefact
from training_image import guard, non_speech, ordinary_speech
from training_image.adaptation import Adaptation, Assignment, HeldOut, Ordinary
from training_image.guard import AlphaChoice, Figures, Hearing
from training_image.recordings import LeftOut
from training_image.transcripts import Transcripts
from training_image.utterances import Utterance
from training_image.whisper import selection
from training_image.whisper.bases import Base, base_of
from training_image.whisper.course import Course, course
from training_image.whisper.examination import Examination, figures
from training_image.whisper.experiments import keep_whole_change, true_transcripts
from training_image.whisper.lessons import BatchPlan, Clip, Lesson, batches
from training_image.whisper.student import Diverged, Student, batch
from training_image.whisper.teacher import Read, Teacher, arrays_of, from_arrays, spoken_words

LEAST_POSTERIOR = 0.4
"""Below this mean posterior on held-out audio the base is wrong too often to teach itself."""
ADAPTED = "adapted"

_SHARD = 64
"""Utterances whose readings are saved together."""
_SAVE_EVERY_S = 20.0
_RESERVED_SHARE = 0.15
"""Of the time that is left when learning begins: for judging what was learned."""

# Work for a second of audio, relative to reading it.
_READING, _LEARNING, _JUDGING = 1.0, 1.6, 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Round:
    """What one reading of the audio gave, and what was learned from it."""

    round: int
    mean_posterior: float
    labels: int
    """Utterances in which words were found."""
    kept: int
    """Of these, how many taught."""
    used_s: float
    steps: int
    loss: float
    """Mean over the last tenth of the steps."""
    seconds: float


def adapt(assignment: Assignment) -> Adaptation:
    """Adapt a network to utterances, none of which needs a transcript.

    Where the corpora of the helper language model hold the transcript of an utterance, that is learned from
    instead of what was read.

    Raises:
        JobFailed: the base's weights cannot be used.
        OSError: an utterance's audio cannot be read, or a checkpoint not written.
    """
    torch.set_num_threads(assignment.machine.cores)
    return _Job(assignment, course()).run()


@dataclass
class _Progress:
    """Adds up the work that is done."""

    report: Callable[[float, str], None]
    total: float
    done: float = 0.0

    def add(self, work: float, stage: str) -> None:
        self.done += work
        self.report(min(1.0, self.done / max(self.total, 1e-9)), stage)


@dataclass
class _Learned:
    """What the rounds have given so far."""

    rounds: list[Round] = field(default_factory=list)
    change: Delta | None = None
    left_out: list[LeftOut] = field(default_factory=list)
    used_s: float = 0.0
    transcribed_s: float = 0.0
    remark: str = ""
    """What cut learning short, for the model's user."""


class _Job:
    """One adaptation under way."""

    def __init__(self, assignment: Assignment, chosen: Course) -> None:
        self._given, self._course = assignment, chosen
        self._base: Base = base_of(assignment.base_weights, assignment.language)
        self._examination = Examination(assignment.held_out)
        self._helper = _helper(assignment)
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        learned_s = sum(one.duration_s for one in assignment.adaptation)
        per_round = _READING + chosen.kept_share * chosen.epochs * _LEARNING
        judged_s = 2 * self._examination.audio_s + sum(one.duration_s for one in assignment.held_out)
        self._progress = _Progress(
            assignment.report_progress, chosen.rounds * learned_s * per_round + judged_s * _JUDGING
        )

    def run(self) -> Adaptation:
        base = self._teacher(None)
        held_out = self._read("held-out", self._given.held_out, base, "hearing held-out audio")
        learned = _Learned()
        read = self._read_all(1, base)
        before = figures(base, held_out, sum(one.duration_s for one in self._given.held_out))
        material = guard.judge_material(
            figures(base, read, sum(one.duration_s for one in self._given.adaptation)),
            before,
            least_posterior=LEAST_POSTERIOR,
        )
        if not material.accepted:
            return self._kept_base(f"The base model is kept: {material.reason}.", before, learned)
        heard = self._hear(base, held_out, held_out, "hearing ordinary speech")
        del base
        for number in range(1, self._course.rounds + 1):
            if number > 1:
                read = self._read_all(number, self._teacher(learned.change))
            if not self._learn(number, read, learned):
                break
        if learned.change is None:
            reason = f"The base model is kept: {learned.remark or 'nothing was sure enough to learn from'}."
            return self._kept_base(reason, before, learned)
        return self._decided(learned, heard, held_out)

    def _decided(self, learned: _Learned, heard: Hearing, held_out: Sequence[Read]) -> Adaptation:
        change = learned.change
        if change is None:
            raise ValueError("nothing was learned")

        def hear(alpha: float) -> Hearing:
            teacher = self._teacher(change, alpha, helped=False)
            read = teacher.read(self._given.held_out, self._advance("judging what was learned"))
            return self._hear(teacher, read, held_out, "judging what was learned")

        choice = guard.choose_alpha(heard, hear)
        if choice.alpha == 0:
            return self._kept_base(choice.reason, heard.held_out, learned, choice, heard)
        scaled = tuple(replace(one, up=np.float32(choice.alpha) * one.up) for one in change.changes)
        return Adaptation(
            decision=ADAPTED,
            reason=f"{choice.reason}{learned.remark}",
            files={FILE_NAME: self._base.delta_bytes(scaled)},
            rounds=learned.rounds,
            held_out=self._judged(heard.held_out, choice.hearing.held_out),
            used_s=learned.used_s,
            left_out=learned.left_out,
            transcribed_s=learned.transcribed_s,
            alpha=choice.alpha,
            candidates=choice.candidates,
            ordinary=Ordinary(heard.ordinary, choice.hearing.ordinary),
        )

    def _kept_base(
        self,
        reason: str,
        before: Figures,
        learned: _Learned,
        choice: AlphaChoice | None = None,
        heard: Hearing | None = None,
    ) -> Adaptation:
        after = before if choice is None else choice.candidates[-1].hearing.held_out
        return Adaptation(
            decision=KEPT_BASE,
            reason=reason,
            files={},
            rounds=learned.rounds,
            held_out=self._judged(before, after),
            used_s=learned.used_s,
            left_out=learned.left_out,
            transcribed_s=learned.transcribed_s,
            alpha=0.0,
            candidates=() if choice is None else choice.candidates,
            ordinary=None if heard is None else Ordinary(heard.ordinary, heard.ordinary),
        )

    def _judged(self, before: Figures, after: Figures) -> HeldOut:
        held_out = self._given.held_out
        return HeldOut(len(held_out), sum(one.duration_s for one in held_out), before, after)

    def _teacher(self, change: Delta | None, alpha: float = 1.0, *, helped: bool = True) -> Teacher:
        cores = self._given.machine.cores
        network = self._base.network(cores, change, alpha)
        language = self._helper if helped else None
        return Teacher(network, self._base.window, cores, beam=self._course.beam, language=language)

    def _advance(self, stage: str, cost: float = _READING) -> Callable[[float], None]:
        return lambda audio_s: self._progress.add(cost * audio_s, stage)

    def _hear(self, teacher: Teacher, read: Sequence[Read], of_base: Sequence[Read], stage: str) -> Hearing:
        return self._examination.hearing(teacher, read, of_base, self._advance(stage, _JUDGING))

    def _read_all(self, number: int, teacher: Teacher) -> list[Read]:
        stage = f"reading the audio, round {number} of {self._course.rounds}"
        utterances = self._given.adaptation
        found: list[Read] = []
        for place, first in enumerate(range(0, len(utterances), _SHARD)):
            shard = utterances[first : first + _SHARD]
            found += self._read(f"reading-{number}-{place:05d}", shard, teacher, stage)
        return found

    def _read(self, name: str, utterances: Sequence[Utterance], teacher: Teacher, stage: str) -> list[Read]:
        """Read some utterances; what a checkpoint holds is not read again."""
        saved = self._given.checkpoint.load(name)
        if saved is not None:
            self._progress.add(_READING * sum(one.duration_s for one in utterances), stage)
            return from_arrays(saved)
        read = teacher.read(utterances, self._advance(stage))
        self._given.checkpoint.save(name, arrays_of(read))
        return read

    def _learn(self, number: int, read: Sequence[Read], learned: _Learned) -> bool:
        """Learn from the readings of a round; False where no other round is to follow."""
        began_s = time.monotonic()
        utterances = self._given.adaptation
        left_out = selection.left_out(utterances, read, self._course)
        lessons, transcribed_s = self._lessons(read, left_out)
        if not lessons:
            return False
        plans = self._plans(number, lessons)
        student = Student(self._base.model(), self._base.tokens, self._course, len(plans), self._device)
        losses, remark = self._steps(number, student, plans)
        learned.change = self._base.delta(student.changes())
        keep_whole_change(self._base.delta_bytes(learned.change.changes), self._given.checkpoint.folder)
        learned.remark = remark
        learned.used_s = sum(one.audio.duration_s for one in lessons)
        learned.transcribed_s = transcribed_s
        learned.left_out = [
            LeftOut(
                utterances[place].audio_name,
                utterances[place].member,
                utterances[place].start_s,
                utterances[place].end_s,
                reason,
            )
            for place, reason in sorted(left_out.items())
        ]
        last = losses[-max(1, len(losses) // 10) :]
        learned.rounds.append(
            Round(
                round=number,
                mean_posterior=round(math.exp(selection.mean_score(read)), 4),
                labels=sum(one.heard for one in read),
                kept=len(lessons),
                used_s=round(learned.used_s, 2),
                steps=student.step,
                loss=round(float(np.mean(last)), 4) if last else 0.0,
                seconds=round(time.monotonic() - began_s, 1),
            )
        )
        return not remark

    def _lessons(self, read: Sequence[Read], left_out: dict[int, str]) -> tuple[list[Lesson], float]:
        """Return what is learned from, and how many seconds of it have a transcript from the corpora."""
        transcripts = _transcripts(self._given)
        lessons: list[Lesson] = []
        transcribed_s = 0.0
        tokens = self._base.tokens
        true = true_transcripts(self._given.adaptation)
        if true is not None:
            left_out.clear()
            return [
                Lesson(self._given.adaptation[place], tuple(tokens.encode(f" {text}")))
                for place, text in true.items()
            ], sum(self._given.adaptation[place].duration_s for place in true)
        for place, (utterance, one) in enumerate(zip(self._given.adaptation, read, strict=True)):
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

    def _plans(self, number: int, lessons: Sequence[Lesson]) -> list[BatchPlan]:
        """Return the batches of all epochs, in their order: the same ones whenever they are asked for."""
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
        chosen, tokens = self._course, self._base.tokens
        total_s = sum(one.audio.duration_s for one in lessons)
        beside: list[Lesson] = []
        ordinary = [
            Lesson(Clip(one.samples), tuple(tokens.encode(f" {one.written}")))
            for one in (ordinary_speech.ordinary_speech("replay") if chosen.replay_share else ())
        ]
        silent = [
            Lesson(Clip(one.samples), ())
            for one in (non_speech.clips("replay") if chosen.silence_share else ())
        ]
        for kind, share in ((ordinary, chosen.replay_share), (silent, chosen.silence_share)):
            choice.shuffle(kind)
            taken_s = 0.0
            for lesson in kind:
                if taken_s >= share * total_s:
                    break
                beside.append(lesson)
                taken_s += lesson.audio.duration_s
        return beside

    def _steps(self, number: int, student: Student, plans: Sequence[BatchPlan]) -> tuple[list[float], str]:
        """Take the steps of a round, from where a checkpoint has them on; return losses, and a remark."""
        given, name = self._given, f"student-{number}"
        stage = f"learning, round {number} of {self._course.rounds}"
        losses: list[float] = []
        saved = given.checkpoint.load(name)
        if saved is not None and student.resume(saved):
            losses = saved["losses"].tolist()
            _log.info("learning goes on at step %d of %d", student.step, len(plans))
        for plan in plans[: student.step]:
            self._progress.add(_LEARNING * _speech_s(plan), stage)
        prompt, end, bands = self._base.prompt, self._base.tokens.end, student.bands
        reserved_s = _RESERVED_SHARE * given.seconds_left()
        saved_at_s = time.monotonic()
        for plan in plans[student.step :]:
            if given.seconds_left() < reserved_s:
                given.checkpoint.save(name, student.state() | {"losses": np.array(losses)})
                return losses, (
                    f" Learning ended after {student.step} of {len(plans)} steps, for the time that the "
                    "training may take was over."
                )
            try:
                losses.append(student.learn(batch(plan, prompt, end, bands, self._course)))
            except Diverged:
                return losses, (
                    f" Learning ended after {student.step} of {len(plans)} steps, for it gave values that "
                    "are no numbers; what was learned before serves."
                )
            self._progress.add(_LEARNING * _speech_s(plan), stage)
            if time.monotonic() - saved_at_s > _SAVE_EVERY_S:
                given.checkpoint.save(name, student.state() | {"losses": np.array(losses)})
                saved_at_s = time.monotonic()
        given.checkpoint.save(name, student.state() | {"losses": np.array(losses)})
        return losses, ""


def _speech_s(plan: BatchPlan) -> float:
    return sum(one.speech_s for one in plan.windows)


def _helper(assignment: Assignment) -> CustomLanguage | None:
    if assignment.language_model is None:
        return None
    return load_language(CustomModels(language_model=assignment.language_model), assignment.base_version)


def _transcripts(assignment: Assignment) -> Transcripts | None:
    if assignment.language_model is None:
        return None
    return Transcripts(read_artefact(assignment.language_model).sentences)
