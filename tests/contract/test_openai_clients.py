"""OpenAI's clients for Python and Node, unmodified, drive the service: files of any format to text and subtitles."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from infra.local.demo.prompts import Prompt
from infra.local.demo.scoring import normalise, word_error_rate
from tests.contract.test_curl_examples import sparse_speech
from tests.node_sdk import RunNode
from tests.running_service import RunningService

openai = pytest.importorskip("openai")

_VTT_CUE = re.compile(r"(\d\d:\d\d:\d\d\.\d{3}) --> (\d\d:\d\d:\d\d\.\d{3})\n(.+)")


@pytest.fixture(scope="module")
def client(service: RunningService) -> Iterator[Any]:
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key=service.key, max_retries=0) as made:
        yield made


@pytest.fixture(scope="module")
def prompt(prompt_named: dict[str, Prompt]) -> Prompt:
    return prompt_named["conf-invalid"]


@pytest.fixture(scope="module")
def recording(prompt: Prompt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prompt, sampled as the broadband model wants it."""
    path = tmp_path_factory.mktemp("openai") / "recording.wav"
    converted(prompt.path, path)
    return path


def converted(source: Path, target: Path) -> Path:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed here")
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-i", str(source), "-ar", "16000"]
    subprocess.run([*command, str(target)], check=True)
    return target


def error_rate(prompt: Prompt, text: str) -> float:
    return word_error_rate([prompt.text], [normalise(text)]).rate


def test_models_are_listed(client: Any) -> None:
    assert {model.id for model in client.models.list()} >= {"en-US_BroadbandModel", "whisper-1"}
    assert client.models.retrieve("whisper-1").object == "model"


def test_json_and_text_are_written_with_capitals_and_full_stops(
    client: Any, recording: Path, prompt: Prompt
) -> None:
    answer = client.audio.transcriptions.create(
        model="whisper-1", file=recording, language="en", temperature=0
    )
    assert error_rate(prompt, answer.text) < 0.2
    assert answer.text[0].isupper()
    assert answer.text[-1] in ".!?"
    assert answer.usage.seconds >= 2
    text = client.audio.transcriptions.create(model="whisper-1", file=recording, response_format="text")
    assert text.strip() == answer.text


def test_times_of_words_and_segments(client: Any, recording: Path) -> None:
    answer = client.audio.transcriptions.create(
        model="en-US_BroadbandModel",
        file=recording,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert (answer.language, answer.text) == ("english", "".join(one.text for one in answer.segments).strip())
    assert len(answer.words) == len(answer.text.split())
    times = [time for word in answer.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[-1] <= answer.duration
    assert answer.segments[-1].avg_logprob < 0


@pytest.mark.parametrize("response_format", ["srt", "vtt"])
def test_subtitles(client: Any, recording: Path, response_format: str) -> None:
    text = client.audio.transcriptions.create(
        model="whisper-1", file=recording, response_format=response_format
    )
    as_vtt = text if response_format == "vtt" else re.sub(r"(\d),(\d{3})", r"\1.\2", text)
    assert _VTT_CUE.findall(as_vtt)
    assert text.startswith("WEBVTT\n\n" if response_format == "vtt" else "1\n")


def test_a_stream_comes_as_results_are_known_and_ends_with_the_whole_text(
    client: Any, prompts: list[Prompt], tmp_path: Path
) -> None:
    """On one machine: a word is read while later ones are still unknown."""
    path = tmp_path / "sentences.wav"
    soundfile.write(path, sparse_speech([one for one in prompts if one.duration_s > 3][:5], 100, 30), 16_000)
    began_s, came_s, events = time.monotonic(), [], []
    for event in client.audio.transcriptions.create(model="whisper-1", file=path, stream=True):
        came_s.append(time.monotonic() - began_s)
        events.append(event)
    *deltas, done = events
    assert {event.type for event in deltas} == {"transcript.text.delta"}
    assert (len(deltas) > 3, done.type) == (True, "transcript.text.done")
    assert "".join(event.delta for event in deltas) == done.text
    assert came_s[-1] - came_s[0] > 0.1, f"all at once: {came_s}"


@pytest.mark.parametrize("extension", ["mp3", "m4a", "webm", "ogg", "flac", "mp4"])
def test_any_format_is_told_by_its_content(
    client: Any, recording: Path, extension: str, tmp_path: Path, prompt: Prompt
) -> None:
    file = converted(recording, tmp_path / f"recording.{extension}")
    for name in (file.name, "audio.wav"):  # a name, and the type that is guessed from it, may be wrong
        answer = client.audio.transcriptions.create(model="whisper-1", file=(name, file.read_bytes()))
        assert error_rate(prompt, answer.text) < 0.3


def test_a_telephone_call_is_heard_too(client: Any, prompt: Prompt) -> None:
    answer = client.audio.transcriptions.create(model="whisper-1", file=prompt.path)
    assert error_rate(prompt, answer.text) < 0.3


def test_large_files_go_through_the_spool(client: Any, recording: Path, tmp_path: Path) -> None:
    silence = tmp_path / "long.wav"
    command = ["sox", str(recording), str(silence), "pad", "0", "40"]
    subprocess.run(command, check=True)
    assert silence.stat().st_size > 1024**2
    answer = client.audio.transcriptions.create(model="whisper-1", file=silence)
    assert answer.usage.seconds >= 42


def test_errors_are_those_that_the_client_knows(client: Any, recording: Path, tmp_path: Path) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.audio.transcriptions.create(model="nothing", file=recording)
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="wrong").audio.transcriptions.create(model="whisper-1", file=recording)
    noise = tmp_path / "noise.mp3"
    noise.write_bytes(b"this is no audio" * 100)
    with pytest.raises(openai.BadRequestError, match="format could not be detected"):
        client.audio.transcriptions.create(model="whisper-1", file=noise)


def test_the_client_for_node(run_node: RunNode, recording: Path, prompt: Prompt) -> None:
    value = run_node("openai_transcriptions", file=str(recording), model="whisper-1")["value"]
    assert "en-US_BroadbandModel" in value["models"]
    text = value["json"]["text"]
    assert error_rate(prompt, text) < 0.2
    assert value["text"].strip() == value["verbose"]["text"] == value["events"][-1]["text"] == text
    assert value["srt"].startswith("1\n00:00:0")
    assert value["vtt"].startswith("WEBVTT\n\n00:00:0")
    assert value["verbose"]["words"]
    assert value["refused"] == {
        "name": "NotFoundError",
        "status": 404,
        "code": "model_not_found",
        "param": "model",
    }
    assert value["stranger"] == {"name": "AuthenticationError", "status": 401}
