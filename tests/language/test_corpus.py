"""Corpora: counts, words that the base lacks, and files that are no corpus."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from chalicelib.language import corpus
from chalicelib.language.corpus import CorpusUnreadable, analyse, sentences

KNOWN = frozenset(["the", "dog", "sees", "a", "cat"])


def _analysed(content: bytes) -> corpus.CorpusAnalysis:
    return analyse(io.BytesIO(content), KNOWN.__contains__)


def test_words_are_counted_and_unknown_ones_found() -> None:
    found = _analysed("\ufeffThe dog sees Zorblatt.\r\n\r\nA Zorblatt, the quux!\n".encode())
    assert found.total_words == 8
    assert dict(found.oov) == {"Zorblatt": 2, "quux": 1}


def test_custom_words_are_counted_though_the_base_may_know_them() -> None:
    found = analyse(io.BytesIO(b"the dog the H_P"), KNOWN.__contains__, ["dog", "H_P"])
    assert dict(found.oov) == {"dog": 1, "H_P": 1}


def test_a_file_is_read_like_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"the dog\n\nsees 2\n")
    assert list(sentences(path, KNOWN.__contains__)) == [["the", "dog"], ["sees", "two"]]
    assert analyse(path, KNOWN.__contains__).total_words == 4


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"the dog\nth\xe9 cat\n", 2, "byte 3 of the line is not UTF-8"),
        ("the dog".encode("utf-16"), 1, "UTF-16"),
        (b"the\n\x00\x01\x02binary", 2, "control characters"),
        (b"the\nsees\n" + b"dog " * 300_000, 3, "longer than 1 MB"),
    ],
)
def test_what_is_no_corpus_is_refused_with_its_line(content: bytes, line: int, reason: str) -> None:
    with pytest.raises(CorpusUnreadable, match=reason) as refused:
        _analysed(content)
    assert refused.value.line == line


def test_a_line_of_200_mb_is_refused_without_being_held() -> None:
    class Endless(io.RawIOBase):
        given_bytes = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
            buffer[:] = b"a" * len(buffer)
            self.given_bytes += len(buffer)
            return len(buffer)

    endless = Endless()
    with pytest.raises(CorpusUnreadable, match="line 1: the line is longer"):
        analyse(io.BufferedReader(endless), KNOWN.__contains__)
    assert endless.given_bytes < 2 << 20


def test_more_words_than_a_model_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "MAX_WORDS", 5)
    with pytest.raises(CorpusUnreadable, match="line 2: the corpus has more than 5 words"):
        _analysed(b"the dog sees\na cat a cat\n")
    monkeypatch.setattr(corpus, "MAX_OOV_WORDS", 1)
    with pytest.raises(CorpusUnreadable, match="line 1: the corpus has more than 1 out-of-vocabulary"):
        _analysed(b"quux quuux\n")


def test_what_is_longer_than_a_word_may_be_is_none() -> None:
    longest = "z" * 128
    found = analyse(io.BytesIO(f"{longest} {longest}z".encode()), lambda word: False)
    assert (found.total_words, dict(found.oov)) == (2, {longest: 1})
