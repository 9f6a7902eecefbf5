"""Which engines are here, and what is said about those that are not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.engines import availability, catalogue
from chalicelib.engines.catalogue import BaseModel
from chalicelib.engines.features import ENGINE_FEATURES
from chalicelib.settings import SettingsError
from tests.installed_engines import NEURAL

ROOT = Path(__file__).parent.parent.parent
SPHINX = "en-US_BroadbandModel.v2020-01-16"


def _said(program: str, *options: str, **environment: str) -> object:
    command = [
        sys.executable,
        *options,
        "-c",
        f"import sys, json; sys.path.insert(0, {str(ROOT)!r}); {program}",
    ]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **environment}
    )
    return json.loads(done.stdout)


def test_only_versions_of_engines_that_are_there_are_listed() -> None:
    program = (
        "from chalicelib.engines import catalogue; "
        "print(json.dumps([v.engine for m in catalogue.BASE_MODELS.values() for v in m.versions]))"
    )
    for engine in ENGINE_FEATURES:
        listed = _said(program, ATTUNE_ENGINES=engine)
        assert isinstance(listed, list)
        assert set(listed) <= {engine}
    assert _said(program, ATTUNE_ENGINES="") == _said(
        program, ATTUNE_ENGINES=f" {', '.join(ENGINE_FEATURES)} "
    )


def test_a_base_model_without_a_version_is_not_listed() -> None:
    assert catalogue.served([]) == {}
    assert catalogue.served(ENGINE_FEATURES) == catalogue.KNOWN_MODELS


def test_an_engine_that_does_not_exist_is_named() -> None:
    with pytest.raises(
        SettingsError, match=r"ATTUNE_ENGINES names 'sphynx': the engines are sphinx, whisper"
    ):
        catalogue.served(["sphynx", "whisper"])


def test_an_engine_that_does_not_exist_cannot_be_adapted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_ADAPTED_ENGINES", "whisper, sphynx")
    with pytest.raises(SettingsError, match=r"ATTUNE_ADAPTED_ENGINES names 'sphynx'"):
        catalogue.served(ENGINE_FEATURES)


def test_every_engine_is_looked_for_and_none_imported() -> None:
    assert set(availability.installed()) <= ENGINE_FEATURES.keys()
    assert availability._NEEDS.keys() == ENGINE_FEATURES.keys()
    program = (
        "from chalicelib.engines import availability; found = availability.installed(); "
        "print(json.dumps([found, sorted({'pocketsphinx', 'ctranslate2', 'numpy'} & set(sys.modules))]))"
    )
    assert _said(program) == [list(availability.installed()), []]


def test_nothing_is_found_where_nothing_is_installed() -> None:
    program = "from chalicelib.engines import availability; print(json.dumps(availability.installed()))"
    assert _said(program, "-I", "-S") == []


def test_a_version_that_is_served_or_unknown_has_no_obstacle(without_sphinx: BaseModel) -> None:
    assert availability.obstacle(NEURAL) is None
    assert availability.obstacle("en-US_BroadbandModel.v1999-01-01") is None
    assert availability.unlisted("en-US_BroadbandModel") is None
    assert availability.unlisted("xx-XX_BroadbandModel") is None


def test_what_is_missing_is_said_with_the_way_out(without_sphinx: BaseModel) -> None:
    reason = availability.obstacle(SPHINX)
    assert reason is not None
    assert "'sphinx' (Python package pocketsphinx, ready-made for Python 3.11 and 3.13)" in reason
    assert f"Use version '{NEURAL}', upgrading the custom model" in reason


def test_a_model_without_any_version_leaves_the_operator_to_ask(without_sphinx: BaseModel) -> None:
    for name in ("en-US_NarrowbandModel", "en-US_Telephony"):
        reason = availability.unlisted(name)
        assert reason is not None
        assert reason.endswith("Ask the operator of this service to install it.")


def test_a_process_that_learns_later_which_engines_there_are_serves_those(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalogue, "BASE_MODELS", dict(catalogue.BASE_MODELS))
    monkeypatch.setenv("ATTUNE_ENGINES", "whisper")
    catalogue.serve_anew()
    assert catalogue.served(["whisper"]) == catalogue.BASE_MODELS
    monkeypatch.setenv("ATTUNE_ENGINES", "sphynx")
    with pytest.raises(SettingsError):
        catalogue.serve_anew()
    assert catalogue.served(["whisper"]) == catalogue.BASE_MODELS
