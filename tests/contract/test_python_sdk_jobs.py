"""IBM's Python SDK, unmodified, drives asynchronous jobs and their callbacks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import soundfile
from ibm_cloud_sdk_core import ApiException
from ibm_watson import SpeechToTextV1

from tests.audio.signals import noisy_wav
from tests.contract.test_python_sdk import NARROWBAND, iam, sdk, wait
from tests.receiver import Receiver
from tests.running_service import RunningService

# The certificate is the service's own, made at its first start.
pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


@pytest.fixture(scope="module")
def client(service: RunningService) -> SpeechToTextV1:
    return sdk(service, iam(service))


def ended(client: SpeechToTextV1, job_id: str) -> Any:
    return wait(
        lambda: client.check_job(job_id).get_result(), lambda job: job["status"] in ("completed", "failed")
    )


def test_a_job_with_a_callback(client: SpeechToTextV1, receiver: Receiver) -> None:
    registered = client.register_callback(receiver.url, user_secret="ThisIsMySecret")
    assert registered.get_status_code() == 201
    assert registered.get_result() == {"status": "created", "url": receiver.url}
    again = client.register_callback(receiver.url)
    assert (again.get_status_code(), again.get_result()["status"]) == (200, "already created")
    made = client.create_job(
        noisy_wav(1.0, rate_hz=8000),
        content_type="audio/wav",
        model=NARROWBAND,
        callback_url=receiver.url,
        events="recognitions.started,recognitions.completed_with_results",
        user_token="job 25",
        results_ttl=60,
        timestamps=True,
    )
    assert made.get_status_code() == 201
    job = made.get_result()
    assert set(job) == {"created", "id", "url", "status"}
    shown = ended(client, job["id"])
    assert (shown["status"], len(shown["results"])) == ("completed", 1)
    wait(lambda: {"told": receiver.news_of(job["id"])}, lambda seen: len(seen["told"]) >= 2)
    started, completed = receiver.news_of(job["id"])
    assert started == {"id": job["id"], "event": "recognitions.started", "user_token": "job 25"}
    assert completed["event"] == "recognitions.completed_with_results"
    assert completed["results"] == shown["results"]
    for headers, body in receiver.told:
        expected = hmac.new(b"ThisIsMySecret", body, hashlib.sha1).digest()
        assert headers["x-callback-signature"] == base64.b64encode(expected).decode()
    listed = client.check_jobs().get_result()["recognitions"]
    (entry,) = [entry for entry in listed if entry["id"] == job["id"]]
    assert entry["user_token"] == "job 25"
    assert client.unregister_callback(receiver.url).get_status_code() == 200
    assert client.delete_job(job["id"]).get_status_code() == 204
    with pytest.raises(ApiException, match="job not found") as gone:
        client.check_job(job["id"])
    assert gone.value.status_code == 404


def test_a_callback_that_fails_is_called_again(client: SpeechToTextV1, receiver: Receiver) -> None:
    client.register_callback(receiver.url)
    receiver.statuses = [503]
    job = client.create_job(
        noisy_wav(0.5, rate_hz=8000), content_type="audio/wav", model=NARROWBAND, callback_url=receiver.url
    ).get_result()
    wait(lambda: {"told": receiver.events}, lambda seen: "recognitions.completed" in seen["told"])
    assert receiver.events[:2] == ["recognitions.started"] * 2
    events = [told["event"] for told in receiver.news_of(job["id"])]
    assert events == ["recognitions.started", "recognitions.completed"]
    client.delete_job(job["id"])


def test_bad_audio_fails_with_a_reason(client: SpeechToTextV1) -> None:
    job = client.create_job(b"RIFF" + bytes(500), content_type="audio/wav").get_result()
    shown = ended(client, job["id"])
    assert shown["status"] == "failed"
    (detail,) = shown["details"]
    assert detail["error"].startswith("unable to transcode data stream audio/wav -> audio/l16 ")
    client.delete_job(job["id"])


def test_what_is_refused(client: SpeechToTextV1) -> None:
    calls: list[Callable[[], object]] = [
        lambda: client.create_job(noisy_wav(0.5), content_type="audio/wav", callback_url="http://a.example/"),
        lambda: client.register_callback("http://127.0.0.1:9/nobody"),
        lambda: client.create_job(b"short", content_type="audio/wav"),
    ]
    for refused in calls:
        with pytest.raises(ApiException) as error:
            refused()
        assert error.value.status_code == 400
    with pytest.raises(ApiException) as unknown:
        client.delete_job("01234567-0123-7123-8123-012345678901")
    assert unknown.value.status_code == 404


def test_what_is_labelled_can_be_removed(client: SpeechToTextV1, receiver: Receiver) -> None:
    label = {"X-Watson-Metadata": "customer_id=contract"}
    client.register_callback(receiver.url, headers=label)
    job = client.create_job(noisy_wav(0.5), content_type="audio/wav", headers=label).get_result()
    removed = client.delete_user_data("contract")
    assert (removed.get_status_code(), removed.get_result()) == (200, {})
    calls: list[Callable[[], object]] = [
        lambda: client.check_job(job["id"]),
        lambda: client.unregister_callback(receiver.url),
    ]
    for gone in calls:
        with pytest.raises(ApiException) as error:
            gone()
        assert error.value.status_code == 404


def test_more_than_the_synchronous_call_takes(client: SpeechToTextV1) -> None:
    """Two minutes of sound at 96 kHz on 3 channels, uncompressed: above 100 MB; the service streams it."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros((96_000 * 190, 3), np.int16), 96_000, format="WAV", subtype="PCM_16")
    body = buffer.getvalue()
    assert len(body) > 100 * 1024**2
    job = client.create_job(body, content_type="audio/wav").get_result()
    assert ended(client, job["id"])["results"] == [{"result_index": 0, "results": []}]
    client.delete_job(job["id"])
