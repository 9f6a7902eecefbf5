"""Simultaneous calls: of those that exclude each other one wins, and no change of the others is lost."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from moto.core.botocore_stubber import BotocoreStubber

from chalicelib.customization import acoustic_models, errors, uploads
from chalicelib.customization.acoustic import acoustic_training, audio_resources
from chalicelib.customization.acoustic.audio_resources import Accepted, AudioAnalysis
from chalicelib.storage.tables import AcousticModel

CALLERS = 50
GOOD = AudioAnalysis(valid=True, details_type="audio", duration_s=700.0)
BAD = AudioAnalysis(valid=False, details_type="undetermined", error="no audio")


@pytest.fixture
def atomic(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let moto handle one request at a time, for its writes are not atomic as DynamoDB's are."""
    lock = threading.Lock()
    handle = BotocoreStubber.__call__

    def one_at_a_time(self: BotocoreStubber, *arguments: Any, **options: Any) -> Any:
        with lock:
            return handle(self, *arguments, **options)

    monkeypatch.setattr(BotocoreStubber, "__call__", one_at_a_time)
    yield


@pytest.fixture
def model(atomic: None) -> AcousticModel:
    return acoustic_models.create(str(uuid.uuid4()), name="m", base_model_name="en-US_BroadbandModel")


def fresh(model: AcousticModel) -> AcousticModel:
    return acoustic_models.get(model.owner, model.customization_id)


def together(calls: list[Callable[[], Any]]) -> list[Any]:
    """Make all calls at once; returns their values or exceptions."""
    ready = threading.Barrier(len(calls))

    def attempt(call: Callable[[], Any]) -> Any:
        ready.wait()
        try:
            return call()
        except errors.CustomizationError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(attempt, calls))


def accept(model: AcousticModel, name: str, *, overwrite: bool = False) -> Accepted:
    return audio_resources.accept(
        model, name, kind="audio", content_type="audio/wav", size_bytes=1, allow_overwrite=overwrite
    )


def finish(accepted: Accepted, analysis: AudioAnalysis = GOOD) -> bool:
    audio = accepted.row
    return audio_resources.analysis_finished(
        audio.owner, audio.customization_id, audio.audio_id, audio.upload_id, analysis
    )


def test_of_fifty_trains_one_starts(model: AcousticModel) -> None:
    finish(accept(model, "a"))
    outcomes = together(
        [lambda: acoustic_training.begin_training(model.owner, model.customization_id)] * CALLERS
    )
    assert sum(isinstance(outcome, acoustic_training.AcousticClaim) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, errors.ModelBusy) for outcome in outcomes) == CALLERS - 1
    assert (fresh(model).status, fresh(model).run) == ("training", 1)


def test_of_simultaneous_uploads_of_one_name_one_is_taken(model: AcousticModel) -> None:
    outcomes = together([lambda: accept(model, "same")] * 12)
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, uploads.Accepted)]
    assert sum(isinstance(outcome, errors.ResourceBusy) for outcome in outcomes) == 11
    assert fresh(model).analysing == {winner.row.upload_id}


def test_of_simultaneous_replacements_one_is_taken(model: AcousticModel) -> None:
    finish(accept(model, "same"))
    outcomes = together([lambda: accept(fresh(model), "same", overwrite=True)] * 12)
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, uploads.Accepted)]
    assert all(isinstance(one, uploads.Accepted | errors.ResourceBusy) for one in outcomes)
    (audio,) = audio_resources.of_model(fresh(model))
    assert audio.upload_id == winner.row.upload_id


def test_different_names_are_all_taken_and_all_analysed(model: AcousticModel) -> None:
    names = [f"audio {number}" for number in range(16)]
    accepted = together([partial(accept, model, name) for name in names])
    assert fresh(model).analysing == {one.row.upload_id for one in accepted}
    # Every analysis is announced twice, and every fourth recording is bad.
    ends = [partial(finish, one, BAD if number % 4 == 0 else GOOD) for number, one in enumerate(accepted)]
    assert sum(together([*ends, *ends])) == len(names)
    assert fresh(model).status == "ready"
    assert not fresh(model).analysing
    statuses = [audio.status for audio in audio_resources.of_model(fresh(model))]
    assert statuses.count("ok") == 12


def test_an_upload_and_a_training_exclude_each_other(model: AcousticModel) -> None:
    finish(accept(model, "a"))
    outcomes = together(
        [
            lambda: acoustic_training.begin_training(model.owner, model.customization_id),
            lambda: accept(model, "b"),
        ]
    )
    (refused,) = [outcome for outcome in outcomes if isinstance(outcome, errors.ModelBusy)]
    assert refused.customization_id == model.customization_id
    now = fresh(model)
    assert (now.status == "training") != bool(now.analysing)


def test_the_last_valid_audio_removed_while_another_is_found_invalid(model: AcousticModel) -> None:
    finish(accept(model, "good"))
    bad = accept(model, "bad")
    together([lambda: finish(bad, BAD), lambda: audio_resources.remove(fresh(model), "good")])
    assert fresh(model).status == "pending"
    assert [audio.status for audio in audio_resources.of_model(fresh(model))] == ["invalid"]


def test_a_deletion_and_a_training_exclude_each_other(model: AcousticModel) -> None:
    finish(accept(model, "a"))
    outcomes = together(
        [
            lambda: acoustic_training.begin_training(model.owner, model.customization_id),
            lambda: acoustic_models.delete(model.owner, model.customization_id),
        ]
    )
    claimed = any(isinstance(outcome, acoustic_training.AcousticClaim) for outcome in outcomes)
    gone = acoustic_models.find(model.owner, model.customization_id) is None
    assert claimed != gone


def test_no_owner_ever_has_more_models_than_allowed(atomic: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.customization.limits.MODELS_PER_OWNER", 5)
    owner = str(uuid.uuid4())

    def create() -> AcousticModel:
        return acoustic_models.create(owner, name="m", base_model_name="en-US_BroadbandModel")

    for _ in range(4):
        create()
    outcomes = together([create] * 6)
    kept = acoustic_models.models(owner)
    assert len(kept) <= 5
    assert sum(isinstance(outcome, errors.TooManyModels) for outcome in outcomes) == 6 - (len(kept) - 4)
    for _ in range(5 - len(kept)):
        create()
    with pytest.raises(errors.TooManyModels):
        create()
    assert len(acoustic_models.models(owner)) == 5
