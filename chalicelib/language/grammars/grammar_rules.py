"""What a grammar is made of, whichever way it is written: rules of words, sequences, choices and repeats."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from chalicelib.language.spoken.spoken_forms import ANY, custom_form, spoken_beside

MAX_REPEAT = 1000
_NUMBER = re.compile(r"\d{1,30}(?:\.\d*)?|\.\d+")
_AROUND = "\"',;:!?()[]{}<>"
_REPEAT = re.compile(r"(\d{1,30})(?:(-)(\d{0,30}))?")


class GrammarError(Exception):
    """A grammar cannot be used; says in which line, and why."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        """Counted from 1."""
        self.message = message


@dataclass(frozen=True)
class GrammarWord:
    """One word, said as it is written."""

    text: str


@dataclass(frozen=True)
class Sequence:
    """Parts one after the other; nothing at all when there are none."""

    parts: tuple[Expansion, ...]


@dataclass(frozen=True)
class Choice:
    """One of several, with weights that need not sum to one."""

    alternatives: tuple[tuple[float, Expansion], ...]


@dataclass(frozen=True)
class Repeat:
    """A part said so many times."""

    part: Expansion
    least: int
    most: int | None
    """None for any number."""
    probability: float = 0.5
    """That of each repetition beyond the least."""


@dataclass(frozen=True)
class Reference:
    """Another rule of the same grammar."""

    rule: str
    line: int


Expansion = GrammarWord | Sequence | Choice | Repeat | Reference


@dataclass(frozen=True)
class Rule:
    """A named expansion."""

    name: str
    expansion: Expansion
    line: int
    is_public: bool = False


@dataclass(frozen=True)
class GrammarRules:
    """All rules of a grammar; every reference leads to one of them."""

    by_name: Mapping[str, Rule]
    root: str


def checked(rules: list[Rule], root: str | None, root_line: int) -> GrammarRules:
    """Return the rules of a grammar once they fit together.

    Raises:
        GrammarError: a rule is defined twice or missing, or there is no root.
    """
    by_name: dict[str, Rule] = {}
    for rule in rules:
        if rule.name in by_name:
            raise GrammarError(rule.line, f"rule '{rule.name}' is defined twice")
        by_name[rule.name] = rule
    if not by_name:
        raise GrammarError(root_line, "the grammar defines no rule")
    if root is None:
        public = [rule.name for rule in rules if rule.is_public] or [rule.name for rule in rules]
        if len(public) > 1:
            raise GrammarError(root_line, "the grammar does not say which rule is its root")
        root = public[0]
    if root not in by_name:
        raise GrammarError(root_line, f"the root rule '{root}' is not defined")
    for rule in rules:
        for part in parts_of(rule.expansion):
            if isinstance(part, Reference) and part.rule not in by_name:
                raise GrammarError(part.line, f"rule '{part.rule}' is not defined")
    return GrammarRules(by_name, root)


def parts_of(expansion: Expansion) -> Iterator[Expansion]:
    """Yield an expansion and everything inside it."""
    waiting = [expansion]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, Sequence):
            waiting.extend(part.parts)
        elif isinstance(part, Choice):
            waiting.extend(alternative for _, alternative in part.alternatives)
        elif isinstance(part, Repeat):
            waiting.append(part.part)


def words_of_text(text: str, custom_words: Collection[str] = ()) -> list[Expansion]:
    """Return the words of a grammar's text, numbers and symbols spoken out and punctuation dropped.

    Custom words stay as they are, whatever signs they hold.
    """
    if ANY.search(text):
        text = spoken_beside(text, custom_words)
    words = (custom_form(token, custom_words) or token.strip(_AROUND) for token in text.split())
    return [GrammarWord(word) for word in words if word in custom_words or any(map(str.isalpha, word))]


def weight(text: str, line: int) -> float:
    """Read the weight of an alternative.

    Raises:
        GrammarError: it is no number, or too small for one.
    """
    if not _NUMBER.fullmatch(text.strip()):
        raise GrammarError(line, f"'{text.strip()}' is no weight; a weight is a number such as 0.5")
    return float(text)


def repeat(part: Expansion, times: str, probability: str | None, line: int) -> Repeat:
    """Return a part repeated as "2", "0-1", "1-" or "2-4" says.

    Raises:
        GrammarError: the text says no such thing.
    """
    found = _REPEAT.fullmatch(times.strip())
    if not found:
        raise GrammarError(line, f"'{times.strip()}' is no repeat; write n, n-m or n-")
    least = int(found[1])
    most = least if not found[2] else int(found[3]) if found[3] else None
    if most is not None and most < least:
        raise GrammarError(line, f"the repeat {times.strip()} ends before it begins")
    if max(least, most or 0) > MAX_REPEAT:
        raise GrammarError(line, f"a repeat of more than {MAX_REPEAT} is not supported")
    chance = 0.5 if probability is None else weight(probability, line)
    if not 0 <= chance <= 1:
        raise GrammarError(line, "a repeat's probability lies between 0 and 1")
    return Repeat(part, least, most, min(max(chance, 1e-3), 1 - 1e-3))
