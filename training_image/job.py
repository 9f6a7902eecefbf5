"""One training job: plan, audio, utterances, adaptation, model."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chalicelib.engines.catalogue import base_model_of_version, base_version
from chalicelib.language.artefact import read_artefact
from chalicelib.language.sealed import ArchiveUnreadable
from training_image.adaptation import Adaptation, Assignment, ReportProgress
from training_image.adapters import adapter
from training_image.checkpoint import Checkpoint
from training_image.container import ranks
from training_image.container.configuration import allowed_time_s, check_hosts, read_configuration
from training_image.container.layout import Layout
from training_image.container.machine import Machine
from training_image.failures import JobFailed
from training_image.model_files import clear_model, write_model
from training_image.plan import TrainingPlan, parse_plan
from training_image.program import program_digest
from training_image.progress import Progress, published
from training_image.speech.held_out import split
from training_image.speech.preparation import prepare_all
from training_image.speech.recordings import PreparedAudio
from training_image.speech.utterances import Utterance

_TIME_CHECKPOINT = "job-time"
_TIME_INTERVAL_S = 10.0
_PREPARED_AT, _ADAPTED_AT = 0.05, 0.99
"""Shares of the job's time at which its parts end: adaptation is nearly everything."""
_FEWEST_UTTERANCES = 2
_REASONS_SHOWN = 3

_log = logging.getLogger(__name__)


def run_job(layout: Layout) -> None:
    """Do what the plan says and leave the model. What an interrupted run of the same job did is taken up.

    Raises:
        JobFailed: there is nothing to learn from, or the job is not one for this image.
        OSError: the disk is full or not writable.
    """
    if ranks.leads():
        layout.failure.unlink(missing_ok=True)
        clear_model(layout.model)
    machine = read_configuration(layout.config)
    allowed_s = allowed_time_s(layout.config)
    plan = _read_plan(layout)
    base = _base_of(plan)
    base_weights = _base_weights(layout, plan)
    chosen = adapter(plan.engine)
    check_hosts(machine, plan.engine, several=chosen.several_hosts)
    program = program_digest(chosen.libraries)
    checkpoint = Checkpoint(layout.checkpoints, f"{plan.fingerprint} {program}", writes=ranks.leads())
    checkpoint.clear_partial()
    spent = _TimeSpent(checkpoint)
    progress = Progress(layout.progress, floor=published(layout.progress) if spent.resumed else 0.0)
    if spent.resumed:
        _log.info("taking up an interrupted job at %.1f %%", progress.floor)

    def report(fraction: float, stage: str) -> None:
        if ranks.leads():
            progress.report(fraction, stage)
        spent.save(within_s=_TIME_INTERVAL_S)

    with _scratch(layout.scratch):
        prepared = prepare_all(
            plan,
            audio=layout.audio,
            scratch=layout.scratch,
            rate_hz=base.rate_hz,
            least_rate_hz=base.least_rate_hz,
            cores=machine.cores,
            report_progress=_part(report, 0.0, _PREPARED_AT),
        )
        _check_enough(prepared, len(plan.recordings))
        adaptation_set, held_out = split(prepared.utterances)
        _log.info(
            "%.0f s of audio, %.0f s of speech: %d utterances to learn from, %d held out",
            prepared.audio_s,
            prepared.speech_s,
            len(adaptation_set),
            len(held_out),
        )
        assignment = Assignment(
            adaptation_set,
            held_out,
            base_version=plan.base_version,
            machine=machine,
            checkpoint=checkpoint,
            report_progress=_part(report, _PREPARED_AT, _ADAPTED_AT),
            language_model=_helper(layout, plan),
            base_weights=base_weights,
            language=base.language,
            seconds_left=lambda: allowed_s - spent.total_s(),
        )
        adaptation = chosen.adapt(assignment)
    if not ranks.leads():
        return
    report(_ADAPTED_AT, "writing the model")
    write_model(
        layout.model,
        adaptation.files,
        engine=plan.engine,
        base_version=plan.base_version,
        report=_report(plan, prepared, held_out, adaptation, training_s=spent.total_s(), machine=machine),
    )
    report(1.0, "done")
    _log.info("done: %s (%s)", adaptation.decision, adaptation.reason)


def processes_wanted(layout: Layout) -> list[str] | None:
    """Return the command that runs the job in several processes; None where one is enough.

    Raises:
        JobFailed: the job is not one for this image.
    """
    machine = read_configuration(layout.config)
    if ranks.wanted(machine) * len(machine.hosts) == 1:
        return None
    chosen = adapter(_read_plan(layout).engine)
    if not chosen.several_hosts:
        return None
    os.environ.update(ranks.interfaces(machine))
    return ranks.command(machine, layout.root)


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[None]:
    """Have an empty folder, also for temporary files of this process and its children, and remove it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = None
        del os.environ["TMPDIR"]
        shutil.rmtree(folder, ignore_errors=True)


class _TimeSpent:
    """Seconds that all runs of this job have worked."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        saved = checkpoint.load(_TIME_CHECKPOINT)
        self.resumed = saved is not None
        self._before_s = 0.0 if saved is None else float(saved["seconds"])
        self._started_at_s = self._saved_at_s = time.monotonic()
        self.save()

    def total_s(self) -> float:
        return self._before_s + time.monotonic() - self._started_at_s

    def save(self, *, within_s: float = 0.0) -> None:
        """Save unless that was done within the last `within_s` seconds."""
        now_s = time.monotonic()
        if not within_s or now_s - self._saved_at_s >= within_s:
            self._saved_at_s = now_s
            self._checkpoint.save(_TIME_CHECKPOINT, {"seconds": np.array(self.total_s())})


