"""Numbers as they are said: cardinals, series of digits, decimals, ordinals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.recognition.results.smart_formatting.number_words import (
    ORDINAL_SCALES,
    ORDINALS,
    REPEATS,
    SCALES,
    TEENS,
    TENS,
    UNITS,
    ZEROS,
    is_number_word,
)
from chalicelib.recognition.results.smart_formatting.tokens import Match, Token, as_said, at
from chalicelib.recognition.results.word_sets import word_set

# After or before these, a single "one" is a number; elsewhere it is mostly a pronoun.
_BEFORE_ONE = word_set(
    "number option press dial extension page chapter room channel line gate step version section unit "
    "code pin least between than times plus minus equals level part question exit route flight figure "
    "table"
)
_AFTER_ONE = word_set(
    "point percent o'clock dollar euro cent hour minute second day week month year mile foot inch pound "
    "kilometer meter degree times plus minus"
)
_ENDS_OF_NUMBERS = frozenset({"dollar", "dollars", "euro", "euros", "cent", "cents", *ZEROS})
_MONEY = frozenset({"dollar", "dollars", "euro", "euros"})
_ROUND = frozenset({"hundred", *SCALES})
_PARTS = frozenset({"half", "quarter", "third", "quarters", "thirds", "halves", "eighths", "tenths"})
_BETWEEN_NUMBERS = frozenset({"and", "or", "to", "through"})


@dataclass(frozen=True)
class Number:
    """A number that was read: its digits, perhaps with a decimal point, and where its words end."""

    digits: str
    end: int


def below_hundred(tokens: Sequence[Token], index: int) -> tuple[int, int] | None:
    """Read 1 to 99 as one number word or two; return the value and the end."""
    word = at(tokens, index)
    if word in TENS:
        unit = UNITS.get(at(tokens, index + 1), 0)
        return TENS[word] + unit, index + (2 if unit else 1)
    value = TEENS.get(word) or UNITS.get(word)
    return None if value is None else (value, index + 1)


def cardinal(tokens: Sequence[Token], index: int) -> tuple[int, int] | None:
    """Read the longest number said as one, below 10^15; return the value and the end."""
    if at(tokens, index) == "zero":
        return 0, index + 1
    total, scale, end = 0, 10**15, index
    while True:
        # "one hundred and one", "two thousand and five": only a rest may follow "and".
        after_and = total > 0 and at(tokens, end) == "and"
        part = _below_thousand(tokens, end + after_and)
        if part is None:
            break
        value, part_end = part
        part_scale = SCALES.get(at(tokens, part_end), 1)
        if part_scale >= scale or (after_and and (part_scale > 1 or value >= 100)):
            break
        total += value * part_scale
        scale, end = part_scale, part_end + (part_scale > 1)
        if part_scale == 1:
            break
    return None if end == index else (total, end)


def _below_thousand(tokens: Sequence[Token], index: int) -> tuple[int, int] | None:
    following = at(tokens, index + 1)
    if at(tokens, index) == "a" and (following == "hundred" or following in SCALES):
        part: tuple[int, int] | None = (1, index + 1)
    else:
        part = below_hundred(tokens, index)
    if part is None or at(tokens, part[1]) != "hundred":
        return part
    hundreds, end = part[0] * 100, part[1] + 1
    with_and = at(tokens, end) == "and"
    rest = below_hundred(tokens, end + with_and)
    if rest is None or at(tokens, rest[1]) == "hundred":
        return hundreds, end
    return hundreds + rest[0], rest[1]


def groups(
    tokens: Sequence[Token], index: int, *, hundreds: bool = False, places: bool = False
) -> list[Number]:
    """Read a series of digits said one by one or in pairs, as far as it goes.

    With `hundreds`, "eight hundred" and "one thousand" are groups too, as in telephone numbers. With
    `places`, the series may end before a scale, as in "one point five million".
    """
    found: list[Number] = []
    while True:
        group = _group(tokens, found[-1].end if found else index, hundreds=hundreds, places=places)
        if group is None:
            return found
        found.append(group)


def _group(tokens: Sequence[Token], index: int, *, hundreds: bool, places: bool) -> Number | None:
    word = at(tokens, index)
    if word in ZEROS:
        return Number("0", index + 1)
    if word in REPEATS:
        repeated = at(tokens, index + 1)
        digit = "0" if repeated in ZEROS else str(UNITS.get(repeated, ""))
        return Number(digit * REPEATS[word], index + 2) if digit else None
    pair = below_hundred(tokens, index)
    if pair is None:
        return None
    value, end = pair
    following = at(tokens, end)
    if following == "hundred" or (following in SCALES and not places):
        if not hundreds or following not in ("hundred", "thousand") or (value > 9 and following != "hundred"):
            return None
        return Number(f"{value}{'00' if following == 'hundred' else '000'}", end + 1)
    return Number(str(value), end)


def spoken(tokens: Sequence[Token], index: int) -> Number | None:
    """Read a number: one cardinal, or a series of digits where that goes on for longer."""
    whole = cardinal(tokens, index)
    series = groups(tokens, index)
    if len(series) > 1 and (whole is None or series[-1].end > whole[1]):
        if at(tokens, index) in ZEROS - {"zero"} and len(series) < 3:
            return None  # more often a sigh than a digit
        return Number("".join(group.digits for group in series), series[-1].end)
    return None if whole is None else Number(str(whole[0]), whole[1])


def decimal(tokens: Sequence[Token], index: int) -> Number | None:
    """Read a number, with the digits behind "point" if there are some."""
    whole = spoken(tokens, index)
    if whole is None or at(tokens, whole.end) != "point":
        return whole
    places = groups(tokens, whole.end + 1, places=True)
    if not places:
        return whole
    return Number(f"{whole.digits}.{''.join(group.digits for group in places)}", places[-1].end)


def ordinal_value(tokens: Sequence[Token], index: int) -> tuple[int, int] | None:
    """Read an ordinal below 10^15; return the value and the end."""
    word = at(tokens, index)
    if word in ORDINALS:
        return ORDINALS[word], index + 1
    if word in TENS and 0 < ORDINALS.get(at(tokens, index + 1), 10) < 10:
        return TENS[word] + ORDINALS[at(tokens, index + 1)], index + 2
    whole = cardinal(tokens, index)
    if whole is None or whole[0] == 0:
        return None
    value, end = whole
    if at(tokens, end) in ORDINAL_SCALES:
        return value * ORDINAL_SCALES[at(tokens, end)], end + 1
    if value % 10 == 0:
        rest = ordinal_value(tokens, end + (value >= 100 and at(tokens, end) == "and"))
        if rest is not None and rest[0] < (100 if value % 100 == 0 else 10):
            return value + rest[0], rest[1]
    return None


def ordinal(tokens: Sequence[Token], index: int) -> Match | None:
    """`twenty first` is 21st; first, second and third by themselves stay words, and so do fractions."""
    read = ordinal_value(tokens, index)
    if read is None or (read[0] < 4 and read[1] == index + 1) or _is_number(at(tokens, index - 1)):
        return None
    value, end = read
    if value == 1 and at(tokens, index) == "one":
        return None
    suffix = "th" if value % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return Match(f"{value}{suffix}", end)


def mixed(tokens: Sequence[Token], index: int) -> Match | None:
    """`three and a half` and `half a million` stay words, as fractions do; so does money with a half."""
    if at(tokens, index) == "half" and at(tokens, index + 1) == "a" and at(tokens, index + 2) in _ROUND:
        return as_said(tokens, index, index + 3)
    whole = below_hundred(tokens, index)  # longer ones hold digits that redaction hides
    if whole is None or _is_number(at(tokens, index - 1)):
        return None
    end = whole[1] + (at(tokens, whole[1]) in _MONEY)
    if at(tokens, end) != "and":
        return None
    count = below_hundred(tokens, end + 1)
    part = end + 2 if at(tokens, end + 1) == "a" else None if count is None else count[1]
    if part is None or at(tokens, part) not in _PARTS:
        return None
    return as_said(tokens, index, part + 1)


def number(tokens: Sequence[Token], index: int) -> Match | None:
    """Numbers, decimals, and what follows "minus"."""
    negative = at(tokens, index) in ("minus", "negative") and not _is_number(at(tokens, index - 1))
    read = decimal(tokens, index + negative)
    if read is None:
        return None
    if not negative and read.end == index + 1 and at(tokens, index) == "one" and not _counts(tokens, index):
        return None
    return Match(f"-{read.digits}" if negative else read.digits, read.end)


def _counts(tokens: Sequence[Token], index: int) -> bool:
    before, after = at(tokens, index - 1), at(tokens, index + 1)
    if before in _BEFORE_ONE or after in _AFTER_ONE:
        return True
    return (after in _BETWEEN_NUMBERS and _is_number(at(tokens, index + 2))) or (
        before in _BETWEEN_NUMBERS
        and (_is_number(at(tokens, index - 2)) or at(tokens, index - 2) in _ENDS_OF_NUMBERS)
    )


def _is_number(word: str) -> bool:
    return is_number_word(word) or any(character.isdigit() for character in word)
