from __future__ import annotations

import threading

import numpy as np
import pytest
import soundfile
import soxr

from chalicelib.engines.errors import CustomizationUnsupported
from chalicelib.engines.protocol import CustomModels, DecodedUtterance, DecodingOptions
from chalicelib.engines.whisper.decoding.network import Network
from chalicelib.engines.whisper.engine import WhisperEngine, WhisperRecognizer
from infra.local.demo.prompts import Prompt
from infra.local.demo.scoring import word_error_rate
from tests.engines.whisper.speech import LONG_TEXT, RATE_HZ, SENTENCE, WORDS, long_speech, noises, speech

EVERYTHING = DecodingOptions(max_alternatives=8, word_alternatives=True, keywords=("sunday", "rain on"))


def test_a_sentence_is_heard_with_times_and_as_it_is_written(recognizer: WhisperRecognizer) -> None:
    samples = speech(SENTENCE)
    best = recognizer.recognize(samples).hypotheses[0]
    assert best.text == WORDS
    assert best.written == SENTENCE
    assert best.words[0].start_s >= 0.1
    assert best.words[-1].end_s <= len(samples) / RATE_HZ
    edges = [edge for word in best.words for edge in (word.start_s, word.end_s)]
    assert edges == sorted(edges)
    assert all(word.start_s < word.end_s for word in best.words)
    assert all(0 < word.posterior <= 1 for word in best.words)


def test_everything_that_can_be_asked_for_is_there(recognizer: WhisperRecognizer) -> None:
    samples = speech(SENTENCE)
    found = recognizer.recognize(samples, EVERYTHING)
    assert found.hypotheses[0].words == recognizer.recognize(samples).hypotheses[0].words
    assert 1 < len(found.hypotheses) <= 8
    assert len({reading.text for reading in found.hypotheses}) == len(found.hypotheses)
    assert [slot.alternatives[0][0] for slot in found.slots] == WORDS.split()
    assert [hit.keyword for hit in found.keywords] == ["rain on", "sunday"]


def test_numbers_are_heard_as_they_are_said(recognizer: WhisperRecognizer) -> None:
    best = recognizer.recognize(speech("The room number is twelve forty five, please.")).hypotheses[0]
    assert best.text == "the room number is twelve forty five please"
    assert best.written is not None
    assert "12" in best.written


@pytest.mark.parametrize("seconds", [1.5, 5.0])
def test_nothing_is_heard_where_nobody_speaks(recognizer: WhisperRecognizer, seconds: float) -> None:
    heard = {
        name: [reading.text for reading in recognizer.recognize(samples).hypotheses]
        for name, samples in noises(seconds, seed=int(seconds)).items()
    }
    assert {name: texts for name, texts in heard.items() if texts} == {}


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 320, 1000])
def test_a_moment_of_sound_has_no_words(recognizer: WhisperRecognizer, samples: int) -> None:
    sound = speech(SENTENCE)[RATE_HZ : RATE_HZ + samples]
    assert recognizer.recognize(sound, EVERYTHING) == DecodedUtterance()


def test_a_batch_gives_bit_for_bit_what_single_calls_give(recognizer: WhisperRecognizer) -> None:
    utterances = [
        speech(text) for text in (SENTENCE, "Good morning.", "Please call me at five thirty.", "Yes.")
    ]
    together = recognizer.recognize_all(utterances, EVERYTHING)
    assert together == [recognizer.recognize(one, EVERYTHING) for one in utterances]
    assert all(one.hypotheses for one in together)


def test_threads_share_a_model_and_get_the_same(recognizer: WhisperRecognizer) -> None:
    samples = speech("Please call me at five thirty.")
    expected = recognizer.recognize(samples)
    answers: list[DecodedUtterance] = []
    threads = [
        threading.Thread(target=lambda: answers.append(recognizer.recognize(samples))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 4


def test_recognisers_of_the_same_weights_share_the_network(engine: WhisperEngine, network: Network) -> None:
    assert engine.network() is network
    assert engine.load("en-US_NarrowbandModel").sample_rate_hz == RATE_HZ


def test_a_grammar_alone_is_refused_with_a_reason(engine: WhisperEngine) -> None:
    with pytest.raises(CustomizationUnsupported, match="a grammar needs the custom language model"):
        engine.load("en-US_BroadbandModel", CustomModels(grammar_name="orders"))


def test_speech_without_a_pause_longer_than_a_window_keeps_all_its_words(
    recognizer: WhisperRecognizer,
) -> None:
    samples = long_speech()
    found = recognizer.recognize(samples)
    expected = LONG_TEXT.lower().replace(".", "").replace(",", "")
    heard = found.hypotheses[0].text
    assert word_error_rate([expected], [heard]).rate <= 0.12
    assert abs(len(heard.split()) - len(expected.split())) <= 1
    edges = [edge for word in found.hypotheses[0].words for edge in (word.start_s, word.end_s)]
    assert edges == sorted(edges)


def test_telephone_prompts_are_heard(recognizer: WhisperRecognizer, prompts: list[Prompt]) -> None:
    chosen = [prompt for prompt in prompts if prompt.duration_s > 2][::40][:12]
    heard = []
    for prompt in chosen:
        samples, rate_hz = soundfile.read(prompt.path, dtype="float32")
        wide = soxr.resample(samples, rate_hz, RATE_HZ).astype(np.float32)
        heard.append(" ".join(one.text for one in recognizer.recognize(wide).hypotheses[:1]))
    assert word_error_rate([prompt.text for prompt in chosen], heard).rate <= 0.15
