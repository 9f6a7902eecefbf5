"""The file of a Whisper network: read and written byte for byte, quantised as CTranslate2 does it."""

from __future__ import annotations

import struct
from pathlib import Path

import ctranslate2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.model.model_file import (
    Arrays,
    ModelFile,
    is_linear,
    model_bytes,
    parse_model,
    quantised,
    read_model,
)
from tests.engines.whisper.networks import embedded_folder, random_network

SHAPES = st.lists(st.integers(0, 3), max_size=3).map(tuple)
KINDS = st.sampled_from([np.float32, np.int8, np.int16, np.int32, np.float16])


def test_the_embedded_network_keeps_its_bytes() -> None:
    path = embedded_folder() / "model.bin"
    assert model_bytes(read_model(path)) == path.read_bytes()


@given(st.dictionaries(st.text("abc/_", min_size=1), st.tuples(SHAPES, KINDS), max_size=4))
def test_what_is_written_is_read(forms: dict[str, tuple[tuple[int, ...], type]]) -> None:
    arrays: Arrays = {
        name: np.arange(np.prod(shape)).reshape(shape).astype(kind) for name, (shape, kind) in forms.items()
    }
    aliases = {f"second {name}": name for name in arrays}
    content = model_bytes(ModelFile(arrays, aliases))
    found = parse_model(content)
    assert list(found.arrays) == list(arrays)
    assert found.aliases == aliases
    for name, array in arrays.items():
        assert found.arrays[name].dtype == array.dtype
        assert np.array_equal(found.arrays[name], array)
    assert model_bytes(found) == content


def test_columns_are_not_written_as_rows() -> None:
    turned = np.arange(6, dtype=np.float32).reshape(2, 3).T
    found = parse_model(model_bytes(ModelFile({"turned": turned}, {})))
    assert np.array_equal(found.arrays["turned"], turned)


def test_whatever_is_missing_at_the_end_is_noticed() -> None:
    content = model_bytes(random_network())
    for size in range(len(content)):
        with pytest.raises(ModelUnreadable):
            parse_model(content[:size])
    with pytest.raises(ModelUnreadable, match="3 bytes behind its end"):
        parse_model(content + b"abc")


@given(st.binary(max_size=200))
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(ModelUnreadable):
        parse_model(content)


@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_changes_one_value(at: int, value: int) -> None:
    content = bytearray(model_bytes(random_network()))
    content[at % len(content)] = value
    try:
        found = parse_model(bytes(content))
    except ModelUnreadable:
        return
    assert model_bytes(found) == bytes(content)


def test_the_refusal_says_what_it_is(tmp_path: Path) -> None:
    content = model_bytes(random_network())
    name = b"\x0c\x00WhisperSpec\x00"
    revision = 4 + len(name)
    cases = {
        "TransformerSpec": content.replace(name, b"\x10\x00TransformerSpec\x00"),
        "revision 2": content[:revision] + struct.pack("<I", 2) + content[revision + 4 :],
        "version 6 but 5": struct.pack("<I", 5) + content[4:],
    }
    for expected, other in cases.items():
        path = tmp_path / "model.bin"
        path.write_bytes(other)
        with pytest.raises(ModelUnreadable, match=expected) as refused:
            read_model(path)
        assert str(path) in str(refused.value)
    with pytest.raises(ModelUnreadable, match="cannot be read"):
        read_model(tmp_path / "absent.bin")


def test_a_type_that_the_file_does_not_know_is_not_written() -> None:
    with pytest.raises(ValueError, match="float64"):
        model_bytes(ModelFile({"wide": np.zeros(2)}, {}))


def test_rows_are_scaled_to_eight_bits() -> None:
    weights = np.array([[1.0, -2.0, 0.5], [0.0, 0.0, 0.0], [1e-6, 0.0, -1e-6]], np.float32)
    found = quantised(ModelFile({"a/weight": weights}, {})).arrays
    assert found["a/weight"].dtype == np.int8
    assert found["a/weight"].tolist() == [[64, -127, 32], [0, 0, 0], [127, 0, -127]]
    again = found["a/weight"] / found["a/weight_scale"][:, None]
    np.testing.assert_allclose(again, weights, atol=np.abs(weights).max() / 254)


def test_only_linear_layers_and_embeddings_are_quantised() -> None:
    found = quantised(random_network()).arrays
    kinds = {name: array.dtype.name for name, array in found.items()}
    assert {name for name, kind in kinds.items() if kind == "int8"} == {
        "encoder/layer_0/self_attention/linear_0/weight",
        "decoder/embeddings/weight",
    }
    assert kinds["encoder/conv1/weight"] == "float32"
    assert kinds["encoder/num_heads"] == "int16"
    assert is_linear("decoder/layer_0/ffn/linear_0/weight")
    assert list(found) == sorted(found)


def test_quantising_twice_changes_nothing() -> None:
    once = quantised(random_network())
    assert model_bytes(quantised(once)) == model_bytes(once)


def test_ctranslate2_hears_bit_for_bit_the_same_in_eight_bits_from_disk(tmp_path: Path) -> None:
    base = embedded_folder()
    for name in ("config.json", "vocabulary.txt"):
        (tmp_path / name).write_bytes((base / name).read_bytes())
    (tmp_path / "model.bin").write_bytes(model_bytes(quantised(read_model(base / "model.bin"))))
    assert (tmp_path / "model.bin").stat().st_size < 43_000_000
    mel = np.random.default_rng(1).normal(0, 0.4, (1, 80, 300)).astype(np.float32)
    heard = []
    for folder in (base, tmp_path):
        network = ctranslate2.models.Whisper(str(folder), compute_type="int8", intra_threads=1)
        encoded = network.encode(ctranslate2.StorageView.from_array(mel.copy()))
        (found,) = network.generate(
            encoded, [[50257, 50362]], beam_size=2, num_hypotheses=2, max_length=12, return_scores=True
        )
        heard.append((np.array(encoded).tobytes(), found.sequences_ids, found.scores))
    assert heard[0] == heard[1]
