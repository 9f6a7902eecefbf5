"""Every parameter of every path, in every length and form: an answer that says what is wrong, never a failure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

import app
from tests.api.calling import DESCRIPTIONS, Answer, Instance, Model, basic, send
from tests.recognition_function import Function

FORMS = {
    "long": "a" * 1025,
    "at the limit of a key": "a" * 1024,
    "long in UTF-8": "ü" * 513,
    "very long": "z" * 50_000,
    "one sign": "x",
    "a blank": " ",
    "nothing but dots": "..",
    "a path": "../../v1/models",
    "a slash": "a/b",
    "zero": "\0",
    "control characters": "a\r\nX-Injected: 1\tb",
    "quotes": "'\"\\`$(id)",
    "a GUID of nobody": "00000000-0000-0000-0000-000000000000",
    "a GUID in capitals": "0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0",
    "braces": "{job_id}",
    "percent": "%25%2e",
    "beyond the basic plane": "😀" * 40,
    "from right to left": "\u202etxt.exe",
    "combining": "e\u0301" * 100,
    "number": "-1",
}
BROKEN = ("%ff%fe", "%c3", "%", "%zz", "%00%80")
"""Not UTF-8, or not percent-encoded."""
NAMED = re.compile(r"\{(\w+)\}")


def _cases() -> Iterator[tuple[str, str, str]]:
    for path, methods in sorted(app.app.routes.items()):
        if path.startswith("/v1") or path == "/instances/{instance_id}/v1/models/{model_id}":
            for method in sorted(methods):
                for parameter in NAMED.findall(path):
                    yield method, path, parameter


def test_there_are_parameters() -> None:
    cases = list(_cases())
    assert len(cases) >= 40
    assert {parameter for _, _, parameter in cases} >= {
        "customization_id",
        "job_id",
        "audio_name",
        "model_id",
    }


@pytest.mark.parametrize(("method", "path", "parameter"), list(_cases()))
def test_no_form_of_a_parameter_makes_the_service_fail(
    model: Model, function: Function, method: str, path: str, parameter: str
) -> None:
    others = {"customization_id": model.customization_id, "instance_id": model.instance.owner}
    headers = {"Authorization": basic(model.instance.key)}
    for form in [*(quote(value, safe="") for value in FORMS.values()), *BROKEN]:
        filled = {**others, parameter: form}
        answer = send(
            method, "".join(_filled(part, filled) for part in re.split(r"(\{\w+\})", path)), headers=headers
        )
        assert answer.status < 500, (method, path, parameter, form[:60], answer.body)
        assert len(answer.body) < 100_000
        if answer.status >= 400:
            _assert_says_what_is_wrong(answer)


def _filled(part: str, values: dict[str, str]) -> str:
    return values.get(part[1:-1], "x") if NAMED.fullmatch(part) else part


def _assert_says_what_is_wrong(answer: Answer) -> None:
    assert answer.json["code"] == answer.status
    assert answer.json["error"]
    if answer.status not in (401, 403):
        assert answer.json["code_description"] == DESCRIPTIONS[answer.status]


def test_an_id_longer_than_any_is_an_unknown_job(instance: Instance) -> None:
    for method in ("GET", "DELETE"):
        answer = instance(method, f"/recognitions/{'a' * 1025}")
        assert answer.status == 404
        assert answer.json["error"].startswith("job not found")
