"""Syllables as people respell them (`zuh`, `rell`, `dij`, `sone`): each letter stands for its plain sound."""

from __future__ import annotations

import re

_CONSONANTS = {
    "b": "B", "c": "K", "ch": "CH", "ck": "K", "d": "D", "f": "F", "ff": "F", "g": "G", "h": "HH", "j": "JH",
    "k": "K", "l": "L", "ll": "L", "m": "M", "n": "N", "ng": "NG", "p": "P", "ph": "F", "r": "R", "s": "S",
    "sh": "SH", "ss": "S", "t": "T", "th": "TH", "tt": "T", "v": "V", "w": "W", "y": "Y", "z": "Z",
    "zh": "ZH", "zz": "Z",
}  # fmt: skip
_VOWELS = {
    "ah": "AA", "aw": "AO", "ay": "EY", "ee": "IY", "eh": "EH", "eye": "AY", "ih": "IH", "oh": "OW",
    "oo": "UW", "oy": "OY", "uh": "AH",
}  # fmt: skip
_SHORT = {"a": "AE", "e": "EH", "i": "IH", "o": "AA", "u": "AH"}
_LONG = {"a": "EY", "i": "AY", "o": "OW", "u": "UW"}
_CONSONANT = "|".join(sorted(_CONSONANTS, key=len, reverse=True))
_ONSET = rf"(?P<onset>(?:{_CONSONANT}){{0,3}})"
_OPEN = re.compile(rf"{_ONSET}(?P<vowel>{'|'.join(_VOWELS)})(?P<coda>(?:{_CONSONANT}){{0,2}})")
_CLOSED = re.compile(rf"{_ONSET}(?P<vowel>[aeiou])(?P<coda>(?:(?![rwyh])(?:{_CONSONANT})){{1,2}})")
_SILENT_E = re.compile(rf"{_ONSET}(?P<vowel>[aiou])(?P<coda>b|d|f|k|l|m|n|p|s|t|v|z)e")
_FORMS = ((_OPEN, _VOWELS), (_CLOSED, _SHORT), (_SILENT_E, _LONG))
_SOFT_C = re.compile(r"c(?=[eiy])")
_LONGEST = 6


def respelled(syllable: str) -> str:
    """Return the phones of one respelled syllable in lower case, separated by spaces; nothing if it is none.

    A joint model learns from whole words, where `uh` and a final `e` are rarely what they are here.
    """
    if len(syllable) > _LONGEST:
        return ""
    for form, vowels in _FORMS:
        if found := form.fullmatch(_SOFT_C.sub("s", syllable)):
            return " ".join((*_sounds(found["onset"]), vowels[found["vowel"]], *_sounds(found["coda"])))
    return ""


def _sounds(letters: str) -> list[str]:
    return [_CONSONANTS[part] for part in re.findall(_CONSONANT, letters)]
