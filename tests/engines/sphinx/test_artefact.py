"""The adapted model's file: what training writes is read; anything else is refused with its reason."""

from __future__ import annotations

import gzip
import io
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.sphinx.artefact import read_artefact
from tests import adapted_models

VERSION = "en-US_BroadbandModel.v2018-07-31"
ARRAYS = {"means": np.arange(6, dtype=np.float32).reshape(2, 3)}


def _packed(path: Path, members: Mapping[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    return adapted_models.written(path, adapted_models.packed(members, kind))


def _members(version: str = VERSION) -> dict[str, bytes]:
    files = adapted_models.sphinx_files(ARRAYS)
    return {f"./{name}": content for name, content in adapted_models.members(version, files).items()}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    arrays = read_artefact(_packed(tmp_path / "model.tar.gz", _members()), VERSION)
    assert arrays is not None
    assert np.array_equal(arrays["means"], ARRAYS["means"])


def test_a_kept_base_has_no_arrays(tmp_path: Path) -> None:
    members = adapted_models.members(VERSION, {})
    assert read_artefact(_packed(tmp_path / "model.tar.gz", members), VERSION) is None


def _pickled() -> bytes:
    file = io.BytesIO()
    np.savez(file, means=np.array([{"code": "evil"}], dtype=object))
    return file.getvalue()


def _bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("means.npy", bytes(80 << 20))
    return file.getvalue()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"./adapted.npz": b"PK"}, "not the file that its manifest describes"),
        ({"./adapted.npz": None}, "not the file that its manifest describes"),
        ({"./manifest.json": None}, "no readable manifest"),
        ({"./manifest.json": b"[]"}, "no readable manifest"),
        ({"./manifest.json": b'{"format": 1}'}, "no readable manifest"),
        ({"./manifest.json": bytes((1 << 20) + 1)}, "too large"),
        ({"adapted.npz": b"twice"}, "there twice"),
    ],
)
def test_damage_is_refused(changes: dict[str, bytes | None], reason: str, tmp_path: Path) -> None:
    members = {name: content for name, content in (_members() | changes).items() if content is not None}
    with pytest.raises(ModelUnreadable, match=reason):
        read_artefact(_packed(tmp_path / "model.tar.gz", members), VERSION)


@pytest.mark.parametrize(("content", "reason"), [(_pickled(), "damaged"), (_bomb(), "more than it may")])
def test_hostile_arrays_are_refused_though_the_sum_is_right(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    members = adapted_models.members(VERSION, {"adapted.npz": content})
    with pytest.raises(ModelUnreadable, match=reason):
        read_artefact(_packed(tmp_path / "model.tar.gz", members), VERSION)


def test_another_base_version_is_refused(tmp_path: Path) -> None:
    path = _packed(tmp_path / "model.tar.gz", _members("en-US_BroadbandModel.v2020-01-16"))
    with pytest.raises(ModelUnreadable, match=r"made for en-US_BroadbandModel\.v2020"):
        read_artefact(path, VERSION)


def test_a_gzip_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    path = tmp_path / "model.tar.gz"
    with gzip.open(path, "wb") as file, tarfile.open(fileobj=file, mode="w|") as archive:
        member = tarfile.TarInfo("filler")
        member.size = 200 << 20
        archive.addfile(member, io.BytesIO(bytes(member.size)))
    with pytest.raises(ModelUnreadable, match="unpacks to more"):
        read_artefact(path, VERSION)


def test_too_many_members_and_links_are_refused(tmp_path: Path) -> None:
    many = {f"{number}": b"" for number in range(20)}
    with pytest.raises(ModelUnreadable, match="members"):
        read_artefact(_packed(tmp_path / "many.tar.gz", many), VERSION)
    with pytest.raises(ModelUnreadable, match="no readable manifest"):
        read_artefact(_packed(tmp_path / "links.tar.gz", {"manifest.json": b""}, tarfile.SYMTYPE), VERSION)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match=r"model\.tar\.gz"):
        read_artefact(tmp_path / "model.tar.gz", VERSION)


@given(st.integers(0, 3000), st.binary(max_size=20))
@settings(max_examples=100, deadline=None)
def test_any_damage_is_refused_or_harmless(place: int, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = _packed(Path(folder) / "model.tar.gz", _members())
        whole = path.read_bytes()
        path.write_bytes(whole[:place] + content + whole[place + len(content) :])
        try:
            arrays = read_artefact(path, VERSION)
        except ModelUnreadable:
            return
        assert arrays is not None
        assert np.array_equal(arrays["means"], ARRAYS["means"])
