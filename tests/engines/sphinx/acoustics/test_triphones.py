"""The states of phones in their contexts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chalicelib.engines.sphinx.acoustics.acoustic_model import BUNDLED, bundled_model
from chalicelib.engines.sphinx.acoustics.model_files import ModelFileUnreadable
from chalicelib.engines.sphinx.acoustics.triphones import Triphones, read_triphones

PHONES = bundled_model().phones


@pytest.fixture(scope="module")
def triphones() -> Triphones:
    return read_triphones(BUNDLED / "mdef")


def _numbers(phones: str) -> list[int]:
    return [PHONES.index(phone) for phone in phones.split()]


def test_every_senone_is_a_state_of_one_phone(triphones: Triphones) -> None:
    assert triphones.owners.shape == (len(bundled_model().weights),)
    assert set(triphones.owners.tolist()) == set(range(len(PHONES)))
    found = triphones.owners[triphones.sequences[triphones.nearest]]
    assert (found == np.arange(len(PHONES))[:, None, None, None]).all()


def test_a_word_has_the_states_of_its_phones_in_order(triphones: Triphones) -> None:
    silence = PHONES.index("SIL")
    said = _numbers("F AY V")
    states = triphones.senones(said, silence, silence)
    assert triphones.owners[states].tolist() == [phone for phone in said for _ in range(3)]


def test_neighbours_change_the_states_at_the_edges(triphones: Triphones) -> None:
    silence, said = PHONES.index("SIL"), _numbers("F AY V")
    alone = triphones.senones(said, silence, silence)
    followed = triphones.senones(said, silence, PHONES.index("S"))
    assert alone[:6].tolist() == followed[:6].tolist()
    assert alone[6:].tolist() != followed[6:].tolist()


def test_a_context_that_was_never_trained_has_the_states_of_the_phone_alone(triphones: Triphones) -> None:
    noise = PHONES.index("+NSN+")
    phone = PHONES.index("ZH")
    assert triphones.senones([phone], noise, noise).tolist() == [3 * phone, 3 * phone + 1, 3 * phone + 2]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileUnreadable, match="sendump"):
        read_triphones(BUNDLED / "sendump")
    cut = tmp_path / "mdef"
    cut.write_bytes((BUNDLED / "mdef").read_bytes()[:100_000])
    with pytest.raises(ModelFileUnreadable, match="mdef"):
        read_triphones(cut)
