"""What every route shares: prefixes, transaction ids, Watson's shape whatever happens."""

from __future__ import annotations

import re

import pytest

import app
from chalicelib.api import models
from chalicelib.api.customization import acoustic_models
from chalicelib.gateway.backend import UnknownRoute
from tests.api.calling import BACKEND, Answer, Instance, Model, assert_error, basic, send
from tests.gateway.serving import ask, gateway

TRANSACTION = re.compile(r"[0-9a-f]{32}")
PREFIXES = ["/v1", "/instances/{owner}/v1", "/speech-to-text/api/v1"]


def get(instance: Instance, path: str, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return send("GET", path, headers={"Authorization": basic(instance.key)} | sent)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_prefix_leads_to_the_same_model(model: Model, prefix: str) -> None:
    path = prefix.format(owner=model.instance.owner) + model.path
    assert get(model.instance, path).json == model.shown


def test_every_route_is_there_under_every_prefix() -> None:
    routes = {path: set(methods) for path, methods in app.app.routes.items()}
    below = {path.removeprefix("/v1"): methods for path, methods in routes.items() if path.startswith("/v1/")}
    assert len(below) >= 10
    for prefix in ("/instances/{instance_id}/v1", "/speech-to-text/api/v1"):
        assert {
            path.removeprefix(prefix): routes[path] for path in routes if path.startswith(prefix)
        } == below


@pytest.mark.parametrize("prefix", PREFIXES)
def test_trailing_slashes_work_behind_the_front_door(model: Model, prefix: str) -> None:
    root = prefix.format(owner=model.instance.owner)
    headers = {"Authorization": basic(model.instance.key), "Content-Type": "audio/wav"}
    with gateway(BACKEND) as port:
        assert ask(port, "GET", f"{root}{model.path}/", headers=headers).json == model.shown
        assert ask(port, "POST", f"{root}{model.path}/audio/a/", b"RIFF", headers).status == 201
        listed = ask(port, "GET", f"{root}{model.path}/audio/", headers=headers).json["audio"]
        assert [audio["name"] for audio in listed] == ["a"]
        body = b'{"name": "x", "base_model_name": "en-US_BroadbandModel"}'
        assert ask(port, "POST", f"{root}/acoustic_customizations/", body, headers).status == 201


@pytest.mark.parametrize("path", ["/v1", "/v2/models", "/V1/models", "/v1/Models", "/v1/sessions"])
def test_unknown_paths_are_left_to_the_front_door(instance: Instance, path: str) -> None:
    with pytest.raises(UnknownRoute):
        get(instance, path)


def test_every_answer_carries_a_transaction_id(model: Model) -> None:
    seen = set()
    for answer in (
        model("GET"),
        model("POST", "/reset"),
        model("POST", "/train"),
        model.instance("GET", "/models/nothing"),
        model.instance("PATCH", "/models"),
        send("GET", "/v1/models"),
        send("POST", "/identity/token"),
    ):
        given = answer.headers["x-global-transaction-id"]
        assert TRANSACTION.fullmatch(given)
        assert answer.headers["x-dp-watson-tran-id"] == given
        seen.add(given)
    assert len(seen) == 7


def test_a_given_transaction_id_is_kept_if_it_is_one(instance: Instance) -> None:
    good = "0123456789abcdef-42"
    answer = get(instance, "/v1/models", X_Global_Transaction_Id=good)
    assert answer.headers["x-global-transaction-id"] == good
    for bad in ("short", "x" * 65, "with space in it", "a\r\nSet-Cookie: b=c", "<script>x</script>"):
        answer = get(instance, "/v1/models", X_Global_Transaction_Id=bad)
        assert TRANSACTION.fullmatch(answer.headers["x-global-transaction-id"])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/models", {"GET"}),
        ("DELETE", "/acoustic_customizations", {"GET", "POST"}),
        ("PUT", "/recognize", {"GET", "POST"}),
    ],
)
def test_a_wrong_method_is_refused_in_watsons_shape(
    instance: Instance, method: str, path: str, allowed: set[str]
) -> None:
    answer = instance(method, path)
    assert_error(answer, 405, answer.json["error"])
    assert answer.json["error"].startswith("Method Not Allowed")
    assert set(answer.headers["allow"].split(", ")) == allowed


def test_a_page_from_elsewhere_may_ask_without_the_front_door(account: None) -> None:
    asked = {"Origin": "https://example.com", "Access-Control-Request-Method": "DELETE"}
    answer = send("OPTIONS", "/v1/acoustic_customizations", headers=asked)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "DELETE" in answer.headers["access-control-allow-methods"]
    assert {"Authorization", "Content-Type", "X-Watson-Metadata"} <= set(
        answer.headers["access-control-allow-headers"].split(",")
    )


def test_headers_without_an_effect_are_accepted(instance: Instance) -> None:
    for name, value in {
        "X-Watson-Learning-Opt-Out": "1",
        "X-Watson-Test": "1",
        "X-IBMCloud-SDK-Analytics": "service_name=speech_to_text",
        "X-WDC-PL-OPT-OUT": "1",
        "Accept": "text/plain",
    }.items():
        assert get(instance, "/v1/models", **{name.replace("-", "_"): value}).status == 200


def test_what_nobody_foresaw_says_nothing_of_its_inside(
    instance: Instance, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("secret /etc/attune/key")

    monkeypatch.setattr(models, "_shown", explode)
    answer = instance("GET", "/models")
    transaction = answer.headers["x-global-transaction-id"]
    message = f"The service failed to handle this request. Please tell its operator the transaction id {transaction}."
    assert_error(answer, 500, message)
    # The operator finds it.
    (record,) = (record for record in caplog.records if record.exc_info)
    assert str(record.exc_info and record.exc_info[1]) == "secret /etc/attune/key"
    assert record.__dict__["transaction_id"] == transaction


def test_an_answer_that_is_no_json_is_an_error(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acoustic_models, "_shown", lambda *_: {"progress": float("nan")})
    assert model("GET").status == 500


def test_names_in_any_script_come_back_as_they_were(instance: Instance) -> None:
    name = "Küche 厨房 🔊 \u2028 \x00 </script>"
    body = {"name": name, "base_model_name": "en-US_BroadbandModel"}
    made = instance("POST", "/acoustic_customizations", body).json["customization_id"]
    answer = instance("GET", f"/acoustic_customizations/{made}")
    assert answer.json["name"] == name
    assert "厨房".encode() in answer.body  # UTF-8, not escapes


def test_a_space_follows_each_colon(model: Model) -> None:
    assert b'"status": "pending"' in model("GET").body
