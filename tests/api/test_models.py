"""Base models over HTTP."""

from __future__ import annotations

import pytest

from tests.api.calling import Instance, assert_error, basic, send


def test_the_base_models_are_listed(instance: Instance) -> None:
    answer = instance("GET", "/models", headers={"Host": "speech.example:8080"})
    models = {model["name"]: model for model in answer.json["models"]}
    assert set(models) == {"en-US_BroadbandModel", "en-US_NarrowbandModel"}
    assert models["en-US_BroadbandModel"] == {
        "name": "en-US_BroadbandModel",
        "language": "en-US",
        "rate": 16_000,
        "url": "http://speech.example:8080/v1/models/en-US_BroadbandModel",
        "supported_features": {
            "custom_language_model": True,
            "custom_acoustic_model": True,
            "speaker_labels": True,
        },
        "description": "US English broadband model.",
    }
    assert models["en-US_NarrowbandModel"]["rate"] == 8_000
    for name, model in models.items():
        assert instance("GET", f"/models/{name}", headers={"Host": "speech.example:8080"}).json == model


@pytest.mark.parametrize(("alias", "rate_hz"), [("en-US_Telephony", 8_000), ("en-US_Multimedia", 16_000)])
def test_an_alias_is_shown_but_not_listed(instance: Instance, alias: str, rate_hz: int) -> None:
    model = instance("GET", f"/models/{alias}").json
    assert (model["name"], model["rate"]) == (alias, rate_hz)
    assert model["url"].endswith(f"/v1/models/{alias}")
    assert model["supported_features"]["low_latency"] is True
    assert alias not in {listed["name"] for listed in instance("GET", "/models").json["models"]}


@pytest.mark.parametrize("name", ["nothing", "en-us_broadbandmodel", "WatsonModel"])
def test_an_unknown_model_is_not_found(instance: Instance, name: str) -> None:
    served = ", ".join(model["name"] for model in instance("GET", "/models").json["models"])
    assert_error(
        instance("GET", f"/models/{name}"),
        404,
        f"Model {name} not found: this service has {served}. GET /v1/models describes them.",
    )


def test_the_url_is_where_the_client_called(instance: Instance) -> None:
    headers = {
        "Authorization": basic(instance.key),
        "Host": "stt.example",
        "X-Forwarded-Host": "whoever.says.so",
        "X-Forwarded-Proto": "https",
    }
    for prefix in (f"/instances/{instance.owner}", "/speech-to-text/api", ""):
        answer = send("GET", f"{prefix}/v1/models/en-US_NarrowbandModel", headers=headers)
        assert answer.json["url"] == f"https://stt.example{prefix}/v1/models/en-US_NarrowbandModel"
