"""Credentials: where they are kept, who may read them, and which go first."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from attune_cli import configuration
from attune_cli.configuration import Credentials
from attune_cli.errors import CommandError, NotSignedIn

KEPT = Credentials("https://kept.example.com", "kept-key", "")


def test_only_their_owner_can_read_them(tmp_path: Path) -> None:
    file = configuration.store("default", KEPT)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert configuration.stored() == {"default": KEPT}
    assert [path.name for path in file.parent.iterdir()] == ["credentials.json"]


def test_the_environment_goes_before_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    configuration.store("default", KEPT)
    assert configuration.chosen(None, None, None, None) == KEPT
    monkeypatch.setenv("ATTUNE_API_KEY", "other-key")
    assert configuration.chosen(None, None, None, None).key == "other-key"
    monkeypatch.setenv("ATTUNE_URL", "https://other.example.com/v1/")
    assert configuration.chosen(None, None, None, None) == Credentials(
        "https://other.example.com", "other-key"
    )
    assert (
        configuration.chosen(None, "http://given.example.com", "given", None).url
        == "http://given.example.com"
    )


def test_a_key_is_never_sent_to_another_service(monkeypatch: pytest.MonkeyPatch) -> None:
    configuration.store("default", KEPT)
    monkeypatch.setenv("ATTUNE_URL", "https://other.example.com")
    with pytest.raises(NotSignedIn, match=r"No key for https://other\.example\.com"):
        configuration.chosen(None, None, None, None)


def test_a_profile_that_is_named_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    configuration.store("work", KEPT)
    monkeypatch.setenv("ATTUNE_URL", "https://other.example.com")
    monkeypatch.setenv("ATTUNE_API_KEY", "other-key")
    assert configuration.chosen("work", None, None, None) == KEPT
    with pytest.raises(NotSignedIn, match="'home'"):
        configuration.chosen("home", None, None, None)


def test_a_file_that_was_spoilt_is_named(tmp_path: Path) -> None:
    file = configuration.store("default", KEPT)
    file.write_text("{")
    with pytest.raises(CommandError, match=r"credentials\.json cannot be read"):
        configuration.stored()


@pytest.mark.parametrize("text", ["speech.example.com", "ftp://x", "https://", "https://user:word@host", ""])
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="is no URL"):
        configuration.base_url(text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://host/v1/", "https://host"),
        (" https://host/instances/4b/ ", "https://host/instances/4b"),
        ("https://host/speech-to-text/api/v1", "https://host/speech-to-text/api"),
    ],
)
def test_urls_are_kept_without_the_version(text: str, url: str) -> None:
    assert configuration.base_url(text) == url
