"""`attune transcribe` and `attune listen` against the running service."""

from __future__ import annotations

import json
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from attune_cli.commands import transcribing
from infra.local.demo.prompts import Prompt
from tests.attune_cli.line import DROPPED, Fault, Recorded, line, recorded
from tests.attune_cli.recordings import tone
from tests.attune_cli.running import Command

BASE = "en-US_NarrowbandModel"


@pytest.fixture(scope="module")
def spoken(prompt_named: dict[str, Prompt]) -> Prompt:
    return prompt_named["digits/5"]


def test_files_become_text_and_captions(attune: Command, spoken: Prompt) -> None:
    one, other = attune.folder / "one.wav", attune.folder / "other.wav"
    for file in (one, other):
        file.write_bytes(spoken.path.read_bytes())
    text = attune("transcribe", one, other, "-m", BASE).out.splitlines()
    assert [line.partition(": ")[0] for line in text] == [str(one), str(other)]
    assert "five" in text[0].lower() or "5" in text[0]
    done = attune("transcribe", one, other, "-m", BASE, "-f", "vtt", "-o", attune.folder / "out")
    assert done.out.count(" -> ") == 2
    assert (attune.folder / "out" / "one.vtt").read_text().startswith("WEBVTT\n\n00:00:00.")
    (attune.folder / "out" / "other.vtt").unlink()
    rest = attune("transcribe", one, other, "-m", BASE, "-f", "vtt", "-o", attune.folder / "out", "--json")
    assert rest.document["file"] == str(other)
    assert "1 result there already" in rest.err


def test_a_large_file_is_recognised_by_a_job_that_goes_away_with_it(attune: Command, spoken: Prompt) -> None:
    large = attune.folder / "large.wav"
    with wave.open(str(spoken.path)) as sound:
        samples = sound.readframes(sound.getnframes())
    with wave.open(str(large), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8_000)
        out.writeframes(samples + bytes(transcribing.JOB_FROM_BYTES))
    asked: list[tuple[str, str]] = []

    def plan(method: str, path: str, before: int) -> Fault:
        asked.append((method, path.partition("?")[0]))
        # The third one is a question how far it is: what is lost then, is asked again.
        return DROPPED if sum(one[0] == "GET" and "/recognitions/" in one[1] for one in asked) == 1 else None

    with line(attune.url, plan) as one:
        command = Command(one.url, attune.key, attune.folder)
        document = command("transcribe", large, "-m", BASE, "-f", "json").document
    assert document["results"]
    assert ("POST", "/v1/recognitions") in asked and ("POST", "/v1/recognize") not in asked
    assert asked[-1][0] == "DELETE"


def test_what_cannot_be_transcribed_says_why(attune: Command) -> None:
    (attune.folder / "notes.txt").write_text("these are notes\n" * 20)
    (attune.folder / "good.wav").write_bytes(tone(1.0))
    done = attune("transcribe", "notes.txt", "good.wav", "-m", BASE, status=8)
    assert "notes.txt is no audio" in done.err and "1 file of 2" in done.err
    unknown = attune("transcribe", "good.wav", "-m", "nothing", status=4)
    assert "nothing" in unknown.err and "attune models" in unknown.err
    captions = attune("transcribe", "good.wav", "good.wav", "-m", BASE, "-f", "srt", status=2)
    assert "--output" in captions.err


def test_a_job_that_fails_gives_its_reason(tmp_path: Path) -> None:
    (tmp_path / "large.wav").write_bytes(tone(1.0) + bytes(transcribing.JOB_FROM_BYTES))
    job = {"id": "1", "status": "waiting"}
    answers = {
        ("GET", "models"): {"models": [{"name": BASE}]},
        ("POST", "recognitions"): Recorded(201, job),
        ("GET", "recognitions/1"): [
            job,
            job | {"status": "failed", "details": [{"error": "The audio is broken."}]},
        ],
        ("DELETE", "recognitions/1"): Recorded(204, {}),
    }
    with line(None, recorded(answers)) as one:
        done = Command(one.url, "key", tmp_path)("transcribe", "large.wav", "-m", BASE, status=1)
    assert "The audio is broken." in done.err


def listened(attune: Command, samples: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "attune_cli", "listen", *arguments],
        cwd=attune.folder,
        env=attune.environment,
        input=samples,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_what_comes_from_standard_input_is_written_down(attune: Command, spoken: Prompt) -> None:
    with wave.open(str(spoken.path)) as sound:
        samples = sound.readframes(sound.getnframes()) + bytes(8_000)
    done = listened(attune, samples, "--stdin", "--rate", "8000", "-m", BASE, "--json")
    assert done.returncode == 0, done.stderr
    messages = [json.loads(message) for message in done.stdout.splitlines()]
    finals = [result for message in messages for result in message["results"] if result["final"]]
    assert "five" in finals[0]["alternatives"][0]["transcript"]


def test_listening_says_why_it_cannot(attune: Command) -> None:
    refused = listened(Command(attune.url, "x" * 40, attune.folder), b"", "--stdin")
    assert refused.returncode == 3
    assert b"The key is not accepted" in refused.stderr
    nobody = listened(Command(attune.url, attune.key, attune.folder), b"", "--stdin", "-m", BASE)
    assert nobody.returncode == 1
    assert b"needs to be at least 100 bytes" in nobody.stderr


def test_a_microphone_that_cannot_be_had_is_named_with_another_way(attune: Command) -> None:
    """Machines that test have none: sounddevice, PortAudio or the device is missing."""
    done = listened(attune, b"", "-m", BASE)
    assert done.returncode == 1
    assert b"attune listen --stdin" in done.stderr
    assert b"Traceback" not in done.stderr
