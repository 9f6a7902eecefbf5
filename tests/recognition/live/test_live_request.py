"""A stream and the same file posted: the same utterances, the same words."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chalicelib.audio import content_types
from chalicelib.audio.errors import AudioError
from chalicelib.engines.catalogue import BASE_MODELS
from chalicelib.engines.errors import CustomizationUnsupported
from chalicelib.engines.protocol import CustomModels
from chalicelib.recognition.audio.inactivity import NoSpeech
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.decoding.fetched_model import FetchedModel
from chalicelib.recognition.function.transcription import transcribe
from chalicelib.recognition.live import live_errors
from chalicelib.recognition.live.live_request import LiveRequest
from chalicelib.recognition.request.options import Options
from infra.local.demo.prompts import Prompt
from tests.audio import signals
from tests.recognition.decoding.test_decoders import COMMAND as SCRIPTED

VERSION = BASE_MODELS["en-US_NarrowbandModel"].newest_version
MODEL = FetchedModel(VERSION, CustomModels())


def live(
    audio: bytes, pool: DecoderPool, options: Options, frame_bytes: int, model: FetchedModel = MODEL
) -> list[dict[str, Any]]:
    """Return every message about audio that comes in frames of this size."""
    woken = threading.Semaphore(0)
    request = LiveRequest(
        content_types.parse("audio/wav"), model, options, warnings=(), pool=pool, wake=woken.release
    )
    return list(_fed(request, woken, audio, frame_bytes))


def _fed(
    request: LiveRequest, woken: threading.Semaphore, audio: bytes, frame_bytes: int
) -> Iterator[dict[str, Any]]:
    """Feed audio in frames of this size; yield the messages as they come, and close the request."""
    try:
        for at in range(0, len(audio), frame_bytes):
            while request.behind:
                assert woken.acquire(timeout=60)
            request.feed(audio[at : at + frame_bytes])
            yield from request.take()
        request.finish()
        while not request.complete:
            assert woken.acquire(timeout=60)
            yield from request.take()
    finally:
        request.close()


def posted(audio: bytes, pool: DecoderPool, options: Options) -> list[dict[str, Any]]:
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        file.write(audio)
        file.flush()
        answer = transcribe(
            Path(file.name),
            content_types.parse("audio/wav"),
            VERSION,
            CustomModels(),
            options=options,
            pool=pool,
        )
    results: list[dict[str, Any]] = answer["results"]
    return results


@pytest.mark.parametrize("interim", [False, True])
def test_a_stream_has_the_words_and_times_of_the_file(
    speech: Callable[..., bytes], prompt_named: dict[str, Prompt], pool: DecoderPool, interim: bool
) -> None:
    audio = speech(*list(prompt_named)[:3])
    options = Options(timestamps=True, word_confidence=True, max_alternatives=2)
    of_file = posted(audio, pool, options)
    assert len(of_file) >= 3
    streamed = live(audio, pool, Options(**{**options.__dict__, "interim_results": interim}), 1024)
    results = [result for message in streamed for result in message["results"]]
    assert [result for result in results if result["final"]] == of_file
    assert any(not result["final"] for result in results) is interim
    if interim:
        assert [m["result_index"] for m in streamed] == sorted(m["result_index"] for m in streamed)
    else:
        assert len(streamed) == 1


def test_silence_for_too_long_is_an_error_but_not_for_ever(pool: DecoderPool) -> None:
    request = LiveRequest(
        content_types.parse("audio/l16;rate=8000;endianness=little-endian"),
        MODEL,
        Options(inactivity_timeout=2),
        warnings=(),
        pool=pool,
        wake=lambda: None,
    )
    request.feed(bytes(16_000))
    with pytest.raises(NoSpeech, match=r"No speech detected for 2s\."):
        request.feed(bytes(32_000))
    patient = LiveRequest(
        content_types.parse("audio/l16;rate=8000;endianness=little-endian"),
        MODEL,
        Options(inactivity_timeout=-1),
        warnings=(),
        pool=pool,
        wake=lambda: None,
    )
    patient.feed(bytes(16_000 * 40))
    patient.finish()
    assert patient.take() == [{"result_index": 0, "results": []}]
    assert patient.complete


@pytest.mark.parametrize("interim", [False, True])
@pytest.mark.parametrize("frame_bytes", [3200, 1 << 20])
@pytest.mark.parametrize("ending", ["silence", "damage"])
def test_what_was_said_before_an_error_is_told_before_it(
    speech: Callable[..., bytes], pool: DecoderPool, interim: bool, frame_bytes: int, ending: str
) -> None:
    woken = threading.Semaphore(0)
    audio = speech("conf-extended")
    samples = audio[audio.index(b"data") + 8 :] + bytes(8000)
    if ending == "silence":
        content, error = samples + bytes(16_000 * 4), "No speech detected for 3s."
        said = "audio/l16;rate=8000;endianness=little-endian"
    else:
        pcm = np.frombuffer(samples, "<i2").astype(np.float32) / np.float32(32768)
        one = signals.encoded(pcm, 8000, "OGG", "OPUS")
        content, error = one + signals.encoded(pcm, 48_000, "OGG", "OPUS"), "transcode data stream audio/ogg"
        said = "audio/ogg"
    request = LiveRequest(
        content_types.parse(said),
        MODEL,
        Options(inactivity_timeout=3, interim_results=interim),
        warnings=(),
        pool=pool,
        wake=woken.release,
    )
    messages: list[dict[str, Any]] = []
    with pytest.raises((NoSpeech, AudioError)) as raised:
        for message in _fed(request, woken, content, frame_bytes):
            messages.append(message)
    assert error in live_errors.wording(raised.value)
    finals = [result for message in messages for result in message["results"] if result["final"]]
    assert "conference" in " ".join(result["alternatives"][0]["transcript"] for result in finals)


@pytest.mark.parametrize("interim", [False, True])
def test_a_customization_that_the_engine_cannot_use_ends_the_request_with_a_way_out(
    speech: Callable[..., bytes], tmp_path: Path, interim: bool
) -> None:
    model = FetchedModel(VERSION, CustomModels(language_model=tmp_path))
    with DecoderPool(1, command=SCRIPTED) as narrow, pytest.raises(CustomizationUnsupported) as ended:
        live(speech("conf-extended"), narrow, Options(interim_results=interim), 1024, model)
    told = live_errors.wording(ended.value)
    assert "it takes no custom language models" in told
    assert "base_model_version" in told
