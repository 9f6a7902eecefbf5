"""Keywords as they are said, across a cut, and on no reading."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.engines.protocol import DecodingOptions, Hypothesis, Word
from chalicelib.engines.whisper.decoding import cutting, keywords
from chalicelib.engines.whisper.decoding.left_out import WindowPiece
from chalicelib.engines.whisper.decoding.network import Network
from chalicelib.engines.whisper.decoding.windows import DecodingRules, decode
from chalicelib.engines.whisper.engine import WhisperRecognizer
from tests.engines.whisper.speech import RATE_HZ, long_speech, speech


@pytest.mark.parametrize(
    ("keyword", "way"),
    [
        ("ok", ("okay",)),
        ("5", ("five",)),
        ("9:30", ("nine", "thirty")),
        ("20 %", ("twenty", "percent")),
        ("e-mail", ("e", "mail")),
        ("ibm", ("i", "b", "m")),
        ("call ibm", ("call", "i", "b", "m")),
        ("sunday", ("sunday",)),
    ],
)
def test_a_keyword_is_heard_as_it_is_said(network: Network, keyword: str, way: tuple[str, ...]) -> None:
    assert way in keywords.ways(network, keyword)


def test_common_words_are_not_spelled(network: Network) -> None:
    assert keywords.ways(network, "us") == [("us",)]
    assert keywords.ways(network, "not in service") == [("not", "in", "service")]


def test_numbers_and_signs_are_found(recognizer: WhisperRecognizer) -> None:
    samples = speech("Please call me at 5, OK?")
    wanted = ("5", "ok", "call me", "7")
    found = recognizer.recognize(samples, DecodingOptions(keywords=wanted))
    assert found.hypotheses[0].text == "please call me at five okay"
    sure = {hit.keyword for hit in found.keywords if hit.posterior >= 0.5}
    assert sure == {"5", "ok", "call me"}


def _reading(text: str, from_s: float, weight: float = 1.0) -> Hypothesis:
    words = [Word(word, from_s + at, from_s + at + 0.9, 0.8) for at, word in enumerate(text.split())]
    return Hypothesis(tuple(words), weight)


def _silent(network: Network, start_s: float) -> WindowPiece:
    samples = np.zeros(RATE_HZ, np.float32)
    [decoded] = decode(network, [samples], DecodingRules(window=network.window))
    return WindowPiece(start_s, samples, decoded)


def test_a_phrase_across_a_cut_is_one_hit(network: Network) -> None:
    heard = [
        [_reading("press the pound", 0.0, 0.7), _reading("press the round", 0.0, 0.3)],
        [_reading("key please", 3.0)],
    ]
    pieces = [_silent(network, 0.0), _silent(network, 2.95)]
    found = keywords.hits(network, pieces, heard, ("pound key", "the pound", "key please", "please press"))
    assert [(hit.keyword, hit.start_s) for hit in found if hit.posterior > 0.4] == [
        ("the pound", 1.0),
        ("pound key", 2.0),
        ("key please", 3.0),
    ]
    across = next(hit for hit in found if hit.keyword == "pound key" and hit.posterior > 0.4)
    assert across.start_s == 2.0
    assert across.end_s == pytest.approx(3.9)
    assert across.posterior == pytest.approx(0.7 * 0.8)


def test_every_two_words_of_long_speech_are_found(recognizer: WhisperRecognizer, network: Network) -> None:
    samples = long_speech()
    assert len(cutting.cut(samples, network.window)) > 1
    words = recognizer.recognize(samples).hypotheses[0].words
    cut_s = cutting.cut(samples, network.window)[0][1] / RATE_HZ
    behind = next(place for place, word in enumerate(words) if word.start_s >= cut_s - 0.05)
    phrase = f"{words[behind - 1].text} {words[behind].text}"
    hits = recognizer.recognize(samples, DecodingOptions(keywords=(phrase,))).keywords
    assert any(hit.start_s < cut_s < hit.end_s and hit.posterior > 0.3 for hit in hits)


def test_a_keyword_on_no_reading_is_weighed(recognizer: WhisperRecognizer) -> None:
    samples = speech("You have a new voicemail message.")
    wanted = ("voice mail", "zebra", "elephant", "voices")
    found = recognizer.recognize(samples, DecodingOptions(keywords=wanted))
    assert "voicemail" in found.hypotheses[0].text
    (said,) = (word for word in found.hypotheses[0].words if word.text == "voicemail")
    sure = [hit for hit in found.keywords if hit.posterior >= 0.5]
    assert [hit.keyword for hit in sure] == ["voice mail"]
    assert sure[0].start_s == pytest.approx(said.start_s, abs=0.15)
    assert sure[0].end_s == pytest.approx(said.end_s, abs=0.15)
    assert all(0 <= hit.start_s < hit.end_s <= len(samples) / RATE_HZ for hit in found.keywords)


def test_a_word_that_is_there_is_as_sure_as_on_its_readings(network: Network) -> None:
    said = ["please", "call", "me", "at", "five"]
    samples = speech("Please call me at five.")
    [decoded] = decode(network, [samples], DecodingRules(window=network.window))
    piece = WindowPiece(0.0, samples, decoded)
    words = tuple(Word(word, at / 2, at / 2 + 0.4, 0.2) for at, word in enumerate(said))
    (hit,) = keywords.hits(network, [piece], [[Hypothesis(words, 1.0)]], ("call me",))
    assert hit.posterior == pytest.approx(0.2)


def test_the_likelier_and_the_more_alike_the_surer() -> None:
    assert keywords.probability(0.0, 0.1) > keywords.probability(-2.0, 0.1)
    assert keywords.probability(0.0, 0.0) > keywords.probability(0.0, 0.3)
    assert 0 < keywords.probability(-1e6, 1.0) < keywords.probability(1e6, 0.0) <= 1
