"""Files of safetensors that are written here: the same to everybody who knows the format, and nothing run."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.model import safetensors_file

_ARRAYS = arrays_of.arrays(
    st.sampled_from([np.float16, np.float32, np.uint8]), arrays_of.array_shapes(min_dims=0, min_side=0)
)


def _damaged(described: object, body: bytes = b"") -> bytes:
    header = json.dumps(described).encode()
    return struct.pack("<Q", len(header)) + header + body


@given(st.dictionaries(st.text(max_size=9), _ARRAYS, max_size=4), st.dictionaries(st.text(), st.text()))
def test_what_is_read_is_what_was_written(arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    arrays.pop("__metadata__", None)
    found = safetensors_file.parse(safetensors_file.packed(arrays, metadata))
    assert found.metadata == metadata
    assert found.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (found.arrays[name].dtype, found.arrays[name].shape) == (array.dtype, array.shape)
        assert found.arrays[name].tobytes() == array.tobytes()


def test_strides_are_taken_notice_of() -> None:
    turned = np.arange(12, dtype=np.float32).reshape(3, 4).T
    strided = np.arange(24, dtype=np.float16)[::2].reshape(3, 4)
    found = safetensors_file.parse(safetensors_file.packed({"turned": turned, "strided": strided}, {}))
    assert np.array_equal(found.arrays["turned"], turned)
    assert np.array_equal(found.arrays["strided"], strided)


def test_the_order_of_what_is_written_makes_no_difference() -> None:
    one, other = np.zeros(3, np.float16), np.ones((2, 2), np.float32)
    forth = safetensors_file.packed({"a": one, "b": other}, {"x": "1", "y": "2"})
    assert forth == safetensors_file.packed({"b": other, "a": one}, {"y": "2", "x": "1"})
    (length,) = struct.unpack_from("<Q", forth)
    assert length % 8 == 0


def test_weights_of_others_are_read_in_the_same_form(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    path.write_bytes(safetensors_file.packed({"a": np.ones((2, 3), np.float16)}, {"said": "so"}))
    assert np.array_equal(safetensors_file.read(path)["a"], np.ones((2, 3)))


def test_every_truncation_is_refused() -> None:
    content = safetensors_file.packed({"a": np.ones((2, 3), np.float16), "b": np.ones(2, np.uint8)}, {})
    for size in range(len(content)):
        with pytest.raises(ModelUnreadable):
            safetensors_file.parse(content[:size])


@given(st.binary(max_size=60))
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(ModelUnreadable):
        safetensors_file.parse(content)


@pytest.mark.parametrize(
    ("reason", "content"),
    [
        ("belong to no array", safetensors_file.packed({"a": np.zeros(2, np.uint8)}, {}) + b"x"),
        ("of type I64", _damaged({"a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}, bytes(8))),
        ("truncated or damaged at a", _damaged({"a": {"dtype": "U8", "shape": [9], "data_offsets": [0, 9]}})),
        ("no texts", _damaged({"__metadata__": {"a": 1}})),
        ("no file of safetensors", _damaged(["a"])),
    ],
)
def test_damage_is_told(reason: str, content: bytes) -> None:
    with pytest.raises(ModelUnreadable, match=reason):
        safetensors_file.parse(content)


def test_other_types_are_not_written() -> None:
    with pytest.raises(ValueError, match="of type int64"):
        safetensors_file.packed({"a": np.zeros(2, np.int64)}, {})
