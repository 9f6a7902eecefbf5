"""Grammars that restrict what is recognised: SRGS in ABNF or XML, read into a finite-state network."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from chalicelib.language.grammars.abnf import parse_abnf
from chalicelib.language.grammars.grammar_network import GrammarNetwork, network
from chalicelib.language.grammars.grammar_rules import GrammarError, GrammarRules, GrammarWord, parts_of
from chalicelib.language.grammars.srgs_xml import parse_srgs_xml

__all__ = ["MAX_GRAMMAR_BYTES", "Grammar", "GrammarError", "Kind", "parse"]

Kind = Literal["abnf", "xml"]
MAX_GRAMMAR_BYTES = 4 << 20


@dataclass(frozen=True)
class Grammar:
    """A grammar that compiles."""

    words: tuple[str, ...]
    """Each word once, in the order of the text, as the text writes it."""
    network: GrammarNetwork

    def oov(self, known: Callable[[str], bool]) -> tuple[str, ...]:
        """Return the words that a base vocabulary, asked in lower case, lacks."""
        return tuple(word for word in self.words if not known(word.lower()))


def parse(text: str | bytes, kind: Kind, custom_words: Collection[str] = ()) -> Grammar:
    """Read and compile a grammar.

    Args:
        text: the grammar, UTF-8 when in bytes, whatever its header says.
        kind: `abnf` for `application/srgs`, `xml` for `application/srgs+xml`.
        custom_words: words that are to be found as they are written, whatever signs they hold.

    Raises:
        GrammarError: it is broken, uses what is not supported, or is not regular; names the line.
    """
    if isinstance(text, bytes):
        text = _decoded(text)
    if len(text) > MAX_GRAMMAR_BYTES:
        raise GrammarError(1, f"the grammar is larger than {MAX_GRAMMAR_BYTES >> 20} MB")
    custom = frozenset(custom_words)
    try:
        return _compiled(parse_abnf(text, custom) if kind == "abnf" else parse_srgs_xml(text, custom))
    except RecursionError as error:
        raise GrammarError(1, "the grammar's rules and brackets stand too deep in each other") from error


def _compiled(rules: GrammarRules) -> Grammar:
    words = [
        part.text
        for rule in rules.by_name.values()
        for part in reversed(list(parts_of(rule.expansion)))
        if isinstance(part, GrammarWord)
    ]
    return Grammar(tuple(dict.fromkeys(words)), network(rules))


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = 1 + text.count(b"\n", 0, error.start)
        raise GrammarError(line, "the grammar is not UTF-8 text") from error
