"""Numbers and symbols of a line of US English, rewritten as they are said."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from chalicelib.language.spoken_numbers import cardinal, decimal, digits, ordinal, plural, year

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
_FRACTIONS = {
    "1/2": "one half",
    "1/3": "one third",
    "2/3": "two thirds",
    "1/4": "one quarter",
    "3/4": "three quarters",
}
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
_WHOLE = r"\d{1,3}(?:,\d{3})+(?!\d)|\d+"
_NUMBER = rf"(?P<whole>{_WHOLE})(?:\.(?P<part>\d+))?"
_SCALE = r"(?:\s?(?P<scale>thousand|million|billion|trillion)\b)?"
_NOT_IN_A_NUMBER = r"(?<![\d.,])"
_CURRENCY = "[" + "".join(_CURRENCIES) + "]"

ANY = re.compile(r"[\d" + "".join(_SYMBOLS) + "".join(_CURRENCIES) + "%#]")
"""What a line must hold for anything here to apply."""


_AROUND = "\"'.,;:!?"
"""Punctuation that may touch a word without being of it."""


def custom_form(token: str, custom_words: Collection[str]) -> str | None:
    """Return the custom word that a token without spaces is, with or without punctuation around it."""
    begin, end = 0, len(token)
    while begin < end:
        if token[begin:end] in custom_words:
            return token[begin:end]
        if token[end - 1] in _AROUND:
            end -= 1
        elif token[begin] in _AROUND:
            begin, end = begin + 1, len(token)
        else:
            break
    return None


def spoken_beside(line: str, custom_words: Collection[str]) -> str:
    """Return the line spoken out but for custom words, which stay as they are, and lose what touches them."""
    if not custom_words:
        return spoken(line)
    parts: list[str] = []
    others: list[str] = []
    for token in line.split():
        word = custom_form(token, custom_words)
        if word is None:
            others.append(token)
        else:
            parts += [spoken(" ".join(others)), word]
            others = []
    return " ".join([*parts, spoken(" ".join(others))])


def spoken(line: str) -> str:
    """Return the line with its numbers and symbols spoken out; everything else stays as it is."""
    for pattern, say in _RULES:
        line = pattern.sub(say, line)
    return line


def spoken_pieces(tokens: Sequence[str]) -> list[tuple[int, str]]:
    """Return the tokens spoken out as one line, in pieces: of how many tokens each is, and its text.

    A piece has several tokens only where one reading needs them: "5:00 p.m.", "$3 million".
    """
    if not tokens:
        return []
    line = " ".join(tokens)
    joints = [-1, *(len(" ".join(tokens[:count])) for count in range(1, len(tokens) + 1))]
    counts = list(range(len(tokens) + 1))
    for pattern, say in _RULES:
        line, joints, counts = _rewritten(line, joints, counts, pattern, say)
    return [
        (counts[place + 1] - counts[place], line[joints[place] + 1 : joints[place + 1]])
        for place in range(len(counts) - 1)
    ]


def _rewritten(
    line: str,
    joints: Sequence[int],
    counts: Sequence[int],
    pattern: re.Pattern[str],
    say: Callable[[re.Match[str]], str],
) -> tuple[str, list[int], list[int]]:
    """Apply a rule, and say where the spaces between pieces are then; those inside of a match are gone."""
    changes = [(match, said) for match in pattern.finditer(line) if (said := say(match)) != match[0]]
    kept = [
        (joint, count)
        for joint, count in zip(joints, counts, strict=True)
        if not any(match.start() <= joint < match.end() for match, _ in changes)
    ]
    moved = [
        joint + sum(len(said) - len(match[0]) for match, said in changes if match.end() <= joint)
        for joint, _ in kept
    ]
    parts, end = [], 0
    for match, said in changes:
        parts += [line[end : match.start()], said]
        end = match.end()
    return "".join([*parts, line[end:]]), moved, [count for _, count in kept]


def _padded(words: list[str]) -> str:
    return f" {' '.join(words)} "


def _plain(match: re.Match[str]) -> list[str]:
    whole, part = match["whole"], match["part"]
    return decimal(whole.replace(",", ""), part) if part else cardinal(whole.replace(",", ""))


def _money(match: re.Match[str]) -> str:
    one, many, small_one, small_many = _CURRENCIES[match["currency"]]
    whole, part, scale = match["whole"].replace(",", ""), match["part"], match["scale"]
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
    return _padded([MONTHS[month - 1], *ordinal(str(day)), *year(in_year)])


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


def _symbol(match: re.Match[str]) -> str:
    return _padded([_SYMBOLS[match[0]]])


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    # First, for what the numbers stand for is said once: 5 to 10 percent.
    (
        re.compile(
            rf"(?<![\w.,/:#+\-{_CURRENCY[1:-1]}])"
            r"(?:(?P<low>\d{1,3}(?:\.\d+)?)[-–](?P<high>\d{1,3}(?:\.\d+)?)"
            r"|(?P<since>(?:1[1-9]|20)\d{2})[-–](?P<until>(?:1[1-9]|20)\d{2}))(?![\d/:–\-]|[.,]\d)"
        ),
        _range,
    ),
    (re.compile(r"(?<![\w.,])[-−](?=\d)"), lambda _: " minus "),
    (
        re.compile(r"(?<![\w-])(?P<year>[12]\d{3})-(?P<month>\d\d)-(?P<day>\d\d)(?![\w-])"),
        _date,
    ),
    (
        re.compile(r"(?<![\w.,/:\-])(?P<systolic>\d{2,3})/(?P<diastolic>\d{2,3})(?![\d/]|[.,]\d)"),
        _blood_pressure,
    ),
    (re.compile(rf"(?P<currency>{_CURRENCY})\s?{_NUMBER}{_SCALE}", re.IGNORECASE), _money),
    (re.compile(rf"{_NOT_IN_A_NUMBER}{_NUMBER}{_SCALE}\s?(?P<currency>{_CURRENCY})", re.IGNORECASE), _money),
    (re.compile(rf"{_NOT_IN_A_NUMBER}{_NUMBER}\s?%"), lambda found: _padded([*_plain(found), "percent"])),
    (re.compile(r"%"), lambda _: " percent "),
    (
        re.compile(r"\b(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>[12]\d{3})\b"),
        _date,
    ),
    (
        re.compile(r"(?<![\d/])(?:1/2|1/3|2/3|1/4|3/4)(?![\d/])"),
        lambda found: _padded([_FRACTIONS[found[0]]]),
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
        re.compile(r"(?<![\d-])(?:\+?1-)?(?:\(?\d{3}\)?[-. ])?\d{3}-\d{4}(?![\d-])"),
        lambda found: _padded(digits(re.sub(r"\D", "", found[0]))),
    ),
    (
        re.compile(rf"{_NOT_IN_A_NUMBER}(?P<whole>{_WHOLE})(?:st|nd|rd|th)\b", re.IGNORECASE),
        lambda found: _padded(ordinal(found["whole"].replace(",", ""))),
    ),
    (
        re.compile(r"\b(?P<year>[12]\d{2}0)'?s\b"),
        lambda found: _padded(plural(year(found["year"]))),
    ),
    (re.compile(r"(?<![\w.,$€£¥])(?:1[1-9]|20)\d{2}(?![\w%]|[.,]\d)"), lambda found: _padded(year(found[0]))),
    (re.compile(r"#(?=\d)"), lambda _: " number "),
    (re.compile(rf"{_NOT_IN_A_NUMBER}{_NUMBER}"), lambda found: _padded(_plain(found))),
    (re.compile(r"\d+"), lambda found: _padded(digits(found[0]))),
    (re.compile("[" + "".join(_SYMBOLS) + "]"), _symbol),
)
