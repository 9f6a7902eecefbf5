"""Adapts the base model to audio without transcripts: decode, align, re-estimate, repeat; ask the guard."""

from __future__ import annotations

import dataclasses
import functools
import io
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.adapted_model import KEPT_BASE
from chalicelib.engines.sphinx.acoustics.acoustic_model import GaussianMixtureModel
from chalicelib.engines.sphinx.acoustics.features import FRAMES_PER_S
from chalicelib.engines.sphinx.artefact import ARRAYS_NAME, NOISE_SUPPRESSION
from training_image.adaptation import Adaptation, Assignment, HeldOut
from training_image.arrays import write_npz
from training_image.checkpoint import Checkpoint
from training_image.container.workers import one_thread_a_process, worker_processes
from training_image.guard import choose
from training_image.progress import WorkDone
from training_image.speech.recordings import LeftOutAudio
from training_image.speech.utterances import Utterance
from training_image.sphinx import guard, shards
from training_image.sphinx.estimation import (
    maximum_a_posteriori,
    transformed,
    with_mixture_weights,
    with_scaled_variances,
)
from training_image.sphinx.guard import SphinxFigures
from training_image.sphinx.shards import DecodedShard, Start
from training_image.sphinx.statistics import SenoneOccupancy, Statistics

ROUNDS = 3
CONFIDENCE_THRESHOLD = 0.5
"""Frames of words less likely than this teach nothing."""
TRANSFORM_PASSES = 2
TAU = 10.0
MIXTURE_TAU = 20.0

_FIRST_DECODING, _LATER_DECODING, _SUMMING = 1.0, 0.7, 0.03
"""Work for a second of audio, relative to decoding it with the base; later rounds are quicker."""

_Sum = TypeVar("_Sum", Statistics, SenoneOccupancy)


@dataclass(frozen=True)
class SphinxRound:
    """What a round of adaptation started from: what the model of the round before found in the audio."""

    round: int
    mean_posterior: float
    words: int
    used_s: float
    log_likelihood_per_frame: float


def adapt(assignment: Assignment) -> Adaptation:
    """Adapt a base version to utterances, none of which needs a transcript.

    Where the corpora of the helper language model hold the transcript of an utterance, that is learned from
    instead of what was heard.

    Raises:
        KeyError: no served model has that version.
        OSError: an utterance's audio cannot be read, or a checkpoint not written.
    """
    one_thread_a_process()
    learned, judged, helper = assignment.adaptation, assignment.held_out, assignment.language_model
    with (
        tempfile.TemporaryDirectory(prefix="attune-adapt-") as folder,
        worker_processes(assignment.machine.cores) as executor,
    ):
        job = _SphinxAdaptation(
            Start(assignment.base_version, language_model=helper),
            shards.shards(learned),
            shards.shards(judged),
            checkpoint=assignment.checkpoint,
            executor=executor,
            folder=Path(folder),
            progress=WorkDone(
                assignment.report_progress, _total_work(learned, judged, helped=helper is not None)
            ),
        )
        return job.run()


def _total_work(adaptation: Sequence[Utterance], held_out: Sequence[Utterance], *, helped: bool) -> float:
    learned_s, judged_s = (sum(each.duration_s for each in those) for those in (adaptation, held_out))
    decoding = _FIRST_DECODING + (ROUNDS - 1) * _LATER_DECODING
    summing = ROUNDS * (TRANSFORM_PASSES + 1 + helped) * _SUMMING
    return learned_s * (decoding + summing) + judged_s * (2 * _FIRST_DECODING + _LATER_DECODING)


