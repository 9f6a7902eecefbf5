"""A grammar's rules as one finite-state network."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.language.grammars.grammar_rules import (
    Choice,
    Expansion,
    GrammarError,
    GrammarRules,
    GrammarWord,
    Reference,
    Repeat,
)
from chalicelib.language.grammars.grammar_rules import Sequence as Parts

MAX_ARCS = 100_000

Arc = tuple[int, int, float, str | None]
"""From state, to state, probability, and the word; None for an arc that says nothing."""


@dataclass(frozen=True)
class GrammarNetwork:
    """States numbered from 0; every sentence is a path from start to end."""

    states: int
    start: int
    end: int
    arcs: tuple[Arc, ...]

    def accepts(self, words: Sequence[str]) -> bool:
        """Return whether the words, as the grammar writes them, are one of its sentences."""
        silent, said = defaultdict[int, list[int]](list), defaultdict[tuple[int, str], list[int]](list)
        for origin, target, _, word in self.arcs:
            if word is None:
                silent[origin].append(target)
            else:
                said[origin, word].append(target)
        states = _closed({self.start}, silent)
        for word in words:
            states = _closed({target for state in states for target in said[state, word]}, silent)
        return self.end in states


def network(rules: GrammarRules) -> GrammarNetwork:
    """Return the network of a grammar's root rule.

    Raises:
        GrammarError: a rule refers to itself before its end, or the network is too large or says nothing.
    """
    builder = _Builder(rules)
    start = builder.state()
    root = rules.by_name[rules.root]
    end = builder.rule(Reference(rules.root, root.line), start, (), True)
    trimmed = _trimmed(start, end, builder.arcs)
    if trimmed is None:
        raise GrammarError(root.line, f"no sentence can be made by the root rule '{rules.root}'")
    return trimmed


@dataclass(frozen=True)
class _Frame:
    """A rule that is being expanded."""

    rule: str
    start: int
    is_last: bool
    """Whether nothing follows it in the rule that refers to it."""


class _Builder:
    def __init__(self, rules: GrammarRules) -> None:
        self._rules = rules
        self._states = 0
        self.arcs: list[Arc] = []

    def state(self) -> int:
        self._states += 1
        return self._states - 1

    def _arc(self, origin: int, target: int, probability: float, word: str | None = None) -> None:
        if len(self.arcs) >= MAX_ARCS:
            root = self._rules.by_name[self._rules.root]
            raise GrammarError(root.line, f"the grammar needs a network of more than {MAX_ARCS:,} arcs")
        self.arcs.append((origin, target, probability, word))

    def rule(self, reference: Reference, start: int, frames: tuple[_Frame, ...], is_last: bool) -> int:
        """Expand a rule from a state on; returns the state behind it."""
        for place, frame in enumerate(frames):
            if frame.rule == reference.rule:
                if not (is_last and all(inner.is_last for inner in frames[place + 1 :])):
                    raise GrammarError(
                        reference.line,
                        f"rule '{reference.rule}' refers to itself before its end, which is not regular",
                    )
                self._arc(start, frame.start, 1.0)
                return self.state()  # never reached: the path goes on in the outer expansion
        if len(frames) > 100:
            raise GrammarError(reference.line, "rules refer to each other more than 100 deep")
        entry = self.state()
        self._arc(start, entry, 1.0)
        inner = (*frames, _Frame(reference.rule, entry, is_last))
        return self.expansion(self._rules.by_name[reference.rule].expansion, entry, inner, True)

    def expansion(self, part: Expansion, start: int, frames: tuple[_Frame, ...], is_last: bool) -> int:
        """Add the paths of an expansion from a state on; returns the state behind it."""
        if isinstance(part, GrammarWord):
            end = self.state()
            self._arc(start, end, 1.0, part.text)
            return end
        if isinstance(part, Parts):
            for place, one in enumerate(part.parts):
                start = self.expansion(one, start, frames, is_last and place == len(part.parts) - 1)
            return start
        if isinstance(part, Choice):
            return self._choice(part, start, frames, is_last)
        if isinstance(part, Repeat):
            return self._repeat(part, start, frames, is_last)
        return self.rule(part, start, frames, is_last)

    def _choice(self, part: Choice, start: int, frames: tuple[_Frame, ...], is_last: bool) -> int:
        end = self.state()
        total = sum(share for share, _ in part.alternatives)
        for share, alternative in part.alternatives:
            if share > 0:
                entry = self.state()
                self._arc(start, entry, share / total)
                self._arc(self.expansion(alternative, entry, frames, is_last), end, 1.0)
        return end

    def _repeat(self, part: Repeat, start: int, frames: tuple[_Frame, ...], is_last: bool) -> int:
        for place in range(part.least):
            start = self.expansion(part.part, start, frames, is_last and place + 1 == part.least == part.most)
        end = self.state()
        if part.most is None:
            loop, entry = self.state(), self.state()
            self._arc(start, loop, 1.0)
            self._arc(loop, entry, part.probability)
            self._arc(self.expansion(part.part, entry, frames, False), loop, 1.0)
            self._arc(loop, end, 1 - part.probability)
            return end
        for place in range(part.least, part.most):
            entry = self.state()
            self._arc(start, end, 1 - part.probability)
            self._arc(start, entry, part.probability)
            start = self.expansion(part.part, entry, frames, is_last and place + 1 == part.most)
        self._arc(start, end, 1.0)
        return end


def _shortened(start: int, end: int, arcs: list[Arc]) -> list[Arc]:
    """Take out states that only pass on: the end of one silent arc, or the beginning of one that is sure."""
    while True:
        before = len(arcs)
        arcs = _joined_behind(start, end, _joined_ahead(start, end, arcs))
        if len(arcs) == before:
            return arcs


def _joined_ahead(start: int, end: int, arcs: list[Arc]) -> list[Arc]:
    """Give the arcs into a state with one sure silent way on that way's target."""
    leaving = Counter(arc[0] for arc in arcs)
    onward = {
        origin: target
        for origin, target, probability, word in arcs
        if word is None and probability == 1 and leaving[origin] == 1 and origin not in (start, end, target)
    }
    last = {state: _followed(state, onward) for state in onward}
    return [
        (origin, last.get(target, target), probability, word)
        for origin, target, probability, word in arcs
        if origin not in onward or last[origin] == origin
    ]


