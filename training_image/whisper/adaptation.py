"""Adapts a network to audio without transcripts: it reads, learns from its surest readings, and is judged."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from chalicelib.engines.adapted_model import KEPT_BASE
from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.protocol import CustomModels
from chalicelib.engines.whisper.custom_language.language import load_language
from chalicelib.engines.whisper.custom_language.rescoring import CustomLanguage
from chalicelib.engines.whisper.model.low_rank import FILE_NAME, Delta
from chalicelib.language.artefact import read_artefact
from training_image import guard
from training_image.adaptation import Adaptation, Assignment, HeldOut, Ordinary
from training_image.container.freed_memory import give_memory_back
from training_image.failures import JobFailed
from training_image.guard import AlphaChoice, Figures, Hearing, Verdict
from training_image.progress import WorkDone
from training_image.speech.recordings import LeftOutAudio
from training_image.speech.transcripts import Transcripts
from training_image.speech.utterances import Utterance
from training_image.whisper import selection
from training_image.whisper.bases import NetworkBase, base_of
from training_image.whisper.course import Course, course
from training_image.whisper.curriculum import Curriculum, lessons_of_readings, lessons_of_transcripts
from training_image.whisper.examination import Examination, figures
from training_image.whisper.experiments import keep_whole_change, true_transcripts
from training_image.whisper.judging import Judge
from training_image.whisper.lessons import BatchPlan, Lesson
from training_image.whisper.student import Diverged, Student, batch
from training_image.whisper.teacher import Read, Teacher, arrays_of, from_arrays
from training_image.whisper.workload import LEARNING, READING, workload
from training_image.whisper.world import World

LEAST_POSTERIOR = 0.4
"""Below this mean posterior on held-out audio the base is wrong too often to teach itself."""
ADAPTED = "adapted"

_SHARD = 64
"""Utterances whose readings are saved together."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NetworkRound:
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
        JobFailed: the base's weights cannot be used, or a GPU that was asked for.
        OSError: an utterance's audio cannot be read, or a checkpoint not written.
    """
    if assignment.machine.gpus_paid and not torch.cuda.is_available():
        raise JobFailed(
            f"The training machine ({assignment.machine.instance_type}) was chosen for its GPU, which this "
            "training image cannot use. Have the operator deploy the training image for GPUs, or choose an "
            "instance type without one."
        )
    torch.set_num_threads(assignment.machine.cores)
    return _NetworkAdaptation(assignment, course()).run()


@dataclass
class _Learned:
    """What the rounds have given so far."""

    rounds: list[NetworkRound] = field(default_factory=list)
    change: Delta | None = None
    left_out: list[LeftOutAudio] = field(default_factory=list)
    used_s: float = 0.0
    transcribed_s: float = 0.0
    remark: str = ""
    """What cut learning short, for the model's user."""


@dataclass(frozen=True)
class _Start:
    """What the base makes of the audio."""

    held_out: list[Read]
    read: list[Read]
    """Of what there is to learn from."""
    before: Figures
    material: Verdict
    heard: Hearing | None
    """None where another process decides, or the audio teaches nothing."""


