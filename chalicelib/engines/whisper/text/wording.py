"""What a network writes, to what was said: Watson's plain result, lower-case words without punctuation.

Numbers and signs are read as the corpora of custom language models are (`language.spoken.spoken_forms`),
so that a text means the same words on both ways; letters and abbreviations as
`wording_words` says. US English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.engines.whisper.text.wording_words import said
from chalicelib.language.spoken.spoken_forms import spoken_pieces
from chalicelib.language.spoken.tokenisation import TYPOGRAPHY

_ANNOTATION = re.compile(r"\((?!\d{3}\))[^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|<[^<>]*>|\*[^*\d]+\*|[♪♫][^♪♫]*[♪♫]")
"""What the network hears beside words: [MUSIC], (laughs), *sighs*, ♪ la la ♪."""


@dataclass(frozen=True)
class SpokenToken:
    """A written token, and the words that it is said in."""

    written: str
    """Without spaces around it; several tokens, joined by a space, where one reading needs them."""
    words: tuple[str, ...]
    """Of lower-case letters and apostrophes; a letter said by its name is a word of its own. May be empty."""


def spoken(text: str) -> tuple[SpokenToken, ...]:
    """Return what was said, token by token; all that is written is there, joined by single spaces."""
    tokens = text.split()
    pieces = spoken_pieces([token.translate(TYPOGRAPHY) for token in without_annotations(tokens)])
    readings = said([piece for _, piece in pieces])
    found, start = [], 0
    for (count, _), words in zip(pieces, readings, strict=True):
        found.append(SpokenToken(" ".join(tokens[start : start + count]), words))
        start += count
    return tuple(found)


def spoken_words(text: str) -> list[str]:
    """Return a text as it is said, word by word."""
    return [word for token in spoken(text) for word in token.words]


def worded(tokens: Sequence[SpokenToken]) -> list[tuple[str, str]]:
    """Return each word with its piece of the written text, as `protocol.Word.written` wants it.

    The first word of a token has the whole token, the others "". A token without words goes with the word
    before it, or with the first. The pieces that are not empty, joined by spaces, are all that was written,
    unless there are no words.
    """
    found: list[tuple[str, str]] = []
    waiting = ""
    for token in tokens:
        written = f"{waiting} {token.written}".strip()
        if token.words:
            first, *others = token.words
            found += [(first, written), *((word, "") for word in others)]
            waiting = ""
        elif found:
            _append(found, token.written)
        else:
            waiting = written
    return found


def _append(found: list[tuple[str, str]], written: str) -> None:
    """Put a token without words behind the last token that has some."""
    place = max(index for index, (_, piece) in enumerate(found) if piece)
    word, piece = found[place]
    found[place] = (word, f"{piece} {written}")


def without_annotations(tokens: Sequence[str]) -> Iterator[str]:
    """Yield each token with spaces in place of what is no speech."""
    line = " ".join(tokens)
    line = _ANNOTATION.sub(lambda match: " " * len(match[0]), line)
    start = 0
    for token in tokens:
        yield line[start : start + len(token)]
        start += len(token) + 1
