"""Numbers and symbols of a line of US English, rewritten as they are said."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from chalicelib.language.spoken.spoken_rules import RULES, SIGNS

ANY = re.compile(rf"[\d{re.escape(SIGNS)}]|[A-Za-z0-9]\.[A-Za-z]")
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
    for pattern, say in RULES:
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
    for pattern, say in RULES:
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
