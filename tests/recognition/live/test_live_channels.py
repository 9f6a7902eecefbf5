"""A stream of several channels: cut one by one, said as they end, and nobody waits for who goes on speaking."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
import pytest

from chalicelib.audio import content_types
from chalicelib.audio.channels import TooManySeparateChannels
from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, Word
from chalicelib.recognition.audio.channels import AVERAGED_DIFFERENCE
from chalicelib.recognition.audio.inactivity import NoSpeech
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.live.live_answer import LiveAnswer
from chalicelib.recognition.live.live_request import LiveRequest
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results.watson_results import RecognizedUtterance
from infra.local.demo.prompts import Prompt
from tests.audio import signals
from tests.audio.signals import Samples
from tests.recognition.audio import stereo
from tests.recognition.audio.stereo import RATE_HZ
from tests.recognition.live.test_live_request import MODEL, live, posted

INTERIM = Options(timestamps=True, interim_results=True, channels="separate")


@pytest.fixture(scope="module")
def call(prompt_named: dict[str, Prompt]) -> Samples:
    return stereo.call(prompt_named)


@pytest.fixture(scope="module")
def lopsided(prompt_named: dict[str, Prompt]) -> Samples:
    """Return a call in which one side goes on and on while the other says something in between."""
    names = ("conf-invalid", "conf-extended", "conf-kicked")
    return stereo.together(
        stereo.side(prompt_named, names, lead_s=0.3, pause_s=0.1, seed=1),
        stereo.side(prompt_named, ("conf-invalid",), lead_s=1.0, pause_s=1.5, seed=2),
    )


def finals(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [result for message in messages for result in message["results"] if result["final"]]


@pytest.mark.parametrize(("frame_bytes", "interim"), [(777, False), (32_000, False), (777, True)])
def test_a_stream_of_channels_has_the_words_of_the_file(
    call: Samples, pool: DecoderPool, frame_bytes: int, interim: bool
) -> None:
    audio = signals.wav(call, RATE_HZ)
    options = Options(timestamps=True, word_confidence=True, speaker_labels=True, channels="separate")
    of_file = posted(audio, pool, options)
    assert {result["channel"] for result in of_file} == {0, 1}
    heard = live(audio, pool, Options(**{**options.__dict__, "interim_results": interim}), frame_bytes)
    assert (len(heard) > len(of_file)) is interim
    assert sorted(finals(heard), key=stereo.starts_s) == of_file
    labels = heard[-1]["speaker_labels"]
    assert [(label["from"], label["speaker"]) for label in labels] == sorted(
        (start_s, result["channel"])
        for result in of_file
        for _, start_s, _ in result["alternatives"][0]["timestamps"]
    )
    if not interim:
        assert heard[0]["results"] == of_file


def test_interim_results_tell_their_channel_and_the_index_counts_finals(
    call: Samples, pool: DecoderPool
) -> None:
    messages = live(signals.wav(call[: 7 * RATE_HZ], RATE_HZ), pool, INTERIM, 1600)
    said = 0
    promised: set[tuple[int, int]] = set()
    for message in messages:
        assert message["result_index"] == said
        (result,) = message["results"]
        if result["final"]:
            assert (said, result["channel"]) in promised, "an interim result comes before"
            said += 1
        else:
            promised.add((said, result["channel"]))
    assert said == len(finals(messages)) >= 2


def test_nobody_waits_for_a_channel_that_goes_on_speaking(lopsided: Samples, pool: DecoderPool) -> None:
    answer = finals(live(signals.wav(lopsided, RATE_HZ), pool, INTERIM, 1600))
    assert [result["channel"] for result in answer] == [1, 0]
    ends_s = [result["alternatives"][0]["timestamps"][-1][2] for result in answer]
    assert ends_s == sorted(ends_s)
    assert stereo.starts_s(answer[0]) > stereo.starts_s(answer[1])


def test_it_is_said_before_the_other_channel_has_ended(lopsided: Samples, pool: DecoderPool) -> None:
    raw = np.rint(lopsided * 32768).astype("<i2").tobytes()
    request = LiveRequest(
        content_types.parse("audio/l16;rate=8000;channels=2;endianness=little-endian"),
        MODEL,
        Options(channels="separate", interim_results=True),
        warnings=(),
        pool=pool,
        wake=lambda: None,
    )
    try:
        first_s = len(lopsided) / RATE_HZ - 2.5
        request.feed(raw[: int(first_s * RATE_HZ) * 4])
        said: list[dict[str, Any]] = []
        for _ in range(600):
            said += finals(request.take())
            if said:
                break
            time.sleep(0.05)
        assert [result["channel"] for result in said] == [1]
        progress = request.progress(0)
        assert progress["transcription"] < progress["seen_by_engine"]
    finally:
        request.close()


@pytest.mark.parametrize("interim", [False, True])
def test_channels_that_differ_are_averaged_with_a_warning_at_the_end(
    call: Samples, pool: DecoderPool, interim: bool
) -> None:
    options = Options(interim_results=interim)
    begun = call[: 5 * RATE_HZ]
    messages = live(signals.wav(begun, RATE_HZ), pool, options, 8000)
    warned = [message for message in messages if "warnings" in message]
    assert warned == messages[-1:]
    assert warned[0]["warnings"] == [AVERAGED_DIFFERENCE]
    same = stereo.together(begun[:, 0], begun[:, 0])
    assert not any("warnings" in one for one in live(signals.wav(same, RATE_HZ), pool, options, 8000))


def test_silence_is_that_of_all_channels(call: Samples, pool: DecoderPool) -> None:
    def request() -> LiveRequest:
        return LiveRequest(
            content_types.parse("audio/wav"),
            MODEL,
            Options(inactivity_timeout=4, channels="separate"),
            warnings=(),
            pool=pool,
            wake=lambda: None,
        )

    quiet = np.zeros(len(call), np.float32)
    silent, spoken = request(), request()
    with pytest.raises(NoSpeech):
        silent.feed(signals.wav(stereo.together(quiet, quiet), RATE_HZ))
    spoken.feed(signals.wav(stereo.together(quiet, call[:, 1]), RATE_HZ)[: 16_000 * 8])
    silent.close()
    spoken.close()


def test_too_many_channels_are_refused(pool: DecoderPool) -> None:
    request = LiveRequest(
        content_types.parse("audio/l16;rate=8000;channels=12;endianness=little-endian"),
        MODEL,
        Options(channels="separate"),
        warnings=(),
        pool=pool,
        wake=lambda: None,
    )
    with pytest.raises(TooManySeparateChannels, match="12 channels"):
        request.feed(bytes(24 * 800))
    request.close()


def reading(text: str) -> Hypothesis:
    return Hypothesis(
        tuple(Word(word, float(place), place + 0.5, 0.9) for place, word in enumerate(text.split())), 0.9
    )


def test_of_a_channels_interim_results_only_the_latest_is_kept_and_warnings_stay_first() -> None:
    answer = LiveAnswer(INTERIM, ("Mind the gap.",))
    for number, text in itertools.product(range(3), ("one", "two")):
        answer.interim(0.0, reading(f"{text} {number}"), 10.0, channel=("one", "two").index(text))
    first, second = answer.take()
    assert first["warnings"] == ["Mind the gap."]
    assert [one["results"][0]["channel"] for one in (first, second)] == [0, 1]
    assert first["results"][0]["alternatives"][0]["transcript"].split() == ["one", "2"]
    answer.interim(0.0, reading("one more"), 10.0, channel=0)
    answer.final(RecognizedUtterance(0.0, DecodedUtterance((reading("two"),)), channel=1), 10.0)
    answer.interim(0.0, reading("one more time"), 10.0, channel=0)
    told = [(m["result_index"], m["results"][0]["channel"], m["results"][0]["final"]) for m in answer.take()]
    assert told == [(0, 0, False), (0, 1, True), (1, 0, False)]
