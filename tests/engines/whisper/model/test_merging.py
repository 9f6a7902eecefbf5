"""Merged networks on disk: made once, whole or not at all, and used again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.model import safetensors_file
from chalicelib.engines.whisper.model.low_rank import Change, Delta, delta_bytes, merged, parse_delta
from chalicelib.engines.whisper.model.merging import REMAINDERS, Share, merged_folder
from chalicelib.engines.whisper.model.model_file import model_bytes, quantised, read_model
from chalicelib.engines.whisper.model.remainders import remainders
from tests.engines.whisper.model.test_low_rank import changes
from tests.engines.whisper.networks import random_network, write_network


def _delta(base_sha256: str, of: tuple[Change, ...] | None = None) -> Delta:
    return parse_delta(delta_bytes(base_sha256, of or changes()))


def test_the_merged_network_lies_in_a_folder_that_is_used_again(tmp_path: Path) -> None:
    base = tmp_path / "base"
    sha256 = write_network(base, random_network())
    delta = _delta(sha256)
    folder = merged_folder(base, sha256, [Share(delta, 0.5)], tmp_path / "cache")
    expected = quantised(merged(random_network(), delta, sha256, 0.5))
    assert (folder / "model.bin").read_bytes() == model_bytes(expected)
    assert (folder / "vocabulary.txt").read_text() == "a\n"
    assert (folder / "config.json").exists()
    made = (folder / "model.bin").stat().st_ino
    (base / "model.bin").unlink()  # not needed any more
    assert merged_folder(base, sha256, [Share(delta, 0.5)], tmp_path / "cache") == folder
    assert (folder / "model.bin").stat().st_ino == made


def test_other_shares_and_changes_lie_elsewhere(tmp_path: Path) -> None:
    sha256 = write_network(tmp_path / "base", random_network())
    one, other = _delta(sha256), _delta(sha256, changes(seed=5))
    wanted = [[], [Share(one)], [Share(one, 0.5)], [Share(other)], [Share(one), Share(other)]]
    folders = [merged_folder(tmp_path / "base", sha256, shares, tmp_path / "cache") for shares in wanted]
    contents = {(folder / "model.bin").read_bytes() for folder in folders}
    assert len(set(folders)) == len(contents) == len(wanted)


def test_without_changes_or_with_none_of_them_it_is_the_base_in_eight_bits(tmp_path: Path) -> None:
    sha256 = write_network(tmp_path / "base", random_network())
    expected = model_bytes(quantised(random_network()))
    for shares in ([], [Share(_delta(sha256), 0.0)]):
        folder = merged_folder(tmp_path / "base", sha256, shares, tmp_path / "cache")
        assert (folder / "model.bin").read_bytes() == expected


def test_what_eight_bits_leave_out_lies_beside_it(tmp_path: Path) -> None:
    sha256 = write_network(tmp_path / "base", random_network())
    delta = _delta(sha256)
    folder = merged_folder(tmp_path / "base", sha256, [Share(delta)], tmp_path / "cache")
    whole = merged(random_network(), delta, sha256)
    found = safetensors_file.parse((folder / REMAINDERS).read_bytes()).arrays
    expected = remainders(whole, quantised(whole))
    assert found.keys() == expected.keys() == {delta.changes[0].weights}
    for name, array in expected.items():
        assert np.array_equal(found[name], array)


@pytest.mark.parametrize("name", ["model.bin", "config.json", "vocabulary.txt", "merged.json", REMAINDERS])
def test_a_damaged_folder_is_made_anew(tmp_path: Path, name: str) -> None:
    sha256 = write_network(tmp_path / "base", random_network())
    folder = merged_folder(tmp_path / "base", sha256, [], tmp_path / "cache")
    (folder / name).write_bytes((folder / name).read_bytes()[:-1])
    assert merged_folder(tmp_path / "base", sha256, [], tmp_path / "cache") == folder
    assert read_model(folder / "model.bin").arrays
    assert (folder / "vocabulary.txt").read_text() == "a\n"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder.name]


def test_a_folder_whose_network_was_replaced_by_another_is_made_anew(tmp_path: Path) -> None:
    sha256 = write_network(tmp_path / "base", random_network(width=600))
    folder = merged_folder(tmp_path / "base", sha256, [], tmp_path / "cache")
    right = (folder / "model.bin").read_bytes()
    assert len(right) > 1 << 20, "a stamp says that it was found right"
    assert merged_folder(tmp_path / "base", sha256, [], tmp_path / "cache") == folder
    (folder / "model.bin").write_bytes(right[::-1])
    assert merged_folder(tmp_path / "base", sha256, [], tmp_path / "cache") == folder
    assert (folder / "model.bin").read_bytes() == right


def test_many_may_ask_at_once(tmp_path: Path) -> None:
    sha256 = write_network(tmp_path / "base", random_network())
    with ThreadPoolExecutor(8) as threads:
        asked = [
            threads.submit(merged_folder, tmp_path / "base", sha256, [], tmp_path / "cache")
            for _ in range(24)
        ]
        folders = {one.result() for one in asked}
    assert list((tmp_path / "cache").iterdir()) == list(folders)


def test_what_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    sha256 = write_network(tmp_path / "base", random_network())
    with pytest.raises(ModelUnreadable, match="teach it anew"):
        merged_folder(tmp_path / "base", sha256, [Share(_delta("b" * 64))], tmp_path / "cache")
    (tmp_path / "base" / "vocabulary.txt").unlink()
    with pytest.raises(ModelUnreadable, match="vocabulary is missing"):
        merged_folder(tmp_path / "base", sha256, [], tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