def _joined_behind(start: int, end: int, arcs: list[Arc]) -> list[Arc]:
    """Give the arcs out of a state with one silent way into it that way's origin and probability."""
    entering = Counter(arc[1] for arc in arcs)
    back = {
        target: (origin, probability)
        for origin, target, probability, word in arcs
        if word is None and entering[target] == 1 and target not in (start, end, origin)
    }
    found = []
    for origin, target, probability, word in arcs:
        if target in back:
            continue
        state, share, passed = origin, probability, set[int]()
        while state in back and state not in passed:
            passed.add(state)
            state, chance = back[state]
            share *= chance
        found.append((state, target, share, word))
    return found


def _followed(state: int, onward: dict[int, int]) -> int:
    passed = {state}
    first = state
    while state in onward:
        state = onward[state]
        if state in passed:
            return first
        passed.add(state)
    return state


def _trimmed(start: int, end: int, arcs: Iterable[Arc]) -> GrammarNetwork | None:
    """Keep what lies on a path from start to end; None when there is none."""
    ahead, behind = defaultdict[int, list[int]](list), defaultdict[int, list[int]](list)
    kept = _shortened(start, end, list(arcs))
    for origin, target, _, _ in kept:
        ahead[origin].append(target)
        behind[target].append(origin)
    used = _closed({start}, ahead) & _closed({end}, behind)
    if start not in used:
        return None
    number = {state: place for place, state in enumerate(sorted(used))}
    return GrammarNetwork(
        len(used),
        number[start],
        number[end],
        tuple(
            (number[origin], number[target], probability, word)
            for origin, target, probability, word in kept
            if origin in used and target in used
        ),
    )


def _closed(states: set[int], following: dict[int, list[int]]) -> set[int]:
    found, waiting = set(states), list(states)
    while waiting:
        for target in following.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found
