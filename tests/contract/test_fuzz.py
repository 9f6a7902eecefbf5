"""Requests, orders and media that nobody would think of: each gets an answer, and nothing falls over.

`--hypothesis-profile=search` looks for others than those that are looked at each time.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import http.client
import json
import socket
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

import app
from infra.local.processes import child
from tests.audio.archives.packing import tarred, zipped
from tests.audio.signals import encoded, wav, webm
from tests.running_service import RunningService

_ANSWERS_WITHIN_S = 60.0
_LIGHT = "model=en-US_NarrowbandModel&base_model_version=en-US_NarrowbandModel.v2019-06-24"
_RATE_HZ = 8000
_SEARCHED = 20
"""So many times as much is looked at by the profile that searches."""


def _examples(number: int) -> settings:
    return settings(
        max_examples=number if settings().derandomize else _SEARCHED * number,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )


def _processes(service: RunningService) -> dict[str, set[int]]:
    """Return the processes that are always there, by what they run."""
    found: dict[str, set[int]] = {}
    for process_id in child.marked(str(service.home.resolve())):
        with contextlib.suppress(OSError, IndexError):  # it has ended meanwhile
            words = Path(f"/proc/{process_id}/cmdline").read_bytes().decode().split("\0")
            name = Path(f"/proc/{process_id}/comm").read_text().strip()
            if words[2].startswith("infra.local") and name.startswith("python"):
                found.setdefault(words[2], set()).add(process_id)
    return found


@pytest.fixture(scope="module", autouse=True)
def _nothing_falls_over(service: RunningService) -> Iterator[None]:
    before = _processes(service)
    assert "infra.local.store.server" in before
    yield
    assert _processes(service) == before
    models = _json_of(_sent(service, "GET", "/v1/acoustic_customizations"))["customizations"]
    models += _json_of(_sent(service, "GET", "/v1/customizations"))["customizations"]
    assert all(model["name"] != "fuzz" for model in models)


def _authorization(service: RunningService) -> str:
    return "Basic " + base64.b64encode(f"apikey:{service.key}".encode()).decode()


def _sent(
    service: RunningService,
    method: str,
    target: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    """Send a request as it is, and return status and body.

    Raises:
        OSError, http.client.HTTPException: there is no answer.
    """
    address = urlsplit(service.url)
    assert address.hostname is not None
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=_ANSWERS_WITHIN_S)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        sent = {
            "Authorization": _authorization(service),
            "Content-Length": str(len(body)),
            **(headers or {}),
        }
        for name, value in sent.items():
            connection.putheader(name, value.encode("utf-8"))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _json_of(answered: tuple[int, bytes]) -> Any:
    assert answered[0] == 200, answered
    return json.loads(answered[1])


# HTTP

_ROUTES = sorted(
    (method, path)
    for path, methods in app.app.routes.items()
    for method in methods
    if path.startswith(("/v1/", "/identity"))
)
_texts = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="aA0%./\\\x00\x7fé語💥 ';\"<>{}", max_size=60),
    st.integers(1, 3000).map(lambda length: "x" * length),
    st.sampled_from(
        ("..", "%00", "null", "-1", "1e999", "NaN", "true", "00000000-0000-0000-0000-000000000000")
    ),
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=8,
)
_FIELDS = (
    *(
        "name",
        "base_model_name",
        "base_model_version",
        "description",
        "retrain_after_minutes",
        "callback_url",
    ),
    *("label", "events"),
    *("word", "words", "sounds_like", "display_as", "corpus_text", "dialect", "language"),
)
_PARAMETERS = (
    *(
        "model",
        "base_model_version",
        "acoustic_customization_id",
        "acoustic_customization_version",
        "language_customization_id",
        "grammar_name",
    ),
    *("customization_weight", "inactivity_timeout", "keywords", "keywords_threshold", "max_alternatives"),
    *(
        "word_alternatives_threshold",
        "timestamps",
        "speaker_labels",
        "end_of_phrase_silence_time",
        "channels",
    ),
    *("processing_metrics_interval", "results_ttl", "events", "user_token", "strict", "force", "word_type"),
    *(
        "sort",
        "from",
        "customer_id",
        "callback_url",
        "allow_overwrite",
        "word_type_to_add",
        "language",
        "written",
    ),
)
_documents = st.dictionaries(st.sampled_from(_FIELDS), _values, max_size=4).map(
    lambda document: json.dumps({**document, "name": document.get("name", "fuzz")}).encode()
)
_headers = st.dictionaries(
    st.sampled_from(
        (
            "Content-Type",
            "Accept",
            "X-Watson-Metadata",
            "Contained-Content-Type",
            "Accept-Encoding",
            "X-Attune-Body",
        )
    ),
    st.sampled_from(
        (
            *(
                "application/json",
                "audio/wav",
                "audio/l16",
                "audio/l16;rate=0;channels=-1",
                "audio/mulaw;rate=99999999",
            ),
            *(
                "multipart/form-data",
                "multipart/form-data; boundary=x",
                "text/plain; charset=nothing",
                "*/*;q=-1",
            ),
            *("customer_id=", "customer_id=fuzz", "application/zip", ";;;=", "a" * 4000, "é"),
        )
    ),
    max_size=3,
)


@_examples(120)
@given(
    route=st.sampled_from(_ROUTES),
    path_values=st.lists(_texts, min_size=2, max_size=2),
    query=st.dictionaries(st.sampled_from(_PARAMETERS), _texts, max_size=3),
    body=st.one_of(st.just(b""), st.binary(max_size=200), _documents),
    headers=_headers,
)
def test_every_request_gets_an_answer_that_is_not_our_fault(
    service: RunningService,
    route: tuple[str, str],
    path_values: list[str],
    query: dict[str, str],
    body: bytes,
    headers: dict[str, str],
) -> None:
    method, path = route
    for value in path_values:
        start, brace, rest = path.partition("{")
        if brace:
            path = start + quote(value, safe="") + rest.partition("}")[2]
    target = f"{path}?{urlencode(query)}" if query else path
    status, answer = _sent(service, method, target, body, headers)
    assert status < 500, (status, answer[:500])
    if status >= 400 and answer:
        document = json.loads(answer)
        assert document.get("error") or document.get("errorMessage"), answer
        assert b"Traceback" not in answer
    if status == 201 and b"customization_id" in answer:
        made = json.loads(answer)["customization_id"]
        assert _sent(service, "DELETE", f"{path}/{made}")[0] == 200


@_examples(30)
@given(data=st.binary(min_size=1, max_size=300), chunked=st.booleans())
def test_bytes_that_are_no_request_end_the_connection_and_nothing_else(
    service: RunningService, data: bytes, chunked: bool
) -> None:
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=_ANSWERS_WITHIN_S) as one:
        if chunked:  # a request whose body is none
            head = f"POST /v1/recognize HTTP/1.1\r\nHost: x\r\nAuthorization: {_authorization(service)}\r\n"
            one.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(OSError):
            one.sendall(data)
            one.shutdown(socket.SHUT_WR)
            while piece := one.recv(4096):
                assert not piece.startswith(b"HTTP/1.1 5"), piece
    assert _sent(service, "GET", "/health")[0] == 200


# WebSocket

_SILENCE = np.zeros(2000, "<i2").tobytes()
_starts = st.fixed_dictionaries(
    {"action": st.just("start")},
    optional={
        "content-type": st.sampled_from(
            (
                "audio/l16;rate=8000",
                "audio/l16;rate=8000",
                "audio/wav",
                "audio/ogg",
                "audio/webm",
                "audio/nothing",
                "",
            )
        ),
        "interim_results": _values,
        "inactivity_timeout": st.integers(-2, 3) | _values,
        "keywords": _values,
        "keywords_threshold": st.floats(0, 1) | _values,
        "word_alternatives_threshold": _values,
        "max_alternatives": st.integers(-1, 5),
        "customization_weight": _values,
    },
)
_orders = st.one_of(
    _starts.map(json.dumps),
    st.sampled_from(
        (
            *(
                '{"action": "stop"}',
                '{"action": "no-op"}',
                '{"action": "start", "content-type": "audio/l16;rate=8000"}',
            ),
            *('{"action": ["start"]}', "[]", "null", "{", '{"action": "start"', "1e999", '"stop"'),
        )
    ),
    st.just(_SILENCE),
    st.sampled_from(
        (b"", b"\0", b"RIFF", b"OggS" + bytes(60), b"fLaC" + bytes(200), wav(np.zeros(800), _RATE_HZ))
    ),
    st.binary(max_size=300),
    st.text(max_size=20),
)


@_examples(40)
@given(orders=st.lists(_orders, max_size=7))
def test_whatever_is_ordered_the_session_goes_on_or_says_why_not(
    service: RunningService, orders: list[str | bytes]
) -> None:
    url = f"{service.url.replace('http', 'ws', 1)}/v1/recognize?{_LIGHT}"
    said: list[dict[str, Any]] = []
    with connect(
        url,
        additional_headers={"Authorization": _authorization(service)},
        open_timeout=_ANSWERS_WITHIN_S,
        close_timeout=_ANSWERS_WITHIN_S,
    ) as one:
        try:
            for order in orders:
                one.send(order)
            with contextlib.suppress(TimeoutError):
                while True:
                    said.append(json.loads(one.recv(timeout=0.05)))
        except ConnectionClosed as closed:
            assert closed.rcvd is not None, "it broke off"
            assert closed.rcvd.code == 1011, closed
            with contextlib.suppress(ConnectionClosed):
                while True:
                    said.append(json.loads(one.recv()))
            assert said, "it ended without a word"
            assert list(said[-1]) == ["error"]
            assert "internal" not in said[-1]["error"].lower()
    for message in said:
        assert set(message) <= {"state", "results", "result_index", "error", "warnings", "speaker_labels"}


@_examples(30)
@given(query=st.dictionaries(st.sampled_from(_PARAMETERS), _texts, min_size=1, max_size=3))
def test_whatever_a_handshake_asks_for_it_is_taken_or_refused_with_a_reason(
    service: RunningService, query: dict[str, str]
) -> None:
    url = f"{service.url.replace('http', 'ws', 1)}/v1/recognize?{urlencode(query)}"
    with contextlib.suppress(InvalidHandshake):
        try:
            with connect(url, additional_headers={"Authorization": _authorization(service)}):
                pass
        except InvalidHandshake as refusal:
            response = getattr(refusal, "response", None)
            assert response is not None, refusal
            assert 400 <= response.status_code < 500, response
            assert json.loads(response.body)["error"]
            raise


# Media

_quiet = np.random.default_rng(5).normal(0, 0.001, _RATE_HZ // 4).astype(np.float32)


@functools.cache
def _media() -> dict[str, bytes]:
    """Return a quarter of a second of hiss in each format, and archives of it."""
    plain = wav(_quiet, _RATE_HZ)
    return {
        "audio/wav": plain,
        "audio/flac": encoded(_quiet, _RATE_HZ, "FLAC", "PCM_16"),
        "audio/mp3": encoded(_quiet, _RATE_HZ, "MP3", "MPEG_LAYER_III"),
        "audio/ogg;codecs=opus": encoded(_quiet, _RATE_HZ, "OGG", "OPUS"),
        "audio/ogg;codecs=vorbis": encoded(_quiet, _RATE_HZ, "OGG", "VORBIS"),
        "audio/webm": webm(_quiet, _RATE_HZ, "opus"),
        "application/zip": zipped({"a.wav": plain, "b.wav": plain}, zipfile.ZIP_STORED),
        "application/gzip": tarred({"a.wav": plain, "b.wav": plain}, tarfile.USTAR_FORMAT),
    }


@st.composite
def _mutations(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a format, and a file of it with bytes changed, left out, repeated or cut off, above all in its head."""
    kind = draw(st.sampled_from(sorted(_media())))
    data = bytearray(_media()[kind])
    for _ in range(draw(st.integers(1, 4))):
        if not data:
            break
        last = draw(st.sampled_from((min(63, len(data) - 1), len(data) - 1)))
        at = draw(st.integers(0, last))
        match draw(st.sampled_from(("flip", "set", "cut", "drop", "repeat", "insert"))):
            case "flip":
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "set":
                size = draw(st.sampled_from((1, 2, 4, 8)))
                data[at : at + size] = draw(st.sampled_from((b"\xff", b"\0", b"\x7f"))) * size
            case "cut":
                del data[at:]
            case "drop":
                del data[at : at + draw(st.integers(1, 64))]
            case "repeat":
                data[at:at] = data[at : at + draw(st.integers(1, 200))]
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=40))
    return kind, bytes(data)


