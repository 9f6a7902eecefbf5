"""How numbers, dates, times, amounts and signs are said in US English: rules in the order that they apply."""

from __future__ import annotations

import re
from collections.abc import Callable

from chalicelib.language.spoken import spoken_addresses, spoken_codes
from chalicelib.language.spoken.spoken_codes import in_pairs, one_by_one
from chalicelib.language.spoken.spoken_numbers import cardinal, decimal, digits, ordinal, plural, year

_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "", ""),
}
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_SYMBOLS = {
    "&": "and",
    "@": "at",
    "+": "plus",
    "=": "equals",
    "°": "degrees",
    "½": "one half",
    "¼": "one quarter",
    "¾": "three quarters",
}
_PARTS = frozenset({2, 3, 4, 5, 6, 8, 10, 16, 32})
"""Denominators of what is a fraction, and no score or date."""
_SUFFIXES = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion"}
_WHOLE = r"\d{1,3}(?:,\d{3})+(?!\d)|\d+"
_NUMBER = rf"(?P<whole>{_WHOLE})(?:\.(?P<part>\d+))?"
_SCALE = r"(?:\s?(?P<scale>thousand|million|billion|trillion)\b|(?P<suffix>k|m|bn?)\b)?"
_NOT_IN_A_NUMBER = r"(?<![\d.,])"
_CURRENCY = "[" + "".join(_CURRENCIES) + "]"
_MONTH_BEFORE = re.compile(
    r"\b(?:jan(?:uary|\.)|feb(?:ruary|\.)|(?-i:March)|apr(?:il|\.)|(?-i:May)|june|july|aug(?:ust|\.)|sept(?:ember|\.)"
    r"|oct(?:ober|\.)|nov(?:ember|\.)|dec(?:ember|\.))\s$",
    re.IGNORECASE,
)
_DIGIT_BEFORE = re.compile(r"(?:^|[\s-])\d[\s-]$")
_CONTEXT = 12
"""Characters before a match that are looked at."""

SIGNS = "".join(_SYMBOLS) + "".join(_CURRENCIES) + "%#¢"
"""What is spoken out beside digits."""


def _padded(words: list[str]) -> str:
    return f" {' '.join(words)} "


def _plain(match: re.Match[str]) -> list[str]:
    whole, part = match["whole"], match["part"]
    return decimal(whole.replace(",", ""), part) if part else cardinal(whole.replace(",", ""))


def _money(match: re.Match[str]) -> str:
    one, many, small_one, small_many = _CURRENCIES[match["currency"]]
    whole, part = match["whole"].replace(",", ""), match["part"]
    scale = match["scale"] or _SUFFIXES.get((match["suffix"] or "").lower())
    if scale:
        return _padded([*_plain(match), scale, many])
    if part is None or not small_one or len(part) != 2:
        return _padded([*_plain(match), one if whole == "1" and not part else many])
    words = [*cardinal(whole), one if whole == "1" else many]
    if part == "00":
        return _padded(words)
    cents = [*cardinal(str(int(part))), small_one if part == "01" else small_many]
    return _padded(cents if not int(whole) else [*words, "and", *cents])


def _time(match: re.Match[str]) -> str:
    hour, minute, half = str(int(match["hour"])), match["minute"], match["half"]
    if int(hour) > 24 or int(minute) > 59:
        return _padded([*cardinal(hour), *cardinal(str(int(minute)))])
    words = cardinal(hour)
    if minute == "00":
        words += [] if half else ["o'clock"] if 0 < int(hour) <= 12 else ["hundred"]
    else:
        words += ["oh", *cardinal(minute[1])] if minute[0] == "0" else cardinal(minute)
    return _padded([*words, *([_half(half)] if half else [])])


def _half(text: str) -> str:
    return f"{text[0].lower()}.m."


def _date(match: re.Match[str]) -> str:
    month, day, in_year = int(match["month"]), int(match["day"]), match["year"]
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return re.sub("[/-]", " ", match[0])
    say_year = year if len(in_year) == 4 else _short_year
    return _padded([MONTHS[month - 1], *ordinal(str(day)), *say_year(in_year)])


def _short_year(text: str) -> list[str]:
    return ["oh", *digits(text[1])] if text[0] == "0" else cardinal(text)


def _before(match: re.Match[str]) -> str:
    return match.string[max(match.start() - _CONTEXT, 0) : match.start()]


