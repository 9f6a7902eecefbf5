"""Keywords: read from a request as clients write them, and turned into the words that are said."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from chalicelib.language.spoken.spoken_forms import spoken

_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»"}
_LISTED = re.compile(r"\s*(?:\"([^\"]*)\"\s*(?=,|$)|([^,]*))(?:,|$)")
"""One keyword of a list: in quotes, where it may hold commas, or up to the next comma."""
_HYPHENS = re.compile(r"[-‐‑–—/]+")
_NO_WORD = re.compile(r"[^\w'’]+|_")


def listed(text: str) -> list[object]:
    """Return the keywords of a query: separated by commas, each in quotes or not, or a JSON array.

    IBM's documentation writes them in quotes; a keyword is what stands between them.
    """
    if text.lstrip().startswith("["):
        try:
            values = json.loads(text)
        except ValueError:
            pass
        else:
            return list(values) if isinstance(values, list) else [values]
    return [quoted if quoted is not None else plain for quoted, plain in _listed(text)]


def _listed(text: str) -> list[tuple[str | None, str]]:
    found: list[tuple[str | None, str]] = []
    at = 0
    while at < len(text):
        match = _LISTED.match(text, at)
        assert match is not None, "anything up to a comma is a keyword"
        found.append((match[1], match[2] or ""))
        at = match.end()
    return found


def unquoted(keyword: str) -> str:
    """Return a keyword without quotes around all of it."""
    keyword = keyword.strip()
    while len(keyword) > 1 and _QUOTES.get(keyword[0]) == keyword[-1]:
        keyword = keyword[1:-1].strip()
    return keyword


def forms(keyword: str, *, english: bool) -> tuple[str, ...]:
    """Return the phrases that a keyword may be heard as, in lower case, words separated by single spaces.

    The first is how it is written, by which custom words are found. Then it is without punctuation, with
    hyphens as spaces and as nothing, and in English with its numbers said as words.

    Args:
        keyword: as it was written.
        english: whether the model hears English.
    """
    written = [keyword, _HYPHENS.sub(" ", keyword), _HYPHENS.sub("", keyword)]
    said = [spoken(each) for each in (keyword, written[1])] if english else []
    plain = [_plain(each) for each in [*said, *written]]
    return tuple(form for form in dict.fromkeys([_plain_spaces(keyword), *plain]) if form)


def unheard(keywords: Sequence[str], *, english: bool) -> list[str]:
    """Return the keywords that no words can match: signs alone, or letters that English does not have."""
    return [keyword for keyword in keywords if not _has_words(keyword, english=english)]


def _has_words(keyword: str, *, english: bool) -> bool:
    letters = "".join(forms(keyword, english=english))
    if english:
        return any("a" <= letter <= "z" for letter in letters)
    return any(letter.isalnum() for letter in letters)


def _plain(text: str) -> str:
    words = _NO_WORD.sub(" ", text.lower().replace("’", "'")).split()
    return " ".join(filter(None, (word.strip("'") for word in words)))


def _plain_spaces(text: str) -> str:
    return " ".join(text.lower().split())
