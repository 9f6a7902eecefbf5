"""Grammars in ABNF and XML: what they accept, and what is wrong with those that cannot be used."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.language.grammars.grammar_rules import (
    Choice,
    Expansion,
    GrammarWord,
    Reference,
    Repeat,
    Sequence,
)
from chalicelib.language.grammars.srgs import Grammar, GrammarError, Kind, parse

ABNF = """#ABNF 1.0 UTF-8;
language en-US; // that of the model
mode voice;
tag-format <semantics/1.0>;
root $order;
/** What may be ordered. */
public $order = [please] $size <0-1> (coffee | /2/ "ice tea" {out = 1} | $<#more>) 2 <1->;
$size = small | large;
$more = more [$more];
"""
XML = """<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE grammar PUBLIC "-//W3C//DTD GRAMMAR 1.0//EN" "http://www.w3.org/TR/speech-grammar/grammar.dtd">
<grammar version="1.0" xmlns="http://www.w3.org/2001/06/grammar" xml:lang="en-US" mode="voice" root="order">
  <meta name="author" content="somebody"/>
  <rule id="order" scope="public">
    <example>please coffee two</example>
    <item repeat="0-1">please</item>
    <item repeat="0-1"><ruleref uri="#size"/></item>
    <one-of>
      <item>coffee</item>
      <item weight="2"><token>ice tea</token><tag>out = 1</tag></item>
      <item><ruleref uri="#more"/></item>
    </one-of>
    <item repeat="1-">2</item>
  </rule>
  <rule id="size"><one-of><item>small</item><item>large</item></one-of></rule>
  <rule id="more">more <item repeat="0-1"><ruleref uri="#more"/></item></rule>
</grammar>
"""


@pytest.mark.parametrize(("text", "kind"), [(ABNF, "abnf"), (XML, "xml")])
def test_sentences_of_the_grammar_are_accepted(text: str, kind: Kind) -> None:
    grammar = parse(text.encode(), kind)
    assert set(grammar.words) == {"please", "small", "large", "coffee", "ice", "tea", "more", "two"}
    assert grammar.oov({"please", "coffee", "two", "more"}.__contains__) == tuple(
        word for word in grammar.words if word in {"small", "large", "ice", "tea"}
    )
    for accepted in ("coffee two", "please large ice tea two two two", "more more more two"):
        assert grammar.network.accepts(accepted.split()), accepted
    for refused in ("", "coffee", "ice two", "large please coffee two", "two", "please please coffee two"):
        assert not grammar.network.accepts(refused.split()), refused


def test_weights_become_probabilities() -> None:
    grammar = parse("#ABNF 1.0; root $a; $a = /3/ one | /1/ two | /0/ three;", "abnf")
    shares = sorted(probability for _, _, probability, _ in grammar.network.arcs if probability < 1)
    assert shares == [0.25, 0.75]
    assert not grammar.network.accepts(["three"])


WORDS = ("one", "two", "three")
EXPANSIONS: st.SearchStrategy[Expansion] = st.recursive(
    st.sampled_from([*(GrammarWord(word) for word in WORDS), Reference("other", 0)]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Sequence(tuple(parts))),
        st.lists(st.tuples(st.sampled_from([0.5, 1.0, 2.0]), inner), min_size=2, max_size=3).map(
            lambda found: Choice(tuple(found))
        ),
        st.tuples(inner, st.sampled_from([(0, 1), (0, None), (1, 2), (2, 2), (1, None)])).map(
            lambda found: Repeat(found[0], *found[1])
        ),
    ),
    max_leaves=6,
)


def _times(part: Repeat) -> str:
    if part.least == part.most:
        return str(part.least)
    return f"{part.least}-{'' if part.most is None else part.most}"


def _as_abnf(part: Expansion) -> str:
    if isinstance(part, GrammarWord):
        return part.text
    if isinstance(part, Reference):
        return f"${part.rule}"
    if isinstance(part, Sequence):
        return f"({' '.join(map(_as_abnf, part.parts))})"
    if isinstance(part, Repeat):
        return f"({_as_abnf(part.part)}) <{_times(part)}>"
    return f"({' | '.join(f'/{share}/ {_as_abnf(one)}' for share, one in part.alternatives)})"


def _as_xml(part: Expansion) -> str:
    if isinstance(part, GrammarWord):
        return escape(part.text)
    if isinstance(part, Reference):
        return f'<ruleref uri="#{part.rule}"/>'
    if isinstance(part, Sequence):
        return f"<item>{' '.join(map(_as_xml, part.parts))}</item>"
    if isinstance(part, Repeat):
        return f'<item repeat="{_times(part)}">{_as_xml(part.part)}</item>'
    inner = "".join(f'<item weight="{share}">{_as_xml(one)}</item>' for share, one in part.alternatives)
    return f"<one-of>{inner}</one-of>"


def _both(expansion: Expansion) -> tuple[Grammar, Grammar]:
    abnf = f"#ABNF 1.0;\nroot $a;\n$a = {_as_abnf(expansion)};\n$other = four <0-1> two;"
    xml = (
        f'<grammar root="a"><rule id="a">{_as_xml(expansion)}</rule>'
        '<rule id="other"><item repeat="0-1">four</item>two</rule></grammar>'
    )
    return parse(abnf, "abnf"), parse(xml, "xml")


def _accepts(part: Expansion, words: tuple[str, ...]) -> bool:
    return len(words) in _ends(part, words, {0})


def _ends(part: Expansion, words: tuple[str, ...], starts: set[int]) -> set[int]:
    """Return where a part may end when it begins at any of these places: the meaning, spelt out."""
    if isinstance(part, GrammarWord):
        return {place + 1 for place in starts if words[place : place + 1] == (part.text,)}
    if isinstance(part, Reference):
        return _ends(Sequence((Repeat(GrammarWord("four"), 0, 1), GrammarWord("two"))), words, starts)
    if isinstance(part, Sequence):
        for one in part.parts:
            starts = _ends(one, words, starts)
        return starts
    if isinstance(part, Choice):
        return {end for _, one in part.alternatives for end in _ends(one, words, starts)}
    for _ in range(part.least):
        starts = _ends(part.part, words, starts)
    found = set(starts)
    for _ in range(len(words) + 1 if part.most is None else part.most - part.least):
        starts = _ends(part.part, words, starts)
        found |= starts
    return found


@settings(max_examples=150, deadline=None)
@given(EXPANSIONS, st.lists(st.lists(st.sampled_from([*WORDS, "four"]), max_size=5).map(tuple), max_size=12))
def test_both_forms_accept_the_same_sentences(expansion: Expansion, sentences: list[tuple[str, ...]]) -> None:
    abnf, xml = _both(expansion)
    for words in [*sentences, ("two",), ("four", "two"), ("one", "two"), ()]:
        assert abnf.network.accepts(words) == xml.network.accepts(words) == _accepts(expansion, words)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("hello", 1, "begins with '#ABNF 1.0;'"),
        ("#ABNF 1.0;\nroot $a;\n$a = one \\ two;", 3, "'\\\\' has no place here"),
        ("#ABNF 1.0;\nroot $a;\n$a = one (two;", 3, "'\\)' is missing before ';'"),
        ("#ABNF 1.0;\nroot $a;\n$a = one", 3, "';' is missing before the end|'the end of the grammar'"),
        ("#ABNF 1.0;\nroot $a;\n$a = one | ;", 3, "empty"),
        ("#ABNF 1.0;\nroot $b;\n$a = one;", 2, "root rule 'b' is not defined"),
        ("#ABNF 1.0;\nroot $a;\n$a = one\n $b;", 4, "rule 'b' is not defined"),
        ("#ABNF 1.0;\nroot $a;\n$a = one;\n$a = two;", 4, "defined twice"),
        ("#ABNF 1.0;\nroot $a;\n$a = one $a two | three;", 3, "refers to itself before its end"),
        ("#ABNF 1.0;\nroot $a;\n$a = one $a;", 3, "no sentence"),
        ("#ABNF 1.0;\nroot $a;\n$a = $<http://example.com/g#x>;", 3, "only local rules"),
        ("#ABNF 1.0;\nroot $a;\n$a = $GARBAGE;", 3, "special rule"),
        ("#ABNF 1.0;\nlanguage fr-FR;\nroot $a;\n$a = one;", 2, "language 'fr-FR'"),
        ("#ABNF 1.0;\nroot $a;\n$a = one!fr-FR;", 3, "change of language"),
        ("#ABNF 1.0;\nmode dtmf;\nroot $a;\n$a = one;", 2, "mode 'dtmf'"),
        ("#ABNF 1.0;\nroot $a;\n$a = one <3-2>;", 3, "ends before it begins"),
        ("#ABNF 1.0;\nroot $a;\n$a = one <2-99999>;", 3, "more than 1000"),
        ("#ABNF 1.0;\nroot $a;\n$a = one <1-" + "9" * 5000 + ">;", 3, "is no repeat"),
        ("#ABNF 1.0;\nroot $a;\n$a = /" + "9" * 400 + "/ one | two;", 3, "is no weight"),
        ("#ABNF 1.0;\nroot $a;\n$a = ((one <999>) <999>) <999>;", 3, "more than 100,000 arcs"),
        ("#ABNF 1.0;\nroot $a;\n$a = " + "(" * 300 + "one" + ")" * 300 + ";", 3, "deep"),
        ("#ABNF 1.0;\n$a = one; $b = two;", 2, "which rule is its root"),
        ("#ABNF 1.0;\nroot $a;\n", 2, "defines no rule"),
    ],
)
def test_broken_abnf_is_refused_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(GrammarError, match=message) as refused:
        parse(text, "abnf")
    assert refused.value.line == line


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("<grammar><rule", 1, "the XML is broken"),
        ('<grammar root="a">\n<rule id="a">one</rule>\n<rule>two</rule></grammar>', 3, "needs an id"),
        ('<grammar root="a">\n<rule id="a"><one-of/></rule></grammar>', 2, "at least one <item>"),
        ('<grammar root="a">\n<rule id="a"><b>one</b></rule></grammar>', 2, "<b> has no place inside <rule>"),
        ('<grammar root="a">\nhello<rule id="a">one</rule></grammar>', 2, "text has no place"),
        ('<grammar root="a"><rule id="a">\n<ruleref uri="other.xml#b"/></rule></grammar>', 2, "only local"),
        ('<grammar root="a"><rule id="a">\n<ruleref special="NULL"/></rule></grammar>', 2, "special rule"),
        ('<grammar root="a" xml:lang="de-DE"><rule id="a">eins</rule></grammar>', 1, "language 'de-DE'"),
        ('<grammar root="a"><rule id="a"><item repeat="x">one</item></rule></grammar>', 1, "no repeat"),
        (
            '<grammar root="a"><rule id="a">\n<one-of><item weight="-">one</item></one-of></rule></grammar>',
            2,
            "weight",
        ),
        ('<grammar root="a"><rule id="a"></rule></grammar>', 1, "is empty"),
        ('<grammar mode="dtmf" root="a"><rule id="a">one</rule></grammar>', 1, "mode 'dtmf'"),
        ('<grammar xmlns="urn:other" root="a"><rule id="a">one</rule></grammar>', 1, "none of a grammar"),
    ],
)
def test_broken_xml_is_refused_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(GrammarError, match=message) as refused:
        parse(text, "xml")
    assert refused.value.line == line


def test_entities_are_refused_before_they_grow() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = (
        f'<!DOCTYPE grammar [<!ENTITY l0 "ha">{laughs}]><grammar root="a"><rule id="a">&l9;</rule></grammar>'
    )
    with pytest.raises(GrammarError, match="entities is not supported"):
        parse(bomb, "xml")
    outside = '<!DOCTYPE grammar [<!ENTITY x SYSTEM "file:///etc/passwd">]><grammar><rule id="a">&x;</rule></grammar>'
    with pytest.raises(GrammarError, match="entities is not supported"):
        parse(outside, "xml")


def test_other_encodings_are_refused_with_their_line() -> None:
    with pytest.raises(GrammarError, match="line 2: the grammar is not UTF-8"):
        parse(b"#ABNF 1.0;\nroot $caf\xe9;", "abnf")


@given(st.text(max_size=60), st.sampled_from(["abnf", "xml"]))
def test_whatever_comes_is_a_grammar_or_an_error(text: str, kind: Kind) -> None:
    for whole in (text, f"#ABNF 1.0;\n{text}", f'<grammar root="a"><rule id="a">{text}</rule></grammar>'):
        try:
            assert isinstance(parse(whole, kind), Grammar)
        except GrammarError as error:
            assert error.line >= 1


@pytest.mark.parametrize("kind", ["abnf", "xml"])
def test_custom_words_stay_as_they_are_written(kind: Kind) -> None:
    said = "check the SpO2, please"
    text = {
        "abnf": f'#ABNF 1.0;\nroot $a;\n$a = "{said}" | 12 drops;',
        "xml": '<grammar xmlns="http://www.w3.org/2001/06/grammar" version="1.0" root="a"><rule id="a"><one-of>'
        f"<item>{said}</item><item>12 drops</item></one-of></rule></grammar>",
    }[kind]
    grammar = parse(text, kind, ["SpO2", "drops"])
    assert grammar.network.accepts(["check", "the", "SpO2", "please"])
    assert grammar.network.accepts(["twelve", "drops"])
    assert "SpO" in parse(text, kind).words