def _day(match: re.Match[str]) -> str:
    """Say the day behind a month as it is said: May 5 is May fifth."""
    is_day = 1 <= int(match[0]) <= 31 and _MONTH_BEFORE.search(_before(match))
    return _padded(ordinal(str(int(match[0])))) if is_day else match[0]


def _zero(match: re.Match[str]) -> str:
    return " oh " if _DIGIT_BEFORE.search(_before(match)) else match[0]


def _fraction(match: re.Match[str]) -> str:
    part, parts = int(match["part"]), int(match["parts"])
    if not 0 < part < parts or parts not in _PARTS:
        return match[0]
    name = {2: ["half"], 4: ["quarter"]}.get(parts) or ordinal(str(parts))
    words = [*cardinal(str(part)), *(name if part == 1 else plural(name))]
    return _padded([*cardinal(match["whole"]), "and", *words] if match["whole"] else words)


def _hyphened(match: re.Match[str]) -> str:
    """Say the numbers of accounts and cards digit by digit."""
    text = re.sub(r"\D", "", match[0])
    return _padded(one_by_one(text)) if len(text) >= 7 and not _ISO_DATE.fullmatch(match[0]) else match[0]


def _version(match: re.Match[str]) -> str:
    parts = match[0].split(".")
    is_address = len(parts) == 4 and any(len(part) == 3 for part in parts)
    words = [" ".join(in_pairs(part) if len(part) == 3 else cardinal(part)) for part in parts]
    return f" {(' dot ' if is_address else ' point ').join(words)} "


def _range(match: re.Match[str]) -> str:
    low, high = match["low"] or match["since"], match["high"] or match["until"]
    # What does not rise, or begins with a zero, is a score, a code, a name.
    rising = float(low) < float(high) and not re.match(r"0\d", low) and not re.match(r"0\d", high)
    return f"{low} to {high}" if rising else match[0]


def _blood_pressure(match: re.Match[str]) -> str:
    systolic, diastolic = match["systolic"], match["diastolic"]
    if not (60 <= int(systolic) <= 300 and 30 <= int(diastolic) <= 200 and int(systolic) > int(diastolic)):
        return match[0]
    return _padded([*_in_pairs(systolic), "over", *_in_pairs(diastolic)])


def _in_pairs(number: str) -> list[str]:
    """Return how a measurement of two or three digits is said: one twenty, one oh five."""
    if len(number) < 3 or number.endswith("00"):
        return cardinal(number)
    rest = ["oh", *cardinal(number[2])] if number[1] == "0" else cardinal(number[1:])
    return [*cardinal(number[0]), *rest]


def _degrees(match: re.Match[str]) -> str:
    return f" degrees {'celsius' if match['scale'] == 'C' else 'fahrenheit'} "


def _symbol(match: re.Match[str]) -> str:
    return _padded([_SYMBOLS[match[0]]])


