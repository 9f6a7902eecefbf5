"""The states of a custom acoustic model: random histories, checked step by step against the contract's table."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from chalicelib.customization import acoustic_models, errors, runs
from chalicelib.customization.acoustic import acoustic_training, audio_resources, kept_versions
from chalicelib.customization.acoustic.audio_resources import AudioAnalysis
from chalicelib.customization.statuses import busy
from chalicelib.storage.tables import AcousticModel

OLD, NEW = "en-US_BroadbandModel.v2018-07-31", "en-US_BroadbandModel.v2026-11-30"
NAMES = ["a", "b"]
EITHER = [False, True]
RUNS_BACK = [0, 0, 0, 1]
IDLE = {"pending", "ready", "available", "failed"}
RUNNING = {"training", "upgrading"}

Draw = Callable[[Sequence[Any]], Any]


@dataclass
class Resource:
    upload_id: str
    status: str = "being_processed"
    duration_s: float = 0


@dataclass
class Expected:
    """The contract's table, said once more and more simply, by one caller at a time."""

    status: str = "pending"
    former: str = ""
    audio: dict[str, Resource] = field(default_factory=dict)
    versions: list[str] = field(default_factory=lambda: [OLD])
    run: int = 0
    serving: int | None = None
    data: int = 0
    """Counts up whenever the audio changes."""
    kept: dict[int, tuple[int, str]] = field(default_factory=dict)
    """What each version was trained on: `data`, and the base version."""
    progress: float = 0

    @property
    def analysing(self) -> set[str]:
        return {one.upload_id for one in self.audio.values() if one.status == "being_processed"}

    @property
    def busy(self) -> bool:
        return self.status in RUNNING or bool(self.analysing)

    @property
    def valid(self) -> list[Resource]:
        return [one for one in self.audio.values() if one.status == "ok"]

    @property
    def trained_already(self) -> bool:
        return self.serving is not None and self.kept[self.serving] == (self.data, self.versions[-1])

    def settle(self) -> None:
        self.data += 1
        self.status = "ready" if self.valid and not self.analysing else "pending"