class _SphinxAdaptation:
    """One adaptation under way."""

    def __init__(
        self,
        start: Start,
        learned: list[tuple[Utterance, ...]],
        judged: list[tuple[Utterance, ...]],
        *,
        checkpoint: Checkpoint,
        executor: ProcessPoolExecutor,
        folder: Path,
        progress: WorkDone,
    ) -> None:
        self._start = start
        self._base = self._start.base().model
        self._learned, self._judged = learned, judged
        self._checkpoint, self._executor, self._folder = checkpoint, executor, folder
        self._progress = progress
        self._saved_models = 0

    def run(self) -> Adaptation:
        decoded_before = self._decode("held-out", self._judged, None, 0, "decoding held-out audio")
        before = guard.figures(decoded_before)
        heard = self._without_noise_if_better(before)
        decoded = self._decode("round-1", self._learned, None, 0, f"decoding, round 1 of {ROUNDS}")
        rounds: list[SphinxRound] = []
        material = guard.judge_material(
            guard.figures(decoded), heard, less_noise=self._start.suppresses_noise
        )
        if not material.accepted:
            reason = f"The base model is kept: {material.reason}."
            return self._kept_base(reason, rounds, before, before, decoded)
        transform = best = self._base
        for number in range(1, ROUNDS + 1):
            if number > 1:
                model = self._save(best)
                decoded = self._decode(
                    f"round-{number}", self._learned, model, 1, f"decoding, round {number} of {ROUNDS}"
                )
            transform, best, statistics = self._estimate(number, decoded)
            found = guard.figures(decoded)
            per_frame = statistics.log_likelihood / max(statistics.frames, 1.0)
            rounds.append(
                SphinxRound(
                    number, found.mean_posterior, found.words, statistics.frames / 100, round(per_frame, 3)
                )
            )
        return self._judged_best(transform, best, rounds, decoded_before, decoded)

    def _without_noise_if_better(self, before: SphinxFigures) -> SphinxFigures:
        """Suppress noise from here on if that helps the base; return its figures as it goes on."""
        stage = "decoding held-out audio without its noise"
        if not guard.may_be_noisy(before):
            for utterances in self._judged:
                self._advance(utterances, _FIRST_DECODING, stage)
            return before
        as_it_is, self._start = self._start, dataclasses.replace(self._start, suppresses_noise=True)
        heard = guard.figures(self._decode("held-out-less-noise", self._judged, None, 0, stage))
        if guard.better_without_noise(before, heard):
            return heard
        self._start = as_it_is
        return before

    def _judged_best(
        self,
        transform: GaussianMixtureModel,
        best: GaussianMixtureModel,
        rounds: list[SphinxRound],
        decoded_before: list[DecodedShard],
        decoded: list[DecodedShard],
    ) -> Adaptation:
        models = {"adapted": best, "transform": transform}
        before, changed = guard.figures(decoded_before), 0

        def candidates() -> Iterator[tuple[str, SphinxFigures]]:
            nonlocal changed
            for stage, model in models.items():
                judged = self._decode(f"judge-{stage}", self._judged, self._save(model), 1, "judging")
                changed = _changed(decoded_before, judged)
                yield stage, guard.figures(judged)

        less_noise = self._start.suppresses_noise
        judge = functools.partial(guard.judge_model, less_noise=less_noise)
        choice = choose(before, candidates(), judge)
        result = self._kept_base(choice.reason, rounds, before, choice.after, decoded, changed=changed)
        if choice.stage == KEPT_BASE:
            return result
        arrays = shards.changed(self._base, models[choice.stage])
        reason = choice.reason
        if less_noise:
            arrays[NOISE_SUPPRESSION] = np.ones(1, np.float32)
            reason = f"{reason} Stationary noise is taken out of the audio."
        return dataclasses.replace(result, decision=choice.stage, reason=reason, files=_files(arrays))

    def _kept_base(
        self,
        reason: str,
        rounds: list[SphinxRound],
        before: SphinxFigures,
        after: SphinxFigures,
        decoded: list[DecodedShard],
        *,
        changed: int = 0,
    ) -> Adaptation:
        judged = [utterance for shard in self._judged for utterance in shard]
        return Adaptation(
            decision=KEPT_BASE,
            reason=reason,
            files={},
            rounds=tuple(rounds),
            held_out=HeldOut(len(judged), sum(each.duration_s for each in judged), before, after, changed),
            used_s=rounds[-1].used_s if rounds else 0.0,
            left_out=tuple(self._left_out(decoded)),
            transcribed_s=round(
                sum(float(shard.frames[shard.transcribed].sum()) for shard in decoded) / FRAMES_PER_S, 2
            ),
        )

    def _left_out(self, decoded: list[DecodedShard]) -> list[LeftOutAudio]:
        found = []
        for utterances, shard in zip(self._learned, decoded, strict=True):
            ends = np.cumsum(shard.frames)
            for utterance, end, frames, words in zip(
                utterances, ends, shard.frames, shard.words, strict=True
            ):
                confident = shard.confidences[end - frames : end] >= CONFIDENCE_THRESHOLD
                if words == 0:
                    reason = "no words were found"
                elif not (confident & (shard.senones[end - frames : end] >= 0)).any():
                    reason = "no word was certain enough"
                else:
                    continue
                found.append(
                    LeftOutAudio(
                        utterance.audio_name, utterance.member, utterance.start_s, utterance.end_s, reason
                    )
                )
        return found

    def _decode(
        self,
        name: str,
        pieces: list[tuple[Utterance, ...]],
        model: Path | None,
        stage_number: int,
        stage: str,
    ) -> list[DecodedShard]:
        """Decode every piece, in the order of the pieces; what a checkpoint holds is not decoded again."""
        decoded: list[DecodedShard | None] = [None] * len(pieces)
        waiting = {}
        cost = _LATER_DECODING if stage_number else _FIRST_DECODING
        for place, utterances in enumerate(pieces):
            arrays = self._checkpoint.load(f"{name}-{place:05d}")
            if arrays is not None:
                decoded[place] = DecodedShard.from_arrays(arrays)
                self._advance(utterances, cost, stage)
            else:
                future = self._executor.submit(shards.decode_shard, self._start, model, utterances)
                waiting[future] = place
        for future in as_completed(waiting):
            place = waiting[future]
            arrays = future.result()
            self._checkpoint.save(f"{name}-{place:05d}", arrays)
            decoded[place] = DecodedShard.from_arrays(arrays)
            self._advance(pieces[place], cost, stage)
        return [shard for shard in decoded if shard is not None]

    def _estimate(
        self, number: int, decoded: list[DecodedShard]
    ) -> tuple[GaussianMixtureModel, GaussianMixtureModel, Statistics]:
        """Return the transformed and the fully adapted model of a round, from the original one."""
        model, stage = self._base, f"estimating, round {number} of {ROUNDS}"
        for passage in range(TRANSFORM_PASSES):
            model = transformed(model, self._sum(f"sum-{number}-{passage}", model, decoded, stage))
        if self._start.suppresses_noise:
            spread = self._sum(f"sum-{number}-variances", model, decoded, stage)
            model = with_scaled_variances(model, spread)
        statistics = self._sum(f"sum-{number}-{TRANSFORM_PASSES}", model, decoded, stage)
        adapted = maximum_a_posteriori(model, statistics, tau=TAU)
        if self._start.language_model is not None:
            met = self._weigh(f"weigh-{number}", model, decoded, stage)
            adapted = with_mixture_weights(adapted, met, tau=MIXTURE_TAU)
        return model, adapted, statistics

    def _sum(
        self, name: str, model: GaussianMixtureModel, decoded: list[DecodedShard], stage: str
    ) -> Statistics:
        work = functools.partial(
            shards.sum_shard, self._start, self._save(model), threshold=CONFIDENCE_THRESHOLD
        )
        return self._added_up(name, Statistics.none(model), work, decoded, stage)

    def _weigh(
        self, name: str, model: GaussianMixtureModel, decoded: list[DecodedShard], stage: str
    ) -> SenoneOccupancy:
        work = functools.partial(shards.weigh_shard, self._start, self._save(model))
        return self._added_up(name, SenoneOccupancy.none(model), work, decoded, stage)

    def _added_up(
        self,
        name: str,
        total: _Sum,
        work: Callable[[Sequence[Utterance], Mapping[str, NDArray[Any]]], _Sum],
        decoded: list[DecodedShard],
        stage: str,
    ) -> _Sum:
        arrays = self._checkpoint.load(name)
        if arrays is not None:
            for utterances in self._learned:
                self._advance(utterances, _SUMMING, stage)
            return type(total).from_arrays(arrays)
        waiting = [
            self._executor.submit(work, utterances, shard.arrays())
            for utterances, shard in zip(self._learned, decoded, strict=True)
        ]
        for utterances, future in zip(self._learned, waiting, strict=True):  # in order: sums are reproducible
            total = total + future.result()
            self._advance(utterances, _SUMMING, stage)
        self._checkpoint.save(name, total.arrays())
        return total

    def _advance(self, utterances: tuple[Utterance, ...], cost: float, stage: str) -> None:
        self._progress.add(cost * sum(each.duration_s for each in utterances), stage)

    def _save(self, model: GaussianMixtureModel) -> Path | None:
        if model is self._base:
            return None
        self._saved_models += 1
        path = self._folder / f"model-{self._saved_models}.npz"
        shards.save_model(path, self._base, model)
        return path


def _files(arrays: Mapping[str, NDArray[Any]]) -> dict[str, bytes]:
    content = io.BytesIO()
    write_npz(content, arrays)
    return {ARRAYS_NAME: content.getvalue()}


def _changed(before: Sequence[DecodedShard], after: Sequence[DecodedShard]) -> int:
    """Return in how many utterances other words were found."""
    texts = ([text for shard in decoded for text in shard.texts] for decoded in (before, after))
    return sum(one != other for one, other in zip(*texts, strict=True))
