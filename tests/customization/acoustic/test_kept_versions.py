"""Versions of a custom acoustic model: kept, chosen, labelled, removed, by several people at once."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.customization import acoustic_models, runs, statuses
from chalicelib.customization.acoustic import acoustic_training, kept_versions
from chalicelib.customization.custom_models import now
from chalicelib.customization.errors import ChangedMeanwhile, CurrentVersion, ModelBusy, UnknownKeptVersion
from chalicelib.sharing import meter
from chalicelib.storage import conditional, layout, objects
from chalicelib.storage.kept_version import KeptVersion
from chalicelib.storage.tables import AcousticModel
from tests import custom_models
from tests.custom_models import OWNER
from tests.repeated_writes import write_twice

OLD, NEW = custom_models.LIGHT, "en-US_BroadbandModel.v2026-11-30"
REPORT = {
    "decision": "adapted",
    "alpha": 0.75,
    "audio_s": 600.25,
    "held_out": {"utterances": 20, "before": {"mean_posterior": 0.5}, "after": {"mean_posterior": 0.75}},
}

pytestmark = pytest.mark.usefixtures("account")


def train(model: AcousticModel, **options: Any) -> None:
    """Let one training more succeed."""
    run = int(custom_models.fresh(model).run) + 1
    custom_models.add_audio(model, f"audio {run}")
    acoustic_training.begin_training(OWNER, model.customization_id)
    promote(model, **options)


def promote(model: AcousticModel, **options: Any) -> None:
    run = int(custom_models.fresh(model).run)
    for key in files(model, run):
        objects.put(key, b"")
    assert acoustic_training.training_succeeded(
        OWNER, model.customization_id, run, sha256=f"{run:064d}", report=REPORT, **options
    )


def files(model: AcousticModel, run: int) -> tuple[str, str]:
    place = (OWNER, model.customization_id, run)
    return layout.adapted_model_key(*place), layout.report_key(*place)


def kept(model: AcousticModel) -> list[int]:
    return [one.version for one in kept_versions.of_model(custom_models.fresh(model))]


def current(model: AcousticModel) -> int:
    return int(custom_models.fresh(model).promoted_run or 0)


def trained(trainings: int) -> AcousticModel:
    model = custom_models.new()
    for _ in range(trainings):
        train(model)
    return model


def choose(model: AcousticModel, version: int) -> AcousticModel:
    return kept_versions.choose(OWNER, model.customization_id, version)


def remove(model: AcousticModel, version: int, *, in_use: bool = False) -> None:
    kept_versions.remove(OWNER, model.customization_id, version, in_use=lambda _: in_use)


def test_every_successful_training_keeps_a_version() -> None:
    model = custom_models.new()
    assert kept(model) == []
    train(model, size_bytes=2048)
    custom_models.add_audio(model, "more")
    acoustic_training.begin_training(OWNER, model.customization_id)
    assert runs.failed(AcousticModel, OWNER, model.customization_id, 2, "no reason")
    train(model)
    assert kept(model) == [3, 1]
    first = kept_versions.get(custom_models.fresh(model), 1)
    assert (first.base_version, first.sha256, first.size_bytes) == (OLD, f"{1:064d}", 2048)
    assert first.figures == {
        "decision": "adapted",
        "alpha": 0.75,
        "sure_before": 0.5,
        "sure_after": 0.75,
        "utterances": 20,
    }
    with pytest.raises(UnknownKeptVersion) as raised:
        kept_versions.get(custom_models.fresh(model), 2)
    assert raised.value.known == (1, 3)


def test_the_oldest_that_have_not_just_served_go_first_and_that_is_noted() -> None:
    model = trained(3)
    choose(model, 1)
    train(model, most_versions=2)
    assert kept(model) == [4, 1], "what served until now can be gone back to"
    assert kept_versions.get(custom_models.fresh(model), 4).removed == (2, 3)
    train(model, most_versions=1)
    assert kept(model) == [5]


def test_the_version_that_serves_the_base_version_before_stays() -> None:
    model = trained(2)
    acoustic_training.begin_upgrade(OWNER, model.customization_id)
    promote(model, most_versions=2)
    row = custom_models.fresh(model)
    assert kept(model) == [3, 2]
    assert row.artefacts == {NEW: (3, f"{3:064d}"), OLD: (2, f"{2:064d}")}
    train(model, most_versions=1)
    assert kept(model) == [4, 2]


def test_rolling_back_and_forward_is_one_write() -> None:
    model = trained(2)
    before = custom_models.fresh(model)
    after = choose(model, 1)
    assert (current(model), after.promoted_sha256) == (1, f"{1:064d}")
    assert (after.status, kept(model)) == (before.status, [2, 1])
    assert after.attribute_values == custom_models.fresh(model).attribute_values
    assert not runs.trained_already(after), "it was trained on other audio"
    choose(model, 2)
    again = custom_models.fresh(model)
    assert runs.trained_already(again)
    changing = {"promoted_at", "updated"}
    assert {name: value for name, value in again.attribute_values.items() if name not in changing} == {
        name: value for name, value in before.attribute_values.items() if name not in changing
    }


def test_a_version_on_an_older_base_version_serves_there_alone() -> None:
    model = trained(2)
    acoustic_training.begin_upgrade(OWNER, model.customization_id)
    promote(model)
    choose(model, 1)
    row = custom_models.fresh(model)
    assert row.artefacts == {OLD: (1, f"{1:064d}")}
    assert list(row.versions) == [OLD, NEW]
    choose(model, 3)
    assert custom_models.fresh(model).artefacts == {NEW: (3, f"{3:064d}"), OLD: (2, f"{2:064d}")}
    choose(model, 2)
    train(model)
    row = custom_models.fresh(model)
    assert (row.promoted_version, row.older_run) == (NEW, 2), "it was trained on the newest base version"


def test_a_model_that_is_trained_keeps_its_version_until_then() -> None:
    model = trained(2)
    custom_models.add_audio(model, "more")
    acoustic_training.begin_training(OWNER, model.customization_id)
    with pytest.raises(ModelBusy):
        choose(model, 1)
    choose(model, 2)  # changes nothing
    kept_versions.label(OWNER, model.customization_id, 1, "before the move")
    promote(model)
    assert (current(model), kept(model)) == (3, [3, 2, 1])
    assert kept_versions.get(custom_models.fresh(model), 1).label == "before the move"


def test_audio_may_be_looked_at_meanwhile() -> None:
    model = trained(2)
    upload = custom_models.upload(model, "more")
    choose(model, 1)
    custom_models.analysed(upload)
    row = custom_models.fresh(model)
    assert (row.status, row.promoted_run) == ("ready", 1)


def test_a_label_is_set_and_taken_away() -> None:
    model = trained(1)
    kept_versions.label(OWNER, model.customization_id, 1, "week 5")
    assert kept_versions.get(custom_models.fresh(model), 1).label == "week 5"
    row = kept_versions.label(OWNER, model.customization_id, 1, "")
    assert kept_versions.get(row, 1).label is None
    with pytest.raises(UnknownKeptVersion):
        kept_versions.label(OWNER, model.customization_id, 2, "x")


def test_a_version_is_removed_with_its_files() -> None:
    model = trained(3)
    with pytest.raises(CurrentVersion):
        remove(model, 3)
    remove(model, 1)
    assert kept(model) == [3, 2]
    assert not any(map(objects.exists, files(model, 1)))
    with pytest.raises(UnknownKeptVersion):
        remove(model, 1)
    remove(model, 2, in_use=True)
    assert kept(model) == [3]
    assert all(map(objects.exists, files(model, 2))), "a job needs them"
    assert custom_models.fresh(model).removed_at is not None
    assert all(map(objects.exists, files(model, 3)))


def test_removing_what_served_the_base_version_before_or_was_reported_last() -> None:
    model = trained(1)
    acoustic_training.begin_upgrade(OWNER, model.customization_id)
    promote(model)
    choose(model, 1)
    assert custom_models.fresh(model).reported_run == 2
    remove(model, 2)
    assert custom_models.fresh(model).reported_run == 1
    model = trained(1)
    acoustic_training.begin_upgrade(OWNER, model.customization_id)
    promote(model)
    remove(model, 1)
    row = custom_models.fresh(model)
    assert row.artefacts == {NEW: (2, f"{2:064d}")}
    assert not row.older_run


def test_a_reset_and_a_deletion_remove_all() -> None:
    model = trained(2)
    choose(model, 1)
    acoustic_models.reset(OWNER, model.customization_id)
    assert kept(model) == []
    assert not any(objects.exists(key) for run in (1, 2) for key in files(model, run))
    train(model)
    assert kept(model) == [3], "numbers go on"
    acoustic_models.delete(OWNER, model.customization_id)
    assert not any(map(objects.exists, files(model, 3)))


def test_versions_from_before_any_were_noted_are_there() -> None:
    model = custom_models.new()
    model.promoted_run, model.promoted_version, model.promoted_sha256 = 4, NEW, "ab" * 32
    model.older_run, model.older_version, model.older_sha256 = 2, OLD, "cd" * 32
    model.run, model.versions = 4, [OLD, NEW]
    model.save()
    assert kept(model) == [4, 2]
    kept_versions.label(OWNER, model.customization_id, 2, "first")
    choose(model, 2)
    assert (current(model), kept(model)) == (2, [4, 2])
    train(model)
    assert kept(model) == [5, 4, 2]


def metered() -> tuple[float, int]:
    """Return seconds and trainings on the light engine by the owner's meter."""
    found = meter.of_owner(OWNER, now().date(), now().date())
    (entry,) = (one for one in found if one.engine == "sphinx")
    assert (entry.work, entry.customization) == ("adaptation", "acoustic")
    return entry.audio_s, entry.count


