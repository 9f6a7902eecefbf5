"""`POST /identity/token`, as IBM's IAM authenticators use it."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import urlencode

import pytest

from tests.api.calling import Answer, Instance, send

GRANT = "urn:ibm:params:oauth:grant-type:apikey"


def ask(body: bytes | str, **headers: str) -> Answer:
    sent = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"} | headers
    return send("POST", "/identity/token", body if isinstance(body, bytes) else body.encode(), headers=sent)


def form(**fields: str) -> str:
    return urlencode({"grant_type": GRANT, "response_type": "cloud_iam"} | fields)


def test_a_key_becomes_a_token_that_opens_the_service(instance: Instance) -> None:
    before = int(time.time())
    answer = ask(form(apikey=instance.key))
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    document = answer.json
    claims = document["access_token"].split(".")[1]
    said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert type(said["iat"]) is type(said["exp"]) is int
    assert before <= said["iat"] <= time.time()
    assert document == {
        "access_token": document["access_token"],
        "refresh_token": "not_supported",
        "token_type": "Bearer",
        "expires_in": said["exp"] - said["iat"],
        "expiration": said["exp"],
        "scope": "ibm openid",
    }
    assert instance.key not in json.dumps(said)
    authorization = {"Authorization": f"Bearer {document['access_token']}"}
    model = instance.model()
    assert send("GET", f"/v1{model.path}", headers=authorization).json["owner"] == instance.owner


def test_what_authenticators_add_does_not_matter(instance: Instance) -> None:
    # python and node: a client id, a scope; curl: no response_type, any content type.
    client = "Basic " + base64.b64encode(b"bx:bx").decode()
    assert ask(form(apikey=instance.key, scope="s"), Authorization=client).status == 200
    plain = urlencode({"grant_type": GRANT, "apikey": instance.key})
    assert ask(plain, **{"Content-Type": "text/plain"}).status == 200


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (form(apikey="unknown"), "BXNIM0415E", "Provided API key could not be found."),
        (form(apikey=""), "BXNIM0109E", "Property missing or empty: 'apikey'."),
        (form(), "BXNIM0109E", "Property missing or empty: 'apikey'."),
        (
            urlencode({"grant_type": "password", "apikey": "x"}),
            "BXNIM0136E",
            f"The grant_type 'password' is not supported; use {GRANT}.",
        ),
        ("", "BXNIM0136E", f"The grant_type '' is not supported; use {GRANT}."),
        (b"\xff\xfe", "BXNIM0136E", f"The grant_type '' is not supported; use {GRANT}."),
        ("a=1&" * 1000, "BXNIM0136E", f"The grant_type '' is not supported; use {GRANT}."),
    ],
)
def test_a_bad_request_is_answered_as_iam_does(
    instance: Instance, body: bytes | str, code: str, message: str
) -> None:
    answer = ask(body)
    assert (answer.status, answer.json) == (
        400,
        {
            "errorCode": code,
            "errorMessage": message,
            "context": {"requestId": answer.headers["x-global-transaction-id"]},
        },
    )
