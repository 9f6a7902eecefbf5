"""Utterances recognised while they are spoken, against the same ones as a whole."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from chalicelib.engines.protocol import (
    DecodedUtterance,
    DecodingOptions,
    Hypothesis,
    Recognizer,
    Samples,
    UtteranceStream,
)
from chalicelib.engines.sphinx.acoustics.acoustic_model import CHANNEL_FRAMES
from chalicelib.engines.sphinx.engine import SphinxEngine
from infra.local.demo.prompts import Prompt

NARROWBAND = "en-US_NarrowbandModel.v2019-06-24"
SHORT, LONG = "cannot-complete-as-dialed", "agent-incorrect, cannot-complete-as-dialed, vm-goodbye"
EVERYTHING = DecodingOptions(max_alternatives=3, word_alternatives=True, keywords=("number", "call"))


@pytest.fixture(scope="module")
def spoken(prompt_named: dict[str, Prompt]) -> dict[str, Samples]:
    return {
        names: np.concatenate(
            [soundfile.read(prompt_named[name].path, dtype="float32")[0] for name in names.split(", ")]
        )
        for names in (SHORT, LONG)
    }


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return SphinxEngine().load(NARROWBAND)


def _fed(stream: UtteranceStream, samples: Samples, block: int) -> list[Hypothesis]:
    partials = []
    for start in range(0, len(samples), block):
        stream.feed(samples[start : start + block])
        partials.append(stream.partial())
    return partials


@pytest.mark.parametrize(("name", "block"), [(SHORT, 800), (LONG, 1_234)])
def test_what_was_spoken_in_pieces_is_recognised_as_the_whole(
    recognizer: Recognizer, spoken: dict[str, Samples], name: str, block: int
) -> None:
    samples = spoken[name]
    assert (len(samples) > CHANNEL_FRAMES * 80) is (name == LONG)
    whole = recognizer.recognize(samples, EVERYTHING)
    stream = recognizer.stream()
    partials = _fed(stream, samples, block)
    final = stream.finish(EVERYTHING)
    assert [reading.text for reading in final.hypotheses] == [reading.text for reading in whole.hypotheses]
    for streamed, expected in zip(final.hypotheses[0].words, whole.hypotheses[0].words, strict=True):
        assert (streamed.start_s, streamed.end_s) == (expected.start_s, expected.end_s)
        assert streamed.posterior == pytest.approx(expected.posterior, abs=1e-3)
    assert [slot.alternatives[0][0] for slot in final.slots] == [
        slot.alternatives[0][0] for slot in whole.slots
    ]
    assert [hit.keyword for hit in final.keywords] == [hit.keyword for hit in whole.keywords]
    assert partials[0] == Hypothesis((), 0.0)
    assert len(partials[-1].words) >= 4
    lengths = [len(partial.words) for partial in partials]
    assert lengths[len(lengths) // 2] < lengths[-1]


def test_nobody_has_to_ask_for_partial_results(recognizer: Recognizer, spoken: dict[str, Samples]) -> None:
    stream = recognizer.stream()
    stream.feed(spoken[LONG])
    assert stream.finish().hypotheses[0].text == recognizer.recognize(spoken[LONG]).hypotheses[0].text


@pytest.mark.parametrize("count", [0, 1, 1_000, 20_000])
def test_silence_says_nothing(recognizer: Recognizer, count: int) -> None:
    stream = recognizer.stream()
    stream.feed(np.zeros(count, np.float32))
    assert not stream.partial().words
    assert stream.finish(EVERYTHING) == DecodedUtterance()
    assert recognizer.recognize(np.zeros(count, np.float32), EVERYTHING) == DecodedUtterance()


def test_a_stream_that_is_given_up_leaves_no_trace(
    recognizer: Recognizer, spoken: dict[str, Samples]
) -> None:
    expected = recognizer.recognize(spoken[SHORT])
    for _ in range(2):
        _fed(recognizer.stream(), spoken[LONG][:12_000], 4_000)
    assert recognizer.recognize(spoken[SHORT]) == expected


def test_the_first_thing_that_a_process_hears_may_be_long_and_spoken(spoken: dict[str, Samples]) -> None:
    samples = spoken[LONG]
    fresh = SphinxEngine().load(NARROWBAND)
    stream = fresh.stream()
    for start in range(0, len(samples), 480):
        stream.feed(samples[start : start + 480])
    final = stream.finish()
    assert final.hypotheses == fresh.recognize(samples).hypotheses
