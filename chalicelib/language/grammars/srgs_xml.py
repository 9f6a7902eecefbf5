"""Grammars in the XML form of the Speech Recognition Grammar Specification 1.0 (W3C)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from xml.parsers import expat

from chalicelib.language.grammars.grammar_rules import (
    Choice,
    Expansion,
    GrammarError,
    GrammarRules,
    Reference,
    Rule,
    Sequence,
    checked,
    repeat,
    weight,
    words_of_text,
)

_NAMESPACE = "http://www.w3.org/2001/06/grammar"
_XML = "http://www.w3.org/XML/1998/namespace"
_SEPARATOR = " "
_DEEPEST = 100
_PASSED_OVER = frozenset({"tag", "example", "meta", "metadata"})
_INSIDE = {
    "": {"grammar"},
    "grammar": {"rule"},
    "rule": {"item", "one-of", "ruleref", "token"},
    "item": {"item", "one-of", "ruleref", "token"},
    "one-of": {"item"},
    "token": set[str](),
    "ruleref": set[str](),
}
"""Which elements may stand in which."""


@dataclass
class _Element:
    name: str
    attributes: dict[str, str]
    line: int
    parts: list[Expansion] = field(default_factory=list)
    alternatives: list[tuple[float, Expansion]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


def parse_srgs_xml(text: str, custom_words: Collection[str] = ()) -> GrammarRules:
    """Read a grammar; entities are refused and nothing outside the text is read.

    Raises:
        GrammarError: it is no such grammar, or uses what is not supported.
    """
    return _XmlReader(custom_words).read(text)


class _XmlReader:
    """Follows expat's events, with the open elements on a stack."""

    def __init__(self, custom_words: Collection[str]) -> None:
        self._custom_words = custom_words
        # The header's encoding is ignored: the text is UTF-8, whatever it says.
        self._expat = expat.ParserCreate("utf-8", _SEPARATOR)
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._character_data
        self._expat.EntityDeclHandler = self._entity
        self._open: list[_Element] = []
        self._passing_over = 0
        self._rules: list[Rule] = []
        self._root: str | None = None
        self._root_line = 1

    def read(self, text: str) -> GrammarRules:
        try:
            self._expat.Parse(text.removeprefix("\ufeff").encode(), True)
        except expat.ExpatError as error:
            raise GrammarError(error.lineno, f"the XML is broken: {expat.ErrorString(error.code)}") from error
        return checked(self._rules, self._root, self._root_line)

    @property
    def _line(self) -> int:
        return self._expat.CurrentLineNumber

    def _entity(self, name: str, *_: object) -> None:
        raise GrammarError(self._line, f"entity '{name}': declaring entities is not supported")

    def _start(self, full_name: str, attributes: dict[str, str]) -> None:
        namespace, _, name = full_name.rpartition(_SEPARATOR)
        if self._passing_over or name in _PASSED_OVER:
            self._passing_over += 1
            return
        if namespace not in ("", _NAMESPACE):
            raise GrammarError(self._line, f"element <{name}> is none of a grammar")
        parent = self._open[-1].name if self._open else ""
        if name == "lexicon":
            raise GrammarError(self._line, "lexicons are not supported; add words with sounds_like instead")
        if name not in _INSIDE[parent]:
            where = f"inside <{parent}>" if parent else "at the top"
            raise GrammarError(self._line, f"element <{name}> has no place {where}")
        if len(self._open) > _DEEPEST:
            raise GrammarError(self._line, f"elements stand more than {_DEEPEST} deep")
        self._take_text()
        self._check_language(name, attributes)
        self._open.append(_Element(name, attributes, self._line))
        if name == "grammar":
            self._grammar(attributes)

    def _check_language(self, name: str, attributes: dict[str, str]) -> None:
        language = attributes.get(f"{_XML}{_SEPARATOR}lang")
        if language is not None and not language.lower().startswith("en"):
            raise GrammarError(self._line, f"language '{language}' is not that of the model, en-US")
        if language is not None and name != "grammar":
            raise GrammarError(self._line, "a change of language inside a grammar is not supported")

    def _grammar(self, attributes: dict[str, str]) -> None:
        if attributes.get("mode", "voice") != "voice":
            raise GrammarError(self._line, f"mode '{attributes['mode']}' is not supported, only voice")
        self._root, self._root_line = attributes.get("root"), self._line

    def _character_data(self, text: str) -> None:
        if not self._passing_over and self._open:
            self._open[-1].text.append(text)

    def _take_text(self) -> None:
        """Turn the text read so far into words of the element around it."""
        if not self._open:
            return
        element = self._open[-1]
        text = "".join(element.text).strip()
        element.text.clear()
        if text and element.name not in ("rule", "item", "token"):
            raise GrammarError(self._line, f"text has no place inside <{element.name}>: '{text[:40]}'")
        element.parts.extend(words_of_text(text, self._custom_words))

    def _end(self, _: str) -> None:
        if self._passing_over:
            self._passing_over -= 1
            return
        self._take_text()
        element = self._open.pop()
        if element.name == "rule":
            self._rules.append(self._rule(element))
        elif element.name != "grammar":
            self._add(element)

    def _rule(self, element: _Element) -> Rule:
        name = element.attributes.get("id")
        if not name:
            raise GrammarError(element.line, "a <rule> needs an id")
        if not element.parts:
            raise GrammarError(element.line, f"rule '{name}' is empty")
        return Rule(name, _joined(element), element.line, element.attributes.get("scope") == "public")

    def _add(self, element: _Element) -> None:
        """Put a closed element's meaning into the one around it."""
        parent, attributes = self._open[-1], element.attributes
        if element.name == "one-of":
            if not element.alternatives:
                raise GrammarError(element.line, "a <one-of> needs at least one <item>")
            parent.parts.append(Choice(tuple(element.alternatives)))
            return
        part = self._reference(element) if element.name == "ruleref" else _joined(element)
        if "repeat" in attributes:
            part = repeat(part, attributes["repeat"], attributes.get("repeat-prob"), element.line)
        if parent.name == "one-of":
            parent.alternatives.append((weight(attributes.get("weight", "1"), element.line), part))
        else:
            parent.parts.append(part)

    def _reference(self, element: _Element) -> Reference:
        if "special" in element.attributes:
            raise GrammarError(
                element.line, f"the special rule {element.attributes['special']} is not supported"
            )
        uri = element.attributes.get("uri", "")
        if not uri.startswith("#"):
            raise GrammarError(
                element.line, f"'{uri}' lies outside the grammar; only local rules are supported"
            )
        return Reference(uri[1:], element.line)


def _joined(element: _Element) -> Expansion:
    return element.parts[0] if len(element.parts) == 1 else Sequence(tuple(element.parts))
