"""Trainings that wait for their turn, and callbacks of trainings, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from chalicelib import settings
from chalicelib.callbacks import registrations
from chalicelib.customization import training_ends
from chalicelib.storage.tables import TrainingTurn
from chalicelib.training import ends, launch
from tests.api.calling import BROADBAND, Instance, Model, assert_done, assert_error
from tests.receiver import Receiver
from tests.sagemaker import Platform

MODELS = "/acoustic_customizations"


@pytest.fixture
def budget(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three trainings at once, of one owner one."""
    for row in TrainingTurn.scan():  # of other tests
        row.delete()
    monkeypatch.setenv("ATTUNE_MAX_TRAININGS_AT_ONCE", "3")
    monkeypatch.setenv("ATTUNE_MAX_TRAININGS_AT_ONCE_OF_OWNER", "1")
    settings.current.cache_clear()
    yield
    monkeypatch.undo()
    settings.current.cache_clear()


def trained(instance: Instance) -> Model:
    model = instance.model()
    model.add("a")
    assert_done(model("POST", "/train"))
    return model


def test_a_training_over_the_budget_is_accepted_and_says_that_it_waits(
    instance: Instance, budget: None, platform: Platform
) -> None:
    first, second, third = (trained(instance) for _ in range(3))
    assert first.shown["stage"] == "waiting for a machine"
    own = "waiting for its turn to train: of your models 1 are trained at once"
    listed = instance("GET", MODELS).json["customizations"]
    assert [(one["status"], one["progress"], one["stage"]) for one in listed[1:]] == [
        ("training", 0, f"{own}, it is the next"),
        ("training", 0, f"{own}, 1 that wait come before it"),
    ]
    assert second.shown["stage"] == listed[1]["stage"]
    assert second("POST", "/audio/b", body=b"RIFF....WAVE").status == 409
    assert len(platform.created) == 1
    # A stranger is not kept waiting by that; a fourth one is, by all of them.
    strangers = [trained(Instance()) for _ in range(3)]
    assert [one.shown["stage"] for one in strangers[:2]] == ["waiting for a machine"] * 2
    assert strangers[2].shown["stage"] == (
        "waiting for its turn to train: this service trains 3 at once, it is the next"
    )
    assert_done(third("DELETE", "/train"))
    assert (third.status, "stage" in third.shown) == ("ready", False)
    ends.failed(launch.run_of(first.row), "no reason")
    assert launch.serve_line() == 1
    # The owner who never had a turn comes before the one who has had one.
    assert strangers[2].shown["stage"] == "waiting for a machine"
    ends.failed(launch.run_of(strangers[0].row), "no reason")
    assert launch.serve_line() == 1
    assert second.shown["stage"] == "waiting for a machine"


def test_callbacks_must_be_registered(instance: Instance, platform: Platform, receiver: Receiver) -> None:
    url = receiver.url
    message = f"The callback URL '{url}' is not registered: register it with POST /v1/register_callback."
    fields = {"name": "x", "base_model_name": BROADBAND, "callback_url": url}
    assert_error(instance("POST", MODELS, fields), 400, message)
    model = instance.model()
    model.add("a")
    assert_error(model("POST", f"/train?callback_url={url}"), 400, message)
    assert_error(model("POST", f"/upgrade_model?callback_url={url}"), 400, message)
    assert model.status == "ready"
    registrations.register(instance.owner, url, None)
    made = instance("POST", MODELS, fields)
    assert made.status == 201
    shown = instance("GET", f"{MODELS}/{made.json['customization_id']}").json
    assert shown["callback_url"] == url
    assert "callback_url" not in model.shown
    assert_done(model("POST", f"/train?callback_url={url}&user_token=week%205"))
    run = launch.run_of(model.row)
    ends.failed(run, "no reason")
    (end,) = (
        end
        for end in training_ends.beginning(run.owner, training_ends.prefix(run.customization_id, 1))
        if end.callback_url
    )
    assert (end.callback_url, end.user_token) == (url, "week 5")
    assert json.loads(end.detail)["error"] == "no reason"
    # The next run has none of its own.
    model.add("b")
    assert_done(model("POST", "/train"))
    ends.failed(launch.run_of(model.row), "no reason")
    told = training_ends.beginning(run.owner, training_ends.prefix(run.customization_id, 2))
    assert [end.callback_url for end in told] == [None]


@pytest.mark.parametrize("bad", [1, ["http://a.example"], "x" * 2049])
def test_a_callback_that_is_no_url_is_refused(instance: Instance, bad: object) -> None:
    fields = {"name": "x", "base_model_name": BROADBAND, "callback_url": bad}
    answer = instance("POST", MODELS, fields)
    assert answer.status == 400
    assert "callback_url" in answer.json["error"]
