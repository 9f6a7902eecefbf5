"""How a word is said: by `sounds_like`, the base dictionary, letter names, or a guess from its spelling."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from chalicelib.language.pronunciation.joint_model import JointModel, read
from chalicelib.language.pronunciation.respelling import respelled
from chalicelib.language.spoken.spoken_forms import spoken

MAX_SOUNDS_LIKE = 5
MAX_SOUNDS_LIKE_CHARACTERS = 40
MAX_PRONUNCIATIONS = 5

Listed = Callable[[str], Sequence[str]]
"""The base dictionary: a word in lower case to its pronunciations, each phones separated by spaces."""

_MODEL = Path(__file__).parent.parent / "data" / "pronunciations.bin"
_LETTERS = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY", "h": "EY CH",
    "i": "AY", "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N", "o": "OW", "p": "P IY",
    "q": "K Y UW", "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW", "v": "V IY",
    "w": "D AH B AH L Y UW", "x": "EH K S", "y": "W AY", "z": "Z IY",
}  # fmt: skip
_SIBILANTS = frozenset({"S", "Z", "SH", "ZH", "CH", "JH"})
_VOICELESS = frozenset({"P", "T", "K", "F", "TH"})
_ASCII = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "þ": "th", "ð": "th", "’": "'"}
)
_ORDINARY = re.compile(r"[b-df-hj-np-tv-xz]*[aeiouy][a-z]*")
_PIECES = re.compile(r"[A-Za-z']+|\d[\d.,]*\d|\d|[&@+%]")
_LONGEST_ACRONYM = 5


class Unpronounceable(Exception):
    """Nothing of a word can be said with the sounds of US English."""

    def __init__(self, word: str) -> None:
        super().__init__(f"No pronunciation can be generated for '{word}'. Give the word a sounds_like.")
        self.word = word


def guess(word: str, sounds_like: Sequence[str] = (), *, listed: Listed = lambda _: ()) -> tuple[str, ...]:
    """Return a word's pronunciations, likeliest first, each as phones of the base model separated by spaces.

    With `sounds_like` there is one for each; else those that the dictionary lists; else what spelling says:
    letter names for an acronym, else the joint model's reading.

    Raises:
        Unpronounceable: there is no letter, digit or sign in it that can be said.
    """
    if sounds_like:
        said = [_phrase(phrase, listed) for phrase in sounds_like]
        found = [pronunciation for pronunciation in said if pronunciation]
    elif not (found := list(listed(word.lower()))) and not _is_foreign(word):
        found = _spelt(word, listed)
    if not found:
        raise Unpronounceable(word)
    return tuple(dict.fromkeys(found))[:MAX_PRONUNCIATIONS]


def default_sounds_like(word: str) -> str:
    """Return the `sounds_like` that a word gets when its user gives none: its spelling, or its letters.

    Numbers and signs in it are spoken out, so that it can be sent back as it is.
    """
    if _ORDINARY.fullmatch(word):  # nearly all, and there may be many
        return word
    plain = _plain(word)
    if _is_spelled(plain):
        return " ".join(f"{letter.upper()}." for letter in plain if letter.isalpha())
    said = (_as_said(piece, plain) for piece in _PIECES.findall(plain))
    return " ".join(" ".join(said).split()) or word.lower()


def problems(sounds_like: Sequence[str]) -> tuple[str, ...]:
    """Return what is wrong with a `sounds_like` array, in words for its user; empty when nothing is."""
    found = []
    if len(sounds_like) > MAX_SOUNDS_LIKE:
        found.append(
            f"A word can have at most {MAX_SOUNDS_LIKE} sounds_like pronunciations, not {len(sounds_like)}."
        )
    for phrase in sounds_like:
        if re.search(r"\d", phrase):
            said = " ".join(spoken(phrase).split())
            found.append(f"Numbers are not allowed in sounds_like. You can try for example '{said}'.")
        elif len("".join(phrase.split())) > MAX_SOUNDS_LIKE_CHARACTERS:
            found.append(
                f"The sounds_like '{phrase}' is longer than {MAX_SOUNDS_LIKE_CHARACTERS} characters "
                "without spaces."
            )
        elif re.search(r"[-‐‑–—−_]", phrase):
            said = " ".join(re.split(r"[-‐‑–—−_\s]+", phrase)).strip()
            found.append(f"Dashes are not allowed in sounds_like. You can try for example '{said}'.")
        elif not re.search(r"[a-z]", _plain(phrase).lower()):
            found.append(f"The sounds_like '{phrase}' holds no letters of US English.")
        elif _is_foreign(phrase):
            found.append(f"The sounds_like '{phrase}' holds letters that US English has not.")
    return tuple(found)


def _as_said(piece: str, whole: str) -> str:
    if not _is_letters(piece):
        return spoken(piece).lower()
    if _is_named(piece, whole):
        return " ".join(f"{letter}." for letter in piece)
    return piece.lower()


def _phrase(phrase: str, listed: Listed) -> str:
    """Return the phones of words separated by spaces; letters by themselves are named."""
    words = _plain(phrase).split()
    parts = []
    for place, word in enumerate(words):
        neighbours = words[max(0, place - 1) : place] + words[place + 1 : place + 2]
        bare = word.strip(".,'").lower()
        alone = not neighbours or any(len(one.strip(".,'")) == 1 for one in neighbours)
        if len(bare) == 1 and bare in _LETTERS and (alone or word != "a"):
            parts.append(_LETTERS[bare])
        else:
            parts.append(_first(word, listed, respelled))
    return " ".join(part for part in parts if part)


def _first(word: str, listed: Listed, respelling: Callable[[str], str] = lambda _: "") -> str:
    for form in (word.lower(), word.strip(".,'").lower()):
        if found := listed(form):
            return found[0]
    return respelling(word.strip(".,'").lower()) or next(iter(_spelt(word, listed)), "")


def _spelt(word: str, listed: Listed) -> list[str]:
    """Return the readings of a spelling whose whole the dictionary lacks."""
    plain = _plain(word)
    if _is_spelled(plain):
        letters = " ".join(_LETTERS[letter] for letter in plain.lower() if letter in _LETTERS)
        as_word = _by_model(plain.lower()) if "." not in plain and re.search("[AEIOUY]", plain) else ""
        likelier = (letters, as_word) if len(plain) < _LONGEST_ACRONYM else (as_word, letters)
        return [reading for reading in likelier if reading]
    combined = [""]
    for piece in _PIECES.findall(plain):
        readings = _piece(piece, listed, named=_is_named(piece, plain))
        further = (f"{begun} {reading}".strip() for begun in combined for reading in readings)
        # Each beginning goes on: the first few of them lead to the first few of all combinations.
        combined = list(dict.fromkeys(further))[:MAX_PRONUNCIATIONS]
    return [reading for reading in combined if reading]


def _piece(piece: str, listed: Listed, *, named: bool) -> list[str]:
    """Return the readings of letters, a number or a sign in a word; `named` puts letter names first."""
    if not _is_letters(piece):
        return [" ".join(_first(said, listed) for said in spoken(piece).split())]
    lower = piece.lower()
    names = " ".join(_LETTERS[letter] for letter in lower if letter in _LETTERS)
    if named:
        return [names, *listed(lower)[:1]]
    if found := listed(lower):
        return list(found[:2])
    if _is_spelled(piece):
        return [names]
    stem = lower.removesuffix("'s").removesuffix("'")
    if stem != lower and (found := listed(stem)):
        return [_possessive(one) for one in found[:2]]
    return [_by_model(lower)]


def _is_letters(piece: str) -> bool:
    return piece[0].isalpha() or piece[0] == "'"


def _is_named(piece: str, whole: str) -> bool:
    """Whether a piece is an abbreviation's: `AT` of `AT&T`, which the dictionary would take for a word."""
    capitals = whole.removesuffix("'s").isupper() and re.search(r"[&\d]", whole) is not None
    return capitals and piece.isupper() and len(piece) <= 2


def _possessive(phones: str) -> str:
    last = phones.rsplit(maxsplit=1)[-1]
    return f"{phones} {'IH Z' if last in _SIBILANTS else 'S' if last in _VOICELESS else 'Z'}"


def _is_spelled(plain: str) -> bool:
    """Whether a word is said letter by letter: dotted, short and all capitals, or without a vowel."""
    letters = plain.replace(".", "")
    if not letters.isalpha():
        return False
    if re.fullmatch(r"(?:[A-Za-z]\.)+[A-Za-z]?", plain):
        return True
    if "." in plain:
        return False
    return (letters.isupper() and len(letters) <= _LONGEST_ACRONYM) or not re.search(
        "[aeiouy]", letters.lower()
    )


def _plain(text: str) -> str:
    """Return the text in ASCII letters as far as accents go, other signs as they are."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_ASCII))
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def _is_foreign(text: str) -> bool:
    """Whether a letter cannot be said: leaving it out would make another word, a gram of a microgram."""
    return any(sign.isalpha() and not sign.isascii() for sign in _plain(text))


def _by_model(letters: str) -> str:
    return " ".join(_model().phones(letters))


@functools.cache
def _model() -> JointModel:
    return read(_MODEL)
