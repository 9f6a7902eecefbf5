"""How recordings are divided into what is sent."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from attune_cli.upload import parcels, recordings
from attune_cli.upload.parcels import Changed, FileBody, Parcel
from attune_cli.upload.recordings import RecordingFile
from tests.attune_cli.recordings import folder_of_calls


def of(folder: Path, bare_type: str | None = None) -> list[RecordingFile]:
    return [one for one in recordings.found([folder], bare_type) if isinstance(one, RecordingFile)]


def content(parcel: Parcel) -> bytes:
    with parcel.opened() as file:
        return file.read()


def test_few_are_sent_each_by_itself_and_many_in_an_archive(tmp_path: Path) -> None:
    few = of(folder_of_calls(tmp_path / "few", 3))
    assert [one.name for one in parcels.packed(few, pack=None)] == [
        "call-000.wav",
        "call-001.wav",
        "call-002.wav",
    ]
    (packed,) = parcels.packed(few, pack=True)
    assert packed.name.startswith("few-")
    many = of(folder_of_calls(tmp_path / "many", parcels.PACKED_FROM))
    (packed,) = parcels.packed(many, pack=None)
    assert packed.headers == {"Content-Type": "application/zip"}
    with zipfile.ZipFile(io.BytesIO(content(packed))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [one.name for one in many]
        assert archive.read(many[0].name) == many[0].file.read_bytes()
    assert len(parcels.packed(many, pack=False)) == parcels.PACKED_FROM


def test_archives_stay_below_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = of(folder_of_calls(tmp_path / "many", 30))
    monkeypatch.setattr(parcels, "PACK_BYTES", 7 * (many[0].size_bytes + 400))
    made = parcels.packed(many, pack=True)
    assert [len(one.recordings) for one in made] == [7, 7, 7, 7, 2]
    assert len({one.name for one in made}) == 5
    assert all(len(content(one)) <= parcels.PACK_BYTES for one in made)
    assert [one for parcel in made for one in parcel.recordings] == many


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    many = of(folder_of_calls(tmp_path / "many", 25))
    (one,), (other,) = parcels.packed(many, pack=True), parcels.packed(many, pack=True)
    assert one.name == other.name
    assert content(one) == content(other)
    left = parcels.without(one, {many[0].name})
    assert left is not None and left.name != one.name and len(left.recordings) == 24
    assert parcels.without(one, {each.name for each in many}) is None


def test_bare_samples_have_an_archive_of_their_own_that_says_what_they_are(tmp_path: Path) -> None:
    folder = folder_of_calls(tmp_path / "many", 2)
    (folder / "line.raw").write_bytes(bytes(100))
    sound, bare = parcels.packed(of(folder, "audio/l16;rate=8000"), pack=True)
    assert sound.headers == {"Content-Type": "application/zip"}
    assert bare.headers == {
        "Content-Type": "application/zip",
        "Contained-Content-Type": "audio/l16;rate=8000",
    }


def test_names_that_would_meet_are_told_apart(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        folder_of_calls(tmp_path / folder, 1)
    made = parcels.packed([*of(tmp_path / "one"), *of(tmp_path / "two")], pack=False)
    assert len({one.name for one in made}) == 2
    again = parcels.packed([*of(tmp_path / "one"), *of(tmp_path / "two")], pack=False)
    assert [one.name for one in made] == [one.name for one in again]


def test_an_archive_is_called_as_its_file(tmp_path: Path) -> None:
    for name in ("monday.zip", "tuesday.tar.gz"):
        (tmp_path / name).write_bytes(b"PK\x03\x04" if name.endswith("zip") else b"\x1f\x8b\x08")
    assert [one.name for one in parcels.packed(of(tmp_path), pack=True)] == ["monday", "tuesday"]


def test_a_file_that_changes_meanwhile_is_named(tmp_path: Path) -> None:
    many = of(folder_of_calls(tmp_path / "many", 25))
    (packed,) = parcels.packed(many, pack=True)
    many[3].file.write_bytes(b"shorter")
    with pytest.raises(Changed, match=r"call-003\.wav has changed"):
        content(packed)
    many[3].file.unlink()
    with pytest.raises(Changed, match=r"call-003\.wav cannot be read"):
        content(packed)


def test_what_is_sent_is_counted() -> None:
    sent: list[int] = []
    body = FileBody(io.BytesIO(bytes(3_000_000)), sent.append)
    assert len(body) == 3_000_000
    assert sum(map(len, body)) == 3_000_000
    assert sum(sent) == 3_000_000
