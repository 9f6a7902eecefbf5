"""`written=true`: the text as the engine writes it, with capitals and punctuation, beside transcripts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from chalicelib.engines.protocol import Word
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results import profanity
from chalicelib.recognition.results.transcripts import HIDDEN, redacted

_WRITTEN_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_ANYTHING = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def written_text(words: Sequence[Word], options: Options, hidden: Collection[int] = ()) -> str | None:
    """Return the written text of words; None if it is not asked for, or the engine does not write.

    Args:
        words: of a result, or of a part of it.
        options: of the request; profanity is masked in the written text, and digits are redacted.
        hidden: places of words whose digits are redacted in the transcript: whatever stands for them is, too.
    """
    pieces = written_pieces(words, options, hidden)
    return None if pieces is None else " ".join(text for text, _ in pieces)


def written_pieces(
    words: Sequence[Word], options: Options, hidden: Collection[int] = ()
) -> list[tuple[str, range]] | None:
    """Return what `written_text` joins by spaces: each piece with the places of the words it stands for."""
    if not options.written or not words or any(word.written is None for word in words):
        return None
    shown = ((_shown(words, token, options, hidden), token) for token in _tokens(words))
    return [(redacted(text) if options.redaction else text, token) for text, token in shown if text]


def _tokens(words: Sequence[Word]) -> Iterator[range]:
    """Yield the places of the words that each written token stands for."""
    start = 0
    for place in range(1, len(words) + 1):
        if place == len(words) or words[place].written:
            yield range(start, place)
            start = place


def _shown(words: Sequence[Word], token: range, options: Options, hidden: Collection[int]) -> str:
    piece = words[token.start].written or ""
    if any(place in hidden for place in token):
        # Digits, or a number that is written in words.
        piece = re.sub(r"\d", HIDDEN, piece) if re.search(r"\d", piece) else _ANYTHING.sub(HIDDEN, piece)
    if not options.profanity_filter:
        return piece
    masked = _WRITTEN_WORD.sub(
        lambda word: profanity.MASK if profanity.is_profane(word[0].replace("’", "'")) else word[0], piece
    )
    if masked == piece and any(profanity.is_profane(words[place].text) for place in token):
        return _ANYTHING.sub(profanity.MASK, piece)
    return masked
