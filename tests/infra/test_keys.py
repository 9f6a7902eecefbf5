"""The command that makes, lists and revokes API keys."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pytest
from moto import mock_aws

from chalicelib.storage import credentials
from infra import keys
from tests import resources


@pytest.fixture(autouse=True)
def _account() -> Iterator[None]:
    with mock_aws():
        resources.create()
        yield


def made(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, str]:
    """Make a key; give it and its owner as the command prints them."""
    assert keys.main(["make", *options]) == 0
    words = capsys.readouterr().out.split()
    assert words[::2] == ["key", "owner"]
    return words[1], words[3]


def listed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert keys.main(["list"]) == 0
    return capsys.readouterr().out.splitlines()


def test_a_key_is_made_for_a_new_owner(capsys: pytest.CaptureFixture[str]) -> None:
    key, owner = made(capsys)
    assert len(key) >= credentials.SHORTEST_KEY_CHARACTERS
    assert str(uuid.UUID(owner)) == owner
    row = credentials.find(credentials.hash_of(key))
    assert row is not None
    assert row.owner == owner
    assert made(capsys)[1] != owner


def test_a_second_key_for_an_owner(capsys: pytest.CaptureFixture[str]) -> None:
    _, owner = made(capsys)
    second, same = made(capsys, "--owner", owner.upper(), "--label", "for the mobile client")
    assert same == owner
    row = credentials.find(credentials.hash_of(second))
    assert row is not None
    assert (row.owner, row.label) == (owner, "for the mobile client")


def test_an_owner_is_a_guid(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        keys.main(["make", "--owner", "me"])
    assert "'me' is not a GUID" in capsys.readouterr().err
    assert listed(capsys) == []


def test_the_list_shows_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    pairs = [made(capsys, "--label", f"number {number}") for number in range(3)]
    pairs.append(made(capsys, "--label", "number 3", "--administrator"))
    lines = listed(capsys)
    assert len(lines) == 4
    for number, ((key, owner), line) in enumerate(zip(pairs, lines, strict=True)):
        digits, shown_owner, created, kind, label = re.split("  +", line)
        assert credentials.hash_of(key).startswith(digits)
        assert len(digits) == 12
        assert (shown_owner, label) == (owner, f"number {number}")
        assert created.endswith("Z")
        assert kind == ("administrator" if number == 3 else "-")
        assert key not in line


@pytest.mark.parametrize("by", ["key", "digits"])
def test_a_revoked_key_is_useless(capsys: pytest.CaptureFixture[str], by: str) -> None:
    key, owner = made(capsys)
    other, _ = made(capsys)
    digits = credentials.hash_of(key)[:12]
    assert keys.main(["revoke", key if by == "key" else digits]) == 0
    assert capsys.readouterr().out == f"revoked {digits} of {owner}\n"
    assert credentials.find(credentials.hash_of(key)) is None
    assert credentials.find(credentials.hash_of(other)) is not None
    assert keys.main(["revoke", key if by == "key" else digits]) == 1
    assert capsys.readouterr().err == "no key found; nothing was revoked\n"


@pytest.mark.parametrize("digits", ["", "0", "0123456", "x" * 12])
def test_too_few_digits_revoke_nothing(capsys: pytest.CaptureFixture[str], digits: str) -> None:
    for _ in range(3):
        made(capsys)
    assert keys.main(["revoke", digits]) == 1
    assert "nothing was revoked" in capsys.readouterr().err
    assert len(listed(capsys)) == 3


def test_the_internal_secret_is_rotated_once_an_hour(capsys: pytest.CaptureFixture[str]) -> None:
    name = "/attune/internal-secret"
    assert keys.main(["rotate-secret", name]) == 0
    assert capsys.readouterr().out == "made: there was none\n"
    assert keys.main(["rotate-secret", name]) == 0
    assert "holds until the next time" in capsys.readouterr().out
    assert keys.main(["rotate-secret", name]) == 1
    assert "wait until an hour is over" in capsys.readouterr().err
