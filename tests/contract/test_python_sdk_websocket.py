"""IBM's Python SDK, unmodified, recognises over its WebSocket."""

from __future__ import annotations

import gc
import io
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ibm_cloud_sdk_core.authenticators import Authenticator, BasicAuthenticator, IAMAuthenticator
from ibm_watson import SpeechToTextV1
from ibm_watson.websocket import AudioSource, RecognizeCallback

from infra.local.demo.prompts import Prompt
from infra.local.demo.scoring import word_error_rate
from tests.running_service import RunningService

NARROWBAND = "en-US_NarrowbandModel"
# The SDK leaves it to the garbage collector to close its socket.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Unverified HTTPS request"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def closed_sockets() -> Iterator[None]:
    yield
    gc.collect()


class Heard(RecognizeCallback):  # type: ignore[misc]  # the SDK is not typed
    """What the SDK called back, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, Any]] = []
        self.closed = threading.Event()

    def on_connected(self) -> None:
        self.calls.append(("connected", None))

    def on_listening(self) -> None:
        self.calls.append(("listening", None))

    def on_transcription(self, transcript: Any) -> None:
        self.calls.append(("transcription", transcript))

    def on_hypothesis(self, hypothesis: Any) -> None:
        self.calls.append(("hypothesis", hypothesis))

    def on_data(self, data: Any) -> None:
        self.calls.append(("data", data))

    def on_error(self, error: Any) -> None:
        self.calls.append(("error", error))

    def on_inactivity_timeout(self, error: Any) -> None:
        self.calls.append(("inactivity", error))

    def on_close(self) -> None:
        self.closed.set()

    def of(self, kind: str) -> list[Any]:
        return [value for name, value in self.calls if name == kind]


def sdk(service: RunningService, authenticator: Authenticator) -> SpeechToTextV1:
    client = SpeechToTextV1(authenticator=authenticator)
    client.set_service_url(service.tls_url)
    client.set_disable_ssl_verification(True)
    return client


def listen(client: SpeechToTextV1, audio: bytes, content_type: str, **options: Any) -> Heard:
    heard = Heard()
    client.recognize_using_websocket(
        audio=AudioSource(io.BytesIO(audio)),
        content_type=content_type,
        recognize_callback=heard,
        **{"model": NARROWBAND, **options},
    )
    assert heard.closed.wait(300), heard.calls
    return heard


@pytest.mark.parametrize("iam", [False, True])
def test_a_prompt_is_heard_over_tls(service: RunningService, prompts: list[Prompt], iam: bool) -> None:
    authenticator = (
        IAMAuthenticator(service.key, url=service.tls_url, disable_ssl_verification=True)
        if iam
        else BasicAuthenticator("apikey", service.key)
    )
    sentence = next(prompt for prompt in prompts if prompt.name == "conf-invalid")
    audio = sentence.path.read_bytes()
    client = sdk(service, authenticator)
    posted = client.recognize(io.BytesIO(audio), content_type="audio/wav", model=NARROWBAND).get_result()
    heard = listen(client, audio, "audio/wav", interim_results=iam, timestamps=True)
    assert not heard.of("error")
    assert [name for name, _ in heard.calls[:2]] == ["connected", "listening"]
    finals = [result for data in heard.of("data") for result in data["results"] if result["final"]]
    transcripts = [result["alternatives"][0]["transcript"] for result in finals]
    assert transcripts == [result["alternatives"][0]["transcript"] for result in posted["results"]]
    assert word_error_rate([sentence.text], ["".join(transcripts)]).rate < 0.5
    assert finals[0]["alternatives"][0]["timestamps"][0][0] == transcripts[0].split()[0]
    assert bool([data for data in heard.of("data") if not data["results"][0]["final"]]) is iam


def test_silence_ends_without_an_error(service: RunningService) -> None:
    client = sdk(service, BasicAuthenticator("apikey", service.key))
    heard = listen(client, bytes(16_000), "audio/l16;rate=8000")
    assert not heard.of("error")
    assert heard.of("data") == [{"result_index": 0, "results": []}]


def test_an_inactivity_timeout_is_called_one(service: RunningService) -> None:
    client = sdk(service, BasicAuthenticator("apikey", service.key))
    heard = listen(client, bytes(8_000 * 2 * 4), "audio/l16;rate=8000", inactivity_timeout=1)
    assert heard.of("inactivity") == ["No speech detected for 1s."]


def test_a_wrong_key_is_refused_at_the_handshake(service: RunningService) -> None:
    client = sdk(service, BasicAuthenticator("apikey", "wrong" * 10))
    heard = listen(client, bytes(1000), "audio/l16;rate=8000")
    assert "401" in str(heard.of("error")[0])
