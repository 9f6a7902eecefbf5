"""`python -m infra.bases`: what it stages, refuses, checks and removes, and what the service then serves."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from chalicelib.engines import catalogue, loading, staged
from chalicelib.engines.errors import BaseUnreadable
from infra.bases import memory, sources
from infra.bases.__main__ import main
from infra.bases.errors import NotStaged
from infra.bases.measurement import CLIP_TEXT, BaseFigures
from tests.engines.whisper import networks

pytest.importorskip("ctranslate2")

KOREAN = ("ko-KR_BroadbandModel", "ko-KR_NarrowbandModel")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "bases"
    monkeypatch.setenv("ATTUNE_BASES", str(root))
    return root


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return networks.write_multilingual(tmp_path_factory.mktemp("source") / "random")


@pytest.fixture
def korean(root: Path, network: Path) -> Path:
    """A root with one base for Korean, not measured."""
    assert main(["add", str(network), "--languages", "ko-KR", "--no-measuring"]) == 0
    return root


@pytest.fixture
def bucket() -> Iterator[str]:
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="weights")
        yield "weights"


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(arguments) == 1
    return capsys.readouterr().err


def test_the_embedded_network_is_measured_and_serves_other_english_models(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = networks.embedded_folder()
    assert main(["add", str(source), "--name", "tiny.en", "--licence", "MIT"]) == 0
    told = capsys.readouterr().out
    assert "37,764,864 parameters" in told
    assert f"of {len(CLIP_TEXT.split())} words of an English sentence wrong" in told
    (base,) = staged.current().bases
    assert base.measured["wrong_words"] <= 2
    assert base.measured["seconds_per_second"] > 0
    assert base.memory_bytes > base.weights.size_bytes
    served = {model.name for model in base.models}
    assert served == {
        f"en-{land}_{band}Model" for land in ("GB", "AU") for band in ("Broadband", "Narrowband")
    }
    version = catalogue.BASE_MODELS["en-GB_BroadbandModel"].newest_version
    assert loading.load(version).sample_rate_hz == 16_000


def test_a_network_that_was_never_trained_is_measured_and_said_to_be_odd(
    root: Path, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["add", str(network)]) == 0
    assert "are these weights trained?" in capsys.readouterr().out
    assert set(KOREAN) <= catalogue.BASE_MODELS.keys()
    languages = {model.language for model in catalogue.BASE_MODELS.values()}
    assert {"ar-MS", "de-DE", "es-MX", "fr-CA", "ja-JP", "pt-BR", "zh-CN"} <= languages
    assert catalogue.base_version(catalogue.BASE_MODELS["en-US_BroadbandModel"].newest_version).base is None


def test_us_english_is_only_staged_when_it_is_asked_for(root: Path, network: Path) -> None:
    assert main(["add", str(network), "--languages", "en-GB", "--us-english", "--no-measuring"]) == 0
    for name in ("en-US_BroadbandModel", "en-US_NarrowbandModel", "en-GB_BroadbandModel"):
        version = catalogue.base_version(catalogue.BASE_MODELS[name].newest_version)
        assert (version.base, version.language) == ("random", "en")


def test_transformers_and_a_language_with_all_its_dialects(root: Path, tmp_path: Path) -> None:
    source = networks.write_transformers(tmp_path / "french")
    assert main(["add", str(source), "--languages", "fr,pt-BR", "--no-measuring"]) == 0
    (base,) = staged.current().bases
    assert {model.name.partition("_")[0] for model in base.models} == {"fr-CA", "fr-FR", "pt-BR"}
    assert {model.language for model in base.models} == {"fr", "pt"}


def test_a_prefix_in_s3_is_fetched_without_its_pickles(
    root: Path, network: Path, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    client = boto3.client("s3")
    for path in network.iterdir():
        client.upload_file(str(path), bucket, f"whisper/small/{path.name}")
    client.put_object(Bucket=bucket, Key="whisper/small/pytorch_model.bin", Body=b"PK\x03\x04")
    client.put_object(Bucket=bucket, Key="whisper/small/deeper/model.bin", Body=b"no")
    assert main(["add", f"s3://{bucket}/whisper/small", "--languages", "ko", "--no-measuring"]) == 0
    (base,) = staged.current().bases
    assert (base.name, base.source) == ("small", f"s3://{bucket}/whisper/small")
    assert "no weights directly below it" in refused(capsys, "add", f"s3://{bucket}/nothing")
    assert "cannot be fetched" in refused(capsys, "add", "s3://no-such-bucket/x")


def test_a_hub_that_cannot_be_reached_leaves_the_way_by_hand(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(capsys, "add", "openai/whisper-small")
    assert "git clone https://huggingface.co/openai/whisper-small" in told
    assert "is no folder on this machine" in refused(capsys, "add", "no/such/folder")


def test_what_is_refused_changes_nothing(
    root: Path, network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "broken"
    shutil.copytree(network, source)
    (source / "model.bin").write_bytes((source / "model.bin").read_bytes()[:-7])
    assert "truncated or damaged" in refused(capsys, "add", str(source))
    assert "these weights do not know it" not in refused(capsys, "add", str(network), "--languages", "xx-XX")
    assert "it is another file" in refused(capsys, "add", str(network), "--sha256", "0" * 64)
    assert "is no name for a base" in refused(capsys, "add", str(network), "--name", "../x")
    assert "is a file" in refused(capsys, "add", str(source / "model.bin"))
    assert [path.name for path in root.iterdir()] == [".lock"]
    assert not staged.current().bases


def test_an_english_network_does_not_know_korean(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = refused(capsys, "add", str(networks.embedded_folder()), "--languages", "ko-KR", "--no-measuring")
    assert "'ko-KR': these weights do not know it. They know en-AU, en-GB, en-US" in told


def test_a_name_is_given_once_and_so_is_a_version(
    korean: Path, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is called 'random' already" in refused(capsys, "add", str(network))
    first = catalogue.BASE_MODELS[KOREAN[0]].newest_version
    assert re.fullmatch(r"ko-KR_BroadbandModel\.v\d{4}-\d\d-\d\d", first)
    assert main(["remove", "random"]) == 0
    assert KOREAN[0] not in catalogue.BASE_MODELS
    assert not (korean / "random").exists()
    assert main(["add", str(network), "--languages", "ko-KR", "--no-measuring"]) == 0
    assert catalogue.BASE_MODELS[KOREAN[0]].version_names == (f"{first}-2",)


def test_a_base_serves_until_its_files_change_and_check_says_which(
    korean: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = catalogue.BASE_MODELS[KOREAN[0]].newest_version
    assert loading.load(version).size_bytes == staged.current().bases[0].memory_bytes
    assert main(["check"]) == 0
    model = korean / "random" / "model.bin"
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    with pytest.raises(BaseUnreadable, match="it is another file; stage it anew"):
        loading.load(version)
    assert "another checksum" in refused(capsys, "check", "random")
    model.unlink()
    with pytest.raises(BaseUnreadable, match=r"model\.bin has gone"):
        loading.load(version)
    assert "has gone" in refused(capsys, "check")
    assert loading.load("en-US_BroadbandModel.v2026-11-30").sample_rate_hz == 16_000


def test_list_shows_what_is_staged(korean: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["list"]) == 0
    told = capsys.readouterr().out
    assert "random" in told
    assert catalogue.BASE_MODELS[KOREAN[1]].newest_version in told
    assert "no base is called 'other'" in refused(capsys, "remove", "other")


def test_a_damaged_catalogue_is_not_written_over(
    korean: Path, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (korean / staged.CATALOGUE).write_text("{")
    assert "cannot be read" in refused(capsys, "add", str(network), "--name", "other")
    assert (korean / staged.CATALOGUE).read_text() == "{"


def test_memory_that_does_not_suffice_is_said_before_anything_is_read(tmp_path: Path) -> None:
    memory.check(1000, 1024**3)
    memory.check(1000, None)
    with pytest.raises(
        NotStaged, match=r"weights of 1,000 MiB need about 2,\d00 MiB .* 2,000 MiB are available"
    ):
        memory.check(1000 * 1024**2, 2000 * 1024**2)
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9 kB\nMemAvailable:    2048 kB\n")
    assert memory.available_bytes(meminfo) == 2048 * 1024
    assert memory.available_bytes(tmp_path / "missing") is None


@pytest.mark.parametrize(("text", "wrong"), [(CLIP_TEXT, 0), ("", 18), (f"well {CLIP_TEXT[:-7]}", 2)])
def test_wrong_words_are_counted(text: str, wrong: int) -> None:
    assert BaseFigures(0.1, 0.1, text, 1).wrong_words == wrong


def test_a_folder_is_taken_as_it_is(network: Path, tmp_path: Path) -> None:
    assert sources.fetched(str(network), tmp_path) == network
