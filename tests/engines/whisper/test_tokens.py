from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.model.weights import embedded
from chalicelib.engines.whisper.tokens import Tokens, read_tokens


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return embedded().tokens


@given(st.text(max_size=60))
def test_encoding_loses_nothing(text: str) -> None:
    tokens = embedded().tokens
    assert tokens.decode(tokens.encode(text)) == text


@given(st.text(max_size=60))
def test_words_are_all_of_the_text_and_begin_with_spaces(text: str) -> None:
    tokens = embedded().tokens
    ids = tokens.encode(text)
    for language in (None, "ja"):
        words = tokens.words(ids, language)
        assert [one for word in words for one in word] == ids


def test_ids_are_those_of_the_network(tokens: Tokens) -> None:
    assert tokens.encode(" five twenty seven") == [1936, 8208, 3598]
    assert (tokens.end, tokens.start, tokens.no_times) == (50256, 50257, 50362)
    assert tokens.prompt(None) == [50257]
    assert tokens.prompt("de") == [50257, 50260, 50358]


def test_special_tokens_have_no_text(tokens: Tokens) -> None:
    assert tokens.decode([tokens.start, *tokens.encode(" yes"), tokens.end]) == " yes"


def test_tokens_with_digits_are_found(tokens: Tokens) -> None:
    digits = set(tokens.containing_any("0123456789"))
    assert set(tokens.encode(" 527")) <= digits
    assert not digits & set(tokens.encode(" five twenty seven"))


def test_an_unknown_language_is_named(tokens: Tokens) -> None:
    with pytest.raises(ModelUnreadable, match="'xx'"):
        tokens.prompt("xx")


def test_a_list_in_json_is_read_like_lines(tmp_path: Path, tokens: Tokens) -> None:
    lines = (embedded().folder / "vocabulary.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    (tmp_path / "vocabulary.json").write_text(json.dumps(lines))
    assert read_tokens(tmp_path).encode(" five") == tokens.encode(" five")


@pytest.mark.parametrize("text", ["{", '{"a": 1}', '["a", "b"]', "[1, 2]"])
def test_what_is_no_vocabulary_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "vocabulary.json").write_text(text)
    with pytest.raises(ModelUnreadable):
        read_tokens(tmp_path)


def test_a_folder_without_vocabulary_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match=str(tmp_path)):
        read_tokens(tmp_path)
