"""Bases made of folders: both forms, quantised alike, and refused where they are no whole Whisper network."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper import staging
from chalicelib.engines.whisper.decoding.transcript import network_words
from chalicelib.engines.whisper.engine import WhisperEngine
from chalicelib.engines.whisper.model import safetensors_file
from chalicelib.engines.whisper.model.adapted_network import folder_in_memory
from chalicelib.engines.whisper.model.architecture import checked
from chalicelib.engines.whisper.model.low_rank import Change, delta_bytes, merged, parse_delta
from chalicelib.engines.whisper.model.merging import Share
from chalicelib.engines.whisper.model.model_file import ModelFile, model_bytes, quantised, read_model
from chalicelib.engines.whisper.model.weights import in_folder
from tests.engines.whisper import networks

Breaking = Callable[[Path], object]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return networks.write_multilingual(tmp_path_factory.mktemp("ctranslate2") / "base")


@pytest.fixture(scope="module")
def transformers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return networks.write_transformers(tmp_path_factory.mktemp("transformers") / "base")


def prepared(source: Path, target: Path) -> bytes:
    target.mkdir()
    staging.prepare(source, target)
    return (target / "model.bin").read_bytes()


def test_a_folder_of_ctranslate2_is_quantised_and_can_be_loaded(folder: Path, tmp_path: Path) -> None:
    found = staging.prepare(folder, tmp_path)
    assert set(found.files) == {path.name for path in tmp_path.iterdir()}
    assert found.multilingual
    assert set(found.languages) == set(networks.MULTILINGUAL_LANGUAGES)
    written = read_model(tmp_path / "model.bin")
    assert written.arrays["decoder/embeddings/weight"].dtype == np.int8
    assert checked(written) == checked(networks.multilingual_network())
    network = WhisperEngine(tmp_path, "ko").network()
    assert (network.language, network.bands) == ("ko", 80)


def test_changes_can_be_merged_into_what_was_staged(folder: Path, tmp_path: Path) -> None:
    base_sha256 = hashlib.sha256(prepared(folder, tmp_path / "base")).hexdigest()
    weights = "decoder/layer_0/attention/linear_1/weight"
    chance = np.random.default_rng(3)
    down, up = (chance.normal(0, 0.3, shape).astype(np.float16) for shape in ((2, 8), (8, 2)))
    delta = parse_delta(delta_bytes(base_sha256, [Change(weights, 8, down, up)]))
    base = replace(in_folder(tmp_path / "base"), base_sha256=base_sha256)
    with folder_in_memory(base, [Share(delta)]) as changed:
        found = read_model(changed / "model.bin").arrays
    whole = merged(networks.multilingual_network(), delta, base_sha256)
    for name, array in quantised(whole).arrays.items():
        steps = 1 if name == weights else 0
        np.testing.assert_allclose(found[name], array, rtol=1e-3, atol=steps, err_msg=name)


def test_what_is_quantised_already_stays_byte_for_byte(folder: Path, tmp_path: Path) -> None:
    first = prepared(folder, tmp_path / "first")
    assert prepared(tmp_path / "first", tmp_path / "second") == first


@pytest.mark.parametrize(("kind", "shards"), [("F16", 1), ("F32", 3)])
def test_safetensors_give_the_same_file(folder: Path, tmp_path: Path, kind: str, shards: int) -> None:
    source = networks.write_transformers(tmp_path / "source", kind=kind, shards=shards)
    assert prepared(source, tmp_path / "base") == prepared(folder, tmp_path / "reference")
    assert json.loads((tmp_path / "base/vocabulary.json").read_text()) == networks.multilingual_vocabulary()
    told, reference = (json.loads((path / "config.json").read_text()) for path in (tmp_path / "base", folder))
    assert told == {**reference, "lang_ids": sorted(reference["lang_ids"])}


def test_bfloat16_is_read_as_the_upper_half_of_single_precision(tmp_path: Path) -> None:
    values = np.array([[1.0, -2.5], [0.0, 3.140625]], np.float32)
    networks.write_safetensors(tmp_path / "x.safetensors", {"a": values}, "BF16")
    found = safetensors_file.read(tmp_path / "x.safetensors")
    assert found["a"].tolist() == values.tolist()


def test_a_decoder_may_have_fewer_layers_than_the_encoder_and_128_bands(tmp_path: Path) -> None:
    model = networks.multilingual_network(bands=128, decoder_layers=1)
    source = networks.write_transformers(tmp_path / "source", model)
    prepared(source, tmp_path / "base")
    assert checked(read_model(tmp_path / "base/model.bin")).bands == 128


def test_the_embedded_network_is_one_of_english(tmp_path: Path) -> None:
    found = staging.prepare(networks.embedded_folder(), tmp_path)
    assert (found.languages, found.multilingual, found.parameters) == (("en",), False, 37_764_864)


def test_pickles_are_refused_whatever_they_are_called(folder: Path, tmp_path: Path) -> None:
    for name in ("pytorch_model.bin", "tiny.pt", "last.ckpt", "model.bin"):
        source = tmp_path / name
        source.mkdir()
        (source / name).write_bytes(b"PK\x03\x04" + bytes(100))
        shutil.copy(folder / "config.json", source)
        with pytest.raises(ModelUnreadable, match=rf"{name}, a pickle: reading one runs any program"):
            staging.weights(source)


def test_pickles_beside_safetensors_are_not_looked_at(transformers: Path) -> None:
    (transformers / "pytorch_model.bin").write_bytes(b"PK\x03\x04")
    assert [path.name for path in staging.weights(transformers)] == ["model.safetensors"]


def changed(path: Path, **fields: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def with_arrays(change: Callable[[ModelFile], ModelFile]) -> Breaking:
    def broken(folder: Path) -> None:
        model = change(networks.multilingual_network())
        (folder / "model.bin").write_bytes(model_bytes(model))

    return broken


def without(name: str) -> Breaking:
    return with_arrays(
        lambda model: dataclasses.replace(
            model, arrays={other: array for other, array in model.arrays.items() if other != name}
        )
    )


def instead(name: str, array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Breaking:
    return with_arrays(lambda model: dataclasses.replace(model, arrays={**model.arrays, name: array}))


def shortened(name: str) -> Breaking:
    def broken(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[:-1000])

    return broken


@pytest.mark.parametrize(
    ("breaking", "reason"),
    [
        (shortened("model.bin"), "truncated or damaged"),
        (lambda folder: (folder / "model.bin").write_bytes(b""), "truncated or damaged"),
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
        (lambda folder: (folder / "config.json").write_text("{}"), "names no alignment heads"),
        (
            lambda folder: changed(folder / "config.json", alignment_heads=[[1, 0]]),
            "that the network has not",
        ),
        (lambda folder: changed(folder / "config.json", suppress_ids=[99_999]), "suppress_ids"),
        (lambda folder: (folder / "vocabulary.json").unlink(), "has no vocabulary"),
        (
            lambda folder: (folder / "vocabulary.json").write_text(
                json.dumps(networks.multilingual_vocabulary()[:-1])
            ),
            "51864 tokens, and a network of 51865: they do not belong together",
        ),
        (
            lambda folder: (folder / "vocabulary.json").write_text(json.dumps(["a", "b"])),
            "not the vocabulary of a Whisper network",
        ),
        (without("encoder/layer_1/ffn/linear_0/bias"), "it has no encoder/layer_1/ffn/linear_0/bias"),
        (without("encoder/conv1/weight"), "it has no encoder/conv1/weight"),
        (instead("encoder/conv2/bias", np.zeros(9, np.float16)), r"shape \(9,\); \(8,\) would fit"),
        (instead("encoder/conv2/bias", np.full(8, np.nan, np.float16)), "no numbers"),
        (instead("decoder/num_heads", np.array(3, np.int16)), "heads do not fit"),
        (
            with_arrays(lambda model: dataclasses.replace(model, aliases={})),
            "has no decoder/projection/weight",
        ),
        (
            with_arrays(
                lambda model: dataclasses.replace(
                    quantised(model),
                    arrays={
                        name: array
                        for name, array in quantised(model).arrays.items()
                        if name != "decoder/embeddings/weight_scale"
                    },
                )
            ),
            "no factor for each row",
        ),
    ],
)
def test_what_is_broken_in_a_folder_of_ctranslate2_is_named(
    folder: Path, tmp_path: Path, breaking: Breaking, reason: str
) -> None:
    source = tmp_path / "source"
    shutil.copytree(folder, source)
    breaking(source)
    with pytest.raises(ModelUnreadable, match=reason):
        prepared(source, tmp_path / "base")


@pytest.mark.parametrize(
    ("breaking", "reason"),
    [
        (shortened("model.safetensors"), "truncated or damaged"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"12"), "truncated, or no file"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 99), "truncated, or no file"),
        (
            lambda folder: changed(folder / "config.json", model_type="wav2vec2"),
            "another type than 'whisper'",
        ),
        (lambda folder: changed(folder / "config.json", encoder_layers=3), "has no encoder.layers.2"),
        (lambda folder: changed(folder / "config.json", encoder_layers=1), "more layers in its encoder"),
        (
            lambda folder: changed(folder / "config.json", vocab_size=True, d_model="8"),
            "do not belong together",
        ),
        (lambda folder: (folder / "tokenizer.json").unlink(), "has no vocab.json"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "config.json").write_text("[]"), "holds no object"),
        (
            lambda folder: (
                shutil.copy(folder / "model.safetensors", folder / "b.safetensors")
                and (folder / "model.safetensors").rename(folder / "a.safetensors")
            ),
            "2 files of safetensors, and no model.safetensors.index.json",
        ),
        (
            lambda folder: networks.write_safetensors(
                folder / "model.safetensors", {"model.encoder.conv1.weight": np.zeros((8, 80, 3))}
            ),
            "the network has no",
        ),
    ],
)
def test_what_is_broken_in_a_folder_of_transformers_is_named(
    transformers: Path, tmp_path: Path, breaking: Breaking, reason: str
) -> None:
    source = tmp_path / "source"
    shutil.copytree(transformers, source)
    breaking(source)
    with pytest.raises(ModelUnreadable, match=reason):
        prepared(source, tmp_path / "base")


def test_a_folder_without_weights_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match=r"neither model\.bin of CTranslate2 nor \*\.safetensors"):
        staging.weights(tmp_path)
    with pytest.raises(ModelUnreadable, match="is no folder"):
        staging.weights(tmp_path / "missing")


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("fr", " Bonjour, où est Zoé ?", "bonjour où est zoé"),
        ("en", " It's 5:30.", "it's five thirty"),
        ("ja", "今日は。", "今 日は"),  # as the tokens of this vocabulary part it
    ],
)
def test_a_network_is_read_in_its_own_language(folder: Path, language: str, text: str, words: str) -> None:
    network = WhisperEngine(folder, language).network()
    assert network.is_english == (language == "en")
    found = network_words(network, network.tokens.encode(text))
    assert " ".join(word for word, _ in found) == words
