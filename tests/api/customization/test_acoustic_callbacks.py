"""The callback of a custom acoustic model over HTTP: set, shown, taken away."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.storage import queues
from tests.api.calling import Instance, Model, assert_done, assert_error
from tests.receiver import Receiver

ENDS = ["trainings.completed", "trainings.failed", "trainings.cancelled"]
KNOWN = f"audio.validated, {', '.join(ENDS)}"


@pytest.fixture(autouse=True)
def _queues(account: None) -> None:
    queues.client.cache_clear()
    queues.url_of.cache_clear()


@pytest.fixture
def registered(instance: Instance, receiver: Receiver) -> str:
    assert instance("POST", f"/register_callback?callback_url={receiver.url}").status == 201
    return receiver.url


def test_a_callback_is_set_shown_and_taken_away(model: Model, registered: str) -> None:
    none = f"Customization '{model.customization_id}' has no callback that is told of it."
    assert_error(model("GET", "/callback"), 404, none)
    answer = model("PUT", "/callback", {"callback_url": registered})
    assert (answer.status, answer.json) == (200, {"callback_url": registered, "events": ENDS})
    assert model("GET", "/callback").json == answer.json
    assert model.shown["callback_url"] == registered
    wanted = {"callback_url": registered, "events": ["trainings.failed", "audio.validated"], "more": 1}
    assert model("PUT", "/callback", wanted).json == {
        "callback_url": registered,
        "events": ["audio.validated", "trainings.failed"],
        "warnings": "Unexpected field(s) ['more'] detected",
    }
    assert model("GET", "/callback").json["events"] == ["audio.validated", "trainings.failed"]
    for _ in range(2):
        assert_done(model("DELETE", "/callback"))
    assert_error(model("GET", "/callback"), 404, none)
    assert "callback_url" not in model.shown


def test_one_that_was_given_when_the_model_was_made_is_shown(instance: Instance, registered: str) -> None:
    model = instance.model(callback_url=registered)
    assert model("GET", "/callback").json == {"callback_url": registered, "events": ENDS}


@pytest.mark.parametrize("events", [[], "audio.validated", ["x"], [1], {"audio.validated": 1}, [["x"]]])
def test_events_that_nobody_knows(model: Model, registered: str, events: Any) -> None:
    answer = model("PUT", "/callback", {"callback_url": registered, "events": events})
    message = f"Invalid value for parameter 'events': it must be an array of one or more of {KNOWN}."
    assert_error(answer, 400, message)


def test_only_a_registered_url_of_the_same_owner(model: Model, registered: str) -> None:
    assert_error(model("PUT", "/callback", {}), 400, "Required parameter 'callback_url' is missing")
    other = model("PUT", "/callback", {"callback_url": "https://example.com/results"})
    assert other.status == 400
    assert "https://example.com/results" in other.json["error"]
    stranger = Instance().model()
    assert stranger("PUT", "/callback", {"callback_url": registered}).status == 400
