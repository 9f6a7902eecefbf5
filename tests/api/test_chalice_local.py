"""`chalice local` serves the JSON routes: its gateway, with the events it makes, calls the application."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from chalice.config import Config
from chalice.local import LocalGateway

import app
from tests.api.calling import Instance, basic

JSON = {"content-type": "application/json", "host": "127.0.0.1:8000"}


@pytest.fixture
def gateway() -> LocalGateway:
    return LocalGateway(app.app, Config())


def _call(
    gateway: LocalGateway, key: str, method: str, path: str, document: Any = None
) -> tuple[int, dict[str, Any]]:
    body = None if document is None else json.dumps(document).encode()
    headers = {**JSON, "authorization": basic(key)}
    answer = gateway.handle_request(method, path, headers, body)
    content = base64.b64decode(answer["body"]) if answer.get("isBase64Encoded") else answer["body"]
    return answer["statusCode"], json.loads(content)


def test_the_json_routes_are_served(gateway: LocalGateway, instance: Instance) -> None:
    status, listed = _call(gateway, instance.key, "GET", "/v1/models")
    assert (status, len(listed["models"])) == (200, 2)
    asked = {"name": "line", "base_model_name": "en-US_NarrowbandModel"}
    status, made = _call(gateway, instance.key, "POST", "/v1/acoustic_customizations", asked)
    assert status == 201
    path = f"/v1/acoustic_customizations/{made['customization_id']}"
    status, shown = _call(gateway, instance.key, "GET", path)
    assert (status, shown["name"], shown["status"]) == (200, "line", "pending")
    assert _call(gateway, instance.key, "DELETE", path) == (200, {})
    assert _call(gateway, instance.key, "GET", path)[0] == 401  # as Watson says of an unknown id


def test_errors_have_watsons_shape(gateway: LocalGateway, instance: Instance) -> None:
    status, error = _call(gateway, "wrong", "GET", "/v1/models")
    assert (status, error["code"], error["error"]) == (401, 401, "Unauthorized")
