"""Words to the text of a transcript: hesitations, profanity, smart formatting, redaction."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.engines.protocol import Word
from chalicelib.recognition.request import languages
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results import profanity
from chalicelib.recognition.results.smart_formatting import formatter

HESITATION = "%HESITATION"
HIDDEN = "X"
"""Stands for a redacted digit, and elsewhere in the answer for the words that say redacted digits."""

_HESITATIONS = frozenset({"uh", "uhh", "um", "umm", "uhm", "hm", "hmm", "mm", "erm"})
_MANY_DIGITS = re.compile(r"\d(?:-?\d){2,}")
"""Three digits or more; hyphens in telephone numbers do not separate them."""
_DIGITS_APART = re.compile(r"\d(?:[ .,:-]?\d){2,}")
"""The same where nothing has put the digits of a number together."""


@dataclass(frozen=True)
class FinalTranscript:
    """A final transcript."""

    text: str
    hidden: frozenset[int] = frozenset()
    """Places of the words whose digits were redacted."""


def final(words: Sequence[Word], options: Options) -> FinalTranscript:
    """Return the transcript of a final result; each word is followed by a space, as Watson writes it."""
    shown = [(number, spelled(word.text, options)) for number, word in enumerate(words)]
    if not languages.is_english(options.model):
        return _as_written(shown, options)
    if not options.smart_formatting:
        return FinalTranscript(_joined([text for _, text in shown], options))
    heard = [(number, text) for number, text in shown if text != HESITATION]
    pieces = formatter.format_words([text for _, text in heard])
    if not options.redaction:
        return FinalTranscript(_joined([formatter.join(pieces)], options))
    hidden = {
        heard[place][0] for piece in pieces if _MANY_DIGITS.search(piece.text) for place in piece.places
    }
    return FinalTranscript(_joined([redacted(formatter.join(pieces))], options), frozenset(hidden))


def interim(words: Sequence[Word], options: Options) -> str:
    """Return the transcript of a result that is not final: never formatted."""
    return _joined([spelled(word.text, options) for word in words], options)


def spelled(word: str, options: Options) -> str:
    """Return a word as it is shown."""
    if not languages.is_english(options.model):
        return word
    if word.lower() in _HESITATIONS:
        return HESITATION
    if options.profanity_filter and profanity.is_profane(word):
        return profanity.MASK
    return word


def _as_written(shown: Sequence[tuple[int, str]], options: Options) -> FinalTranscript:
    """Return the transcript of a language whose numbers stand in digits already, or in words unknown here."""
    if not options.redaction:
        return FinalTranscript(_joined([text for _, text in shown], options))
    ends = list(itertools.accumulate(len(text) + 1 for _, text in shown))
    runs = [run.span() for run in _DIGITS_APART.finditer(" ".join(text for _, text in shown))]
    hidden = {
        number: re.sub(r"\d", HIDDEN, text)
        for (number, text), end in zip(shown, ends, strict=True)
        if any(first < end - 1 and end - 1 - len(text) < last for first, last in runs)
    }
    return FinalTranscript(_joined([hidden.get(*one) for one in shown], options), frozenset(hidden))


def redacted(text: str) -> str:
    """Return the text with every digit of a run of three or more replaced."""
    return _MANY_DIGITS.sub(lambda run: re.sub(r"\d", HIDDEN, run.group()), text)


def _joined(texts: Sequence[str], options: Options) -> str:
    # What a grammar matched is shown without the space at its end.
    text = " ".join(texts)
    return text if not text or options.grammar_name is not None else f"{text} "
