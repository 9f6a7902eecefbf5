"""Bad input gets a clear answer in Watson's shape, and nothing is lost."""

from __future__ import annotations

import io
import json
import socket
import struct
import time
import uuid
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.audio.archives.packing import zipped
from tests.audio.signals import noisy_wav
from tests.running_service import RunningService

BROADBAND = "en-US_BroadbandModel"
MAX_BYTES = 100 * 1024 * 1024


class Http:
    """Plain HTTP with the service's key."""

    def __init__(self, service: RunningService) -> None:
        self.service = service
        self.session = requests.Session()
        self.session.auth = ("apikey", service.key)

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self.service.url}{path}", timeout=120, **options)

    def settled(self, path: str) -> dict[str, Any]:
        deadline = time.monotonic() + 300
        while True:
            answer: dict[str, Any] = self("GET", path).json()
            if answer.get("container", answer)["status"] != "being_processed":
                return answer
            assert time.monotonic() < deadline, answer
            time.sleep(0.1)


@pytest.fixture(scope="module")
def http(service: RunningService) -> Http:
    return Http(service)


@pytest.fixture
def model(http: Http) -> Iterator[str]:
    body = {"name": "bad input", "base_model_name": BROADBAND}
    customization_id = http("POST", "/v1/acoustic_customizations", json=body).json()["customization_id"]
    yield f"/v1/acoustic_customizations/{customization_id}"
    http("DELETE", f"/v1/acoustic_customizations/{customization_id}")


def assert_watson_error(answer: requests.Response, code: int, words: str) -> None:
    assert answer.status_code == code, answer.text
    body = answer.json()
    assert body["code"] == code
    assert words in body["error"]
    assert body["code_description"]
    assert answer.headers["X-Global-Transaction-Id"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"{", 400, "JSON"),
        (b"[]", 400, "JSON object"),
        (b"", 400, "name"),
        (b"\xff\xfe", 400, "JSON"),
        (b"{}", 400, "Required parameter 'name' is missing"),
        (b'{"name": "x"}', 400, "Required parameter 'base_model_name' is missing"),
        (b'{"name": "", "base_model_name": "en-US_BroadbandModel"}', 400, "cannot be empty string"),
        (b'{"name": null, "base_model_name": "en-US_BroadbandModel"}', 400, "cannot be null"),
        (b'{"name": 7, "base_model_name": "en-US_BroadbandModel"}', 400, "name"),
        (b'{"name": "x", "base_model_name": "xx"}', 400, "The base model 'xx' is not recognized"),
        (
            b'{"name": "x", "base_model_name": "en-US_BroadbandModel", "retrain_after_minutes": "no"}',
            400,
            "retrain",
        ),
    ],
)
def test_a_model_is_not_made_from_a_bad_body(http: Http, body: bytes, code: int, words: str) -> None:
    before = http("GET", "/v1/acoustic_customizations").json()
    answer = http(
        "POST", "/v1/acoustic_customizations", data=body, headers={"Content-Type": "application/json"}
    )
    assert_watson_error(answer, code, words)
    assert http("GET", "/v1/acoustic_customizations").json() == before


@pytest.mark.parametrize(
    ("method", "path", "code", "words"),
    [
        ("GET", "/v1/acoustic_customizations/not-a-guid", 400, "Malformed GUID: 'not-a-guid'"),
        ("GET", f"/v1/acoustic_customizations/{uuid.UUID(int=7)}", 401, "Invalid customization_id"),
        ("DELETE", f"/v1/acoustic_customizations/{uuid.UUID(int=7)}", 401, "Invalid customization_id"),
        ("POST", f"/v1/acoustic_customizations/{uuid.UUID(int=7)}/train", 401, "Invalid customization_id"),
        ("GET", "/v1/acoustic_customizations?language=xx-XX", 400, "Language 'xx-XX' is not supported"),
        ("GET", "/v1/models/nothing", 404, "Model nothing not found"),
        ("GET", "/v1/nowhere", 404, ""),
        ("PATCH", "/v1/models", 405, ""),
        ("POST", "/v1/sessions", 404, ""),
    ],
)
def test_what_is_not_there_is_said_so(http: Http, method: str, path: str, code: int, words: str) -> None:
    assert_watson_error(http(method, path), code, words)


