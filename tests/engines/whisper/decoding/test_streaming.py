from __future__ import annotations

import numpy as np

from chalicelib.engines.protocol import DecodingOptions, Samples, UtteranceStream
from chalicelib.engines.whisper.engine import WhisperRecognizer
from tests.engines.whisper.speech import RATE_HZ, SENTENCE, WORDS, speech

EVERYTHING = DecodingOptions(max_alternatives=8, word_alternatives=True, keywords=("sunday", "rain on"))


def spoken_to(stream: UtteranceStream, samples: Samples, block_s: float = 0.3) -> list[str]:
    """Feed samples in blocks and return the partial results between them."""
    step = round(block_s * RATE_HZ)
    texts = []
    for start in range(0, len(samples), step):
        stream.feed(samples[start : start + step])
        texts.append(stream.partial().text)
    return texts


def test_a_stream_ends_with_what_recognize_gives(recognizer: WhisperRecognizer) -> None:
    samples = speech(SENTENCE)
    stream = recognizer.stream()
    spoken_to(stream, samples)
    assert stream.finish(EVERYTHING) == recognizer.recognize(samples, EVERYTHING)


def test_long_speech_is_cut_alike_while_it_is_spoken(recognizer: WhisperRecognizer) -> None:
    samples = np.tile(speech(SENTENCE), 9)
    assert len(samples) > 28 * RATE_HZ
    stream = recognizer.stream()
    for start in range(0, len(samples), RATE_HZ):
        stream.feed(samples[start : start + RATE_HZ])
    assert stream.finish(EVERYTHING) == recognizer.recognize(samples, EVERYTHING)


def test_partial_results_grow_and_hardly_change(recognizer: WhisperRecognizer) -> None:
    texts = spoken_to(recognizer.stream(), speech(SENTENCE))
    shown = [text.split() for text in texts]
    assert len(shown[-1]) >= len(WORDS.split()) - 4
    assert all(words == WORDS.split()[: len(words)] for words in shown)
    assert [len(words) for words in shown] == sorted(len(words) for words in shown)


def test_a_stream_without_speech_has_no_words(recognizer: WhisperRecognizer) -> None:
    stream = recognizer.stream()
    assert stream.partial().words == ()
    stream.feed(np.zeros(2 * RATE_HZ, np.float32))
    assert stream.partial().words == ()
    assert stream.finish().hypotheses == ()