def test_a_training_counts_once_though_its_end_is_announced_again(monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained(1)
    custom_models.add_audio(model, "two")
    acoustic_training.begin_training(OWNER, model.customization_id)
    before = metered()
    monkeypatch.setattr(runs, "write", write_twice)
    for _ in range(2):
        acoustic_training.training_succeeded(OWNER, model.customization_id, 2, sha256="0" * 64, report=REPORT)
    assert current(model) == 2
    assert metered() == (before[0] + 600.25, before[1] + 1)


def test_of_two_who_choose_at_once_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained(3)

    def beaten(*changes: conditional.Change) -> None:
        monkeypatch.setattr(kept_versions, "write", conditional.write)
        choose(model, 2)
        conditional.write(*changes)

    monkeypatch.setattr(kept_versions, "write", beaten)
    with pytest.raises(ChangedMeanwhile) as raised:
        choose(model, 1)
    assert (raised.value.current, current(model)) == (2, 2)


@pytest.mark.parametrize(
    ("other", "refusal"),
    [("removes it", UnknownKeptVersion), ("trains", ModelBusy), ("chooses the same", None)],
)
def test_what_others_may_do_at_that_moment(
    monkeypatch: pytest.MonkeyPatch, other: str, refusal: type[Exception] | None
) -> None:
    model = trained(2)
    custom_models.add_audio(model, "more")

    def beaten(*changes: conditional.Change) -> None:
        monkeypatch.setattr(kept_versions, "write", conditional.write)
        if other == "removes it":
            remove(model, 1)
        elif other == "trains":
            acoustic_training.begin_training(OWNER, model.customization_id)
        else:
            choose(model, 1)
        conditional.write(*changes)

    monkeypatch.setattr(kept_versions, "write", beaten)
    if refusal is None:
        assert choose(model, 1).promoted_run == 1
    else:
        with pytest.raises(refusal):
            choose(model, 1)


def test_a_promotion_and_a_label_at_once_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained(1)
    custom_models.add_audio(model, "more")
    acoustic_training.begin_training(OWNER, model.customization_id)

    def beaten(*changes: conditional.Change) -> None:
        monkeypatch.setattr(runs, "write", conditional.write)
        kept_versions.label(OWNER, model.customization_id, 1, "week 5")
        conditional.write(*changes)

    monkeypatch.setattr(runs, "write", beaten)
    promote(model)
    assert kept(model) == [2, 1]
    assert kept_versions.get(custom_models.fresh(model), 1).label == "week 5"


def test_writes_whose_answer_was_lost_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained(3)
    monkeypatch.setattr(kept_versions, "write", write_twice)
    choose(model, 1)
    assert current(model) == 1
    kept_versions.label(OWNER, model.customization_id, 2, "week 5")
    assert kept_versions.get(custom_models.fresh(model), 2).label == "week 5"
    remove(model, 2)
    assert kept(model) == [3, 1]
    assert not any(map(objects.exists, files(model, 2)))


def test_a_version_is_not_written_over_what_somebody_else_has_read() -> None:
    model = trained(2)
    stale = custom_models.fresh(model)
    remove(model, 1)
    version = KeptVersion(1, now(), OLD, "0" * 64)
    with pytest.raises(conditional.ConditionFailed):
        conditional.write(statuses.version_chosen(stale, version, now()))
