"""The recognition function with a base that an operator has staged."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.engines import catalogue
from chalicelib.engines.errors import BaseUnreadable
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.function import handler, steps
from chalicelib.recognition.live import live_errors
from chalicelib.storage import objects
from infra.bases.__main__ import main
from infra.bases.measurement import CLIP, CLIP_TEXT
from tests.engines.whisper import networks

pytest.importorskip("ctranslate2")

NAME = "en-GB_NarrowbandModel"


@pytest.fixture
def root(account: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "bases"
    monkeypatch.setenv("ATTUNE_BASES", str(root))
    assert main(["add", str(networks.embedded_folder()), "--name", "tiny", "--no-measuring"]) == 0
    objects.put("spool/audio", CLIP.read_bytes())
    return root


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch, root: Path) -> Iterator[Callable[[], dict[str, Any]]]:
    """Ask the function to recognise the clip with the newest version of the model."""
    version = catalogue.BASE_MODELS[NAME].newest_version
    event = {
        "audio": {"bucket": "attune-test", "key": "spool/audio", "content_type": "audio/wav"},
        "base_version": version,
        "options": {"model": NAME},
    }
    with DecoderPool(1) as pool:
        monkeypatch.setattr(steps, "decoder_pool", lambda: pool)
        yield lambda: handler.handle(event)


def test_a_staged_base_recognises(handle: Callable[[], dict[str, Any]]) -> None:
    [result] = handle()["results"]["results"]
    assert result["alternatives"][0]["transcript"].strip() == CLIP_TEXT


def test_a_base_whose_folder_has_gone_says_so_and_how_to_go_on(
    handle: Callable[[], dict[str, Any]], root: Path
) -> None:
    shutil.rmtree(root / "tiny")
    error = handle()["error"]
    assert error["code"] == 503
    assert error["message"].startswith("The base 'tiny' of this model cannot be used at the moment: its file")
    assert "python -m infra.bases check tiny" in error["message"]


def test_a_base_with_another_checksum_is_not_used(handle: Callable[[], dict[str, Any]], root: Path) -> None:
    model = root / "tiny" / "model.bin"
    content = bytearray(model.read_bytes())
    content[-100] ^= 1
    model.write_bytes(content)
    error = handle()["error"]
    assert error["code"] == 503
    assert "another file; stage it anew" in error["message"]


def test_a_job_on_a_base_that_was_removed_is_told(handle: Callable[[], dict[str, Any]]) -> None:
    assert main(["remove", "tiny"]) == 0
    error = handle()["error"]
    assert error["code"] == 400
    assert "the operator has removed its base" in error["message"]


def test_a_live_client_is_told_the_same() -> None:
    error = BaseUnreadable.told("tiny", "it has gone")
    assert live_errors.wording(error) == str(error)