@_examples(60)
@given(media=_mutations())
def test_damaged_audio_is_recognised_or_refused(service: RunningService, media: tuple[str, bytes]) -> None:
    kind, data = media
    status, answer = _sent(service, "POST", f"/v1/recognize?{_LIGHT}", data, {"Content-Type": kind})
    assert status in (200, 400, 415), (status, answer[:500])
    document = json.loads(answer)
    assert "results" in document if status == 200 else document["error"]


@_examples(10)
@given(media=st.lists(_mutations(), min_size=4, max_size=4))
def test_damaged_uploads_are_judged_one_way_or_the_other(
    fuzzed_model: tuple[RunningService, str], media: list[tuple[str, bytes]]
) -> None:
    service, model = fuzzed_model
    for number, (kind, data) in enumerate(media):
        path = f"{model}/audio/a{number}?allow_overwrite=true"
        status, answer = _sent(service, "POST", path, data, {"Content-Type": kind})
        assert status in (201, 400, 415), answer
    until_s = time.monotonic() + _ANSWERS_WITHIN_S
    while True:
        listed = _json_of(_sent(service, "GET", f"{model}/audio"))["audio"]
        if all(one["status"] in ("ok", "invalid") for one in listed):
            break
        assert time.monotonic() < until_s, listed
        time.sleep(0.02)
    assert "internal error" not in json.dumps(listed)


@pytest.fixture(scope="module")
def fuzzed_model(service: RunningService) -> Iterator[tuple[RunningService, str]]:
    asked = json.dumps({"name": "fuzz", "base_model_name": "en-US_NarrowbandModel"}).encode()
    status, answer = _sent(
        service, "POST", "/v1/acoustic_customizations", asked, {"Content-Type": "application/json"}
    )
    assert status == 201, answer
    path = f"/v1/acoustic_customizations/{json.loads(answer)['customization_id']}"
    yield service, path
    assert _sent(service, "DELETE", path)[0] == 200
