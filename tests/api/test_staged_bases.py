"""Staged bases over HTTP: listed without a restart, and what is said where a language is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.api.openai import openai_models
from chalicelib.api.openai.openai_models import ChosenModel
from infra.bases.__main__ import main
from tests.api.calling import Instance, assert_error
from tests.engines.whisper import networks

pytest.importorskip("ctranslate2")

KOREAN = "ko-KR_NarrowbandModel"
NOT_FOUND = (
    f"Model {KOREAN} not found: no base of this service knows ko-KR. A Whisper network that does can be staged by "
    "its operator: python -m infra.bases add FOLDER --languages ko-KR"
)


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATTUNE_BASES", str(tmp_path / "bases"))
    return networks.write_multilingual(tmp_path / "random")


def test_a_base_is_listed_from_the_next_request_on(instance: Instance, network: Path) -> None:
    before = {model["name"] for model in instance("GET", "/models").json["models"]}
    assert main(["add", str(network), "--languages", "ko-KR,pt-BR", "--no-measuring"]) == 0
    models = {model["name"]: model for model in instance("GET", "/models").json["models"]}
    assert set(models) - before == {
        f"{tag}_{band}Model" for tag in ("ko-KR", "pt-BR") for band in ("Broadband", "Narrowband")
    }
    shown = instance("GET", f"/models/{KOREAN}").json
    assert shown == models[KOREAN]
    assert (shown["language"], shown["rate"], shown["description"]) == (
        "ko-KR",
        8_000,
        "Korean narrowband model.",
    )
    assert shown["supported_features"]["custom_language_model"] is False
    for language in ("ko", "KO-kr"):  # as clients of OpenAI's API ask for it
        meant = openai_models.chosen(instance.owner, "whisper-1", language)
        assert meant == ChosenModel("ko-KR_BroadbandModel", narrowband=KOREAN)
    assert main(["remove", "random"]) == 0
    assert {model["name"] for model in instance("GET", "/models").json["models"]} == before


def test_a_language_that_no_base_knows_says_what_could_be_staged(instance: Instance) -> None:
    assert_error(instance("GET", f"/models/{KOREAN}"), 404, NOT_FOUND)
    assert_error(instance("POST", f"/recognize?model={KOREAN}", body=b"RIFF"), 404, NOT_FOUND)
