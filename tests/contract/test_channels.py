"""Two sides of a call in two channels, through every interface, by clients that know nothing of channels."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ibm_watson import SpeechToTextV1
from websockets.sync.client import connect

from infra.local.demo.prompts import Prompt
from tests.audio import signals
from tests.audio.archives.packing import zipped
from tests.contract.test_python_sdk import iam, sdk, wait
from tests.recognition.audio import stereo
from tests.running_service import RunningService

pytestmark = [
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
    pytest.mark.filterwarnings("ignore:Unverified HTTPS request"),
]

QUERY = "model=en-US_NarrowbandModel&timestamps=true&speaker_labels=true&channels=separate"
Curl = Callable[..., Any]


@pytest.fixture(scope="module")
def call(prompts: list[Prompt]) -> signals.Samples:
    return stereo.call({prompt.name: prompt for prompt in prompts})[: 6 * stereo.RATE_HZ]


@pytest.fixture(scope="module")
def curl(service: RunningService, call: signals.Samples, tmp_path_factory: pytest.TempPathFactory) -> Curl:
    folder = tmp_path_factory.mktemp("channels")
    (folder / "call.wav").write_bytes(signals.wav(call, stereo.RATE_HZ))
    (folder / "call.raw").write_bytes(signals.encoded(call, stereo.RATE_HZ, "RAW", "PCM_16"))
    (folder / "call.ogg").write_bytes(signals.encoded(call, stereo.RATE_HZ, "OGG", "OPUS"))
    (folder / "many.wav").write_bytes(signals.wav(np.repeat(call[:, :1], 9, axis=1), stereo.RATE_HZ))

    def run(path: str, *arguments: str) -> Any:
        done = subprocess.run(
            ["curl", "-sS", "-u", f"apikey:{service.key}", f"{service.url}/v1/{path}", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def posted(curl: Curl) -> Any:
    return curl(f"recognize?{QUERY}", "--header", "Content-Type: audio/wav", "--data-binary", "@call.wav")


def test_a_file_and_raw_samples(curl: Curl, posted: Any) -> None:
    assert "warnings" not in posted
    assert {result["channel"] for result in posted["results"]} == {0, 1}
    starts_s = [stereo.starts_s(result) for result in posted["results"]]
    assert starts_s == sorted(starts_s)
    assert {label["speaker"] for label in posted["speaker_labels"]} == {0, 1}
    raw = "Content-Type: audio/l16;rate=8000;channels=2;endianness=little-endian"
    assert curl(f"recognize?{QUERY}", "--header", raw, "--data-binary", "@call.raw") == posted
    opus = curl(f"recognize?{QUERY}", "--header", "Content-Type: audio/ogg", "--data-binary", "@call.ogg")
    assert {result["channel"] for result in opus["results"]} == {0, 1}


def test_a_form(curl: Curl, posted: Any) -> None:
    metadata = '{"channels": "separate", "speaker_labels": true, "part_content_type": "audio/wav"}'
    answer = curl(
        "recognize?model=en-US_NarrowbandModel",
        "--form",
        f"metadata={metadata};type=application/json",
        "--form",
        "upload=@call.wav;type=audio/wav",
    )
    assert answer == posted


def test_a_job(curl: Curl, posted: Any) -> None:
    made = curl(f"recognitions?{QUERY}", "--header", "Content-Type: audio/wav", "--data-binary", "@call.wav")
    assert "warnings" not in made
    deadline = time.monotonic() + 120
    while (job := curl(f"recognitions/{made['id']}"))["status"] not in ("completed", "failed"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert job["results"] == [posted]


def test_without_it_a_warning_names_it(curl: Curl) -> None:
    answer = curl(
        "recognize?model=en-US_NarrowbandModel&foo=1",
        "--header",
        "Content-Type: audio/wav",
        "--data-binary",
        "@call.wav",
    )
    first, second = answer["warnings"]
    assert first == "Unknown url query arguments: foo."
    assert "channels=separate" in second
    assert all("channel" not in result for result in answer["results"])


def test_what_cannot_be_done_is_said(curl: Curl) -> None:
    sent = ("--header", "Content-Type: audio/wav", "--data-binary")
    many = curl(f"recognize?{QUERY}", *sent, "@many.wav")
    assert many["code"] == 400
    assert "has 9 channels, but channels=separate takes at most 8" in many["error"]
    wrong = curl("recognize?channels=both", *sent, "@call.wav")
    assert "'channels': it must be averaged or separate" in wrong["error"]


def test_a_websocket(service: RunningService, call: signals.Samples, posted: Any) -> None:
    raw = signals.encoded(call, stereo.RATE_HZ, "RAW", "PCM_16")
    start: dict[str, Any] = {
        "action": "start",
        "content-type": "audio/l16;rate=8000;channels=2;endianness=little-endian",
        "channels": "separate",
        "speaker_labels": True,
    }
    credentials = base64.b64encode(f"apikey:{service.key}".encode()).decode()
    url = f"{service.url.replace('http', 'ws', 1)}/v1/recognize?model=en-US_NarrowbandModel"
    with connect(url, additional_headers={"Authorization": f"Basic {credentials}"}) as socket:

        def heard(**more: Any) -> list[Any]:
            socket.send(json.dumps(start | more))
            assert json.loads(socket.recv(60)) == {"state": "listening"}
            for at in range(0, len(raw), 6400):
                socket.send(raw[at : at + 6400])
            socket.send(json.dumps({"action": "stop"}))
            messages: list[Any] = []
            while (message := json.loads(socket.recv(60))) != {"state": "listening"}:
                messages.append(message)
            return messages

        assert heard() == [posted]
        growing = heard(interim_results=True)
        results = [result for message in growing for result in message["results"]]
        assert {result["channel"] for result in results if not result["final"]} == {0, 1}
        finals = [result for result in results if result["final"]]
        assert sorted(finals, key=stereo.starts_s) == posted["results"]
        assert growing[-1]["speaker_labels"] == posted["speaker_labels"]
        (averaged,) = heard(channels=None, interim_results=False, speaker_labels=False)
        assert ["channels=separate" in warning for warning in averaged["warnings"]] == [True]


def test_listings_tell_the_number_of_channels(service: RunningService, call: signals.Samples) -> None:
    stt: SpeechToTextV1 = sdk(service, iam(service))
    model = stt.create_acoustic_model("channels", "en-US_NarrowbandModel").get_result()["customization_id"]
    both, one = (signals.wav(samples, stereo.RATE_HZ) for samples in (call, call[:, 0]))
    stt.add_audio(model, "call", both, content_type="audio/wav")
    stt.add_audio(model, "calls", zipped({"one.wav": one, "both.wav": both}), content_type="application/zip")
    wait(
        lambda: stt.list_audio(model).get_result(),
        lambda listing: all(entry["status"] == "ok" for entry in listing["audio"]),
    )
    assert stt.get_audio(model, "call").get_result()["details"]["channels"] == 2
    listing = stt.get_audio(model, "calls").get_result()
    assert listing["container"]["details"] == {"type": "archive", "compression": "zip"}
    assert [member["details"]["channels"] for member in listing["audio"]] == [1, 2]
    stt.delete_acoustic_model(model)