@pytest.mark.parametrize(
    "path", ["/v1/models/", "/speech-to-text/api/v1/models", "/v1/acoustic_customizations/"]
)
def test_other_spellings_of_a_path_work(http: Http, path: str) -> None:
    assert http("GET", path).status_code == 200


def test_without_credentials_nothing_is_served(service: RunningService) -> None:
    for path in ("/v1/models", "/v1/acoustic_customizations"):
        answer = requests.get(f"{service.url}{path}", timeout=300)
        assert answer.status_code == 401
        assert answer.json()["error"] == "Unauthorized"


def test_unknown_query_parameters_are_warned_about(http: Http, model: str) -> None:
    answer = http("GET", f"{model}?x=1&y=2").json()
    assert answer["warnings"] == "Unexpected query parameter(s) ['x', 'y'] detected"


@pytest.mark.parametrize(
    ("body", "content_type", "code", "words"),
    [
        (b"", "audio/wav", 400, "Audio file not specified or empty"),
        (b"x" * 500, "text/plain", 415, "text/plain"),
        (b"x" * 500, "application/octet-stream", 415, "application/octet-stream"),
        (b"x" * 500, "audio/l16", 400, "rate parameter missing in mimetype audio/l16"),
        (b"x" * 500, "audio/l16;rate=fast", 400, "rate"),
    ],
)
def test_audio_that_cannot_be_taken_is_refused(
    http: Http, model: str, body: bytes, content_type: str, code: int, words: str
) -> None:
    answer = http("POST", f"{model}/audio/bad", data=body, headers={"Content-Type": content_type})
    assert_watson_error(answer, code, words)
    assert http("GET", f"{model}/audio").json() == {"total_minutes_of_audio": 0, "audio": []}


@pytest.mark.parametrize("size_bytes", [MAX_BYTES + 1])
@pytest.mark.parametrize("chunked", [False, True])
def test_more_than_the_limit_is_refused(http: Http, model: str, size_bytes: int, chunked: bool) -> None:
    block = bytes(1024 * 1024)

    def pieces() -> Iterator[bytes]:
        left = size_bytes
        while left:
            piece = block[: min(left, len(block))]
            left -= len(piece)
            yield piece

    headers = {"Content-Type": "audio/wav"}
    try:
        answer = http(
            "POST", f"{model}/audio/big", data=pieces() if chunked else bytes(size_bytes), headers=headers
        )
    except requests.exceptions.ConnectionError:
        pytest.fail("the answer was lost: the connection broke before the client could read it")
    assert_watson_error(answer, 413, "at most 104857600 bytes")
    assert http("GET", f"{model}/audio").json()["audio"] == []


