"""What is signed holds after a rotation, and not after two; what others sign never does."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from chalicelib.settings import SettingsError
from chalicelib.storage import internal_secret

MESSAGE = b"a message"


@pytest.fixture
def parameter(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A secret in the Parameter Store, which the environment names."""
    name = "/attune/internal-secret"
    with mock_aws():
        assert internal_secret.make(name)
        monkeypatch.setenv("ATTUNE_INTERNAL_SECRET_PARAMETER", name)
        monkeypatch.delenv("ATTUNE_INTERNAL_SECRET")
        yield name
    internal_secret._kept.clear()


def rotate(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(internal_secret, "TOKENS_LAST_S", 0.0)  # as if an hour were over
        internal_secret.rotate(name)


def test_what_is_signed_holds_and_nothing_else() -> None:
    signature = internal_secret.sign(MESSAGE)
    assert internal_secret.holds(MESSAGE, signature)
    assert not internal_secret.holds(b"another", signature)
    assert not internal_secret.holds(MESSAGE, b"")


def test_the_environment_may_have_two_of_which_the_first_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_INTERNAL_SECRET", "o" * 32)
    old = internal_secret.sign(MESSAGE)
    monkeypatch.setenv("ATTUNE_INTERNAL_SECRET", "n" * 32)
    monkeypatch.setenv("ATTUNE_INTERNAL_SECRET_BEFORE", "o" * 32)
    assert internal_secret.holds(MESSAGE, old)
    new = internal_secret.sign(MESSAGE)
    monkeypatch.delenv("ATTUNE_INTERNAL_SECRET_BEFORE")
    assert internal_secret.holds(MESSAGE, new)
    assert not internal_secret.holds(MESSAGE, old)


def test_a_rotation_is_noticed_by_what_is_signed_with_the_new_secret(
    parameter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = internal_secret.sign(MESSAGE)
    rotate(parameter, monkeypatch)
    kept = dict(internal_secret._kept)
    internal_secret._kept.clear()  # another process, which begins after the rotation
    new = internal_secret.sign(MESSAGE)
    assert new != old
    assert internal_secret.holds(MESSAGE, old)
    internal_secret._kept.update(kept)  # this one, which has read the secret a while ago
    monkeypatch.setattr(internal_secret, "_READ_AGAIN_AFTER_S", 0.0)
    assert internal_secret.holds(MESSAGE, new)
    rotate(parameter, monkeypatch)
    assert not internal_secret.holds(MESSAGE, b"x" * 32)
    assert not internal_secret.holds(MESSAGE, old), "two rotations ago"


def test_wrong_signatures_do_not_have_the_secret_read_each_time(
    parameter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    internal_secret.sign(MESSAGE)
    monkeypatch.setattr(internal_secret, "_read", lambda name: pytest.fail("read again"))
    assert not any(internal_secret.holds(MESSAGE, bytes([number] * 32)) for number in range(9))


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_INTERNAL_SECRET", "short")
    with pytest.raises(SettingsError, match="ATTUNE_INTERNAL_SECRET must have at least 32 characters"):
        internal_secret.sign(MESSAGE)
    monkeypatch.delenv("ATTUNE_INTERNAL_SECRET")
    with pytest.raises(SettingsError, match="ATTUNE_INTERNAL_SECRET is not set"):
        internal_secret.sign(MESSAGE)


def test_it_is_not_rotated_twice_while_tokens_last(parameter: str) -> None:
    first = internal_secret.sign(MESSAGE)
    internal_secret.rotate(parameter)
    internal_secret._kept.clear()
    assert internal_secret.holds(MESSAGE, first)
    assert internal_secret.sign(MESSAGE) != first
    with pytest.raises(internal_secret.RotatedLately, match="wait until an hour is over"):
        internal_secret.rotate(parameter)
    assert internal_secret.holds(MESSAGE, first)


def test_a_secret_is_made_once_and_encrypted(parameter: str) -> None:
    assert not internal_secret.make(parameter)
    held = boto3.client("ssm").get_parameter(Name=parameter, WithDecryption=True)["Parameter"]
    assert held["Type"] == "SecureString"
    assert len(held["Value"]) >= 48
