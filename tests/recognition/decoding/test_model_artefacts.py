"""Adapted models on disk: fetched, checked, forgotten."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.recognition.decoding.model_artefacts import local_file
from chalicelib.recognition.request.models import ModelArtefact
from chalicelib.storage import objects

pytestmark = pytest.mark.usefixtures("account")


def stored(data: bytes) -> ModelArtefact:
    model = ModelArtefact("models/owner/id/000001/model.tar.gz", hashlib.sha256(data).hexdigest())
    objects.put(model.key, data)
    return model


def test_a_model_is_fetched_once(tmp_path: Path) -> None:
    model = stored(b"parameters")
    path = local_file(model, tmp_path / "cache").path
    objects.delete(model.key)
    assert local_file(model, tmp_path / "cache").path == path
    assert path.read_bytes() == b"parameters"
    assert [entry.name for entry in path.parent.iterdir()] == [f"{model.sha256}.tar.gz"]


def test_a_file_harmed_on_disk_is_fetched_again(tmp_path: Path) -> None:
    model = stored(b"parameters")
    local_file(model, tmp_path).path.write_bytes(b"paramet")
    assert local_file(model, tmp_path).path.read_bytes() == b"parameters"


def test_another_content_than_was_promoted_is_refused(tmp_path: Path) -> None:
    model = stored(b"parameters")
    objects.put(model.key, b"other parameters")
    with pytest.raises(ModelUnreadable, match="checksum"):
        local_file(model, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match="gone"):
        local_file(ModelArtefact("models/owner/id/000009/model.tar.gz", "00" * 32), tmp_path)
    assert list(tmp_path.iterdir()) == []