def invalid_resources() -> dict[str, tuple[bytes, str, str]]:
    good = noisy_wav(2)
    nested = zipped({"inner.zip": zipped({"a.wav": good})})
    climbing = zipped({"../../etc/passwd.wav": good})
    truncated_zip = zipped({"a.wav": good, "b.wav": good})[:-200]
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("bomb.wav", "w") as member:
        member.write(b"RIFF" + struct.pack("<I", 2**31 - 1) + b"WAVEfmt ")
        for _ in range(600):
            member.write(bytes(1024 * 1024))
    return {
        "text as wav": (b"no audio at all " * 40, "audio/wav", ""),
        "ninety-nine bytes": (good[:99], "audio/wav", ""),
        "truncated header": (good[:30] + bytes(100), "audio/wav", ""),
        "truncated samples": (good[: len(good) // 2], "audio/wav", "cut off"),
        "too low a rate": (noisy_wav(2, rate_hz=8_000), "audio/wav", "16000"),
        "flac that is wav cut short": (b"fLaC" + good[:200], "audio/flac", ""),
        "not a zip": (good, "application/zip", ""),
        "empty zip": (zipped({}), "application/zip", ""),
        "nested zip": (nested, "application/zip", ""),
        "climbing member": (climbing, "application/zip", ""),
        "truncated zip": (truncated_zip, "application/zip", ""),
        "zip bomb": (bomb.getvalue(), "application/zip", ""),
        "one bad member": (zipped({"good.wav": good, "bad.bin": bytes(range(256))}), "application/zip", ""),
    }


@pytest.mark.parametrize("case", sorted(invalid_resources()))
def test_what_is_no_audio_becomes_invalid_with_a_reason(http: Http, model: str, case: str) -> None:
    body, content_type, words = invalid_resources()[case]
    added = http(
        "POST", f"{model}/audio/{case.replace(' ', '-')}", data=body, headers={"Content-Type": content_type}
    )
    assert added.status_code == 201, added.text
    answer = http.settled(f"{model}/audio/{case.replace(' ', '-')}")
    resource = answer.get("container", answer)
    assert resource["status"] == "invalid", answer
    assert len(resource["error"]) > 20
    assert words in resource["error"]
    assert "Traceback" not in json.dumps(answer)
    for member in answer.get("audio", []):
        assert member["status"] == "ok" or member["error"]
    assert http("GET", model).json()["status"] == "pending"


def test_a_client_that_hangs_up_leaves_nothing(http: Http, model: str) -> None:
    address = urlsplit(http.service.url)
    assert address.hostname is not None
    assert address.port is not None
    request = requests.Request(
        "POST", f"{http.service.url}{model}/audio/half", auth=("apikey", http.service.key)
    ).prepare()
    for size_bytes in (10_000, 6_000_000):
        head = (
            f"POST {model}/audio/half HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Authorization: {request.headers['Authorization']}\r\nContent-Type: audio/wav\r\n"
            f"Content-Length: {2 * size_bytes}\r\n\r\n"
        )
        with socket.create_connection((address.hostname, address.port), timeout=300) as connection:
            connection.sendall(head.encode() + bytes(size_bytes))
        time.sleep(0.5)
        assert http("GET", f"{model}/audio").json()["audio"] == []
    assert (
        http(
            "POST", f"{model}/audio/half", data=noisy_wav(1), headers={"Content-Type": "audio/wav"}
        ).status_code
        == 201
    )


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("model=xx-XX_None", 404, "Model xx-XX_None not found"),
        ("max_alternatives=-1", 400, "max_alternatives"),
        ("keywords=a,b", 400, "keywords_threshold must be set if keywords list is not empty"),
        (
            "customization_weight=0.5",
            400,
            "Cannot specify customization weight when not using customization.",
        ),
        ("acoustic_customization_id=nonsense", 400, "Malformed GUID: 'nonsense'"),
        (f"acoustic_customization_id={uuid.UUID(int=9)}", 401, "Invalid customization_id"),
        ("timestamps=perhaps", 400, "timestamps"),
        ("base_model_version=v1", 400, "v1"),
    ],
)
def test_recognition_refuses_bad_parameters(http: Http, query: str, code: int, words: str) -> None:
    answer = http("POST", f"/v1/recognize?{query}", data=noisy_wav(1), headers={"Content-Type": "audio/wav"})
    assert_watson_error(answer, code, words)


@pytest.mark.parametrize(
    ("body", "content_type", "code", "words"),
    [
        (b"RIFF" + bytes(95), "audio/wav", 400, "Stream was 99 bytes but needs to be at least 100 bytes."),
        (b"text " * 100, "audio/mp3", 400, "unable to transcode data stream audio/mpeg -> audio/l16 "),
        (b"text " * 100, "text/html", 415, "text/html"),
        (
            noisy_wav(1, rate_hz=8_000),
            "audio/wav",
            400,
            "This 8000hz audio input requires a narrow band model.",
        ),
    ],
)
def test_recognition_refuses_bad_audio(
    http: Http, body: bytes, content_type: str, code: int, words: str
) -> None:
    answer = http("POST", "/v1/recognize", data=body, headers={"Content-Type": content_type})
    assert_watson_error(answer, code, words)


def test_unknown_recognition_parameters_are_warned_about(http: Http) -> None:
    answer = http(
        "POST", "/v1/recognize?continuous=true", data=noisy_wav(1), headers={"Content-Type": "audio/wav"}
    )
    assert answer.status_code == 200, answer.text
    assert any("continuous" in warning for warning in answer.json()["warnings"])
