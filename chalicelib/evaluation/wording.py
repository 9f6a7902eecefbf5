"""Normalisation of texts before they are compared: the same for what was said and what was recognised."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.language.spoken import spoken_forms
from chalicelib.language.spoken.tokenisation import TYPOGRAPHY

HESITATION = "%HESITATION"
_FILLERS = frozenset({"uh", "um", "uhm", "er", "erm", "hmm", "hm", "mm", "mhm", "ah", "eh"})
"""Of English; in other languages some are words."""
_BRACKETED = re.compile(r"\([^()]*\)|<[^<>]*>|\[[^\[\]]*\]|\{[^{}]*\}")
_NESTING = 8
_UNSPACED = ("ja", "zh")
"""Languages without spaces between words, of which characters are compared."""
_IDEOGRAPHS = frozenset({"CJK", "HIRAGANA", "KATAKANA"})
_SCRIPTS = {
    "LATIN": "Latin",
    "CYRILLIC": "Cyrillic",
    "GREEK": "Greek",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Devanagari",
    "HANGUL": "Hangul",
    "THAI": "Thai",
    "ARMENIAN": "Armenian",
    "GEORGIAN": "Georgian",
    **dict.fromkeys(_IDEOGRAPHS, "Chinese and Japanese"),
}
_OF_LANGUAGE = {
    "ar": "Arabic",
    "ja": "Chinese and Japanese",
    "zh": "Chinese and Japanese",
    "ko": "Hangul",
    "el": "Greek",
    "ru": "Cyrillic",
    "uk": "Cyrillic",
    "bg": "Cyrillic",
    "he": "Hebrew",
    "hi": "Devanagari",
    "th": "Thai",
}


@dataclass(frozen=True)
class Wording:
    """How texts of a language are compared."""

    language: str
    """Of a base model, e.g. `en-US`."""

    @property
    def _code(self) -> str:
        return self.language.partition("-")[0]

    @property
    def unit(self) -> str:
        """What is counted: `words`, or `characters` of languages without spaces between words."""
        return "characters" if self._code in _UNSPACED else "words"

    @property
    def said(self) -> str:
        """What is done to both texts, for the user to read."""
        english = self._code == "en"
        steps = [
            "what stands in brackets is left out",
            *(["numbers and symbols are spoken out as in US English"] if english else []),
            "everything is in lower case, without punctuation",
            *(["accents are left out"] if english else []),
            "hyphens separate words",
            f"hesitations ({HESITATION}{', uh, um and the like' if english else ''}) are left out",
            *(["each character counts by itself"] if self.unit == "characters" else []),
        ]
        return f"Of transcripts and of what was recognised, alike: {'; '.join(steps)}."

    @property
    def script(self) -> str:
        """The script that the language is written in."""
        return _OF_LANGUAGE.get(self._code, "Latin")

    def words(self, text: str) -> list[str]:
        """Return the words, or characters, of a text that are compared, in order."""
        text = unicodedata.normalize("NFKC", text).replace(HESITATION, " ").translate(TYPOGRAPHY)
        for _ in range(_NESTING):
            text, count = _BRACKETED.subn(" ", text)
            if not count:
                break
        if self._code == "en":
            if spoken_forms.ANY.search(text):
                text = spoken_forms.spoken(text)
            text = unicodedata.normalize("NFKD", text)
        found = (word.strip("'") for word in _bare(text.lower()).split())
        fillers = _FILLERS if self._code == "en" else frozenset()
        kept = [word for word in found if word and word not in fillers]
        return list("".join(kept)) if self.unit == "characters" else kept

    def joined(self, words: Iterable[str]) -> str:
        """Return words as a text that can be read."""
        return ("" if self.unit == "characters" else " ").join(words)


def script_of(text: str) -> str | None:
    """Return the script that most letters of a text belong to, e.g. `Latin`; None: it has no letters."""
    counts = scripts_in(text)
    return counts.most_common(1)[0][0] if counts else None


def scripts_in(text: str) -> Counter[str]:
    """Return how many letters of a text belong to each script."""
    names = (re.split("[ -]", unicodedata.name(sign, "OTHER"))[0] for sign in text if sign.isalpha())
    return Counter(_SCRIPTS.get(name, name.capitalize()) for name in names)


def _bare(text: str) -> str:
    """Return a text without marks that are no letters, such as accents apart and vowels of Arabic; a space
    takes the place of everything else that no word holds.
    """
    kept = (sign for sign in text if unicodedata.category(sign) != "Mn")
    return "".join(sign if sign.isalnum() or sign == "'" or _is_mark(sign) else " " for sign in kept)


def _is_mark(sign: str) -> bool:
    return unicodedata.category(sign) == "Mc"
