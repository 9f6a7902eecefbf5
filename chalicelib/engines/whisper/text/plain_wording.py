"""Words of a language other than English: what the network writes, in lower case, without punctuation.

Numbers stay as they are written: how they are said is known for English only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from chalicelib.engines.whisper.text.wording import SpokenToken, without_annotations

_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'"})
_WORD = re.compile(r"[^\W_]+(?:['.,:-][^\W_]+)*")
"""Letters and digits, with what may stand between them inside a word: l'homme, peut-être, 3,5."""
_MARK = "Mn"
"""Marks that are not part of a letter once all that can be composed are: vowels of Arabic."""


def plain(pieces: Sequence[str]) -> tuple[SpokenToken, ...]:
    """Return the pieces of a written text, each with its words; punctuation alone has none.

    Args:
        pieces: what stands between spaces; of languages without them, what the network wrote at once.
    """
    pieces = [piece.strip() for piece in pieces if piece.strip()]
    heard = without_annotations(pieces)
    return tuple(SpokenToken(piece, _words(text)) for piece, text in zip(pieces, heard, strict=True))


def _words(text: str) -> tuple[str, ...]:
    composed = unicodedata.normalize("NFC", text.translate(_APOSTROPHES).lower())
    bare = "".join(character for character in composed if unicodedata.category(character) != _MARK)
    return tuple(_WORD.findall(bare))
