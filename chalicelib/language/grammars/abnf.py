"""Grammars in the ABNF form of the Speech Recognition Grammar Specification 1.0 (W3C)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from chalicelib.language.grammars.grammar_rules import (
    Choice,
    Expansion,
    GrammarError,
    GrammarRules,
    Reference,
    Repeat,
    Rule,
    Sequence,
    checked,
    repeat,
    weight,
    words_of_text,
)

_HEADER = re.compile(r"#ABNF[ \t]+1\.0(?:[ \t]+[\w.:-]+)?[ \t]*;")
_TOKENS = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<tag>\{!\{.*?\}!\}|\{[^}]*\})
  | (?P<quoted>"[^"]*")
  | (?P<repeat><\s*[\d\s-]+(?:/[^/>]*/\s*)?>)
  | (?P<uri>\$?<[^<>]*>)
  | (?P<weight>/[^/]*/)
  | (?P<rule>\$\$?[\w.-]+)
  | (?P<language>![\w-]+)
  | (?P<sign>[;=|()\[\]])
  | (?P<word>[^\s;=|()\[\]{}<>"/$!\\]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_SPECIAL_RULES = frozenset({"NULL", "VOID", "GARBAGE"})
_DEEPEST = 100


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int


def parse_abnf(text: str, custom_words: Collection[str] = ()) -> GrammarRules:
    """Read a grammar; see `grammar_rules.words_of_text` for the custom words.

    Raises:
        GrammarError: it is no such grammar, or uses what is not supported.
    """
    text = text.removeprefix("\ufeff")
    header = _HEADER.match(text.lstrip())
    if header is None:
        raise GrammarError(1, "a grammar in ABNF begins with '#ABNF 1.0;'")
    start = len(text) - len(text.lstrip()) + header.end()
    return _Parser(list(_tokens(text, start)), custom_words).grammar()


def _tokens(text: str, position: int) -> Iterator[_Token]:
    line = 1 + text.count("\n", 0, position)
    while position < len(text):
        found = _TOKENS.match(text, position)
        if found is None:
            raise GrammarError(line, f"'{text[position]}' has no place here")
        kind = found.lastgroup or ""
        if kind != "space":
            yield _Token(kind, found[0], line)
        line += found[0].count("\n")
        position = found.end()
    yield _Token("end", "the end of the grammar", line)


class _Parser:
    """Walks over the tokens once; each method reads one thing of the grammar."""

    def __init__(self, tokens: list[_Token], custom_words: Collection[str]) -> None:
        self._tokens = tokens
        self._custom_words = custom_words
        self._place = 0
        self._depth = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._place]

    def _take(self) -> _Token:
        token = self._next
        if token.kind != "end":
            self._place += 1
        return token

    def _is(self, sign: str) -> bool:
        return self._next.kind == "sign" and self._next.text == sign

    def _expect(self, sign: str) -> None:
        token = self._take()
        if token.kind != "sign" or token.text != sign:
            raise GrammarError(token.line, f"'{sign}' is missing before '{token.text}'")

    def grammar(self) -> GrammarRules:
        root: str | None = None
        root_line, rules = self._next.line, list[Rule]()
        while self._next.kind != "end":
            token = self._take()
            if token.kind == "rule":
                rules.append(self._rule(token, is_public=False))
            elif token.kind == "word" and token.text in ("public", "private"):
                rules.append(self._rule(self._take(), is_public=token.text == "public"))
            elif token.kind == "word" and token.text == "root" and not rules:
                found = self._take()
                if found.kind != "rule":
                    raise GrammarError(found.line, f"'{found.text}' is no rule name; write root $name;")
                root, root_line = found.text[1:], found.line
                self._expect(";")
            elif token.kind == "word" and not rules:
                self._declaration(token)
            else:
                raise GrammarError(token.line, f"a rule such as $name = …; is expected, not '{token.text}'")
        return checked(rules, root, root_line)

    def _declaration(self, name: _Token) -> None:
        value = self._next
        if name.text == "language" and not value.text.lower().startswith("en"):
            raise GrammarError(value.line, f"language '{value.text}' is not that of the model, en-US")
        if name.text == "mode" and value.text != "voice":
            raise GrammarError(value.line, f"mode '{value.text}' is not supported, only voice")
        if name.text == "lexicon":
            raise GrammarError(name.line, "lexicons are not supported; add words with sounds_like instead")
        if name.text not in ("language", "mode", "tag-format", "base", "meta", "http-equiv"):
            raise GrammarError(name.line, f"'{name.text}' is no declaration of a grammar")
        while not self._is(";"):
            if self._take().kind == "end":
                raise GrammarError(name.line, f"the declaration {name.text} does not end with ';'")
        self._take()

    def _rule(self, name: _Token, is_public: bool) -> Rule:
        if name.kind != "rule":
            raise GrammarError(name.line, f"'{name.text}' is no rule name; it begins with $")
        if name.text[1:] in _SPECIAL_RULES:
            raise GrammarError(name.line, f"'{name.text[1:]}' is a special rule and cannot be defined")
        self._expect("=")
        expansion = self._alternatives()
        self._expect(";")
        return Rule(name.text[1:], expansion, name.line, is_public)

    def _alternatives(self) -> Expansion:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise GrammarError(self._next.line, f"brackets stand more than {_DEEPEST} deep")
        found = [self._alternative()]
        while self._is("|"):
            self._take()
            found.append(self._alternative())
        self._depth -= 1
        return found[0][1] if len(found) == 1 else Choice(tuple(found))

    def _alternative(self) -> tuple[float, Expansion]:
        share = 1.0
        if self._next.kind == "weight":
            token = self._take()
            share = weight(token.text[1:-1], token.line)
        parts: list[Expansion] = []
        line = self._next.line
        is_empty = True
        while not (self._next.kind == "end" or (self._next.kind == "sign" and self._next.text in ";|)]")):
            is_empty = False
            parts.extend(self._item())
        if is_empty:
            raise GrammarError(line, f"an alternative before '{self._next.text}' is empty")
        return share, parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _item(self) -> list[Expansion]:
        parts = self._plain_item()
        while self._next.kind in ("repeat", "language"):
            token = self._take()
            if token.kind == "language":
                raise GrammarError(token.line, "a change of language inside a grammar is not supported")
            if not parts:
                raise GrammarError(token.line, f"{token.text} has nothing before it to be repeated")
            times, _, rest = token.text[1:-1].partition("/")
            parts[-1] = repeat(parts[-1], times, rest.rpartition("/")[0] if rest else None, token.line)
        return parts

    def _plain_item(self) -> list[Expansion]:
        token = self._take()
        if token.kind == "word":
            return words_of_text(token.text, self._custom_words)
        if token.kind == "quoted":
            words = words_of_text(token.text[1:-1], self._custom_words)
            return words if len(words) < 2 else [Sequence(tuple(words))]
        if token.kind == "tag":
            return []
        if token.kind == "rule":
            if token.text[1:] in _SPECIAL_RULES:
                raise GrammarError(token.line, f"the special rule {token.text} is not supported")
            return [Reference(token.text[1:], token.line)]
        if token.kind == "uri":
            return [_local(token)]
        if token.kind == "sign" and token.text in "([":
            optional = token.text == "["
            closing = "]" if optional else ")"
            part = Sequence(()) if self._is(closing) else self._alternatives()
            self._expect(closing)
            return [Repeat(part, 0, 1) if optional else part]
        raise GrammarError(token.line, f"'{token.text}' has no place here")


def _local(token: _Token) -> Reference:
    uri = token.text.lstrip("$")[1:-1].strip()
    if not uri.startswith("#"):
        raise GrammarError(token.line, f"'{uri}' lies outside the grammar; only local rules are supported")
    return Reference(uri[1:], token.line)
