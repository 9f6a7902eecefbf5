"""The words that numbers are made of."""

from __future__ import annotations

from chalicelib.language.spoken import spoken_numbers

UNITS = {word: value for value, word in enumerate(spoken_numbers.UNITS[1:10], 1)}
TEENS = {word: value for value, word in enumerate(spoken_numbers.UNITS[10:], 10)}
TENS = {word: value * 10 for value, word in enumerate(spoken_numbers.TENS[2:], 2)}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
ZEROS = frozenset({"zero", "oh", "o.", "o"})
"""As they are said in series of digits; only the first is a number by itself."""
REPEATS = {"double": 2, "triple": 3}

_ORDINAL_UNITS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]
ORDINALS = {word: value for value, word in enumerate(_ORDINAL_UNITS, 1)} | {
    "tenth": 10,
    "eleventh": 11,
    "twelfth": 12,
    **{f"{word}th": value for word, value in TEENS.items() if value > 12},
    **{f"{word[:-1]}ieth": value for word, value in TENS.items()},
}
ORDINAL_SCALES = {"hundredth": 100} | {f"{word}th": value for word, value in SCALES.items()}

_NUMBER_WORDS = frozenset(
    {*UNITS, *TEENS, *TENS, *SCALES, *ORDINALS, *ORDINAL_SCALES, "zero", "hundred"} - {"second"}
)


def is_number_word(word: str) -> bool:
    """Tell whether a word in lower case is (part of) a number, ordinals included; `second` is not."""
    return word in _NUMBER_WORDS or all(part in _NUMBER_WORDS or part == "second" for part in word.split("-"))