class _NetworkAdaptation:
    """One adaptation under way."""

    def __init__(self, assignment: Assignment, chosen: Course) -> None:
        self._given, self._course = assignment, chosen
        self._base: NetworkBase = base_of(assignment.base_weights, assignment.language)
        ordinary = chosen.judged_ordinary if self._base.hears_english else 0
        examination = Examination(assignment.held_out, ordinary)
        self._curriculum = Curriculum(self._base, chosen)
        self._helper = _helper(assignment)
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._world = World()
        self._work = workload(assignment, chosen, examination.audio_s)
        self._progress = WorkDone(assignment.report_progress, self._work.total)
        self._judge = Judge(assignment, examination, self._work, self._progress)

    def run(self) -> Adaptation:
        start, learned = self._start(), _Learned()
        give_memory_back()
        before, material = start.before, start.material
        if not material.accepted:
            return self._kept_base(f"The base model is kept: {material.reason}.", before, learned)
        read = start.read
        for number in range(1, self._course.rounds + 1):
            if number > 1:
                read = self._read_all(number, self._teacher(learned.change))
            if not self._learn(number, read, learned):
                break
        if learned.change is None:
            reason = learned.remark.strip() or "Nothing was sure enough to learn from."
            return self._kept_base(f"The base model is kept. {reason}", before, learned)
        self._world.leave()
        give_memory_back()
        if start.heard is None:
            return self._kept_base("Another process decides.", before, learned)
        return self._decided(learned, start.heard, start.held_out)

    def _start(self) -> _Start:
        """Let the base read; it is gone from memory when it has."""
        given = self._given
        base = self._teacher(None, helped=False)  # what is judged is the network alone; a helper may teach
        held_out = self._world.of_leader(
            self._read("held-out", given.held_out, base, "hearing held-out audio")
            if self._world.leads
            else []
        )
        teacher = base if self._helper is None else self._teacher(None)
        read = self._read_all(1, teacher)
        before = figures(base, held_out, sum(one.duration_s for one in given.held_out))
        found = figures(base, read, sum(one.duration_s for one in given.adaptation))
        material = guard.judge_material(found, before, least_posterior=LEAST_POSTERIOR)
        heard = None
        if material.accepted and self._world.leads:
            heard = self._judge.base(base, held_out)
            material = guard.judge_agreement(heard.agreement)
        material = self._world.of_leader(material)
        return _Start(held_out, read, before, material, heard)

    def _decided(self, learned: _Learned, heard: Hearing, held_out: Sequence[Read]) -> Adaptation:
        change = learned.change
        if change is None:
            raise ValueError("nothing was learned")

        def hear(alpha: float) -> Hearing:
            return self._judge.share(
                alpha, change.sha256, lambda: self._teacher(change, alpha, helped=False), held_out
            )

        choice = guard.choose_alpha(heard, hear, self._judge.affordable())
        if choice.alpha == 0:
            return self._kept_base(f"{choice.reason}{learned.remark}", heard.held_out, learned, choice, heard)
        scaled = tuple(replace(one, up=np.float32(choice.alpha) * one.up) for one in change.changes)
        return Adaptation(
            decision=ADAPTED,
            reason=f"{choice.reason}{learned.remark}",
            files={FILE_NAME: self._base.delta_bytes(scaled)},
            rounds=learned.rounds,
            held_out=self._judged(heard.held_out, choice.hearing.held_out, choice.hearing.changed),
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
        judged = () if choice is None else choice.candidates
        after, changed = (judged[-1].hearing.held_out, judged[-1].hearing.changed) if judged else (before, 0)
        return Adaptation(
            decision=KEPT_BASE,
            reason=reason,
            files={},
            rounds=learned.rounds,
            held_out=self._judged(before, after, changed),
            used_s=learned.used_s,
            left_out=learned.left_out,
            transcribed_s=learned.transcribed_s,
            alpha=0.0,
            candidates=judged,
            ordinary=None if heard is None else Ordinary(heard.ordinary, heard.ordinary),
        )

    def _judged(self, before: Figures, after: Figures, changed: int | None) -> HeldOut:
        held_out = self._given.held_out
        return HeldOut(len(held_out), sum(one.duration_s for one in held_out), before, after, changed)

    def _teacher(self, change: Delta | None, alpha: float = 1.0, *, helped: bool = True) -> Teacher:
        cores = self._given.machine.cores
        network = self._base.network(cores, change, alpha)
        language = self._helper if helped else None
        return Teacher(network, self._base.window, cores, beam=self._course.beam, language=language)

    def _advance(self, stage: str) -> Callable[[float], None]:
        return lambda audio_s: self._progress.add(READING * audio_s, stage)

    def _read_all(self, number: int, teacher: Teacher) -> list[Read]:
        stage = f"reading the audio, round {number} of {self._course.rounds}"
        utterances = self._given.adaptation
        shards = [utterances[first : first + _SHARD] for first in range(0, len(utterances), _SHARD)]
        own = {
            place: self._read(f"reading-{number}-{place:05d}", shards[place], teacher, stage)
            for place in self._world.own(range(len(shards)))
        }
        parts = self._world.together(own)
        everything = {place: read for part in parts for place, read in part.items()}
        for place, read in everything.items():
            if place not in own:
                self._given.checkpoint.save(f"reading-{number}-{place:05d}", arrays_of(read))
        return [one for place in range(len(shards)) for one in everything[place]]

    def _read(self, name: str, utterances: Sequence[Utterance], teacher: Teacher, stage: str) -> list[Read]:
        """Read some utterances; what a checkpoint holds is not read again."""
        saved = self._given.checkpoint.load(name)
        if saved is not None:
            self._progress.add(READING * sum(one.duration_s for one in utterances), stage)
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
        plans = self._curriculum.plans(number, lessons)
        student = Student(
            self._base.model(),
            self._base.tokens,
            self._course,
            len(plans),
            device=self._device,
            cores=self._given.machine.cores,
            world=self._world,
        )
        losses, learned.remark = self._steps(number, student, plans)
        try:
            if student.step:
                learned.change = self._base.delta(student.changes())
        except ModelUnreadable:
            learned.remark = (
                f" Round {number} of learning ended in values that are no numbers, and counts for nothing."
            )
        if learned.change is not None and self._world.leads:
            keep_whole_change(self._base.delta_bytes(learned.change.changes), self._given.checkpoint.folder)
        learned.used_s = sum(one.audio.duration_s for one in lessons)
        learned.transcribed_s = transcribed_s
        learned.left_out = [
            LeftOutAudio(
                utterances[place].audio_name,
                utterances[place].member,
                utterances[place].start_s,
                utterances[place].end_s,
                reason,
            )
            for place, reason in sorted(left_out.items())
        ]
        last = [one for one in losses[-max(1, len(losses) // 10) :] if math.isfinite(one)]
        learned.rounds.append(
            NetworkRound(
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
        return not learned.remark

    def _lessons(self, read: Sequence[Read], left_out: dict[int, str]) -> tuple[list[Lesson], float]:
        """Return what is learned from, and how many seconds of it have a transcript from the corpora."""
        tokens, utterances = self._base.tokens, self._given.adaptation
        true = true_transcripts(utterances)
        if true is not None:
            left_out.clear()
            return lessons_of_transcripts(tokens, utterances, true)
        return lessons_of_readings(tokens, utterances, read, left_out, _transcripts(self._given))

    def _steps(self, number: int, student: Student, plans: Sequence[BatchPlan]) -> tuple[list[float], str]:
        """Take the steps of a round, from where a checkpoint has them on; return losses, and a remark."""
        given, name = self._given, f"student-{number}"
        stage = f"learning, round {number} of {self._course.rounds}"
        losses: list[float] = []
        # All go on from what the leader has: on another host a checkpoint may be an older one.
        saved = self._world.of_leader(given.checkpoint.load(name))
        if saved is not None and student.resume(saved):
            losses = saved["losses"].tolist()
            _log.info("learning goes on at step %d of %d", student.step, len(plans))
        self._progress.expect(self._work.left(plans, number))
        for plan in plans[: student.step]:
            self._progress.add(LEARNING * plan.speech_s, stage)
        prompt, end, bands = self._base.prompt, self._base.tokens.end, student.bands
        left_s = given.seconds_left()
        reserved_s = self._world.of_leader(
            max(self._course.reserved_share * left_s, min(2 * self._judge.took_s, left_s / 2))
        )
        saved_at_s = time.monotonic()
        own = slice(self._world.rank, None, self._world.size)
        for plan in plans[student.step :]:
            if self._world.of_leader(given.seconds_left()) < reserved_s:
                given.checkpoint.save(name, student.state() | {"losses": np.array(losses)})
                return losses, (
                    f" Learning ended after {student.step} of {len(plans)} steps, for the time that the "
                    "training may take was over."
                )
            try:
                lesson = batch(plan, prompt, end, bands, self._course, part=own)
                losses.append(student.learn(lesson))
            except Diverged:
                return losses, _diverged(student, plans)
            self._progress.add(LEARNING * plan.speech_s, stage)
            if time.monotonic() - saved_at_s > self._course.save_every_s:
                given.checkpoint.save(name, student.state() | {"losses": np.array(losses)})
                saved_at_s = time.monotonic()
        given.checkpoint.save(name, student.state() | {"losses": np.array(losses)})
        return losses, ""


def _diverged(student: Student, plans: Sequence[BatchPlan]) -> str:
    return (
        f" Learning ended after {student.step} of {len(plans)} steps, for it gave values that are no "
        "numbers; what had been learned by then was judged."
    )


def _helper(assignment: Assignment) -> CustomLanguage | None:
    if assignment.language_model is None:
        return None
    return load_language(CustomModels(language_model=assignment.language_model), assignment.base_version)


def _transcripts(assignment: Assignment) -> Transcripts | None:
    if assignment.language_model is None:
        return None
    return Transcripts(read_artefact(assignment.language_model).sentences)
