"""The states of a custom acoustic model: random histories, checked step by step against the contract's table."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chalicelib.customization import acoustic_models, acoustic_training, audio_resources, errors
from chalicelib.customization.acoustic_statuses import busy
from chalicelib.customization.audio_resources import Analysis

OLD, NEW = "en-US_BroadbandModel.v2018-07-31", "en-US_BroadbandModel.v2020-01-16"
NAMES = st.sampled_from(["a", "b", "c"])
IDLE = {"pending", "ready", "available", "failed"}


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
    changed: bool = True
    progress: float = 0

    @property
    def analysing(self) -> set[str]:
        return {one.upload_id for one in self.audio.values() if one.status == "being_processed"}

    @property
    def busy(self) -> bool:
        return self.status in ("training", "upgrading") or bool(self.analysing)

    @property
    def valid(self) -> list[Resource]:
        return [one for one in self.audio.values() if one.status == "ok"]

    def settle(self) -> None:
        self.changed = True
        self.status = "ready" if self.valid and not self.analysing else "pending"


class Histories(RuleBasedStateMachine):
    @initialize()
    def create(self) -> None:
        self.owner = str(uuid.uuid4())
        model = acoustic_models.create(
            self.owner, name="m", base_model_name="en-US_BroadbandModel", base_model_version=OLD
        )
        self.id = model.customization_id
        self.expected = Expected()
        self.uploads: list[tuple[str, str]] = []

    @rule(name=NAMES, overwrite=st.booleans())
    def add_audio(self, name: str, overwrite: bool) -> None:
        model = acoustic_models.get(self.owner, self.id)
        there = self.expected.audio.get(name)

        def accept() -> audio_resources.Accepted:
            return audio_resources.accept(
                model, name, kind="audio", content_type="audio/wav", size_bytes=1, allow_overwrite=overwrite
            )

        if self.expected.status not in IDLE:
            with pytest.raises(errors.Busy):
                accept()
        elif there is not None and there.status == "being_processed":
            with pytest.raises(errors.AudioBusy):
                accept()
        elif there is not None and not overwrite:
            with pytest.raises(errors.AudioExists):
                accept()
        else:
            accepted = accept()
            audio_resources.stored(accepted)
            self.uploads.append((accepted.audio.audio_id, accepted.audio.upload_id))
            self.expected.audio[name] = Resource(accepted.audio.upload_id)
            self.expected.status, self.expected.changed = "pending", True

    @rule(name=NAMES, keep=st.booleans())
    def fail_to_store_audio(self, name: str, keep: bool) -> None:
        model = acoustic_models.get(self.owner, self.id)
        with suppress(errors.CustomizationError):
            accepted = audio_resources.accept(
                model, name, kind="audio", content_type="audio/wav", size_bytes=1, allow_overwrite=keep
            )
            audio_resources.withdraw(accepted)
            self.expected.settle()

    @precondition(lambda self: self.uploads)
    @rule(data=st.data(), valid=st.booleans(), duration_s=st.sampled_from([10.0, 700.0]))
    def end_an_analysis(self, data: st.DataObject, valid: bool, duration_s: float) -> None:
        """Of any upload there ever was: late and repeated events are among them."""
        audio_id, upload_id = data.draw(st.sampled_from(self.uploads))
        analysis = Analysis(valid=valid, details_type="audio", duration_s=duration_s)
        changed = audio_resources.analysis_finished(self.owner, self.id, audio_id, upload_id, analysis)
        assert changed == (upload_id in self.expected.analysing)
        if changed:
            (resource,) = (one for one in self.expected.audio.values() if one.upload_id == upload_id)
            resource.status, resource.duration_s = ("ok" if valid else "invalid"), duration_s
            self.expected.settle()

    @rule(name=NAMES)
    def remove_audio(self, name: str) -> None:
        model = acoustic_models.get(self.owner, self.id)
        if self.expected.status not in IDLE:
            with pytest.raises(errors.Busy):
                audio_resources.remove(model, name)
        elif name not in self.expected.audio:
            with pytest.raises(errors.UnknownAudio):
                audio_resources.remove(model, name)
        else:
            audio_resources.remove(model, name)
            del self.expected.audio[name]
            self.expected.settle()

    @rule(strict=st.booleans())
    def train(self, strict: bool) -> None:
        expected = self.expected
        invalid = len(expected.audio) - len(expected.valid)
        enough = sum(one.duration_s for one in expected.valid) >= 600
        if expected.busy:
            with pytest.raises(errors.Busy):
                acoustic_training.begin_training(self.owner, self.id, strict=strict)
        elif not enough or (strict and invalid):
            with pytest.raises(errors.TrainingRefused):
                acoustic_training.begin_training(self.owner, self.id, strict=strict)
            expected.status = "failed"
        elif expected.status == "available" and not expected.changed:
            with pytest.raises(errors.NothingModified):
                acoustic_training.begin_training(self.owner, self.id, strict=strict)
        else:
            claim = acoustic_training.begin_training(self.owner, self.id, strict=strict)
            expected.former, expected.status = expected.status, "training"
            expected.run, expected.progress = expected.run + 1, 0
            assert claim.model.run == expected.run
            assert claim.model.run_base_version == expected.versions[-1]
            assert {one.upload_id for one in claim.recordings} == {one.upload_id for one in expected.valid}

    @rule()
    def upgrade(self) -> None:
        expected = self.expected
        if expected.busy:
            with pytest.raises(errors.Busy):
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

    def _current(self, run: int) -> bool:
        return run == self.expected.run and self.expected.status in ("training", "upgrading")

    @precondition(lambda self: self.expected.run)
    @rule(run_back=st.sampled_from([0, 0, 0, 1]), progress=st.floats(0, 100))
    def progress(self, run_back: int, progress: float) -> None:
        run = self.expected.run - run_back
        forward = self._current(run) and progress >= self.expected.progress
        assert (
            acoustic_training.training_progressed(self.owner, self.id, run, progress=progress, stage="x")
            == forward
        )
        if forward:
            self.expected.progress = progress

    @precondition(lambda self: self.expected.run)
    @rule(
        run_back=st.sampled_from([0, 0, 0, 1]), outcome=st.sampled_from(["succeeded", "failed", "cancelled"])
    )
    def end_a_run(self, run_back: int, outcome: str) -> None:
        """Of this run or the one before: announcements come late and twice."""
        expected, run = self.expected, self.expected.run - run_back
        current = self._current(run)
        match outcome:
            case "succeeded":
                changed = acoustic_training.training_succeeded(self.owner, self.id, run, sha256="0" * 64)
            case "failed":
                changed = acoustic_training.training_failed(self.owner, self.id, run, "no reason")
            case _:
                changed = acoustic_training.training_cancelled(self.owner, self.id, run)
        assert changed == current
        if not current:
            return
        upgrading = expected.status == "upgrading"
        if outcome == "succeeded":
            expected.serving = run
            if upgrading:
                expected.versions.append(NEW)
            expected.changed = False
        if outcome == "succeeded" and not upgrading:
            expected.status = "available"
        elif outcome == "failed" and not upgrading:
            expected.status = "failed"
        else:
            expected.status = expected.former

    @rule()
    def cancel(self) -> None:
        if self.expected.status in ("training", "upgrading"):
            assert acoustic_training.request_cancel(self.owner, self.id).cancel_requested
        else:
            with pytest.raises(errors.NotTraining):
                acoustic_training.request_cancel(self.owner, self.id)

    @rule()
    def reset(self) -> None:
        if self.expected.busy:
            with pytest.raises(errors.Busy):
                acoustic_models.reset(self.owner, self.id)
        else:
            acoustic_models.reset(self.owner, self.id)
            self.expected.status, self.expected.audio = "pending", {}
            self.expected.serving, self.expected.changed = None, True

    @rule()
    def delete_if_busy(self) -> None:
        if self.expected.busy:
            with pytest.raises(errors.Busy):
                acoustic_models.delete(self.owner, self.id)

    @invariant()
    def is_as_expected(self) -> None:
        if not hasattr(self, "expected"):
            return
        model, expected = acoustic_models.get(self.owner, self.id), self.expected
        assert model.status == expected.status
        assert (model.analysing or set()) == expected.analysing
        assert busy(model) == expected.busy
        assert model.promoted_run == expected.serving
        assert list(model.versions) == expected.versions
        assert model.updated >= model.created
        assert {audio.audio_name: audio.status for audio in audio_resources.of_model(model)} == {
            name: one.status for name, one in expected.audio.items()
        }
        assert (model.status == "failed") <= bool(model.error)


@pytest.fixture
def store(aws: None) -> Iterator[None]:
    yield


def test_every_history_follows_the_table(store: None) -> None:
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