class History:
    """A model, and what it is expected to be; each step does the same to both."""

    def __init__(self) -> None:
        self.owner = str(uuid.uuid4())
        model = acoustic_models.create(
            self.owner, name="m", base_model_name="en-US_BroadbandModel", base_model_version=OLD
        )
        self.id = model.customization_id
        self.expected = Expected()
        self.uploads: list[tuple[str, str]] = []

    def add_audio(self, draw: Draw) -> None:
        self._add(draw(NAMES), draw(EITHER), stored=True)

    def fail_to_store_audio(self, draw: Draw) -> None:
        self._add(draw(NAMES), draw(EITHER), stored=False)

    def _add(self, name: str, overwrite: bool, *, stored: bool) -> None:
        model = acoustic_models.get(self.owner, self.id)
        there = self.expected.audio.get(name)

        def accept() -> audio_resources.Accepted:
            return audio_resources.accept(
                model, name, kind="audio", content_type="audio/wav", size_bytes=1, allow_overwrite=overwrite
            )

        if self.expected.status not in IDLE:
            with pytest.raises(errors.ModelBusy):
                accept()
        elif there is not None and there.status == "being_processed":
            with pytest.raises(errors.ResourceBusy):
                accept()
        elif there is not None and not overwrite:
            with pytest.raises(errors.ResourceExists):
                accept()
        else:
            accepted = accept()
            self.uploads.append((accepted.row.audio_id, accepted.row.upload_id))
            if stored:
                audio_resources.stored(accepted)
                self.expected.audio[name] = Resource(accepted.row.upload_id)
                self.expected.status = "pending"
                self.expected.data += 1
            else:
                audio_resources.withdraw(accepted)
                self.expected.settle()

    def end_an_analysis(self, draw: Draw) -> None:
        """Of any upload there ever was: late and repeated events are among them."""
        if self.uploads:
            upload = draw(self.uploads)
            self._end_analysis(upload[0], upload[1], draw(EITHER), draw([700.0, 10.0]))

    def end_all_analyses(self, draw: Draw) -> None:
        for audio_id, upload_id in self.uploads:
            self._end_analysis(audio_id, upload_id, True, 700.0)

    def _end_analysis(self, audio_id: str, upload_id: str, valid: bool, duration_s: float) -> None:
        analysis = AudioAnalysis(valid=valid, details_type="audio", duration_s=duration_s)
        changed = audio_resources.analysis_finished(self.owner, self.id, audio_id, upload_id, analysis)
        assert changed == (upload_id in self.expected.analysing)
        if changed:
            (resource,) = (one for one in self.expected.audio.values() if one.upload_id == upload_id)
            resource.status, resource.duration_s = ("ok" if valid else "invalid"), duration_s
            self.expected.settle()

    def remove_audio(self, draw: Draw) -> None:
        name = draw(NAMES)
        model = acoustic_models.get(self.owner, self.id)
        if self.expected.status not in IDLE:
            with pytest.raises(errors.ModelBusy):
                audio_resources.remove(model, name)
        elif name not in self.expected.audio:
            with pytest.raises(errors.UnknownResource):
                audio_resources.remove(model, name)
        else:
            audio_resources.remove(model, name)
            del self.expected.audio[name]
            self.expected.settle()

    def train(self, draw: Draw) -> None:
        expected, strict = self.expected, draw(EITHER)
        invalid = len(expected.audio) - len(expected.valid)
        enough = sum(one.duration_s for one in expected.valid) >= 600
        if expected.busy:
            with pytest.raises(errors.ModelBusy):
                acoustic_training.begin_training(self.owner, self.id, strict=strict)
        elif not enough or (strict and invalid):
            with pytest.raises(errors.TrainingRefused):
                acoustic_training.begin_training(self.owner, self.id, strict=strict)
            expected.status = "failed"
        elif expected.status == "available" and expected.trained_already:
            with pytest.raises(errors.NothingModified):
                acoustic_training.begin_training(self.owner, self.id, strict=strict)
        else:
            claim = acoustic_training.begin_training(self.owner, self.id, strict=strict)
            expected.former, expected.status = expected.status, "training"
            expected.run, expected.progress = expected.run + 1, 0
            assert claim.model.run == expected.run
            assert claim.model.run_base_version == expected.versions[-1]
            assert {one.upload_id for one in claim.recordings} == {one.upload_id for one in expected.valid}
            assert len(claim.left_out) == invalid

    def upgrade(self, draw: Draw) -> None:
        expected = self.expected
        if expected.busy:
            with pytest.raises(errors.ModelBusy):
                acoustic_training.begin_upgrade(self.owner, self.id)
        elif NEW in expected.versions or not expected.audio or expected.status not in ("ready", "available"):
            with pytest.raises(errors.UpgradeRefused):
                acoustic_training.begin_upgrade(self.owner, self.id)
        elif expected.serving is None:
            assert acoustic_training.begin_upgrade(self.owner, self.id) is None
            expected.versions.append(NEW)
        else:
            claim = acoustic_training.begin_upgrade(self.owner, self.id)
            assert claim is not None
            assert claim.model.run_base_version == NEW
            expected.former, expected.status = expected.status, "upgrading"
            expected.run, expected.progress = expected.run + 1, 0

    def _is_current(self, run: int) -> bool:
        return run == self.expected.run and self.expected.status in RUNNING

    def progress(self, draw: Draw) -> None:
        run, percent = self.expected.run - draw(RUNS_BACK), draw([10.0, 40.0, 70.0])
        forward = self._is_current(run) and percent >= self.expected.progress
        changed = runs.progressed(AcousticModel, self.owner, self.id, run, progress=percent, stage="x")
        assert changed == forward
        if forward:
            self.expected.progress = percent
            assert acoustic_models.get(self.owner, self.id).progress == percent

    def succeed(self, draw: Draw) -> None:
        expected, run = self.expected, self.expected.run - draw(RUNS_BACK)
        current = self._is_current(run)
        changed = acoustic_training.training_succeeded(
            self.owner, self.id, run, sha256="0" * 64, most_versions=100
        )
        assert changed == current
        if not current:
            return
        if expected.status == "upgrading":
            expected.versions.append(NEW)
            expected.status = expected.former
        else:
            expected.status = "available"
        expected.serving = run
        expected.kept[run] = (expected.data, expected.versions[-1])

    def choose_a_version(self, draw: Draw) -> None:
        expected = self.expected
        version = draw([*expected.kept, 99])
        if version not in expected.kept:
            with pytest.raises(errors.UnknownKeptVersion):
                kept_versions.choose(self.owner, self.id, version)
        elif expected.status in RUNNING and version != expected.serving:
            with pytest.raises(errors.ModelBusy):
                kept_versions.choose(self.owner, self.id, version)
        else:
            kept_versions.choose(self.owner, self.id, version)
            expected.serving = version

    def remove_a_version(self, draw: Draw) -> None:
        version = draw([*self.expected.kept, 99])
        if version not in self.expected.kept or version == self.expected.serving:
            with pytest.raises((errors.UnknownKeptVersion, errors.CurrentVersion)):
                kept_versions.remove(self.owner, self.id, version, in_use=lambda _: False)
        else:
            kept_versions.remove(self.owner, self.id, version, in_use=lambda _: False)
            del self.expected.kept[version]

    def fail(self, draw: Draw) -> None:
        run = self.expected.run - draw(RUNS_BACK)
        current = self._is_current(run)
        assert runs.failed(AcousticModel, self.owner, self.id, run, "no reason") == current
        if current:
            upgrading = self.expected.status == "upgrading"
            self.expected.status = self.expected.former if upgrading else "failed"

    def stop(self, draw: Draw) -> None:
        if self.expected.status in RUNNING:
            assert runs.request_cancel(AcousticModel, self.owner, self.id).cancel_requested
        else:
            with pytest.raises(errors.NotTraining):
                runs.request_cancel(AcousticModel, self.owner, self.id)
        run = self.expected.run - draw(RUNS_BACK)
        current = self._is_current(run)
        assert runs.cancelled(AcousticModel, self.owner, self.id, run) == current
        if current:
            self.expected.status = self.expected.former

    def reset(self, draw: Draw) -> None:
        if self.expected.busy:
            with pytest.raises(errors.ModelBusy):
                acoustic_models.reset(self.owner, self.id)
        else:
            acoustic_models.reset(self.owner, self.id)
            self.expected.status, self.expected.audio = "pending", {}
            self.expected.serving, self.expected.kept = None, {}
            self.expected.data += 1

    def delete_while_busy(self, draw: Draw) -> None:
        if self.expected.busy:
            with pytest.raises(errors.ModelBusy):
                acoustic_models.delete(self.owner, self.id)

    def check(self) -> None:
        model, expected = acoustic_models.get(self.owner, self.id), self.expected
        assert model.status == expected.status
        assert (model.analysing or set()) == expected.analysing
        assert busy(model) == expected.busy
        assert model.promoted_run == expected.serving
        assert list(model.versions) == expected.versions
        assert list(model.kept_versions) == list(expected.kept)
        assert {run for run, _ in model.artefacts.values()} <= set(expected.kept)
        assert next(iter(model.artefacts.values()), (None,))[0] == expected.serving
        assert model.updated >= model.created
        assert {audio.audio_name: audio.status for audio in audio_resources.of_model(model)} == {
            name: one.status for name, one in expected.audio.items()
        }
        assert (model.status == "failed") <= bool(model.error)


