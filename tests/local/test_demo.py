"""What the demonstration promises before it starts."""

from __future__ import annotations

from pathlib import Path

from infra.local.demo import ADAPTATION_AUDIO_S, HELD_OUT_UTTERANCES, most_changed, split
from infra.local.prompts import Prompt
from infra.local.synthesis import texts


def prompts(count: int) -> list[Prompt]:
    return [
        Prompt(name=f"{number}", path=Path(f"{number}.wav"), text="word", duration_s=3.0)
        for number in range(count)
    ]


def test_nothing_that_is_measured_was_learned_from() -> None:
    speech = split(prompts(500), "test")
    assert len(speech.held_out) == HELD_OUT_UTTERANCES
    assert not {one.name for one in speech.held_out} & {one.name for one in speech.adaptation}


def test_about_fourteen_minutes_are_learned_from() -> None:
    audio_s = sum(one.duration_s for one in split(prompts(800), "test").adaptation)
    assert ADAPTATION_AUDIO_S <= audio_s < ADAPTATION_AUDIO_S + 3


def test_the_split_is_always_the_same() -> None:
    assert split(prompts(300), "test") == split(prompts(300), "test")


def test_what_changed_most_is_shown_for_better_or_worse() -> None:
    before = ["same", "one two three", "", "a b"]
    after = ["same", "one two four", "x y z", "a c"]
    shown = most_changed(prompts(4), before, after, count=2)
    assert shown == [
        {"said": "word", "before": "", "after": "x y z"},
        {"said": "word", "before": "one two three", "after": "one two four"},
    ]


def test_synthesised_sentences_differ_and_repeat_the_same() -> None:
    assert len(set(texts(420))) == 420
    assert texts(50) == texts(50)
