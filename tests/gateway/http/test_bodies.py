"""Bodies in every form they arrive in."""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chalicelib.gateway.backend import BackendRequest, BackendResponse
from chalicelib.gateway.limits import GatewayLimits
from chalicelib.storage import objects
from tests.gateway.serving import (
    Recorder,
    ask,
    body_of,
    connect,
    gateway,
    header,
    is_watson_error,
    json_response,
    left_in_bucket,
    read_all,
    spooled,
)

INLINE = 2000
PART = 5000
MOST = 40_000
AUDIO = "/v1/acoustic_customizations/c/audio/a"
CHUNKED = {"Transfer-Encoding": "chunked"}


class Taker(Recorder):
    """A backend that takes every body: it reads it, and removes it from the bucket as the API does."""

    def __init__(self) -> None:
        super().__init__(self._take)
        self.bodies: list[bytes] = []

    def _take(self, request: BackendRequest) -> BackendResponse:
        self.bodies.append(body_of(request))
        if reference := spooled(request):
            assert reference.size_bytes == len(self.bodies[-1])
            objects.delete(reference.key)
        return json_response(201, {})


Serve = tuple[Taker, int]


def _limits(idle_s: float) -> GatewayLimits:
    """So long a client may send nothing."""
    return GatewayLimits(
        inline_bytes=INLINE,
        part_bytes=PART,
        body_bytes=MOST,
        body_idle_s=idle_s,
        linger_s=300,
        linger_idle_s=idle_s,
    )


@pytest.fixture(scope="module")
def served(object_store: str) -> Iterator[Serve]:
    backend = Taker()
    with gateway(backend, _limits(60)) as port:
        yield backend, port


@pytest.fixture
def backend(served: Serve, bucket: None) -> Taker:
    served[0].requests.clear()
    served[0].bodies.clear()
    return served[0]


@pytest.fixture
def port(served: Serve) -> int:
    return served[1]


def _cut(body: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(body) + 1) for cut in cuts} | {0, len(body)})
    return [body[a:b] for a, b in itertools.pairwise(places)]


@given(
    size=st.one_of(
        st.integers(0, MOST),
        st.sampled_from([INLINE, INLINE + 1, PART, PART + 1, 2 * PART, 2 * PART + 1, MOST]),
    ),
    seed=st.binary(min_size=1, max_size=16),
    cuts=st.lists(st.integers(0, MOST), max_size=8),
    form=st.sampled_from(["length", "chunked", "gzip", "gzip members", "gzip chunked"]),
)
@example(size=0, seed=b"x", cuts=[], form="gzip")
@example(size=MOST, seed=b"x", cuts=[], form="gzip chunked")
@hypothesis_settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_body_arrives_intact(
    backend: Taker, port: int, size: int, seed: bytes, cuts: list[int], form: str
) -> None:
    backend.bodies.clear()
    backend.requests.clear()
    body = (seed * (size // len(seed) + 1))[:size]
    headers = {"Content-Type": "audio/wav"}
    if form == "gzip members":
        sent = b"".join(gzip.compress(piece) for piece in _cut(body, cuts))
    else:
        sent = gzip.compress(body) if "gzip" in form else body
    if "gzip" in form:
        headers["Content-Encoding"] = "gzip"
    if "chunked" in form:
        answer = ask(port, "POST", AUDIO, iter(_cut(sent, cuts)), headers | CHUNKED, encode_chunked=True)
    else:
        answer = ask(port, "POST", AUDIO, sent, headers)
    assert answer.status == 201, answer.body
    assert backend.bodies == [body]
    delivered = backend.requests[-1]
    assert header(delivered, "content-encoding") is None
    assert header(delivered, "transfer-encoding") is None
    assert header(delivered, "content-length") == str(0 if size > INLINE else size)
    assert len(backend.requests) == (2 if size > INLINE else 1)
    assert left_in_bucket() == []


@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}])
def test_longest_body_and_one_byte_more(backend: Taker, port: int, headers: dict[str, str]) -> None:
    def send(size: int, extra: dict[str, str]) -> int:
        body = gzip.compress(bytes(size)) if headers else bytes(size)
        answer = ask(
            port, "POST", AUDIO, [body] if extra else body, headers | extra, encode_chunked=bool(extra)
        )
        assert answer.status == 201 or is_watson_error(answer, 413)
        return answer.status

    for extra in ({}, CHUNKED):
        assert send(MOST, extra) == 201
        assert send(MOST + 1, extra) == 413
    assert left_in_bucket() == []


