"""Words by a network's vocabulary."""

from __future__ import annotations

from pathlib import Path

from chalicelib.engines.whisper.text.common_words import read_common_words


def test_only_whole_words_are_read_the_commoner_spelling_first(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.txt"
    path.write_text("!\n" * 300 + "Ġthe\nĠThe\ning\nĠ3\nĠnaÃ¯ve\nĠstop\n<|endoftext|>\n", encoding="utf-8")
    words = read_common_words(path)
    assert words.known("the")
    assert words.known("stop's")
    assert words.known("stoping")
    assert not any(map(words.known, ["ing", "3", "The", "<|endoftext|>", ""]))
    assert words.chance("the") > words.chance("stop") > words.chance("zorblatt") > 0
