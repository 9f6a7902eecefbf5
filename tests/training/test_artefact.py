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

from chalicelib.training import artefact
from chalicelib.training.artefact import ArtefactDamaged
from tests import custom_models

VERSION = "en-US_BroadbandModel.v2020-01-16"


def _verify(path: Path) -> artefact.Artefact:
    return artefact.verify(path, engine="sphinx", base_version=VERSION)


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
        ({"manifest_json": None}, "no manifest.json"),
        ({"manifest_json": b"{"}, "not JSON"),
        ({"manifest_json": b"[]"}, "not an object"),
        ({"manifest_json": _manifest(format=2)}, "unknown form"),
        ({"manifest_json": _manifest(sha256="all of them")}, "unknown form"),
        ({"manifest_json": _manifest(engine="ctc")}, "made for ctc"),
        ({"manifest_json": _manifest(base_version="en-US_BroadbandModel.v2018-07-31")}, "v2018-07-31, not"),
        ({"report_json": None}, "no report.json"),
        ({"report_json": {"decision": "perhaps"}}, "unknown decision"),
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
    with pytest.raises(ArtefactDamaged, match=problem):
        _verify(custom_models.artefact_file(tmp_path, **changes))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("adapted.npz")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(ArtefactDamaged):
        _verify(path)


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for content in (b"first", b"other"):
            member = tarfile.TarInfo("adapted.npz")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    with pytest.raises(ArtefactDamaged, match="unexpected member"):
        _verify(path)


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
    except ArtefactDamaged:
        return
    # Nothing that matters was hit: padding behind the archive's end.
    assert made.report == _verify_whole(tmp_path).report


def _verify_whole(folder: Path) -> artefact.Artefact:
    path = folder / "whole.tar.gz"
    path.write_bytes(WHOLE)
    return _verify(path)
