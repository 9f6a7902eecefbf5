"""The table of errors: every exception of the rules has a wording, and the store's failures a status."""

from __future__ import annotations

import dataclasses
import inspect
import json

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from pynamodb.exceptions import GetError

import app
from chalicelib.api.http import errors
from chalicelib.customization import errors as customization
from chalicelib.storage import conditional
from tests.api.calling import DESCRIPTIONS

RULES = [
    kind
    for _, kind in inspect.getmembers(customization, inspect.isclass)
    if issubclass(kind, customization.CustomizationError) and kind is not customization.CustomizationError
]


def client_error(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "secret"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "GetItem",
    )


@pytest.mark.parametrize("kind", RULES)
def test_every_refusal_of_the_rules_is_worded(kind: type[customization.CustomizationError]) -> None:
    assert app.app is not None  # routes register exceptions of their own
    names: list[str] = (
        [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []
    )
    values = {"limit": 3, "versions": ("v1", "v2")}
    error = kind(**{name: values.get(name, f"<{name}>") for name in names})
    found = errors.known(error)
    assert found is not None
    status, message = found
    assert 400 <= status < 500
    assert status in DESCRIPTIONS
    assert message
    assert "None" not in message


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (errors.ApiError(415, "no"), 415, "no"),
        (errors.BadRequest("no"), 400, "no"),
        (errors.NotFound("no"), 404, "no"),
        (
            conditional.Contended(),
            503,
            "Too many simultaneous requests change this resource; please try again in a moment.",
        ),
        (client_error("InsufficientStorage", 507), 507, "The service has no room left to store this."),
        (
            client_error("SlowDown", 503),
            503,
            "The service's store does not answer; please try again in a moment.",
        ),
        (
            GetError("x", cause=client_error("InternalServerError", 500)),
            503,
            "The service's store does not answer; please try again in a moment.",
        ),
        (
            EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
            503,
            "The service's store does not answer; please try again in a moment.",
        ),
    ],
)
def test_known_errors(error: Exception, status: int, message: str) -> None:
    assert errors.known(error) == (status, message)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("x"),
        KeyError("x"),
        client_error("AccessDenied", 403),
        client_error("ValidationException", 400),
    ],
)
def test_our_own_mistakes_are_unknown(error: Exception) -> None:
    assert errors.known(error) is None


def test_a_registered_exception_is_known_with_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(Exception):
        pass

    class WorseRefused(Refused):
        pass

    monkeypatch.setattr(errors, "_TABLE", dict(errors._TABLE))
    assert errors.known(WorseRefused("why")) is None
    errors.register(Refused, 409)
    assert errors.known(WorseRefused("why")) == (409, "why")


@pytest.mark.parametrize(("status", "phrase"), DESCRIPTIONS.items())
def test_bodies_have_watsons_shape(status: int, phrase: str) -> None:
    body = errors.service_body(status, 'a "quoted" message')
    assert json.loads(body) == {"code_description": phrase, "code": status, "error": 'a "quoted" message'}
    assert f'"code": {status}' in body
