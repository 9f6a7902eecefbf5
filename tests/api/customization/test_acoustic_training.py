"""Runs of custom acoustic models over HTTP: train, cancel, upgrade, report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib import settings
from chalicelib.customization import runs
from chalicelib.customization.acoustic import acoustic_training
from chalicelib.storage import layout, objects
from chalicelib.storage.tables import AcousticModel
from chalicelib.training import launch
from tests.api.calling import NEW, NEWEST, OLD, Instance, Model, assert_done, assert_error
from tests.sagemaker import Platform

LOCKED = "Customization '{}' is currently locked to process your last request."
OUT_OF_RANGE = "The total valid audio duration must be between 10 minutes and 200 hours for training, but it is {} minutes."


def train(model: Model, query: str = "") -> Any:
    return model("POST", f"/train{query}")


def finish(model: Model) -> None:
    """Let the current run be promoted."""
    row = model.row
    run = int(row.run)
    assert acoustic_training.training_succeeded(row.owner, row.customization_id, run, sha256="0" * 64)


@pytest.fixture
def trained(model: Model, platform: Platform) -> Model:
    model.add("a")
    assert_done(train(model))
    finish(model)
    return model


@pytest.fixture
def training(model: Model, platform: Platform) -> Model:
    model.add("a")
    assert_done(train(model))
    return model


def test_a_training_starts_and_is_seen(model: Model, platform: Platform) -> None:
    model.add("a")
    assert model.status == "ready"
    assert_done(train(model))
    shown = model.shown
    assert (shown["status"], shown["progress"], shown["stage"]) == ("training", 0, "waiting for a machine")
    (job,) = platform.created
    assert job["HyperParameters"]["customization_id"] == model.customization_id
    runs.progressed(
        AcousticModel,
        model.instance.owner,
        model.customization_id,
        1,
        progress=42.5,
        stage="decoding, round 1 of 3",
        seconds_left=61.2,
    )
    shown = model.shown
    assert (shown["progress"], shown["stage"], shown["seconds_left"]) == (42, "decoding, round 1 of 3", 62)
    finish(model)
    shown = model.shown
    assert (shown["status"], shown["progress"]) == ("available", 100)
    assert "stage" not in shown


def test_a_failed_training_says_why(training: Model) -> None:
    row = training.row
    assert runs.failed(AcousticModel, row.owner, row.customization_id, 1, "The audio holds no speech.")
    shown = training.shown
    assert (shown["status"], shown["progress"]) == ("failed", 0)
    assert shown["error"] == "The audio holds no speech."


@pytest.mark.parametrize(
    ("durations_s", "message"),
    [
        ([], "No input data available for training"),
        ([599.9], OUT_OF_RANGE.format("9.99")),
        ([30.0, 60.0], OUT_OF_RANGE.format("1.50")),
        ([100 * 3600.0, 100 * 3600 + 0.1], OUT_OF_RANGE.format("12000.01")),
    ],
)
def test_a_refused_training_makes_the_model_failed(
    model: Model, platform: Platform, durations_s: list[float], message: str
) -> None:
    for number, duration_s in enumerate(durations_s):
        model.add(f"audio {number}", duration_s=duration_s)
    assert_error(train(model), 400, message)
    shown = model.shown
    assert (shown["status"], shown["error"], shown["progress"]) == ("failed", message, 0)
    assert platform.created == []
    # More audio makes it good again.
    model.add("another")
    assert model.status == "ready"
    assert "error" not in model.shown


@pytest.mark.parametrize("durations_s", [[600.0], [300.0, 300.0], [100 * 3600.0, 100 * 3600.0]])
def test_the_limits_themselves_are_allowed(
    model: Model, platform: Platform, durations_s: list[float]
) -> None:
    for number, duration_s in enumerate(durations_s):
        model.add(str(number), duration_s=duration_s)
    assert_done(train(model))


def test_invalid_audio_is_refused_unless_it_may_be_left_out(model: Model, platform: Platform) -> None:
    model.add("good")
    model.add("bad", valid=False)
    model.add("worse", valid=False)
    message = (
        "Analysis of the following audio has not completed successfully: [bad, worse]. "
        "Delete or replace it, or set the parameter 'strict' to 'false' to train without it."
    )
    assert_error(train(model), 400, message)
    assert model.status == "failed"
    assert_error(train(model, "?strict=true"), 400, message)
    answer = train(model, "?strict=false")
    assert (answer.status, answer.json) == (
        200,
        {
            "warnings": [
                {
                    "code": "invalid_audio_files",
                    "message": "Analysis of the following audio files has not completed successfully: "
                    "[bad, worse]. They will be excluded from custom acoustic model training.",
                }
            ]
        },
    )
    assert model.status == "training"


def test_without_strictness_the_valid_rest_counts(model: Model, platform: Platform) -> None:
    model.add("short", duration_s=60.0)
    model.add("bad", valid=False)
    assert_error(train(model, "?strict=false"), 400, OUT_OF_RANGE.format("1.00"))
    assert model.status == "failed"


def test_only_invalid_audio_is_too_little(model: Model, platform: Platform) -> None:
    model.add("bad", valid=False)
    assert_error(train(model, "?strict=false"), 400, OUT_OF_RANGE.format("0.00"))


def test_strictness_without_invalid_audio_warns_of_nothing(model: Model, platform: Platform) -> None:
    model.add("good")
    assert_done(train(model, "?strict=false"))


@pytest.mark.parametrize("value", ["perhaps", "1", "truee"])
def test_strict_is_true_or_false(model: Model, value: str) -> None:
    model.add("a")
    message = f"Invalid value '{value}' for parameter 'strict': it must be 'true' or 'false'."
    assert_error(train(model, f"?strict={value}"), 400, message)
    assert model.status == "ready"


def test_nothing_new_leaves_the_status_alone(trained: Model) -> None:
    before = trained.shown
    assert before["status"] == "available"
    assert_error(train(trained), 400, "No input data modified since last training")
    assert trained.shown == before


def test_new_audio_lets_it_train_again(trained: Model) -> None:
    trained.add("b")
    assert trained.status == "ready"
    assert_done(train(trained))


def test_audio_that_is_gone_lets_it_train_again(trained: Model) -> None:
    trained.add("b")
    assert_done(trained("DELETE", "/audio/b"))
    assert trained.status == "ready"
    assert_done(train(trained))


@pytest.mark.parametrize("path", ["/train", "/upgrade_model"])
def test_a_running_model_is_locked(training: Model, path: str) -> None:
    before = training.shown
    assert_error(training("POST", path), 409, LOCKED.format(training.customization_id))
    assert training.shown == before


@pytest.mark.parametrize("path", ["/train", "/upgrade_model"])
def test_a_model_whose_audio_is_analysed_is_locked(model: Model, path: str) -> None:
    model.add("a")
    model.add_unanalysed("b")
    before = model.shown
    assert before["status"] == "pending"
    assert_error(model("POST", path), 409, LOCKED.format(model.customization_id))
    assert model.shown == before


@pytest.mark.parametrize("path", ["/train", "/upgrade_model"])
@pytest.mark.parametrize(
    ("helper", "code", "message"),
    [
        ("nonsense", 400, "Malformed GUID: 'nonsense'"),
        (
            "00000000-0000-0000-0000-000000000007",
            401,
            "Invalid customization_id '00000000-0000-0000-0000-000000000007' for user",
        ),
    ],
)
def test_a_helper_language_model_must_exist(
    model: Model, path: str, helper: str, code: int, message: str
) -> None:
    model.add("a")
    assert_error(model("POST", f"{path}?custom_language_model_id={helper}"), code, message)
    assert model.status == "ready"


def test_a_cancelled_training_ends_as_it_began(training: Model, platform: Platform) -> None:
    (job,) = platform.created
    assert_done(training("DELETE", "/train"))
    assert platform.status(job["TrainingJobName"]) == "Stopping"
    assert training.status == "training"  # until the platform says that it has ended
    assert_done(training("DELETE", "/train"))
    assert runs.cancelled(AcousticModel, training.instance.owner, training.customization_id, 1)
    assert training.status == "ready"
    assert_done(train(training))


def test_a_training_without_a_job_is_cancelled_at_once(model: Model, platform: Platform) -> None:
    model.add("a")
    platform.error = ("ThrottlingException", "Rate exceeded")
    assert_done(train(model))
    shown = model.shown
    assert (shown["status"], shown["stage"]) == ("training", launch.WAITING)
    platform.error = None
    assert_done(model("DELETE", "/train"))
    assert model.status == "ready"


def test_there_must_be_a_training_to_cancel(model: Model) -> None:
    message = f"Customization '{model.customization_id}' is not being trained or upgraded."
    assert_error(model("DELETE", "/train"), 409, message)


def test_a_training_that_the_platform_rejects_is_failed(model: Model, platform: Platform) -> None:
    model.add("a")
    platform.error = ("ValidationException", "Could not find role arn:aws:iam::111111111111:role/x")
    assert_done(train(model))
    shown = model.shown
    assert (shown["status"], shown["error"]) == ("failed", launch.NOT_STARTED)


def test_a_training_that_cannot_be_launched_does_not_run_for_ever(
    model: Model, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.add("a")
    monkeypatch.setenv("ATTUNE_TRAINING_IMAGE", "")
    settings.current.cache_clear()
    answer = train(model)
    monkeypatch.undo()
    settings.current.cache_clear()
    assert answer.status == 500
    assert "ATTUNE_TRAINING_IMAGE" not in answer.json["error"]
    shown = model.shown
    assert (shown["status"], shown["error"]) == ("failed", launch.NOT_STARTED)


def test_an_untrained_model_is_upgraded_at_once(instance: Instance) -> None:
    model = instance.model(base_model_version=OLD)
    model.add("a")
    assert_done(model("POST", "/upgrade_model"))
    shown = model.shown
    assert (shown["status"], shown["versions"]) == ("ready", [OLD, NEWEST])
    message = f"The custom acoustic model is up-to-date: '{model.customization_id}' is on {NEWEST}."
    assert_error(model("POST", "/upgrade_model?force=true"), 400, message)


def test_a_trained_model_is_upgraded_by_a_run(instance: Instance, platform: Platform) -> None:
    model = instance.model(base_model_version=OLD)
    model.add("a")
    train(model)
    finish(model)
    assert_done(model("POST", "/upgrade_model"))
    shown = model.shown
    assert (shown["status"], shown["versions"]) == ("upgrading", [OLD])
    assert platform.created[-1]["HyperParameters"]["base_version"] == NEWEST
    assert_error(train(model), 409, LOCKED.format(model.customization_id))
    finish(model)
    shown = model.shown
    assert (shown["status"], shown["progress"], shown["versions"]) == ("available", 100, [OLD, NEWEST])
    assert_error(train(model), 400, "No input data modified since last training")


def test_a_cancelled_upgrade_leaves_the_model_available(instance: Instance, platform: Platform) -> None:
    model = instance.model(base_model_version=OLD)
    model.add("a")
    train(model)
    finish(model)
    model("POST", "/upgrade_model")
    assert_done(model("DELETE", "/train"))
    assert runs.cancelled(AcousticModel, instance.owner, model.customization_id, 2)
    shown = model.shown
    assert (shown["status"], shown["progress"], shown["versions"]) == ("available", 100, [OLD])


def test_the_newest_version_needs_no_upgrade(instance: Instance) -> None:
    model = instance.model(base_model_version=NEWEST)
    model.add("a")
    message = f"The custom acoustic model is up-to-date: '{model.customization_id}' is on {NEWEST}."
    assert_error(model("POST", "/upgrade_model"), 400, message)
    assert model.status == "ready"


def test_no_upgrade_leads_back_to_the_engine_on_which_models_are_made(
    instance: Instance, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    light, network = instance.model(), instance.model(base_model_version=NEWEST)
    monkeypatch.setenv("ATTUNE_ADAPTED_ENGINES", "sphinx")
    for model, version in ((light, NEW), (network, NEWEST)):
        model.add("a")
        message = f"The custom acoustic model is up-to-date: '{model.customization_id}' is on {version}."
        assert_error(model("POST", "/upgrade_model"), 400, message)
    assert_done(network("POST", "/train"))
    assert platform.created[-1]["HyperParameters"]["base_version"] == NEWEST


def test_an_upgrade_needs_audio_and_a_good_state(instance: Instance) -> None:
    model = instance.model(base_model_version=OLD)
    message = "No input data available for upgrade: the custom model contains no audio."
    assert_error(model("POST", "/upgrade_model"), 400, message)
    assert model.status == "pending"
    model.add("a", duration_s=60.0)
    train(model)
    message = (
        "A custom model can be upgraded while it is 'ready' or 'available', "
        f"but '{model.customization_id}' is 'failed'."
    )
    assert_error(model("POST", "/upgrade_model"), 400, message)
    assert model.status == "failed"


def test_force_is_true_or_false(model: Model) -> None:
    message = "Invalid value 'yes' for parameter 'force': it must be 'true' or 'false'."
    assert_error(model("POST", "/upgrade_model?force=yes"), 400, message)


def test_the_report_of_the_last_training_is_shown(trained: Model) -> None:
    report = {"decision": "adapted", "audio_s": 700.0, "left_out": [{"audio_name": "a", "reason": "Lärm"}]}
    key = layout.report_key(trained.instance.owner, trained.customization_id, 1)
    assert_error(
        trained("GET", "/report"),
        404,
        f"No training of customization '{trained.customization_id}' has left a report yet.",
    )
    objects.put(key, json.dumps(report).encode())
    answer = trained("GET", "/report")
    assert (answer.status, answer.json["summary"][0]) == (200, "The model was given 11.7 minutes of audio.")
    assert answer.json == report | {"summary": answer.json["summary"]}
    # A failed run that left a report shows its own; a reset takes it away.
    trained("POST", "/reset")
    assert trained("GET", "/report").status == 404


def test_a_model_that_was_never_trained_has_no_report(model: Model) -> None:
    message = f"No training of customization '{model.customization_id}' has left a report yet."
    assert_error(model("GET", "/report"), 404, message)


def test_reset_takes_the_trained_state(trained: Model) -> None:
    assert_done(trained("POST", "/reset"))
    shown = trained.shown
    assert (shown["status"], shown["progress"], shown["versions"]) == ("pending", 0, [NEW])
    assert trained.row.promoted_run is None
