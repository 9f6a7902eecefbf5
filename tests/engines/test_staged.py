"""The catalogue of staged bases, and the base models that it adds to those of the engines."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines import availability, catalogue, staged
from chalicelib.engines.errors import BaseUnreadable
from chalicelib.engines.staged import Catalogue, CatalogueUnreadable, StagedBase, StagedFile, StagedModel

KOREAN, VERSION = "ko-KR_BroadbandModel", "ko-KR_BroadbandModel.v2026-11-30"


def base(name: str = "small", *models: StagedModel, engine: str = "whisper") -> StagedBase:
    return StagedBase(
        name=name,
        engine=engine,
        source="/somewhere",
        added="2026-11-30",
        licence="MIT",
        files={"model.bin": StagedFile(4, "ab" * 32)},
        models=models or (StagedModel(KOREAN, VERSION, "ko"),),
        memory_bytes=1000,
        measured={"seconds_per_second": 0.5},
    )


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATTUNE_BASES", str(tmp_path))
    return tmp_path


@given(st.lists(st.text(min_size=1), unique=True, max_size=3), st.text())
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], note: str
) -> None:
    root = tmp_path_factory.mktemp("bases")
    bases = tuple(
        dataclasses.replace(base(f"b{number}"), source=name, licence=note)
        for number, name in enumerate(names)
    )
    written = Catalogue(bases, tuple(names))
    staged.write(root, written)
    assert staged.read(root) == written


def test_without_the_setting_or_the_file_there_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ATTUNE_BASES", raising=False)
    assert staged.current() is staged.EMPTY
    monkeypatch.setenv("ATTUNE_BASES", str(tmp_path / "missing"))
    assert staged.current() is staged.EMPTY


def test_the_file_is_read_again_only_when_it_has_changed(root: Path) -> None:
    staged.write(root, Catalogue((base(),)))
    first = staged.current()
    assert staged.current() is first
    staged.write(root, Catalogue((base("large"),)))
    assert [one.name for one in staged.current().bases] == ["large"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"format": 2, "bases": [], "retired": []}',
        '{"format": 1, "bases": [{"name": "x"}], "retired": []}',
        '{"format": 1, "bases": 5, "retired": []}',
        "[" * 100_000,
    ],
)
def test_a_damaged_catalogue_is_refused_by_name_and_takes_nothing_else_along(
    root: Path, content: str
) -> None:
    (root / staged.CATALOGUE).write_text(content)
    with pytest.raises(CatalogueUnreadable, match=staged.CATALOGUE):
        staged.read(root)
    assert list(catalogue.BASE_MODELS) == ["en-US_BroadbandModel", "en-US_NarrowbandModel"]


@pytest.mark.parametrize("name", ["../elsewhere", "..", "/etc", "a/b", ""])
def test_a_base_cannot_lie_outside_the_folder(root: Path, name: str) -> None:
    staged.write(root, Catalogue((base(),)))
    path = root / staged.CATALOGUE
    fields = json.loads(path.read_text())
    fields["bases"][0]["name"] = name
    path.write_text(json.dumps(fields))
    with pytest.raises(CatalogueUnreadable, match="no name of a folder"):
        staged.read(root)


def test_a_base_adds_a_model_at_once_and_takes_it_away_again(root: Path) -> None:
    assert KOREAN not in catalogue.BASE_MODELS
    staged.write(root, Catalogue((base(),)))
    model = catalogue.BASE_MODELS[KOREAN]
    assert (model.language, model.least_rate_hz, model.description) == (
        "ko-KR",
        16_000,
        "Korean broadband model.",
    )
    assert catalogue.find(KOREAN) == model
    assert catalogue.base_model_of_version(VERSION) == model
    version = catalogue.base_version(VERSION)
    assert (version.engine, version.base, version.language) == ("whisper", "small", "ko")
    staged.write(root, staged.EMPTY)
    assert KOREAN not in catalogue.BASE_MODELS


def test_a_base_for_us_english_is_the_newest_version_beside_the_others(root: Path) -> None:
    name = "en-US_BroadbandModel"
    before = catalogue.BASE_MODELS[name]
    staged.write(root, Catalogue((base("small", StagedModel(name, f"{name}.v2027-01-01", "en")),)))
    after = catalogue.BASE_MODELS[name]
    assert after.version_names == (*before.version_names, f"{name}.v2027-01-01")
    assert after.newest_version == f"{name}.v2027-01-01"


def test_corpora_and_grammars_are_for_english_alone(root: Path) -> None:
    english = StagedModel("en-GB_BroadbandModel", "en-GB_BroadbandModel.v2026-11-30", "en")
    staged.write(root, Catalogue((base("small", english, StagedModel(KOREAN, VERSION, "ko")),)))
    known = catalogue.base_version("en-US_BroadbandModel.v2026-11-30").features
    assert catalogue.base_version(english.version).features == known
    korean = catalogue.base_version(VERSION).features
    assert (korean.language_models, korean.grammars, korean.large_grammars) == (False, False, False)
    assert (korean.written_text, korean.acoustic_models) == (known.written_text, known.acoustic_models)


def test_a_base_of_an_engine_that_is_not_installed_is_not_served(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTUNE_ENGINES", "sphinx")
    staged.write(root, Catalogue((base(),)))
    assert KOREAN not in catalogue.BASE_MODELS
    reason = availability.unlisted(KOREAN)
    assert reason is not None
    assert "ctranslate2" in reason


def test_a_language_that_no_base_knows_leads_to_the_command() -> None:
    for name in (KOREAN, "en-UK_NarrowbandModel"):
        reason = availability.unlisted(name)
        assert reason is not None
        assert "python -m infra.bases add FOLDER --languages" in reason
    assert availability.unlisted("xx-XX_BroadbandModel") is None
    assert availability.unlisted("ko-KR_UltrabandModel") is None


def test_a_version_whose_base_was_removed_says_so(root: Path) -> None:
    staged.write(root, Catalogue((), (VERSION,)))
    reason = availability.obstacle(VERSION)
    assert reason is not None
    assert "the operator has removed its base" in reason


def test_files_that_have_gone_or_changed_are_named(root: Path) -> None:
    staged.write(root, Catalogue((base(),)))
    with pytest.raises(BaseUnreadable, match=r"'small'.*model\.bin has gone.*infra\.bases check small"):
        staged.located("small")
    (root / "small").mkdir()
    (root / "small" / "model.bin").write_bytes(b"12345")
    with pytest.raises(BaseUnreadable, match="has 5 bytes, not the 4"):
        staged.located("small")
    (root / "small" / "model.bin").write_bytes(b"1234")
    assert staged.located("small") == (root / "small", base())
    with pytest.raises(BaseUnreadable, match="not staged here any more"):
        staged.located("large")