@pytest.mark.parametrize(
    "path", ["/v1/acoustic_customizations", "/v1/customizations/c/train", "/identity/token"]
)
def test_other_routes_take_small_bodies_only(backend: Taker, port: int, path: str) -> None:
    assert ask(port, "POST", path, bytes(INLINE)).status == 201
    assert is_watson_error(ask(port, "POST", path, bytes(INLINE + 1)), 413)
    chunked = ask(port, "POST", path, [bytes(INLINE), b"1"], CHUNKED, encode_chunked=True)
    assert is_watson_error(chunked, 413)
    assert len(backend.requests) == 1


def test_a_gzip_bomb_is_left_packed(backend: Taker, port: int) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert is_watson_error(ask(port, "POST", AUDIO, bomb, {"Content-Encoding": "gzip"}), 413)
    assert left_in_bucket() == []


@pytest.mark.parametrize("size", [100, 30_000])
@pytest.mark.parametrize("damage", ["truncated", "not gzip", "rubbish after it"])
def test_bad_gzip(backend: Taker, port: int, size: int, damage: str) -> None:
    packed = gzip.compress(bytes(range(256)) * (size // 256 + 1), 0)
    sent = {"truncated": packed[:-9], "not gzip": b"RIFF" + packed, "rubbish after it": packed + b"rubbish"}
    answer = ask(port, "POST", AUDIO, sent[damage], {"Content-Encoding": "gzip"})
    assert is_watson_error(answer, 400)
    assert "gzip" in answer.json["error"]
    assert not backend.bodies
    assert left_in_bucket() == []


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "rot13"])
def test_unknown_encodings(backend: Taker, port: int, encoding: str) -> None:
    body = zlib.compress(bytes(100_000))
    answer = ask(port, "POST", AUDIO, body, {"Content-Encoding": encoding})
    assert is_watson_error(answer, 415)
    assert encoding in answer.json["error"]
    assert not backend.requests


def test_identity_is_no_encoding(backend: Taker, port: int) -> None:
    assert ask(port, "POST", AUDIO, b"RIFF", {"Content-Encoding": "identity"}).status == 201
    assert backend.bodies == [b"RIFF"]


@pytest.mark.parametrize("begun", [b"x" * 10, b"x" * (3 * PART)])
def test_a_stalled_body_times_out(bucket: None, begun: bytes) -> None:
    backend = Taker()
    with gateway(backend, _limits(0.5)) as port, connect(port) as connection:
        connection.sendall(
            b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n\r\n" % AUDIO.encode() + begun
        )
        received = read_all(connection)
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"Session timed out." in received
    assert not backend.bodies
    assert left_in_bucket() == []


def test_how_long_a_body_was_streamed_is_passed_on(backend: Taker, port: int) -> None:
    said = CHUNKED | {"X-Attune-Streamed": "99"}
    ask(port, "POST", AUDIO, iter([b"RIFF", b"more"]), said, encode_chunked=True)
    ask(port, "POST", AUDIO, b"RIFF", {"X-Attune-Streamed": "99"})
    streamed, whole = backend.requests
    assert 0 <= float(header(streamed, "x-attune-streamed") or "") < 10
    assert header(whole, "x-attune-streamed") is None


def test_a_streamed_recognition_has_to_come_fast_enough(object_store: str) -> None:
    limits = GatewayLimits(body_idle_s=60, stream_window_s=0.2, linger_idle_s=0.1)
    with gateway(Taker(), limits) as port, connect(port) as connection:
        connection.sendall(
            b"POST /v1/recognize HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfLaC\r\n"
        )
        received = read_all(connection)
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"Session timed out." in received


def test_a_slow_body_arrives(backend: Taker, port: int) -> None:
    with connect(port) as connection:
        connection.sendall(
            b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\nConnection: close\r\n\r\n" % AUDIO.encode()
        )
        for byte in b"slowly!!":
            connection.sendall(bytes([byte]))
        assert read_all(connection).startswith(b"HTTP/1.1 201 ")
    assert backend.bodies == [b"slowly!!"]
