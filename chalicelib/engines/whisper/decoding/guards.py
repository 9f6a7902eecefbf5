"""Whether a reading is speech that was heard, or what a network writes when it hears none, or cannot stop.

The limits were chosen on the training half of AN4, clean and in noise at 5 dB, and on noises and tones.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from chalicelib.language.spoken.spoken_rules import MONTHS

_MOST_COMPRESSED = 2.4
"""Texts of speech are not made shorter than this by compression."""
_MOST_WORDS_PER_S = 8.0
_WORDS_ALWAYS = 4
"""So many are never too fast."""

_SURELY_NO_SPEECH = 0.75
_PERHAPS_NO_SPEECH, _UNSURE = 0.4, -1.05
_GUESSED = -1.5
"""A mean log-probability below this is a guess, whatever else is said."""

_ONE_WORD_TIMES, _PHRASE_TIMES = 5, 3
_REPEATED_SHARE = 0.6
"""A phrase that is said twice is odd when both together are so much of the text."""
_LONGEST_PHRASE = 12
_WORD = re.compile(r"\w+")
_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
_PLAIN_DIGIT = re.compile(r"(?:(?<![^\s(\"'])|(?<=[A-Z])|(?<=[A-Z]-))[1-9](?=[.,;!?)\"']*(?:\s|$))")
"""By itself, or behind letters that are said one by one."""
NUMBER_SIGNS = "0123456789$%£€"
"""Numbers are written with them, and not said so."""
_WITH_SIGNS = re.compile(f"[{NUMBER_SIGNS}]")
_NUMBER = re.compile(
    r"zero|oh|nought|half|halves|quarters?|first|second|third|fifth|eighth|ninth|twelfth|twent(?:y|ieth|ies)"
    r"|(?:one|two|three|five|eight|nine|ten|eleven|twelve)s?"
    r"|(?:four|six|seven)(?:s|th)?|(?:tenth|eleventh)"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teen(?:th)?"
    r"|(?:thir|for|fif|six|seven|eigh|nine)t(?:y|ieth|ies)"
    r"|(?:hundred|thousand|million|billion)(?:s|th)?"
)


@dataclass(frozen=True)
class ReadingEvidence:
    """What speaks for and against a reading."""

    text: str
    tokens: int
    score: float
    """Mean log-probability of the tokens; their sum has the end of the text, their number has not."""
    no_speech: float
    """Probability in 0…1."""
    speech_s: float
    cut_short: bool
    """The text came to no end."""

    @property
    def mean_log_probability(self) -> float:
        """Of the tokens and the end of the text, so that short texts are not worse than long ones."""
        return self.score * self.tokens / (self.tokens + 1)


def unheard(evidence: ReadingEvidence) -> bool:
    """Tell whether the network found the text by itself: nobody spoke."""
    if not _WORD.search(evidence.text):
        return True
    sure = evidence.mean_log_probability
    return (
        evidence.no_speech > _SURELY_NO_SPEECH
        or (evidence.no_speech > _PERHAPS_NO_SPEECH and sure < _UNSURE)
        or sure < _GUESSED
    )


def looping(evidence: ReadingEvidence) -> bool:
    """Tell whether the network could not stop: the text has no end, or more than can be said in that time.

    People repeat themselves, too: that alone is not enough, unless perhaps nobody speaks.
    """
    too_fast = len(_words(evidence.text)) > _WORDS_ALWAYS + _MOST_WORDS_PER_S * evidence.speech_s
    perhaps_nobody = evidence.no_speech > _PERHAPS_NO_SPEECH
    return evidence.cut_short or too_fast or (perhaps_nobody and repetitive(evidence.text))


def repetitive(text: str) -> bool:
    """Tell whether a text says the same over and over."""
    words = _words(text)
    encoded = text.encode()
    return (
        len(encoded) / len(zlib.compress(encoded)) > _MOST_COMPRESSED
        or _repeats(words, 1, _ONE_WORD_TIMES)
        or any(_repeats(words, length, _PHRASE_TIMES) for length in range(2, _LONGEST_PHRASE + 1))
    )


def says_numbers(written: str, said: str) -> bool:
    """Tell whether a text has at least one number in words for every number that another has in digits."""
    numbers = sum(_NUMBER.fullmatch(word) is not None for word in _words(said))
    return numbers >= len(_DIGITS.findall(written))


def ambiguous_numbers(written: str) -> bool:
    """Tell whether numbers can be said in several ways: 0, 24, $5, a 7 in a date; "press 7" cannot."""
    others = _PLAIN_DIGIT.sub("", written)
    in_dates = others != written and any(word in MONTHS for word in _words(written))
    return in_dates or _WITH_SIGNS.search(others) is not None


def doubled(text: str) -> bool:
    """Tell whether most of a text is a phrase that is said twice: people do so, networks more often."""
    words = _words(text)
    return any(
        _repeats(words, length, 2)
        for length in range(1, len(words) // 2 + 1)
        if 2 * length >= _REPEATED_SHARE * len(words)
    )


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _repeats(words: list[str], length: int, times: int) -> bool:
    """Tell whether a phrase of so many words stands so many times in a row."""
    same = 0
    for place in range(length, len(words)):
        same = same + 1 if words[place] == words[place - length] else 0
        if same >= length * (times - 1):
            return True
    return False
