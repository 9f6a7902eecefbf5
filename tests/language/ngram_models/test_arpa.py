"""Models written as ARPA text and read back; other files are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from chalicelib.language.ngram_models.arpa import ArpaUnreadable, read_arpa, write_arpa
from chalicelib.language.ngram_models.estimation import estimate, numbered
from tests.language.models import SENTENCES, assert_same


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(SENTENCES)
def test_what_was_written_is_read(tmp_path: Path, sentences: list[list[str]]) -> None:
    model = estimate(numbered(sentences))
    path = tmp_path / "model.arpa"
    write_arpa(path, model)
    assert_same(read_arpa(path), model, 1e-6)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello\n", "does not end"),
        ("\\data\\\n\\1-grams:\n-1 <s>\n-1 a\n\\end\\\n", "sentence marks"),
        ("\\data\\\n\\1-grams:\n-1 <s>\nx a\n\\end\\\n", "line 4: not an n-gram"),
        (
            "\\data\\\n\\1-grams:\n-1 <s>\n-1 </s>\n\\2-grams:\n-1 <s> b\n\\end\\\n",
            "'b', which is no unigram",
        ),
        ("\\data\\\n\\4-grams:\n-1 a b c d\n\\end\\\n", "more than three words"),
        ("\\data\\\n\\2-grams:\n-1 a b c d\n\\end\\\n", "line 3: not an n-gram of 2 words|not an n-gram"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "model.arpa"
    path.write_text(text)
    with pytest.raises(ArpaUnreadable, match=reason):
        read_arpa(path)