def _read_plan(layout: Layout) -> TrainingPlan:
    try:
        return parse_plan(layout.plan.read_bytes())
    except FileNotFoundError:
        raise JobFailed(
            "The training job has no plan. Train again; if it fails again, tell the operator."
        ) from None


def _helper(layout: Layout, plan: TrainingPlan) -> Path | None:
    if plan.language_model is None:
        return None
    path = layout.language / plan.language_model
    try:
        made_for = read_artefact(path).base_versions
    except ArchiveUnreadable as error:
        raise JobFailed(f"The helper language model cannot be read ({error}). Train it again.") from None
    if plan.base_version not in made_for:
        raise JobFailed(
            f"The helper language model was trained for {made_for[0]}, the acoustic model is based on "
            f"{plan.base_version}. Upgrade the one that is older, and train it again."
        )
    return path


def _base_weights(layout: Layout, plan: TrainingPlan) -> Path | None:
    if plan.base_weights is None:
        return None
    if not any(path.is_file() for path in layout.base.rglob("*")):
        raise JobFailed(
            f"The weights of the base model {plan.base_version!r} have not arrived from "
            f"{plan.base_weights!r}. Tell the operator to add that base model again."
        )
    return layout.base


@dataclass(frozen=True)
class _Base:
    """What a job must know of a base version."""

    rate_hz: int
    least_rate_hz: int
    language: str | None


def _base_of(plan: TrainingPlan) -> _Base:
    """Return what the plan says of a staged base, and what the catalogue says of all others."""
    if plan.base_weights is not None and plan.rate_hz is not None:
        return _Base(plan.rate_hz, plan.least_rate_hz or plan.rate_hz, plan.language)
    try:
        base = base_version(plan.base_version)
        least_rate_hz = base_model_of_version(plan.base_version).least_rate_hz
    except KeyError:
        raise JobFailed(
            f"This training image has no base model {plan.base_version!r}. Upgrade the custom model, or have "
            "the operator deploy the image made for this service."
        ) from None
    if base.engine != plan.engine:
        raise JobFailed(
            f"The base model {plan.base_version!r} is one of the engine {base.engine!r}, not of "
            f"{plan.engine!r}. Train again; if it fails again, tell the operator."
        )
    return _Base(base.rate_hz, least_rate_hz, base.language)


def _check_enough(prepared: PreparedAudio, recordings: int) -> None:
    if len(prepared.utterances) >= _FEWEST_UTTERANCES:
        return
    found = f"{prepared.speech_s:.0f} s of speech" if prepared.utterances else "no speech"
    reasons = [
        f"{entry.audio_name}{f' ({entry.member})' if entry.member else ''}: {entry.reason}"
        for entry in prepared.left_out[:_REASONS_SHOWN]
    ]
    more = len(prepared.left_out) - len(reasons)
    raise JobFailed(
        f"There is too little to learn from: {found} in {prepared.audio_s / 60:.1f} minutes of audio from "
        f"{recordings} audio resource{'s' if recordings != 1 else ''}. Add recordings in which people speak."
        + (f" Left out: {'; '.join(reasons)}{f'; and {more} more' if more else ''}." if reasons else "")
    )


def _report(
    plan: TrainingPlan,
    prepared: PreparedAudio,
    held_out: Sequence[Utterance],
    adaptation: Adaptation,
    *,
    training_s: float,
    machine: Machine,
) -> dict[str, Any]:
    return {
        "decision": adaptation.decision,
        "reason": adaptation.reason,
        "base_version": plan.base_version,
        "audio_s": prepared.audio_s,
        "speech_s": prepared.speech_s,
        "used_s": adaptation.used_s,
        "transcribed_s": adaptation.transcribed_s,
        "language_model": plan.language_model,
        "left_out": [*prepared.left_out, *adaptation.left_out],
        "rounds": adaptation.rounds,
        "held_out": adaptation.held_out,
        "held_out_utterances": [
            {name: getattr(one, name) for name in ("audio_name", "member", "start_s", "end_s")}
            for one in held_out
        ],
        "alpha": adaptation.alpha,
        "candidates": adaptation.candidates,
        "ordinary_speech": adaptation.ordinary,
        "training_s": training_s,
        "cores": machine.cores,
        "gpus": machine.gpus,
    }


def _part(report: ReportProgress, start: float, end: float) -> ReportProgress:
    return lambda fraction, stage: report(start + (end - start) * min(max(fraction, 0.0), 1.0), stage)
