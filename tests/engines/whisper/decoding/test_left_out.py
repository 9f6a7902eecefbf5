"""What a text leaves out is heard by itself."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import soxr

from chalicelib.engines.protocol import Samples
from chalicelib.engines.whisper.decoding.alignment import aligned_words
from chalicelib.engines.whisper.decoding.left_out import WindowPiece, completed
from chalicelib.engines.whisper.decoding.network import Network
from chalicelib.engines.whisper.decoding.windows import DecodingRules, decode
from chalicelib.engines.whisper.engine import WhisperRecognizer
from infra.local.demo.prompts import Prompt
from tests.engines.whisper.speech import RATE_HZ, SENTENCE, WORDS, speech

PROMPT_HZ = 8_000

PAIRS = (
    ("agent-incorrect", "seconds"),
    ("conf-placeintoconf", "letters/asterisk"),
    ("agent-pass", "digits/star"),
    ("invalid", "digits/thousand"),
)
"""A sentence, and a word behind a pause that ends no utterance: the network writes the sentence only."""

WITHOUT_PAUSES = (
    "confbridge-only-participant letters/at letters/dot digits/h-9 letters/c digits/h-5 letters/plus "
    "confbridge-invalid",
    "feature-not-avail-line letters/l letters/b digits/day-0 digits/h-13 digits/h-12 "
    "confbridge-inc-list-vol-out",
    "agent-incorrect letters/at letters/b digits/day-1 letters/plus digits/h-9 letters/c confbridge-invalid",
)
"""Two sentences, and between them letters and numbers, which the network leaves out."""


@pytest.fixture
def rules(network: Network) -> DecodingRules:
    return DecodingRules(window=network.window)


def piece_of(network: Network, samples: Samples, rules: DecodingRules) -> WindowPiece:
    [decoded] = decode(network, [samples], rules, rules.beam)
    return WindowPiece(1.0, samples, decoded)


def joined(prompts: list[Prompt], pause_s: float = 0.5) -> Samples:
    """Return recordings so far apart on a hissing line, at 16 kHz."""
    parts = [np.zeros(round(0.3 * PROMPT_HZ))]
    for prompt in prompts:
        samples, rate_hz = soundfile.read(prompt.path)
        assert rate_hz == PROMPT_HZ
        parts += [samples, np.zeros(round(pause_s * PROMPT_HZ))]
    line = np.concatenate(parts)
    hissing = line + 0.001 * np.random.default_rng(3).standard_normal(len(line))
    return np.ascontiguousarray(soxr.resample(hissing, PROMPT_HZ, RATE_HZ), np.float32)


@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
def test_a_word_behind_a_sentence_is_heard(
    recognizer: WhisperRecognizer, prompt_named: dict[str, Prompt], pair: tuple[str, str]
) -> None:
    sentence, word = (prompt_named[name] for name in pair)
    samples = joined([sentence, word])
    heard = recognizer.recognize(samples)
    best = heard.hypotheses[0]
    assert best.words[-1].text == word.text
    assert len(best.words) > len(sentence.text.split())
    assert best.words[-1].start_s > best.words[-2].end_s + 0.3
    assert best.words[-1].end_s <= len(samples) / RATE_HZ
    stream = recognizer.stream()
    for first in range(0, len(samples), RATE_HZ // 2):
        stream.feed(samples[first : first + RATE_HZ // 2])
    assert stream.finish() == heard


@pytest.mark.parametrize("names", WITHOUT_PAUSES, ids=lambda names: names.split()[0])
def test_what_is_left_out_without_a_pause_is_heard(
    recognizer: WhisperRecognizer, prompt_named: dict[str, Prompt], names: str
) -> None:
    prompts = [prompt_named[name] for name in names.split()]
    said = " ".join(prompt.text for prompt in prompts).split()
    heard = recognizer.recognize(joined(prompts, pause_s=0.05)).hypotheses[0].text.split()
    assert len(heard) == len(said)
    assert sum(one != other for one, other in zip(heard, said, strict=True)) <= 1, heard


def test_what_is_complete_stays_whole(network: Network, rules: DecodingRules) -> None:
    piece = piece_of(network, speech(SENTENCE), rules)
    [same] = completed(network, piece, rules)
    assert same.samples is piece.samples
    assert same.decoded.readings == piece.decoded.readings
    assert same.decoded.aligned is not None
    assert not len(same.decoded.aligned.left_out)


@pytest.mark.parametrize("colour", ["white", "hum"])
def test_a_noise_beside_a_sentence_has_no_words(recognizer: WhisperRecognizer, colour: str) -> None:
    random = np.random.default_rng(5)
    time_s = np.arange(RATE_HZ) / RATE_HZ
    noise = (
        random.standard_normal(RATE_HZ) if colour == "white" else np.sign(np.sin(2 * np.pi * 100 * time_s))
    )
    quiet = np.zeros(RATE_HZ // 2)
    samples = np.concatenate([speech(SENTENCE), quiet, 0.1 * noise, quiet]).astype(np.float32)
    assert recognizer.recognize(samples).hypotheses[0].text == WORDS


def test_loud_stretches_without_a_word_are_told(network: Network, rules: DecodingRules) -> None:
    sentence = speech(SENTENCE)
    samples = np.concatenate([sentence, np.zeros(RATE_HZ, np.float32), sentence])
    encoded = decode(network, [samples], rules, rules.beam)[0].encoded
    words = WORDS.split()
    assert not len(aligned_words(network, encoded, [*words, *words], samples).left_out)
    left_out = aligned_words(network, encoded, words, samples).left_out
    assert 1.0 < np.diff(left_out, axis=1).sum() < 1.5 * len(sentence) / RATE_HZ
    assert (np.diff(left_out.ravel()) > 0).all()
