"""Training a custom language model: what goes in, what the file holds, and files that are none."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from chalicelib.language import artefact
from chalicelib.language.artefact import (
    Artefact,
    ArtefactTooLarge,
    ArtefactWord,
    GrammarText,
    read_artefact,
    write_artefact,
)
from chalicelib.language.ngram_models.estimation import estimate, numbered
from chalicelib.language.ngram_models.ngrams import Chances, NGrams
from chalicelib.language.sealed import ArchiveUnreadable, read_sealed, write_sealed
from chalicelib.language.training import Trained, TrainingWord, train
from tests.language.models import assert_same

KNOWN = {"the": ("DH AH",), "dog": ("D AO G",), "runs": ("R AH N Z",)}
GRAMMAR = GrammarText("abnf", "#ABNF 1.0;\nroot $a;\n$a = the (dog | quux | привет);")


class _Base:
    """A base version of three words."""

    versions = ("test.v2", "test.v1")

    def known(self, word: str) -> bool:
        return word in KNOWN

    def pronunciations(self, word: str) -> tuple[str, ...]:
        return KNOWN.get(word, ())

    def chances(self, words: Sequence[str]) -> Chances:
        return np.array([0.25 if word in KNOWN else 0.0 for word in words])

    def rendered(self, custom: NGrams | None, weight: float, extra: Sequence[str]) -> Mapping[str, bytes]:
        words = custom.words if custom else ()
        return {"sphinx": " ".join([*words, str(weight), *extra]).encode()}


def _trained(
    target: Path, text: bytes = b"The dog sees Zorblatt.\nZorblatt runs.\n", **more: float
) -> Trained:
    words = [
        TrainingWord("Zorblatt", ("zor blat",), "ZORBLATT"),
        TrainingWord("dog", ("dawg",)),
        TrainingWord("runs"),
        TrainingWord("слово"),
    ]
    corpora = [io.BytesIO(text)] if text else []
    return train(corpora, words, {"orders": GRAMMAR}, base=_Base(), target=target, **more)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "language.tar.gz"


def test_a_model_holds_what_it_was_trained_with(path: Path) -> None:
    told: list[float] = []
    trained = train([], [], {}, base=_Base(), target=path, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert trained == Trained(0, 0, (), 0)
    trained = _trained(path, weight=0.5)
    assert trained.total_words == 6
    assert trained.left_out == ("слово", "привет")
    found = read_artefact(path)
    assert (found.base_versions, found.weight) == (("test.v2", "test.v1"), 0.5)
    assert found.grammars == {"orders": GRAMMAR}
    by_word = {entry.word: entry for entry in found.entries}
    assert set(by_word) == {"Zorblatt", "dog", "runs", "quux"}
    assert by_word["Zorblatt"].display_as == "ZORBLATT"
    assert by_word["Zorblatt"].pronunciations[0].startswith("Z AO R B L AE T")
    assert by_word["runs"] == ArtefactWord("runs", ())
    assert not by_word["quux"].in_model


def test_what_was_found_before_is_not_guessed_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [
        TrainingWord("zorblatt", ("zor blat",), pronunciations=("Z AO R", "Z AA R")),
        TrainingWord("dog", ("dawg",), pronunciations=("D AA G", "D AO G")),
        TrainingWord("слово", ("slovo",), pronunciations=("S L OW V AH",)),
        TrainingWord("runs", pronunciations=("R AH N Z",)),
    ]
    monkeypatch.setattr("chalicelib.language.training.guess", None)
    trained = train([], words, {}, base=_Base(), target=path)
    entries = {entry.word: entry.pronunciations for entry in read_artefact(path).entries}
    assert entries == {
        "zorblatt": ("Z AO R", "Z AA R"),
        "dog": ("D AA G",),
        "слово": ("S L OW V AH",),
        "runs": (),
    }
    assert trained.left_out == ()


def test_words_that_are_not_asked_for_stay_out_of_the_model(path: Path) -> None:
    _trained(path)
    found = read_artefact(path)
    assert found.ngrams is not None
    assert "sees" not in found.ngrams.words
    assert found.rendered("sphinx") == b"<s> </s> the dog Zorblatt runs 0.3 Zorblatt"


def test_n_grams_are_read_as_they_were_written(path: Path) -> None:
    _trained(path)
    ngrams = read_artefact(path).ngrams
    assert ngrams is not None
    again = estimate(
        numbered([["the", "dog", "sees", "Zorblatt"], ["Zorblatt", "runs"]], {*KNOWN, "Zorblatt"})
    )
    assert_same(ngrams, again, 1e-5)


def test_a_model_says_how_likely_its_words_are_elsewhere(path: Path) -> None:
    _trained(path)
    found = read_artefact(path)
    assert found.ngrams is not None
    assert found.background is not None
    assert dict(zip(found.ngrams.words, found.background.tolist(), strict=True)) == {
        "<s>": 0,
        "</s>": 0,
        "the": 0.25,
        "dog": 0.25,
        "Zorblatt": 0,
        "runs": 0.25,
    }


def test_an_engine_need_not_add_anything(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Base, "rendered", lambda *_: {})
    _trained(path)
    found = read_artefact(path)
    assert found.rendered("sphinx") is None
    assert found.ngrams is not None
    assert [entry.word for entry in found.entries] == ["Zorblatt", "dog", "runs", "quux"]


def test_models_of_the_format_before_are_still_read(path: Path) -> None:
    _trained(path)
    _, members = read_sealed(path, artefact._MAX_BYTES, 1 << 30)
    members["mixed.bin"] = members.pop("sphinx.bin")
    write_sealed(path, members, {"format": 1, "kind": "language", "base_version": "test.v1", "weight": 0.5})
    found = read_artefact(path)
    assert (found.base_versions, found.base_version, found.weight) == (("test.v1",), "test.v1", 0.5)
    assert found.rendered("sphinx") == members["mixed.bin"]


def test_without_corpora_there_are_no_n_grams(path: Path) -> None:
    assert _trained(path, b"").trigrams == 0
    assert read_artefact(path).ngrams is None


def test_the_same_input_gives_the_same_file(path: Path) -> None:
    _trained(path)
    first = path.read_bytes()
    _trained(path)
    assert path.read_bytes() == first


def test_damaged_files_are_refused(path: Path) -> None:
    _trained(path)
    content = bytearray(path.read_bytes())
    for damaged in (content[:200], bytes(content[:-400]), b"", b"nonsense"):
        path.write_bytes(damaged)
        with pytest.raises(ArchiveUnreadable):
            read_artefact(path)


def test_a_changed_member_is_refused(path: Path) -> None:
    _trained(path)
    changed = path.with_name("changed.tar.gz")
    with tarfile.open(path) as archive, tarfile.open(changed, "w:gz") as out:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            content = (
                file.read().replace(b"ZORBLATT", b"BLATTZOR") if member.name == "words.json" else file.read()
            )
            out.addfile(member, io.BytesIO(content))
    with pytest.raises(ArchiveUnreadable, match="its manifest describes"):
        read_artefact(changed)


def test_other_kinds_are_refused(path: Path) -> None:
    write_sealed(
        path, {"mixed.bin": b""}, {"format": 1, "kind": "acoustic", "base_version": "x", "weight": 1}
    )
    with pytest.raises(ArchiveUnreadable, match="no custom language model"):
        read_artefact(path)
    write_sealed(
        path,
        {"mixed.bin": b"", "words.json": b"[1]", "grammars.json": b"{}"},
        {"format": 1, "kind": "language", "base_version": "x", "weight": 1},
    )
    with pytest.raises(ArchiveUnreadable, match="words or grammars are damaged"):
        read_artefact(path)


def test_arrays_are_never_unpickled() -> None:
    file = io.BytesIO()
    np.savez(file, chances=np.array([{"code": "evil"}], dtype=object))
    artefact = Artefact(("x",), 0.3, (), {}, {"ngrams.npz": file.getvalue(), "vocabulary.txt": b""})
    with pytest.raises(ArchiveUnreadable, match="damaged"):
        _ = artefact.ngrams
    with pytest.raises(ArchiveUnreadable, match="damaged"):
        _ = artefact.background


def test_more_than_can_be_read_is_not_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(artefact._MAX_BYTES, "grammars.json", 100)
    with pytest.raises(ArtefactTooLarge, match="The model's grammars take more than 0 MB; delete some"):
        write_artefact(path, Artefact(("test.v1",), 0.5, (), {"orders": GRAMMAR, "more": GRAMMAR}, {}))
    assert not path.exists()


def test_a_word_of_several_grammars_stands_there_once(path: Path) -> None:
    both = {"orders": GRAMMAR, "again": GRAMMAR}
    trained = train([], [], both, base=_Base(), target=path)
    assert trained.left_out == ("привет",)
    assert [entry.word for entry in read_artefact(path).entries] == ["quux"]