Step = Callable[[History, Draw], None]
STEPS: list[Step] = [
    History.add_audio,
    History.fail_to_store_audio,
    History.end_an_analysis,
    History.end_all_analyses,
    History.remove_audio,
    History.train,
    History.upgrade,
    History.progress,
    History.succeed,
    History.fail,
    History.stop,
    History.choose_a_version,
    History.remove_a_version,
    History.reset,
    History.delete_while_busy,
]


def _onward(expected: Expected) -> list[Step]:
    """Return the steps that lead a model on; drawn from all, few histories would come to a training."""
    if expected.status in RUNNING:
        return [History.progress, History.succeed, History.succeed, History.fail, History.stop]
    if expected.analysing:
        return [History.end_all_analyses, History.end_all_analyses, History.end_an_analysis]
    if expected.status in ("ready", "available"):
        return [
            History.train,
            History.train,
            History.upgrade,
            History.add_audio,
            History.choose_a_version,
            History.remove_a_version,
        ]
    return [History.add_audio, History.train] if expected.valid else [History.add_audio]


@pytest.mark.slow
# Hypothesis chooses the seeds; drawn by itself, it would try short and uneventful histories.
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_every_history_follows_the_table(account: None, seed: int) -> None:
    chance = random.Random(seed)
    history = History()
    for _ in range(60):
        steps = STEPS if chance.random() < 0.4 else _onward(history.expected)
        step = chance.choice(steps)
        note(step.__name__)
        step(history, chance.choice)
        history.check()
