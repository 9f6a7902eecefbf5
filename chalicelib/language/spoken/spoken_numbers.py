"""Numbers in digits as they are said in US English, word by word."""

from __future__ import annotations

UNITS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
"""Zero to nineteen."""
TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = ("", "thousand", "million", "billion", "trillion")
"""Of groups of three digits, from the last."""
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_MAX_DIGITS = 3 * len(SCALES)


def digits(text: str) -> list[str]:
    """Say digits one by one: "007" is zero zero seven."""
    return [UNITS[int(digit)] for digit in text]


def cardinal(text: str) -> list[str]:
    """Say a whole number; with a leading zero, or beyond trillions, digit by digit."""
    if len(text) > _MAX_DIGITS or (len(text) > 1 and text[0] == "0"):
        return digits(text)
    value = int(text)
    if value == 0:
        return ["zero"]
    groups = []
    for scale in SCALES:
        value, group = divmod(value, 1000)
        if group:
            groups.append([*_below_thousand(group), *([scale] if scale else [])])
    return [word for group in reversed(groups) for word in group]


def ordinal(text: str) -> list[str]:
    """Say a place in an order: "21" is twenty first."""
    words = cardinal(text)
    last = words[-1]
    if last in _ORDINALS:
        return [*words[:-1], _ORDINALS[last]]
    return [*words[:-1], f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"]


def decimal(whole: str, fraction: str) -> list[str]:
    """Say a number with a decimal point; the digits behind it one by one."""
    return [*cardinal(whole or "0"), "point", *digits(fraction)]


def year(text: str) -> list[str]:
    """Say four digits as a year: "1999" is nineteen ninety nine, "2005" two thousand five."""
    century, rest = int(text[:2]), int(text[2:])
    if text[0] == "0" or text[1:3] == "00":
        return cardinal(text)
    if rest == 0:
        return [*_below_thousand(century), "hundred"]
    if rest < 10:
        return [*_below_thousand(century), "oh", UNITS[rest]]
    return [*_below_thousand(century), *_below_thousand(rest)]


def plural(words: list[str]) -> list[str]:
    """Put the last word in the plural: nineteen nineties."""
    last = words[-1]
    return [
        *words[:-1],
        f"{last[:-1]}ies" if last.endswith("y") else f"{last}es" if last.endswith("x") else f"{last}s",
    ]


def _below_thousand(value: int) -> list[str]:
    hundreds, rest = divmod(value, 100)
    words = [UNITS[hundreds], "hundred"] if hundreds else []
    if rest >= 20:
        words.append(TENS[rest // 10])
        rest %= 10
        if not rest:
            return words
    if rest:
        words.append(UNITS[rest])
    return words