_ISO_DATE = re.compile(r"(?<![\w-])(?P<year>[12]\d{3})-(?P<month>\d\d)-(?P<day>\d\d)(?![\w-])")
RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (spoken_addresses.EMAIL, spoken_addresses.said),
    (spoken_addresses.WEB, spoken_addresses.said),
    # Before the numbers, for what they stand for is said once: 5 to 10 percent.
    (
        re.compile(
            rf"(?<![\w.,/:#+\-{_CURRENCY[1:-1]}])"
            r"(?:(?P<low>\d{1,3}(?:\.\d+)?)[-–](?P<high>\d{1,3}(?:\.\d+)?)"
            r"|(?P<since>(?:1[1-9]|20)\d{2})[-–](?P<until>(?:1[1-9]|20)\d{2}))(?![\d/:–\-]|[.,]\d)"
        ),
        _range,
    ),
    (re.compile(r"(?<![\w.,])[-−](?=\d)"), lambda _: " minus "),
    (_ISO_DATE, _date),
    (
        re.compile(r"(?<![\w.,/:\-])(?P<systolic>\d{2,3})/(?P<diastolic>\d{2,3})(?![\d/]|[.,]\d)"),
        _blood_pressure,
    ),
    (re.compile(rf"(?P<currency>{_CURRENCY})\s?{_NUMBER}{_SCALE}", re.IGNORECASE), _money),
    (re.compile(rf"{_NOT_IN_A_NUMBER}{_NUMBER}{_SCALE}\s?(?P<currency>{_CURRENCY})", re.IGNORECASE), _money),
    (
        re.compile(rf"{_NOT_IN_A_NUMBER}{_NUMBER}\s?¢"),
        lambda found: _padded([*_plain(found), "cent" if found[0][:-1].strip() == "1" else "cents"]),
    ),
    (re.compile(rf"{_NOT_IN_A_NUMBER}{_NUMBER}\s?%"), lambda found: _padded([*_plain(found), "percent"])),
    (re.compile(r"%"), lambda _: " percent "),
    (
        re.compile(r"\b(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>[12]\d{3}|\d\d)\b(?!/)"),
        _date,
    ),
    (
        re.compile(r"(?<![\d/.,])(?:(?P<whole>\d{1,3})\s)?(?P<part>\d{1,2})/(?P<parts>\d{1,2})(?![\d/])"),
        _fraction,
    ),
    (
        re.compile(r"(?P<whole>\d)\s?(?P<half>[½¼¾])"),
        lambda found: f" {' '.join(cardinal(found['whole']))} and {_SYMBOLS[found['half']]} ",
    ),
    (
        re.compile(
            r"\b(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::\d{2})?(?![\d:])(?:\s?(?P<half>[ap]\.?m\b\.?))?",
            re.IGNORECASE,
        ),
        _time,
    ),
    (
        re.compile(r"\b(?P<hour>\d{1,2})\s?(?P<half>[ap]\.?m\b\.?)", re.IGNORECASE),
        lambda found: _padded([*cardinal(str(int(found["hour"]))), _half(found["half"])]),
    ),
    (
        re.compile(
            r"(?<![\d-])(?:\+?1[-. ])?(?:(?:\(\d{3}\)\s?|\d{3}[-. ])?\d{3}[- ]\d{4}|\d{3}\.\d{3}\.\d{4})"
            r"(?![\w-]|[.,]\d)"
        ),
        lambda found: _padded(one_by_one(re.sub(r"\D", "", found[0]))),
    ),
    (re.compile(r"(?<![\w.,-])\d{4}(?: \d{4}){3}(?![\w-])"), _hyphened),
    (re.compile(r"(?<![\w.,:/-])\d+(?:-\d+)+(?![\w-]|[.,:]\d)"), _hyphened),
    (
        re.compile(rf"{_NOT_IN_A_NUMBER}(?P<whole>{_WHOLE})(?:st|nd|rd|th)\b", re.IGNORECASE),
        lambda found: _padded(ordinal(found["whole"].replace(",", ""))),
    ),
    (
        re.compile(r"\b(?P<year>[12]\d{2}0)'?s\b"),
        lambda found: _padded(plural(year(found["year"]))),
    ),
    (
        re.compile(r"(?<![\w.,])'?(?P<decade>[2-9]0)'?s\b"),
        lambda found: _padded(plural(cardinal(found["decade"]))),
    ),
    (re.compile(r"(?<![\w.,])\d{1,2}(?![\w%°:/-]|[.,]\d)"), _day),
    (re.compile(r"(?<![\w.,$€£¥])(?:1[1-9]|20)\d{2}(?![\w%]|[.,]\d)"), lambda found: _padded(year(found[0]))),
    (re.compile(r"(?<![\w.,:/-])911(?![\w%°]|[-.,:/]\d)"), lambda found: _padded(digits(found[0]))),
    (re.compile(r"\b[Nn]o\.\s?(?=\d)"), lambda _: "number "),
    (re.compile(r"#(?=\d)"), lambda _: " number "),
    (re.compile(r"(?<![\d.,])\d+(?:\.\d+){2,}(?!\w|\.\w)"), _version),
    (spoken_codes.RUN, spoken_codes.said),
    (re.compile(r"(?<![\w.,:/$€£¥-])0(?![\w.,:/%°-]\w|[%°])"), _zero),
    (re.compile(r"(?<![\w.,])\.(?P<part>\d+)"), lambda found: _padded(["point", *digits(found["part"])])),
    (re.compile(rf"{_NOT_IN_A_NUMBER}{_NUMBER}"), lambda found: _padded(_plain(found))),
    (re.compile(r"\d+"), lambda found: _padded(digits(found[0]))),
    (re.compile(r"°\s?(?P<scale>[CF])\b"), _degrees),
    (re.compile("[" + "".join(_SYMBOLS) + "]"), _symbol),
)
