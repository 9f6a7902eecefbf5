"""Who may call: keys, tokens, instances, and how those who may not are answered."""

from __future__ import annotations

import base64
import time
from types import SimpleNamespace

import pytest

from chalicelib.api.http import authentication, errors, tokens
from chalicelib.storage import credentials
from tests.api.calling import Answer, Instance, basic, send


def models(authorization: str | None, path: str = "/v1/models") -> Answer:
    return send("GET", path, headers={} if authorization is None else {"Authorization": authorization})


def bearer(key: str, **options: float) -> str:
    return f"Bearer {tokens.issue(credentials.hash_of(key), **options)[0]}"


def assert_unauthorized(answer: Answer) -> None:
    """The platform's shape, not the service's."""
    trace = answer.headers["x-global-transaction-id"]
    assert (answer.status, answer.json) == (
        401,
        {
            "trace": trace,
            "error": "Unauthorized",
            "more_info": errors._DOCUMENTATION,
            "code": 401,
        },
    )
    assert answer.headers["www-authenticate"] == 'Basic realm="Speech to Text"'
    assert answer.headers["content-type"] == "application/json"


def test_a_key_or_its_token_opens_the_door(instance: Instance) -> None:
    for good in (
        basic(instance.key),
        basic(instance.key).replace("Basic", "bAsIc"),
        bearer(instance.key),
        bearer(instance.key).replace("Bearer", "bearer"),
    ):
        assert models(good).status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        "Basic " + base64.b64encode(b"apikey").decode(),
        basic(""),
        basic("wrong"),
        "Bearer",
        "Bearer a.b.c",
        "Bearer ü.ü.ü",
        "Digest x",
        "Negotiate",
    ],
)
def test_anything_else_does_not(instance: Instance, authorization: str | None) -> None:
    assert_unauthorized(models(authorization))


def test_a_key_needs_its_user_name(instance: Instance) -> None:
    assert_unauthorized(models(basic(instance.key, user="somebody")))


def test_a_hash_is_no_key(instance: Instance) -> None:
    assert_unauthorized(models(basic(credentials.hash_of(instance.key))))


def test_an_expired_token_is_refused(instance: Instance) -> None:
    old = time.time() - tokens.LIFETIME_S
    assert_unauthorized(models(bearer(instance.key, now_s=old - 1)))
    assert models(bearer(instance.key, now_s=old + 30)).status == 200


def test_a_token_of_a_key_that_is_gone_is_refused(instance: Instance) -> None:
    token = bearer(instance.key)
    credentials.revoke(credentials.hash_of(instance.key))
    assert_unauthorized(models(token))


def test_what_is_there_makes_no_difference_without_credentials(instance: Instance) -> None:
    model = instance.model()
    for path in (model.path, "/acoustic_customizations", "/models/nothing", f"{model.path}/report"):
        assert_unauthorized(send("GET", f"/v1{path}"))


def test_the_instance_in_the_path_must_be_the_callers(instance: Instance) -> None:
    model = instance.model()
    other = Instance()
    own = f"/instances/{instance.owner}/v1{model.path}"
    assert models(basic(instance.key), own).json["owner"] == instance.owner
    assert models(basic(instance.key), own.replace(instance.owner, instance.owner.upper())).status == 200
    for foreign in (models(basic(other.key), own), models(bearer(other.key), own)):
        trace = foreign.headers["x-global-transaction-id"]
        assert (foreign.status, foreign.json) == (
            403,
            {
                "trace": trace,
                "error": "Forbidden",
                "more_info": errors._DOCUMENTATION,
                "code": 403,
            },
        )
    assert_unauthorized(models(None, own))


def test_all_keys_of_an_instance_open_the_same(instance: Instance) -> None:
    model = instance.model()
    second = credentials.make(instance.owner, "second")
    assert models(basic(second), f"/v1{model.path}").json["customization_id"] == model.customization_id


def test_a_revoked_key_works_for_seconds_at_most(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    monkeypatch.setattr(authentication, "time", SimpleNamespace(monotonic=lambda: now_s))
    known = authentication.Known(remembered_s=5.0)
    key_hash = credentials.hash_of(instance.key)
    assert known.owner(key_hash) == instance.owner
    credentials.revoke(key_hash)
    assert known.owner(key_hash) == instance.owner
    now_s += 5.0
    assert known.owner(key_hash) is None
    assert authentication.REMEMBERED_S <= 10


def test_a_key_works_as_soon_as_it_is_made(instance: Instance) -> None:
    known = authentication.Known()
    key = "k" * credentials.SHORTEST_KEY_CHARACTERS
    assert known.owner(credentials.hash_of(key)) is None
    credentials.add(key, instance.owner)
    assert known.owner(credentials.hash_of(key)) == instance.owner
