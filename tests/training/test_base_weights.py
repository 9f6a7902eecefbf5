"""Weights of staged bases in the bucket: stored once, whole, and by content."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from chalicelib.customization import acoustic_models
from chalicelib.customization.acoustic import acoustic_training
from chalicelib.customization.acoustic.acoustic_training import AcousticClaim
from chalicelib.engines import catalogue, staged
from chalicelib.engines.staged import Catalogue, StagedBase, StagedFile, StagedModel
from chalicelib.storage import objects
from chalicelib.training import base_weights, launch
from tests import custom_models
from tests.sagemaker import Platform

MODEL, VERSION = "en-GB_NarrowbandModel", "en-GB_NarrowbandModel.small"
FILES = {"model.bin": b"weights", "vocabulary.json": b"[]", "config.json": b"{}"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATTUNE_BASES", str(tmp_path))
    # Weights of its own, for the bucket is that of all tests here.
    return _stage(tmp_path, FILES | {"model.bin": f"weights of {tmp_path.name}".encode()})


def _stage(root: Path, files: dict[str, bytes]) -> Path:
    folder = root / "small"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    stated = {
        name: StagedFile(len(content), hashlib.sha256(content).hexdigest()) for name, content in files.items()
    }
    models = (StagedModel(MODEL, VERSION, "en"),)
    staged.write(root, Catalogue((StagedBase("small", "whisper", "", "", "", stated, models, 0, {}),)))
    return folder


def _claim() -> AcousticClaim:
    made = acoustic_models.create(custom_models.OWNER, name="kitchen", base_model_name=MODEL)
    model = custom_models.fresh(made)
    custom_models.add_audio(model, "one")
    return acoustic_training.begin_training(model.owner, model.customization_id)


def test_the_weights_are_there_before_the_job_that_reads_them(folder: Path, platform: Platform) -> None:
    claim = _claim()
    launch.start(claim)
    (request,) = platform.created
    channels = {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"]
        for channel in request["InputDataConfig"]
    }
    plan = json.loads(objects.get(f"{launch.run_of(claim.model).plan_prefix}plan.json"))
    assert channels["base"] == f"s3://attune-test/{plan['base_weights']}"
    assert (plan["base_version"], plan["language"], plan["least_rate_hz"]) == (VERSION, "en", 8000)
    prefix = plan["base_weights"]
    stored = {key.removeprefix(prefix): objects.get(key) for key in objects.keys(prefix)}
    assert stored == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_they_are_stored_once_and_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = catalogue.base_version(VERSION)
    upload = objects.upload
    sent: list[str] = []

    def noted(path: Path, key: str) -> None:
        upload(path, key)
        sent.append(path.name)

    def interrupted(path: Path, key: str) -> None:
        if path.name == staged.WEIGHTS:
            raise ConnectionError
        upload(path, key)

    monkeypatch.setattr(objects, "upload", interrupted)
    with pytest.raises(ConnectionError):
        base_weights.store(base)
    monkeypatch.setattr(objects, "upload", noted)
    base_weights.store(base)
    assert sorted(sent) == sorted(FILES)
    base_weights.store(base)
    assert sorted(sent) == sorted(FILES)


def test_other_weights_under_the_same_name_have_a_place_of_their_own(folder: Path) -> None:
    base = catalogue.base_version(VERSION)
    base_weights.store(base)
    first = base_weights.prefix(base)
    _stage(folder.parent, FILES | {"model.bin": b"other weights"})
    base_weights.store(base)
    second = base_weights.prefix(base)
    assert first != second
    assert objects.get(f"{first}model.bin").startswith(b"weights of ")
    assert objects.get(f"{second}model.bin") == b"other weights"


def test_a_run_whose_base_has_gone_fails_with_a_reason(folder: Path, platform: Platform) -> None:
    claim = _claim()
    shutil.rmtree(folder)
    launch.start(claim)
    model = custom_models.fresh(claim.model)
    assert platform.created == []
    assert model.status == "failed"
    assert "The base 'small' of this model cannot be used at the moment" in str(model.error)


def test_what_comes_with_an_engine_is_not_stored() -> None:
    base = catalogue.base_version("en-US_BroadbandModel.v2026-11-30")
    assert base_weights.prefix(base) is None
    before = list(objects.keys("bases/"))
    base_weights.store(base)
    assert list(objects.keys("bases/")) == before
