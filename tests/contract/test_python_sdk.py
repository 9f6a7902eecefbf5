"""IBM's Python SDK, unmodified, drives the whole life of a custom acoustic model."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import soundfile
from ibm_cloud_sdk_core import ApiException
from ibm_cloud_sdk_core.authenticators import (
    Authenticator,
    BasicAuthenticator,
    BearerTokenAuthenticator,
    IAMAuthenticator,
)
from ibm_watson import SpeechToTextV1

from infra.local.demo.prompts import Prompt
from infra.local.demo.scoring import word_error_rate
from tests.audio.archives.packing import zipped
from tests.audio.signals import noisy_wav
from tests.running_service import RunningService

# The certificate is the service's own, made at its first start.
pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")

NARROWBAND = "en-US_NarrowbandModel"
BROADBAND = "en-US_BroadbandModel"
AUDIO_S, SPOKEN_S = 612.0, 120.0
"""What a training needs, and how much of it somebody speaks: learning takes the longer, the more is said."""
LONGEST_S = 10.0
"""So that no single prompt is most of what is said."""


def sdk(service: RunningService, authenticator: Authenticator) -> SpeechToTextV1:
    client = SpeechToTextV1(authenticator=authenticator)
    client.set_service_url(service.tls_url)
    client.set_disable_ssl_verification(True)
    client.set_http_config({"timeout": 300})
    return client


def iam(service: RunningService, key: str | None = None) -> IAMAuthenticator:
    return IAMAuthenticator(key or service.key, url=service.tls_url, disable_ssl_verification=True)


@pytest.fixture(scope="session")
def client(service: RunningService) -> SpeechToTextV1:
    return sdk(service, iam(service))


def wait(
    get: Callable[[], dict[str, Any]], done: Callable[[dict[str, Any]], bool], timeout_s: float = 300
) -> Any:
    deadline = time.monotonic() + timeout_s
    while not done(answer := get()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)
    return answer


def followed_by(pause_s: float, prompt: Prompt) -> bytes:
    """Return a prompt as WAV with a pause behind it."""
    samples, rate_hz = soundfile.read(prompt.path, dtype="int16")
    wav = io.BytesIO()
    soundfile.write(
        wav, np.append(samples, np.zeros(int(pause_s * rate_hz), np.int16)), rate_hz, format="WAV"
    )
    return wav.getvalue()


def create(client: SpeechToTextV1, base: str = BROADBAND, name: str = "contract") -> str:
    made: str = client.create_acoustic_model(name, base, description="made by a test").get_result()[
        "customization_id"
    ]
    return made


@pytest.mark.parametrize("form", ["iam", "basic", "bearer"])
def test_every_form_of_authentication_opens_the_service(service: RunningService, form: str) -> None:
    authenticators: dict[str, Callable[[], Authenticator]] = {
        "iam": lambda: iam(service),
        "basic": lambda: BasicAuthenticator("apikey", service.key),
        "bearer": lambda: BearerTokenAuthenticator(iam(service).token_manager.get_token()),
    }
    models = sdk(service, authenticators[form]()).list_models().get_result()["models"]
    assert {model["name"] for model in models} >= {BROADBAND, NARROWBAND}


def test_a_wrong_key_is_refused_by_every_form(service: RunningService) -> None:
    for authenticator in (
        iam(service, "wrong"),
        BasicAuthenticator("apikey", "wrong"),
        BearerTokenAuthenticator("a.b.c"),
    ):
        with pytest.raises(ApiException) as refused:
            sdk(service, authenticator).list_models()
        assert refused.value.status_code in (400, 401)


def test_errors_carry_the_transaction_id(client: SpeechToTextV1) -> None:
    with pytest.raises(ApiException) as missing:
        client.get_model("xx-XX_NoModel")
    assert missing.value.status_code == 404
    assert "X-global-transaction-id:" in str(missing.value)
    assert "Model xx-XX_NoModel not found" in str(missing.value)


def test_a_new_model_reads_as_watson_would_say_it(client: SpeechToTextV1) -> None:
    customization_id = create(client, name="Example")
    try:
        model = client.get_acoustic_model(customization_id).get_result()
        assert model["status"] == "pending"
        assert model["progress"] == 0
        assert model["name"] == "Example"
        assert model["base_model_name"] == BROADBAND
        assert model["language"] == "en-US"
        assert model["created"] == model["updated"]
        assert model["versions"] == ["en-US_BroadbandModel.v2020-01-16"], "as the tests' service adapts"
        listed = client.list_acoustic_models(language="en-US").get_result()["customizations"]
        assert customization_id in {entry["customization_id"] for entry in listed}
    finally:
        assert client.delete_acoustic_model(customization_id).get_result() == {}
    with pytest.raises(ApiException) as gone:
        client.get_acoustic_model(customization_id)
    assert gone.value.status_code == 401


def test_audio_is_added_analysed_listed_and_deleted(client: SpeechToTextV1) -> None:
    customization_id = create(client)
    try:
        added = client.add_audio(customization_id, "one.wav", noisy_wav(12.3), content_type="audio/wav")
        assert added.get_status_code() == 201
        assert added.get_result() == {}
        audio = wait(
            lambda: client.get_audio(customization_id, "one.wav").get_result(),
            lambda answer: answer["status"] != "being_processed",
        )
        assert audio["status"] == "ok"
        assert audio["duration"] == 12
        assert audio["details"] == {"type": "audio", "codec": "pcm_s16le", "frequency": 16000, "channels": 1}
        members = {"a/first.wav": noisy_wav(3, seed=1), "a/b/second.wav": noisy_wav(4, seed=2)}
        client.add_audio(customization_id, "both.zip", zipped(members), content_type="application/zip")
        archive = wait(
            lambda: client.get_audio(customization_id, "both.zip").get_result(),
            lambda answer: answer["container"]["status"] != "being_processed",
        )
        assert archive["container"]["status"] == "ok"
        assert archive["container"]["duration"] == 7
        assert archive["container"]["details"] == {"type": "archive", "compression": "zip"}
        assert {member["name"] for member in archive["audio"]} == set(members)
        listing = client.list_audio(customization_id).get_result()
        assert {entry["name"] for entry in listing["audio"]} == {"one.wav", "both.zip"}
        assert listing["total_minutes_of_audio"] == pytest.approx(19.3 / 60, abs=0.02)
        with pytest.raises(ApiException) as twice:
            client.add_audio(customization_id, "one.wav", noisy_wav(1), content_type="audio/wav")
        assert twice.value.status_code == 400
        assert "allow_overwrite" in twice.value.message
        assert client.delete_audio(customization_id, "one.wav").get_result() == {}
        with pytest.raises(ApiException) as gone:
            client.get_audio(customization_id, "one.wav")
        assert gone.value.status_code == 400
        assert client.reset_acoustic_model(customization_id).get_result() == {}
        assert client.get_acoustic_model(customization_id).get_result()["status"] == "pending"
    finally:
        client.delete_acoustic_model(customization_id)


def test_too_little_audio_fails_with_a_reason(client: SpeechToTextV1) -> None:
    customization_id = create(client)
    try:
        with pytest.raises(ApiException) as empty:
            client.train_acoustic_model(customization_id)
        assert empty.value.status_code == 400
        assert "No input data available for training" in empty.value.message
        client.add_audio(customization_id, "short.wav", noisy_wav(5), content_type="audio/wav")
        wait(
            lambda: client.get_acoustic_model(customization_id).get_result(),
            lambda model: model["status"] == "ready",
        )
        with pytest.raises(ApiException) as short:
            client.train_acoustic_model(customization_id)
        assert short.value.status_code == 400
        assert "audio duration must be between" in short.value.message
        assert client.get_acoustic_model(customization_id).get_result()["status"] == "failed"
    finally:
        client.delete_acoustic_model(customization_id)


def transcripts(client: SpeechToTextV1, prompts: Sequence[Prompt], **options: str) -> list[str]:
    found = []
    for prompt in prompts:
        answer = client.recognize(
            prompt.path.read_bytes(), content_type="audio/wav", model=NARROWBAND, **options
        ).get_result()
        found.append(" ".join(result["alternatives"][0]["transcript"] for result in answer["results"]))
    return found


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_minutes_of_raw_audio_make_recognition_better(
    client: SpeechToTextV1, prompts: list[Prompt]
) -> None:
    sentences = [one for one in prompts if len(one.text.split()) >= 4 and one.duration_s <= LONGEST_S]
    shuffled = random.Random(11).sample(sentences, len(sentences))
    held_out, rest = shuffled[:40], shuffled[40:]
    adaptation, spoken_s = [], 0.0
    for prompt in rest:
        if spoken_s > SPOKEN_S:
            break
        adaptation.append(prompt)
        spoken_s += prompt.duration_s
    pause_s = (AUDIO_S - spoken_s) / len(adaptation)
    customization_id = create(client, NARROWBAND)
    try:
        half = len(adaptation) // 2
        for name, part in (("first.zip", adaptation[:half]), ("second.zip", adaptation[half:])):
            body = zipped(
                {f"{number}.wav": followed_by(pause_s, prompt) for number, prompt in enumerate(part)}
            )
            client.add_audio(customization_id, name, body, content_type="application/zip")
        wait(
            lambda: client.get_acoustic_model(customization_id).get_result(),
            lambda model: model["status"] == "ready",
        )
        assert client.train_acoustic_model(customization_id).get_result() == {}
        with pytest.raises(ApiException) as busy:
            client.train_acoustic_model(customization_id)
        assert busy.value.status_code == 409
        assert "locked" in busy.value.message
        with pytest.raises(ApiException) as not_yet:
            transcripts(client, held_out[:1], acoustic_customization_id=customization_id)
        assert not_yet.value.status_code == 400
        seen: list[int] = []

        def poll() -> dict[str, Any]:
            model: dict[str, Any] = client.get_acoustic_model(customization_id).get_result()
            seen.append(model["progress"])
            return model

        trained = wait(poll, lambda model: model["status"] != "training", timeout_s=3000)
        assert trained["status"] == "available", trained
        assert trained["progress"] == 100
        assert trained["version"] == 1
        assert trained["result"].endswith("of that audio are heard otherwise than by the base model.")
        assert seen == sorted(seen)
        assert len(set(seen)) > 5, "progress moved in steps that nobody can follow"
        references = [prompt.text for prompt in held_out]
        version = client.get_acoustic_model(customization_id).get_result()["versions"][-1]
        base = word_error_rate(references, transcripts(client, held_out, base_model_version=version))
        custom = word_error_rate(
            references, transcripts(client, held_out, acoustic_customization_id=customization_id)
        )
        assert custom.rate < 0.75 * base.rate, f"base {base}, custom {custom}"
        with pytest.raises(ApiException) as unchanged:
            client.train_acoustic_model(customization_id)
        assert unchanged.value.status_code == 400
        assert "No input data modified since last training" in unchanged.value.message
        assert client.get_acoustic_model(customization_id).get_result()["status"] == "available"
    finally:
        client.delete_acoustic_model(customization_id)
