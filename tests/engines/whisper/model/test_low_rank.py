"""Low-rank changes: what fits is added, what belongs elsewhere or is damaged is refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.model.low_rank import (
    FILE_NAME,
    Change,
    Delta,
    NotForThisBase,
    delta_bytes,
    merged,
    parse_delta,
    read_delta,
)
from chalicelib.engines.whisper.model.model_file import ModelFile, model_bytes, quantised
from chalicelib.engines.whisper.model.safetensors_file import packed
from tests.engines.whisper.networks import random_network

BASE = "a" * 64
STACKED = "encoder/layer_0/self_attention/linear_0/weight"


def changes(seed: int = 2, width: int = 8, rank: int = 2) -> tuple[Change, ...]:
    """One change of the queries and one of the values, which are stacked in one array."""
    random = np.random.default_rng(seed)
    return tuple(
        Change(
            STACKED,
            first_row,
            random.normal(0, 1, (rank, width)).astype(np.float16),
            random.normal(0, 1, (width, rank)).astype(np.float16),
        )
        for first_row in (0, 2 * width)
    )


def taught(seed: int = 2) -> Delta:
    return parse_delta(delta_bytes(BASE, changes(seed)))


def test_a_change_is_read_as_it_was_written() -> None:
    content = delta_bytes(BASE, changes())
    found = parse_delta(content)
    assert found.base_sha256 == BASE
    for read, written in zip(found.changes, changes(), strict=True):
        assert (read.weights, read.first_row) == (written.weights, written.first_row)
        assert np.array_equal(read.down, written.down)
        assert np.array_equal(read.up, written.up)
    assert delta_bytes(found.base_sha256, found.changes) == content


def test_it_is_added_to_its_rows_only() -> None:
    base = random_network()
    found = merged(base, taught(), BASE, 0.5)
    old, new = base.arrays[STACKED].astype(np.float32), found.arrays[STACKED]
    first, second = changes()
    for rows, change in ((slice(0, 8), first), (slice(16, 24), second)):
        added = 0.5 * change.up.astype(np.float32) @ change.down.astype(np.float32)
        np.testing.assert_allclose(new[rows] - old[rows], added, atol=1e-5)
    assert np.array_equal(new[8:16], old[8:16])
    for name, array in base.arrays.items():
        assert name == STACKED or found.arrays[name] is array


def test_nothing_of_it_leaves_the_base_bit_for_bit() -> None:
    base = random_network()
    assert model_bytes(merged(base, taught(), BASE, 0.0)) == model_bytes(base)
    assert model_bytes(base) == model_bytes(random_network())


@given(st.floats(0, 1), st.floats(0, 1))
def test_two_changes_add_up_in_any_order(one: float, other: float) -> None:
    base, first, second = random_network(), taught(2), taught(3)
    there = merged(merged(base, first, BASE, one), second, BASE, other)
    back = merged(merged(base, second, BASE, other), first, BASE, one)
    np.testing.assert_allclose(there.arrays[STACKED], back.arrays[STACKED], atol=1e-4)


def test_a_change_of_another_base_is_refused() -> None:
    with pytest.raises(NotForThisBase, match="teach it anew"):
        merged(random_network(), taught(), "b" * 64)


def test_weights_of_another_shape_or_name_are_refused() -> None:
    with pytest.raises(NotForThisBase, match="does not fit"):
        merged(random_network(width=6), taught(), BASE)
    with pytest.raises(NotForThisBase, match="does not fit"):
        merged(ModelFile({"other/weight": np.zeros((8, 8), np.float16)}, {}), taught(), BASE)


def test_what_is_quantised_already_is_refused() -> None:
    with pytest.raises(ModelUnreadable, match="merge before quantising"):
        merged(quantised(random_network()), taught(), BASE)


def test_a_truncated_file_is_refused() -> None:
    content = delta_bytes(BASE, changes())
    for size in range(0, len(content), 7):
        with pytest.raises(ModelUnreadable):
            parse_delta(content[:size])


@given(st.binary(max_size=100))
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(ModelUnreadable):
        parse_delta(content)


def test_pickled_objects_are_refused() -> None:
    file = io.BytesIO()
    np.savez(file, base_sha256=np.array([{"an": "object"}], dtype=object))
    with pytest.raises(ModelUnreadable, match="no file of safetensors"):
        parse_delta(file.getvalue())


def test_what_lay_beneath_is_kept_in_its_order() -> None:
    beneath = ("c" * 64, "b" * 64)
    assert parse_delta(delta_bytes(BASE, changes(), beneath)).beneath == beneath
    assert parse_delta(delta_bytes(BASE, changes())).beneath == ()
    assert delta_bytes(BASE, changes(), beneath) != delta_bytes(BASE, changes(), beneath[::-1])


def test_matrices_that_lie_otherwise_in_memory_are_stored_as_they_read() -> None:
    [one, *_] = changes()
    turned = Change(one.weights, one.first_row, np.asfortranarray(one.down), np.asfortranarray(one.up))
    assert delta_bytes(BASE, [turned]) == delta_bytes(BASE, [one])
    [read] = parse_delta(delta_bytes(BASE, [turned])).changes
    assert np.array_equal(read.up, one.up)


def test_two_changes_of_the_same_rows_are_not_written() -> None:
    with pytest.raises(ValueError, match="changed twice from row 0"):
        delta_bytes(BASE, [*changes(), changes()[0]])


def test_files_that_hold_something_else_are_refused() -> None:
    down, up = np.zeros((2, 8), np.float16), np.zeros((8, 2), np.float16)
    whole = {"a/weight@0.down": down, "a/weight@0.up": up}
    of_base = {"base_sha256": BASE, "beneath": ""}
    cases = {
        "which base": packed(whole, {}),
        "by checksums": packed(whole, {"base_sha256": "tiny"}),
        "beneath": packed(whole, {**of_base, "beneath": f"{BASE},"}),
        "belongs to": packed(whole, {**of_base, "alpha": "0.5"}),
        "it holds 'shifts'": packed({"shifts": down}, of_base),
        "do not fit each other": packed({"a/weight@0.down": down}, of_base),
        "no numbers": packed({**whole, "a/weight@0.down": down + np.float16(np.nan)}, of_base),
    }
    for expected, content in cases.items():
        with pytest.raises(ModelUnreadable, match=expected):
            parse_delta(content)


def test_a_file_with_another_checksum_is_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(delta_bytes(BASE, changes()))
    found = read_delta(path)
    assert read_delta(path, found.sha256).sha256 == found.sha256
    with pytest.raises(ModelUnreadable, match="another file"):
        read_delta(path, "0" * 64)
    with pytest.raises(ModelUnreadable, match="cannot be read"):
        read_delta(tmp_path / "absent.safetensors")
