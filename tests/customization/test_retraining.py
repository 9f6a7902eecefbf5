"""When a model trains by itself."""

from __future__ import annotations

import uuid

import pytest

from chalicelib.customization import acoustic_models, acoustic_training, audio_resources, retraining, runs
from chalicelib.customization.audio_resources import Analysis
from chalicelib.storage.tables import AcousticModel


def model(retrain_after_minutes: float | None) -> AcousticModel:
    return acoustic_models.create(
        str(uuid.uuid4()),
        name="m",
        base_model_name="en-US_BroadbandModel",
        retrain_after_minutes=retrain_after_minutes,
    )


def fresh(row: AcousticModel) -> AcousticModel:
    return acoustic_models.get(row.owner, row.customization_id)


def add(row: AcousticModel, name: str, minutes: float, *, valid: bool = True) -> None:
    accepted = audio_resources.accept(
        fresh(row), name, kind="audio", content_type=None, size_bytes=1, allow_overwrite=True
    )
    assert not retraining.due(fresh(row)), "not while audio is being analysed"
    audio_resources.analysis_finished(
        row.owner,
        row.customization_id,
        accepted.row.audio_id,
        accepted.row.upload_id,
        Analysis(valid=valid, details_type="audio", duration_s=60 * minutes),
    )


def test_never_unless_wished(account: None) -> None:
    row = model(None)
    add(row, "a", 60)
    assert not retraining.due(fresh(row))


@pytest.mark.parametrize(
    ("threshold", "minutes", "due"),
    [(5, [9.9], False), (5, [6, 4], True), (30, [29.9], False), (30, [20, 10], True), (30, [12001], False)],
)
def test_with_enough_new_audio(account: None, threshold: float, minutes: list[float], due: bool) -> None:
    row = model(threshold)
    for number, length in enumerate(minutes):
        add(row, f"audio {number}", length)
    assert retraining.due(fresh(row)) == due


def test_only_what_came_after_the_last_training_counts(account: None) -> None:
    row = model(10)
    add(row, "a", 15)
    claim = acoustic_training.begin_training(row.owner, row.customization_id)
    assert not retraining.due(fresh(row)), "not while it trains"
    acoustic_training.training_succeeded(row.owner, row.customization_id, int(claim.model.run), sha256="0")
    assert not retraining.due(fresh(row))
    add(row, "b", 6)
    assert not retraining.due(fresh(row))
    add(row, "c", 60, valid=False)
    assert not retraining.due(fresh(row)), "invalid audio does not count"
    add(row, "d", 4)
    assert retraining.due(fresh(row))


def test_a_training_that_failed_is_not_tried_again_on_the_same_audio(account: None) -> None:
    row = model(10)
    add(row, "a", 15)
    claim = acoustic_training.begin_training(row.owner, row.customization_id)
    runs.failed(AcousticModel, row.owner, row.customization_id, int(claim.model.run), "no reason")
    assert not retraining.due(fresh(row))
    add(row, "b", 1)
    assert not retraining.due(fresh(row))
