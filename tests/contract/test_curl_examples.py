"""The documented curl examples for custom acoustic models, verbatim but for host and key."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import time
import wave
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from infra.local.demo.prompts import Prompt
from tests.running_service import RunningService

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

CREATE = """curl -X POST -u "apikey:{apikey}" \\
--header "Content-Type: application/json" \\
--data "{{\\"name\\": \\"Example model\\", \\
  \\"base_model_name\\": \\"en-US_BroadbandModel\\", \\
  \\"description\\": \\"Example custom acoustic model\\"}}" \\
"{url}/v1/acoustic_customizations" """

ADD_WAV = """curl -X POST -u "apikey:{apikey}" \\
--header "Content-Type: audio/wav" \\
--data-binary @audio1.wav \\
"{url}/v1/acoustic_customizations/{customization_id}/audio/audio1" """

ADD_ZIP = """curl -X POST -u "apikey:{apikey}" \\
--header "Content-Type: application/zip" \\
--header "Contained-Content-Type: audio/l16;rate=16000" \\
--data-binary @audio2.zip \\
"{url}/v1/acoustic_customizations/{customization_id}/audio/audio2" """

GET_AUDIO = """curl -X GET -u "apikey:{apikey}" \\
"{url}/v1/acoustic_customizations/{customization_id}/audio/{audio_name}" """

TRAIN = """curl -X POST -u "apikey:{apikey}" \\
"{url}/v1/acoustic_customizations/{customization_id}/train" """

TRAIN_NOT_STRICT = """curl -X POST -u "apikey:{apikey}" \\
"{url}/v1/acoustic_customizations/{customization_id}/train?strict=false" """

GET_MODEL = """curl -X GET -u "apikey:{apikey}" \\
"{url}/v1/acoustic_customizations/{customization_id}" """

RECOGNIZE = """curl -X POST -u "apikey:{apikey}" \\
--header "Content-Type: audio/flac" \\
--data-binary @audio-file1.flac \\
"{url}/v1/recognize?acoustic_customization_id={customization_id}" """

ADD_TEXT_AS_AUDIO = """curl -X POST -u "apikey:{apikey}" \\
--header "Content-Type: audio/wav" \\
--data-binary @notes.txt \\
"{url}/v1/acoustic_customizations/{customization_id}/audio/notes" """


class Shell:
    """Types the examples, as somebody would who reads the documentation."""

    def __init__(self, service: RunningService, folder: Path) -> None:
        self.names = {"apikey": service.key, "url": service.url, "customization_id": ""}
        self.folder = folder

    def __call__(self, example: str, **names: str) -> Any:
        command = example.format(**self.names, **names).replace("curl ", "curl -sS ", 1)
        done = subprocess.run(
            ["sh", "-c", command], cwd=self.folder, capture_output=True, text=True, timeout=120, check=True
        )
        return json.loads(done.stdout)

    def until(self, example: str, done: Callable[[Any], bool], timeout_s: float = 300, **names: str) -> Any:
        deadline = time.monotonic() + timeout_s
        while not done(answer := self(example, **names)):
            assert time.monotonic() < deadline, answer
            time.sleep(0.3)
        return answer


def sparse_speech(prompts: list[Prompt], speech_s: float, total_s: float) -> NDArray[np.int16]:
    """Prompts at 16 kHz with long pauses: the duration rule is met while training stays quick."""
    pieces: list[NDArray[np.int16]] = []
    spoken_s = 0.0
    for prompt in prompts:
        if spoken_s >= speech_s:
            break
        samples, rate_hz = soundfile.read(prompt.path, dtype="float32")
        wide = soxr.resample(samples, rate_hz, 16_000)
        pieces.append(np.clip(wide * 32767, -32768, 32767).astype(np.int16))
        spoken_s += prompt.duration_s
    pause = np.zeros(int((total_s - spoken_s) / len(pieces) * 16_000), np.int16)
    return np.concatenate([part for piece in pieces for part in (piece, pause)])


@pytest.mark.slow
def test_the_documented_examples_work_as_they_stand(
    service: RunningService, prompts: list[Prompt], tmp_path: Path
) -> None:
    longer = [prompt for prompt in prompts if prompt.duration_s > 3]
    with wave.open(str(tmp_path / "audio1.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(sparse_speech(longer[:20], 8, 330).tobytes())
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out_zip:
        for number in range(3):
            raw = sparse_speech(longer[20 + 8 * number : 28 + 8 * number], 4, 110)
            out_zip.writestr(f"member{number}.raw", raw.tobytes())
    (tmp_path / "audio2.zip").write_bytes(archive.getvalue())
    heard = longer[50]
    samples, rate_hz = soundfile.read(heard.path, dtype="float32")
    soundfile.write(tmp_path / "audio-file1.flac", soxr.resample(samples, rate_hz, 16_000), 16_000)
    (tmp_path / "notes.txt").write_text("these are notes, not audio\n" * 20)

    shell = Shell(service, tmp_path)
    created = shell(CREATE)
    assert set(created) == {"customization_id"}
    shell.names["customization_id"] = created["customization_id"]
    assert shell(ADD_WAV) == {}
    assert shell(ADD_ZIP) == {}
    audio = shell.until(GET_AUDIO, lambda answer: answer["status"] != "being_processed", audio_name="audio1")
    assert audio["status"] == "ok", audio
    archive_listing = shell.until(
        GET_AUDIO, lambda answer: answer["container"]["status"] != "being_processed", audio_name="audio2"
    )
    assert archive_listing["container"]["status"] == "ok", archive_listing
    assert archive_listing["container"]["details"] == {"type": "archive", "compression": "zip"}
    assert [member["details"]["codec"] for member in archive_listing["audio"]] == ["pcm_s16le"] * 3
    assert shell(TRAIN) == {}
    model = shell.until(GET_MODEL, lambda answer: answer["status"] != "training", timeout_s=900)
    assert model["status"] == "available", model
    assert model["progress"] == 100
    answer = shell(RECOGNIZE)
    assert answer["result_index"] == 0
    assert answer["results"], f"nothing was recognised in {heard.text!r}"
    assert all(result["final"] for result in answer["results"])

    assert shell(ADD_TEXT_AS_AUDIO) == {}
    refused = shell.until(GET_AUDIO, lambda answer: answer["status"] != "being_processed", audio_name="notes")
    assert refused["status"] == "invalid"
    assert refused["error"]
    strict = shell(TRAIN)
    assert strict["code"] == 400
    warned = shell(TRAIN_NOT_STRICT)
    assert warned["warnings"][0]["code"] == "invalid_audio_files"
    assert "[notes]" in warned["warnings"][0]["message"]
    model = shell.until(GET_MODEL, lambda answer: answer["status"] != "training", timeout_s=900)
    assert model["status"] == "available", model
