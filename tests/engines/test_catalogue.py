"""The catalogue of base models."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chalicelib.engines.catalogue import BASE_MODELS, DEFAULT_BASE_MODEL, base_model_of_version

VERSIONS = [(version, model) for model in BASE_MODELS.values() for version in model.version_names]


@pytest.mark.parametrize(("version", "name"), [(version, model.name) for version, model in VERSIONS])
def test_a_version_leads_to_its_model(version: str, name: str) -> None:
    assert base_model_of_version(version).name == name
    assert version.startswith(f"{name}.v")


def test_versions_are_unique_and_upgrades_exist() -> None:
    assert len({version for version, _ in VERSIONS}) == len(VERSIONS)
    assert len(BASE_MODELS[DEFAULT_BASE_MODEL].versions) >= 2
    assert all(model.newest_version == max(model.version_names) for model in BASE_MODELS.values())


def test_an_unknown_version_is_no_model() -> None:
    with pytest.raises(KeyError):
        base_model_of_version("en-US_BroadbandModel")


def test_the_catalogue_brings_no_engine_along() -> None:
    program = "import sys, chalicelib.engines.catalogue; print({'numpy', 'pocketsphinx'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
