"""Times of day: beside AM, PM or a time zone, and military ones beside `hours`."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.recognition.results.smart_formatting.number_words import ZEROS
from chalicelib.recognition.results.smart_formatting.numbers import Number, below_hundred, groups, spoken
from chalicelib.recognition.results.smart_formatting.tokens import Match, Token, as_said, at

_ZONES = frozenset({"est", "edt", "cst", "cdt", "mst", "mdt", "pst", "pdt", "gmt", "utc"})
_BEFORE = frozenset({"to", "till", "until", "before"})
_AFTER = frozenset({"past", "after"})
_MINUTES = frozenset({"minute", "minutes"})
_AFTER_A_VERB = frozenset({"i", "not", "so", "just", "very", "really", "going", "still", "always", "here"})
"""Follow "am" where it is no time."""


def time(tokens: Sequence[Token], index: int) -> Match | None:
    """`nine thirty am` is 9:30 AM, `seven est` is 7:00 EST."""
    hour = below_hundred(tokens, index)
    if hour is None:
        return None
    minutes = _minutes(tokens, hour[1])
    end = hour[1] if minutes is None else minutes.end
    marks: list[str] = []
    half = _half(tokens, end)
    if half is not None:
        marks.append(half.digits)
        end = half.end
    zone = _zone(tokens, end)
    if zone is not None:
        marks.append(zone.digits)
        end = zone.end
    if not marks or hour[0] > (12 if half is not None else 23):
        return None
    return Match(f"{hour[0]}:{'00' if minutes is None else minutes.digits} {' '.join(marks)}", end)


def relative(tokens: Sequence[Token], index: int) -> Match | None:
    """`a quarter to five p m` is 4:45 PM. Without AM or PM, quarters and halves stay words."""
    read = _share(tokens, index)
    if read is None:
        return None
    minutes, end, is_number = read
    direction = at(tokens, end)
    hour = below_hundred(tokens, end + 1)
    if direction not in _BEFORE | _AFTER or hour is None or not 1 <= hour[0] <= 12:
        return None
    if direction in _BEFORE and (
        minutes == 30 or (is_number and minutes <= 12 and not _says_minutes(tokens, end))
    ):
        return None  # "from nine to five pm"
    whole = spoken(tokens, end + 1)
    if whole is not None and whole.end > hour[1]:
        return None
    half = _half(tokens, hour[1])
    if half is None:
        return None if is_number else as_said(tokens, index, hour[1])
    zone = _zone(tokens, half.end)
    value = hour[0] * 60 + (minutes if direction in _AFTER else -minutes)
    marks = [half.digits]
    if hour[0] == 12 and direction in _BEFORE:
        marks = ["AM" if half.digits == "PM" else "PM"]  # before noon, and before midnight
    if zone is not None:
        marks.append(zone.digits)
    of_hour = (value // 60 - 1) % 12 + 1
    return Match(f"{of_hour}:{value % 60:02} {' '.join(marks)}", half.end if zone is None else zone.end)


def _share(tokens: Sequence[Token], index: int) -> tuple[int, int, bool] | None:
    """Read what is said of an hour: minutes, the end, and whether it was a number."""
    word = at(tokens, index + (at(tokens, index) == "a"))
    if word == "quarter":
        return 15, index + 1 + (at(tokens, index) == "a"), False
    if at(tokens, index) == "half":
        return 30, index + 1, False
    read = below_hundred(tokens, index)
    if read is None or read[0] >= 60:
        return None
    return read[0], read[1] + (at(tokens, read[1]) in _MINUTES), True


def _says_minutes(tokens: Sequence[Token], end: int) -> bool:
    return at(tokens, end - 1) in _MINUTES


def military(tokens: Sequence[Token], index: int) -> Match | None:
    """`oh seven hundred hours` is 0700 hours."""
    hour = _two_digits(tokens, index)
    if hour is None or int(hour.digits) > 23:
        return None
    if at(tokens, hour.end) == "hundred":
        minutes: Number | None = Number("00", hour.end + 1)
    else:
        minutes = _minutes(tokens, hour.end)
    if minutes is None or at(tokens, minutes.end) != "hours":
        return None
    return Match(f"{hour.digits}{minutes.digits}", minutes.end)


def _minutes(tokens: Sequence[Token], index: int) -> Number | None:
    if at(tokens, index) in ZEROS:
        digits = groups(tokens, index)
        return Number(f"0{digits[1].digits}", digits[1].end) if _is_digit(digits[1:]) else None
    read = below_hundred(tokens, index)
    return Number(str(read[0]), read[1]) if read is not None and 10 <= read[0] <= 59 else None


def _is_digit(read: Sequence[Number]) -> bool:
    return bool(read) and len(read[0].digits) == 1


def _two_digits(tokens: Sequence[Token], index: int) -> Number | None:
    if at(tokens, index) in ZEROS:
        digit = below_hundred(tokens, index + 1)
        return Number(f"0{digit[0]}", digit[1]) if digit is not None and digit[0] < 10 else None
    read = below_hundred(tokens, index)
    return Number(str(read[0]), read[1]) if read is not None and read[0] >= 10 else None


def _half(tokens: Sequence[Token], index: int) -> Number | None:
    word = at(tokens, index).replace(".", "")
    if word in ("am", "pm"):
        if at(tokens, index) == "am" and at(tokens, index + 1) in _AFTER_A_VERB:
            return None
        return Number(word.upper(), index + 1)
    if word in ("a", "p") and at(tokens, index + 1).replace(".", "") == "m":
        return Number(f"{word.upper()}M", index + 2)
    return None


def _zone(tokens: Sequence[Token], index: int) -> Number | None:
    word = at(tokens, index).replace(".", "")
    if word in _ZONES:
        return Number(word.upper(), index + 1)
    letters = "".join(at(tokens, index + number).replace(".", "") for number in range(3))
    spelled = all(len(at(tokens, index + number).replace(".", "")) == 1 for number in range(3))
    return Number(letters.upper(), index + 3) if spelled and letters in _ZONES else None
