"""Fitting a pronunciation model: entries are split into graphones, and other words are read from what was learned."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.engines.sphinx.dictionary import bundled_language_folder
from chalicelib.language.pronunciation.joint_model import JointModel
from fitting.sphinx import fit_pronunciations
from fitting.sphinx.fit_pronunciations import (
    Aligner,
    estimate,
    fit,
    is_held_out,
    main,
    measured,
    read_entries,
)

DICTIONARY = bundled_language_folder() / "cmudict-en-us.dict"


@pytest.fixture(scope="module")
def entries() -> list[fit_pronunciations.Entry]:
    return read_entries(DICTIONARY)[::120]


def test_only_plain_spellings_are_learned_from(tmp_path: Path) -> None:
    path = tmp_path / "some.dict"
    path.write_text("cat K AE T\ncat(2) K AH T\nu.s. Y UW EH S\n'm AH M\nempty\n")
    assert read_entries(path) == [("cat", ("K", "AE", "T")), ("cat", ("K", "AH", "T")), ("'m", ("AH", "M"))]


def test_graphones_put_an_entry_together_again(entries: list[fit_pronunciations.Entry]) -> None:
    aligner = Aligner(entries)
    aligner.improve()
    aligner.improve()
    split = dict(aligner.best())
    assert len(split) > 0.98 * len(entries)
    for place, path in split.items():
        spelling, phones = entries[place]
        assert "".join(one.letters for one in path) == spelling
        assert tuple(phone for one in path for phone in one.phones) == phones
        assert all(len(one.letters) <= 2 and len(one.phones) <= 2 for one in path)


def test_what_was_learned_reads_other_words(entries: list[fit_pronunciations.Entry]) -> None:
    seen = [entry for entry in entries if not is_held_out(entry[0], 0.1)]
    unseen = [entry for entry in entries if is_held_out(entry[0], 0.1)]
    assert not {entry[0] for entry in seen} & {entry[0] for entry in unseen}
    phone_errors, word_errors, words = measured(JointModel(*fit(seen)), unseen)
    assert words > 50
    assert phone_errors < 0.4
    assert word_errors < 0.95


def test_probabilities_after_a_history_leave_room_for_what_was_not_seen() -> None:
    model = estimate([[2, 3, 2], [2, 3, 3], [3, 2, 2]])
    chances: dict[tuple[int, ...], float] = {}
    for grams in model:
        for gram, (chance, backoff) in grams.items():
            assert 0 < chance <= 1
            assert 0 <= backoff <= 1
            chances[gram[:-1]] = chances.get(gram[:-1], 0.0) + chance
    assert all(total <= 1 + 1e-6 for total in chances.values())


def test_the_program_measures_or_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dictionary, output = tmp_path / "some.dict", tmp_path / "model.bin"
    dictionary.write_text("".join(DICTIONARY.read_text().splitlines(keepends=True)[::400]))
    assert main([str(dictionary), str(output), "--held-out", "0.3"]) == 0
    assert "words held out" in capsys.readouterr().out
    assert not output.exists()
    assert main([str(dictionary), str(output)]) == 0
    assert output.stat().st_size > 1000
