"""When a model trains by itself, and who looks after that."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.customization import acoustic_models, runs
from chalicelib.customization.acoustic import acoustic_training, audio_resources, retraining
from chalicelib.customization.acoustic.audio_resources import AudioAnalysis
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
        AudioAnalysis(valid=valid, details_type="audio", duration_s=60 * minutes),
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
    assert (retraining.due(fresh(row)) is not None) == due


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


def created(row: AcousticModel, name: str) -> datetime:
    moment: datetime = audio_resources.get(fresh(row), name).created
    return moment


def test_the_newest_upload_says_when(account: None) -> None:
    row, quiet = model(5), timedelta(seconds=90)
    add(row, "a", 12)
    assert retraining.due(fresh(row), quiet) == created(row, "a") + quiet
    add(row, "b", 1)
    assert retraining.due(fresh(row), quiet) == created(row, "b") + quiet
    add(row, "c", 1, valid=False)
    assert retraining.due(fresh(row), quiet) == created(row, "c") + quiet, "invalid audio is followed by more"


def test_one_message_is_under_way_however_many_uploads_come(account: None) -> None:
    row = model(5)
    now, later = datetime(2026, 1, 31, 12, tzinfo=UTC), timedelta(seconds=60)
    assert retraining.look_again(fresh(row), now + later, now, longest_s=900) == (60, now.timestamp() + 60)
    second = now + timedelta(seconds=10)
    assert retraining.look_again(fresh(row), second + later, second, longest_s=900) is None
    # It arrives, too early by now, and is sent again; its second delivery finds that done.
    arrived, look = now + later, int(now.timestamp()) + 60
    again = retraining.look_again(fresh(row), second + later, arrived, longest_s=900, last_look=look)
    assert again == (10, look + 10)
    assert (
        retraining.look_again(fresh(row), second + later, arrived, longest_s=900, last_look=look) is None
    ), "a message that is delivered twice does not become two"
    lost = arrived + timedelta(seconds=11)
    assert retraining.look_again(fresh(row), lost + later, lost, longest_s=900) is not None, "one was lost"


def test_of_two_who_look_at_once_one_sends(account: None) -> None:
    row = model(5)
    now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    first, second = fresh(row), fresh(row)
    assert retraining.look_again(first, now + timedelta(seconds=9), now, longest_s=900) is not None
    assert retraining.look_again(second, now + timedelta(seconds=9), now, longest_s=900) is None
    acoustic_models.delete(row.owner, row.customization_id)
    assert retraining.look_again(first, now + timedelta(hours=9), now, longest_s=900) is None
    assert acoustic_models.find(row.owner, row.customization_id) is None


@settings(max_examples=15)
@given(wait_s=st.floats(0.001, 20_000), skew_s=st.integers(-5, 5))
def test_the_chain_of_messages_ends_at_the_right_moment(account: None, wait_s: float, skew_s: int) -> None:
    """Each is held back for no longer than a queue can, by clocks that differ, and the last is not too early."""
    row = model(5)
    begun = now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    at, look, messages = begun + timedelta(seconds=wait_s), None, 0
    while now < at:
        sent = retraining.look_again(fresh(row), at, now, longest_s=900, last_look=look)
        assert sent is not None
        delay_s, look = sent
        assert 1 <= delay_s <= 900
        now += timedelta(seconds=delay_s)
        if messages == 0:
            now += timedelta(seconds=skew_s)
        messages += 1
    assert messages <= wait_s / 900 + 7
    assert now <= at + timedelta(seconds=7)
