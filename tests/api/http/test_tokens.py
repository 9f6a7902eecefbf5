"""Access tokens: what is issued is read again, and nothing else is."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.http import tokens
from chalicelib.storage import internal_secret
from tests.api.calling import Instance, send

NOW_S = 1_700_000_000.5


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_token_is_a_jwt_that_clients_can_date() -> None:
    text, token = tokens.issue("f" * 64, NOW_S)
    header, claims, signature = (
        base64.urlsafe_b64decode(one + "=" * (-len(one) % 4)) for one in text.split(".")
    )
    assert json.loads(header) == {"alg": "HS256", "typ": "JWT"}
    said = json.loads(claims)
    assert (said["iat"], said["exp"]) == (1_700_000_000, 1_700_003_600)
    assert type(said["iat"]) is type(said["exp"]) is int
    assert len(signature) == 32
    assert tokens.read(text, NOW_S) == token


@given(st.text(max_size=80), st.floats(0, 1e10))
def test_what_is_issued_is_read_until_it_expires(key_hash: str, now_s: float) -> None:
    text, token = tokens.issue(key_hash, now_s)
    assert tokens.read(text, now_s) == token
    assert tokens.read(text, token.expires - 0.5) == token
    with pytest.raises(tokens.InvalidToken):
        tokens.read(text, token.expires)


@given(st.data())
def test_a_changed_token_is_refused(data: st.DataObject) -> None:
    text, _ = tokens.issue("f" * 64, NOW_S)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(exclude_characters=text[place], exclude_categories=["Cs"]))
    changed = text[:place] + other + text[place + 1 :]
    # The last digit of an unpadded base64 text carries two bits that mean nothing.
    if place != len(text) - 1:
        with pytest.raises(tokens.InvalidToken):
            tokens.read(changed, NOW_S)


@given(st.text(max_size=200).filter(lambda text: text.isprintable()))
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(tokens.InvalidToken):
        tokens.read(text, NOW_S)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256"])
def test_a_token_without_our_signature_is_refused(algorithm: str) -> None:
    claims = {"sub": "f" * 64, "iat": 0, "exp": 10**11}
    forged = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims)}"
    for signature in ("", part("signed")):
        with pytest.raises(tokens.InvalidToken):
            tokens.read(f"{forged}.{signature}", NOW_S)


def test_a_token_lives_on_when_the_secret_is_rotated(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "/attune/internal-secret"
    assert internal_secret.make(name)
    monkeypatch.setenv("ATTUNE_INTERNAL_SECRET_PARAMETER", name)
    monkeypatch.setattr(internal_secret, "TOKENS_LAST_S", 0.0)  # as if an hour were over
    form = f"grant_type=urn:ibm:params:oauth:grant-type:apikey&apikey={instance.key}".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    token = send("POST", "/identity/token", form, headers=headers).json["access_token"]
    internal_secret.rotate(name)
    internal_secret._kept.clear()
    asked = {"Authorization": f"Bearer {token}"}
    assert send("GET", "/v1/acoustic_customizations", headers=asked).status == 200
    internal_secret.rotate(name)
    internal_secret._kept.clear()
    assert send("GET", "/v1/acoustic_customizations", headers=asked).status == 401
