from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.whisper.decoding.transcript import spoken_words, transferred

_TEXTS = st.lists(
    st.sampled_from(["Room", "527,", "is", "on", "the", "3rd", "floor.", "Call", "GMEF39", "$5.20", "yes"]),
    max_size=8,
)


def test_written_numbers_go_with_the_words_that_were_said() -> None:
    words = spoken_words(" Room five twenty-seven, please.")
    assert transferred(words, " Room 527, please.") == (
        ("room", "Room"),
        ("five", "527,"),
        ("twenty", ""),
        ("seven", ""),
        ("please", "please."),
    )


@given(_TEXTS, _TEXTS)
def test_all_of_the_written_text_is_there_and_no_word_changes(said: list[str], written: list[str]) -> None:
    words = spoken_words(" ".join(said))
    shown = transferred(words, " ".join(written))
    assert [word for word, _ in shown] == [word for word, _ in words]
    if words and spoken_words(" ".join(written)):
        assert " ".join(piece for _, piece in shown if piece) == " ".join(written)
