"""All sentences of small grammars."""

from __future__ import annotations

import pytest

from chalicelib.language.grammars.grammar_network import GrammarNetwork
from chalicelib.language.grammars.grammar_sentences import sentences
from chalicelib.language.grammars.srgs import parse


def _network(rule: str) -> GrammarNetwork:
    return parse(f"#ABNF 1.0;\nroot $said;\n$said = {rule};\n", "abnf").network


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("yes | no", {"yes", "no"}),
        (
            "[please] call (tom | ann) [now]",
            {
                "please call tom",
                "please call ann",
                "please call tom now",
                "please call ann now",
                "call tom",
                "call ann",
                "call tom now",
                "call ann now",
            },
        ),
        ("(one | two) <2>", {"one one", "one two", "two one", "two two"}),
        ("yes | yes | [oh] yes", {"yes", "oh yes"}),
    ],
)
def test_every_sentence_is_there_once(rule: str, said: set[str]) -> None:
    network = _network(rule)
    found = sentences(network)
    assert found is not None
    assert len(found) == len(said)
    assert {" ".join(words) for words in found} == said
    assert all(network.accepts(words) for words in found)


@pytest.mark.parametrize("rule", ["(one | two) <1->", "(one | two) <0->", "(a | b | c) <8>"])
def test_many_sentences_are_not_listed(rule: str) -> None:
    assert sentences(_network(rule)) is None


def test_the_limit_counts_whole_sentences() -> None:
    network = _network("(one | two | three) <2>")
    assert sentences(network, 8) is None
    assert len(sentences(network, 9) or ()) == 9
