"""What works for English only, and what users of another language are told about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.engines import catalogue

ENGLISH_ONLY = ("smart_formatting", "profanity_filter", "split_transcript_at_phrase_end")
"""Parameters that are ignored for other languages: they know the words and numbers of English."""

_IGNORED = "{name} is only for English and was ignored for {model}."
_DIGITS_ONLY = "redaction hides only numbers that are written in digits for {model}."


def is_english(model: str) -> bool:
    """Return whether a base model, named as in a request, hears English, of whatever country."""
    return catalogue.own_name(model).startswith("en-")


def settled(values: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return options without those that are not followed for the language of a base model."""
    if is_english(model):
        return dict(values)
    return {**values, **dict.fromkeys(ENGLISH_ONLY, False)}


def warnings(asked: Mapping[str, Any], model: str) -> list[str]:
    """Return what a user is told about what was asked for, with a base model."""
    if is_english(model):
        return []
    told = [_IGNORED.format(name=name, model=model) for name in ENGLISH_ONLY if asked.get(name)]
    return [*told, _DIGITS_ONLY.format(model=model)] if asked.get("redaction") else told
