"""The form of an adapted model: what a job leaves is taken whole, and nothing else is."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chalicelib.engines import adapted_model
from chalicelib.engines.adapted_model import Verified
from chalicelib.engines.errors import ModelUnreadable
from tests import adapted_models, custom_models

VERSION = "en-US_BroadbandModel.v2020-01-16"


def _verify(path: Path) -> Verified:
    return adapted_model.verify(path, engine="sphinx", base_version=VERSION)


def _manifest(**changes: object) -> dict[str, object]:
    parameters = hashlib.sha256(b"PK\x03\x04 adapted parameters").hexdigest()
    whole: dict[str, object] = {
        "format": 1,
        "engine": "sphinx",
        "base_version": VERSION,
        "sha256": {"adapted.npz": parameters},
    }
    return whole | changes


def test_a_whole_artefact(tmp_path: Path) -> None:
    path = custom_models.artefact_file(tmp_path)
    made = _verify(path)
    assert made.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert json.loads(made.report)["decision"] == made.decision == "adapted"


def test_the_base_is_kept_without_parameters(tmp_path: Path) -> None:
    path = custom_models.artefact_file(
        tmp_path,
        adapted_npz=None,
        manifest_json=_manifest(sha256={}),
        report_json={"decision": "base", "reason": "nothing beats it"},
    )
    assert _verify(path).decision == "base"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"adapted_npz": b"other parameters"}, "does not describe"),
        ({"adapted_npz": None}, "does not describe"),
        ({"extra_bin": b"x"}, "does not describe"),
        ({"manifest_json": None}, "no readable manifest.json"),
        ({"manifest_json": b"{"}, "no readable manifest.json"),
        ({"manifest_json": b"[]"}, "not an object"),
        ({"manifest_json": _manifest(format=2)}, "format 2"),
        ({"manifest_json": _manifest(sha256="all of them")}, "unknown form"),
        ({"manifest_json": _manifest(engine="ctc")}, "of the engine ctc"),
        (
            {"manifest_json": _manifest(base_version="en-US_BroadbandModel.v2018-07-31")},
            "v2018-07-31 of the engine sphinx",
        ),
        ({"report_json": None}, "no readable report.json"),
        ({"report_json": {"decision": "No way"}}, "unknown decision"),
        ({"report_json": {"decision": 1}}, "unknown decision"),
        ({"report_json": {}}, "unknown decision"),
        ({"../up": b"x"}, "unexpected member"),
        ({"folder/file": b"x"}, "unexpected member"),
        (
            {
                "adapted_npz": None,
                "manifest_json": _manifest(sha256={}),
                "report_json": {"decision": "transform"},
            },
            "no parameters",
        ),
    ],
)
def test_what_must_not_be_used(tmp_path: Path, changes: dict[str, object], problem: str) -> None:
    with pytest.raises(ModelUnreadable, match=problem):
        _verify(custom_models.artefact_file(tmp_path, **changes))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("adapted.npz")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(ModelUnreadable):
        _verify(path)


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for content in (b"first", b"other"):
            member = tarfile.TarInfo("adapted.npz")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    with pytest.raises(ModelUnreadable, match="unexpected member"):
        _verify(path)


@pytest.mark.parametrize("decision", ["adapted", "transform", "low-rank"])
def test_an_engine_names_its_own_stages(tmp_path: Path, decision: str) -> None:
    path = custom_models.artefact_file(tmp_path, report_json={"decision": decision})
    assert _verify(path).decision == decision


FILES = {"one.bin": b"1", "two.bin": bytes(10)}
LIMITS = {"one.bin": 10, "two.bin": 10, "three.bin": 10}


def _read(path: Path, limits: dict[str, int], engine: str = "whisper") -> dict[str, bytes]:
    return adapted_model.read(
        path, limits, engine=engine, base_version=VERSION, max_unpacked_bytes=1024 * 1024
    )


def _packed(folder: Path, files: dict[str, bytes], **changes: bytes) -> Path:
    members = adapted_models.members(VERSION, files, engine="whisper")
    renamed = {name.replace("_", "."): content for name, content in changes.items()}
    return adapted_models.written(folder / "model.tar.gz", adapted_models.packed(members | renamed))


def test_an_engine_reads_its_files_whatever_they_hold(tmp_path: Path) -> None:
    assert _read(_packed(tmp_path, FILES), LIMITS) == FILES
    assert _read(_packed(tmp_path, {}), LIMITS) == {}
    assert adapted_model.verify(_packed(tmp_path, FILES), engine="whisper", base_version=VERSION).sha256


@pytest.mark.parametrize(
    ("changes", "limits", "engine", "problem"),
    [
        ({"one_bin": b"2"}, LIMITS, "whisper", "one.bin is not the file"),
        ({"three_bin": b"3"}, LIMITS, "whisper", "three.bin is not the file"),
        ({}, LIMITS, "sphinx", "of the engine whisper"),
        ({}, LIMITS | {"two.bin": 9}, "whisper", "too large"),
        ({}, {"one.bin": 10}, "whisper", "files that this version does not know: two.bin"),
        ({"filler_bin": bytes(2 << 20)}, LIMITS, "whisper", "unpacks to more"),
        ({"manifest_json": b"[" * 100_000}, LIMITS, "whisper", "no readable manifest.json"),
        ({"manifest_json": b"{}"}, LIMITS, "whisper", "unknown form"),
    ],
)
def test_an_engine_reads_nothing_else(
    tmp_path: Path, changes: dict[str, bytes], limits: dict[str, int], engine: str, problem: str
) -> None:
    with pytest.raises(ModelUnreadable, match=problem):
        _read(_packed(tmp_path, FILES, **changes), limits, engine)


@pytest.mark.parametrize("name", ["../up", "/root", ".hidden", "", "a/b", "report.json", "manifest.json"])
def test_a_name_that_leads_elsewhere_is_not_written(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a file"):
        adapted_model.manifest("sphinx", VERSION, {name: b""})


WHOLE = custom_models.artefact()


@given(data=st.data())
@hypothesis_settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_damage_is_noticed(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "model.tar.gz"
    if data.draw(st.booleans(), label="cut off"):
        path.write_bytes(WHOLE[: data.draw(st.integers(0, len(WHOLE) - 1))])
    else:
        # Behind gzip's header, where time stamp and flags may change without harm.
        place = data.draw(st.integers(10, len(WHOLE) - 1))
        flipped = bytes([WHOLE[place] ^ data.draw(st.integers(1, 255))])
        path.write_bytes(WHOLE[:place] + flipped + WHOLE[place + 1 :])
    try:
        made = _verify(path)
    except ModelUnreadable:
        return
    # Nothing that matters was hit: padding behind the archive's end.
    assert made.report == _verify_whole(tmp_path).report


def _verify_whole(folder: Path) -> Verified:
    path = folder / "whole.tar.gz"
    path.write_bytes(WHOLE)
    return _verify(path)
