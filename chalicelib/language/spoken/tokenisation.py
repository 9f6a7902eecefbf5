"""A line of corpus text to the words that are said: numbers spoken out, punctuation, brackets gone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection

from chalicelib.language.spoken.spoken_forms import ANY, custom_form, spoken_beside

_BRACKETED = re.compile(r"\((?!\d{3}\))[^()]*\)|<[^<>]*>|\[[^\[\]]*\]|\{[^{}]*\}")
_BRACKET = re.compile(r"[<>\[\]{}]|\((?!\d{3}\))|(?<!\(\d{3})\)")
"""But for those around an area code, which belongs to a telephone number."""
_NESTING_ALLOWED = 8
TYPOGRAPHY = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "ʼ": "'",
        "`": "'",
        "“": " ",
        "”": " ",
        "—": " ",
        "…": " ",
        "‐": "-",
        "‑": "-",
        "\u00ad": "",
        "\ufeff": "",
        "\u200b": "",
    }
)
_APART = re.compile(r"[^\w'.\-]+")
"""Whatever no word holds separates words."""
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]?\.?")
_CACHED_TOKENS = 400_000


class Tokeniser:
    """Splits lines into words; what `is_known` says yes to is written as the base vocabulary writes it.

    Words of the base vocabulary are lower case whatever their case in the text; other words keep theirs, as
    Watson's words resource is case-sensitive. `custom_words` stay as they are, whatever signs they hold.
    """

    def __init__(self, is_known: Callable[[str], bool], custom_words: Collection[str] = ()) -> None:
        self._is_known = is_known
        self._custom = frozenset(custom_words)
        self._cache: dict[str, tuple[str, ...]] = {}

    def words(self, line: str) -> list[str]:
        """Return the words of one line, in order."""
        if not line.isascii():
            line = unicodedata.normalize("NFC", line).translate(TYPOGRAPHY)
        if _BRACKET.search(line):
            line = _without_brackets(line)
        if ANY.search(line):
            line = spoken_beside(line, self._custom)
        found: list[str] = []
        cache = self._cache
        for token in line.split():
            words = cache.get(token)
            if words is None:
                words = self._token(token)
                if len(cache) >= _CACHED_TOKENS:
                    cache.clear()
                cache[token] = words
            found.extend(words)
        return found

    def _token(self, token: str) -> tuple[str, ...]:
        if self._custom and (custom := custom_form(token, self._custom)):
            return (custom,)
        return tuple(word for piece in _APART.split(token) if piece for word in self._piece(piece))

    def _known_form(self, lower: str) -> str | None:
        """Return a word as the base vocabulary has it, accents or not."""
        if self._is_known(lower):
            return lower
        if lower.isascii():
            return None
        decomposed = unicodedata.normalize("NFKD", lower)
        plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
        return plain if plain.isascii() and self._is_known(plain) else None

    def _piece(self, piece: str) -> tuple[str, ...]:
        for form in (piece, piece.strip("-'_"), piece.strip(".-'_")):
            if form in self._custom:
                return (form,)
            if any(map(str.isalpha, form)) and (known := self._known_form(form.lower())):
                return (known,)
        bare = piece.strip("-'_")
        if not any(map(str.isalpha, bare)):
            return ()
        if _DOTTED.fullmatch(bare) and bare.count(".") > 1:
            return (bare if bare.endswith(".") else f"{bare}.",)
        bare = bare.strip(".-'_")
        if re.search(r"[-._]", bare):
            return tuple(word for part in re.split(r"[-._]+", bare) for word in self._piece(part))
        if bare.lower().endswith("'s") and bare[-1] == "S":
            bare = f"{bare[:-1]}s"
        return (bare,)


def _without_brackets(line: str) -> str:
    for _ in range(_NESTING_ALLOWED):
        line, count = _BRACKETED.subn(" ", line)
        if not count:
            break
    return _BRACKET.sub(" ", line)
