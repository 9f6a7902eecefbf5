from __future__ import annotations

import contextlib
import json
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_websocket

from chalicelib.audio.stream import Samples
from chalicelib.gateway import application
from chalicelib.gateway.backend import BackendRequest, BackendResponse
from chalicelib.gateway.limits import GatewayLimits
from chalicelib.gateway.websocket import handshake, websocket_protocol, websocket_session
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.request.models import ServingModel
from tests.audio.signals import encoded, voice, webm
from tests.gateway.echo_worker import DEADLY, SLOW
from tests.gateway.serving import header, json_response, running, spooled, wait_until

LISTENING = {"state": "listening"}
ECHO = (sys.executable, "-m", "tests.gateway.echo_worker")
MODEL = ServingModel("en-US_BroadbandModel.v2020-01-16", None, ("an old version",))
L16 = {"action": "start", "content-type": "audio/l16;rate=16000;endianness=little-endian"}
REASON = "see the previous message for the error details."


class Api:
    """Agrees to every connection, and remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[BackendRequest] = []
        self.answer = json_response(200, MODEL.to_json())

    def __call__(self, request: BackendRequest) -> BackendResponse:
        self.requests.append(request)
        return self.answer


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool(2, command=ECHO) as pool:
        yield pool


@pytest.fixture
def api() -> Api:
    return Api()


class _Kept:
    """A pool that outlives the gateway."""

    def __init__(self, pool: DecoderPool) -> None:
        self.speak, self.warm, self.of = pool.speak, pool.warm, pool.of

    def close(self) -> None:
        pass


@contextlib.contextmanager
def gateway(api: Api, pool: Any, limits: GatewayLimits | None = None) -> Iterator[int]:
    app = application.build(api, ready=lambda: True, limits=limits, pool=lambda: pool)
    with running(app) as port:
        yield port


@pytest.fixture
def port(api: Api, pool: DecoderPool, object_store: str) -> Iterator[int]:
    with gateway(api, _Kept(pool)) as port:
        yield port


@pytest.fixture
def socket(port: int) -> Iterator[ClientConnection]:
    with connect(port) as socket:
        yield socket


def connect(port: int, query: str = "", **options: Any) -> ClientConnection:
    return connect_to(port, f"/v1/recognize{query}", **options)


def connect_to(port: int, path: str, **options: Any) -> ClientConnection:
    # A service that is busy is slow to answer a handshake or a ping; no test is about that.
    socket: ClientConnection = connect_websocket(
        f"ws://127.0.0.1:{port}{path}", open_timeout=120, ping_timeout=None, **options
    )
    return socket


def receive(socket: ClientConnection) -> dict[str, Any]:
    message = socket.recv(120)
    assert isinstance(message, str)
    document: dict[str, Any] = json.loads(message)
    return document


def speech(*lengths_s: float, pause_s: float = 1.5) -> bytes:
    """Voices of these lengths, between pauses, as 16-bit samples."""
    pause = np.zeros(round(pause_s * 16_000), np.float32)
    parts: list[Samples] = [pause]
    for length_s in lengths_s:
        parts += [voice(length_s, 16_000), pause]
    return (np.concatenate(parts) * 32767 * 0.9).astype("<i2").tobytes()


def send(socket: ClientConnection, *messages: dict[str, Any] | bytes) -> None:
    for message in messages:
        socket.send(message if isinstance(message, bytes) else json.dumps(message))


def send_until_closed(socket: ClientConnection, *messages: dict[str, Any] | bytes) -> None:
    """Send messages of which one closes the connection, be it before the last is sent."""
    with contextlib.suppress(ConnectionClosed):
        send(socket, *messages)


def in_frames(audio: bytes, size: int) -> list[bytes]:
    return [audio[start : start + size] for start in range(0, len(audio), size)]


def until_listening(socket: ClientConnection) -> list[dict[str, Any]]:
    messages = []
    while (message := receive(socket)) != LISTENING:
        messages.append(message)
    return messages


def tenths(result: dict[str, Any]) -> int:
    return int(result["alternatives"][0]["transcript"].strip()[1:])


def test_one_object_answers_a_request_without_interim_results(socket: ClientConnection) -> None:
    send(socket, L16 | {"timestamps": True}, *in_frames(speech(2.0, 3.0), 1024), b"")
    assert receive(socket) == LISTENING
    (answer,) = until_listening(socket)
    assert list(answer) == ["result_index", "results", "warnings"]
    assert (answer["result_index"], answer["warnings"]) == (0, ["an old version"])
    lengths = [tenths(result) for result in answer["results"]]
    assert lengths == [pytest.approx(26, abs=3), pytest.approx(36, abs=3)], "the voice and two margins"
    assert all(result["final"] for result in answer["results"])
    starts = [result["alternatives"][0]["timestamps"][0][1] for result in answer["results"]]
    assert starts == [pytest.approx(1.2, abs=0.2), pytest.approx(4.7, abs=0.2)]


def test_interim_results_grow_and_become_final(socket: ClientConnection) -> None:
    send(socket, L16 | {"interim_results": True})
    assert receive(socket) == LISTENING
    audio = speech(2.0, 3.0)
    send(socket, audio[:80_000])  # within the first utterance
    early = [receive(socket)]
    send(socket, audio[80_000:], {"action": "stop"})
    messages = [*early, *until_listening(socket)]
    assert list(messages[0]) == ["result_index", "results", "warnings"]
    assert all(len(message["results"]) == 1 for message in messages)
    for index in (0, 1):
        of_utterance = [m["results"][0] for m in messages if m["result_index"] == index]
        assert [result["final"] for result in of_utterance] == [False] * (len(of_utterance) - 1) + [True]
        assert len(of_utterance) >= 2
        assert [tenths(result) for result in of_utterance] == sorted(
            tenths(result) for result in of_utterance
        )
        assert all(list(result["alternatives"][0]) == ["transcript"] for result in of_utterance[:-1])
        assert list(of_utterance[-1]["alternatives"][0]) == ["transcript", "confidence"]
    indexes = [message["result_index"] for message in messages]
    assert indexes == sorted(indexes)


def test_the_size_of_frames_does_not_matter(socket: ClientConnection) -> None:
    audio = speech(2.0)
    answers = []
    for size in (2, 999, 1 << 22):
        frames = [*in_frames(audio[:6000], size), audio[6000:]]
        send(socket, L16, *frames, b"")
        assert receive(socket) == LISTENING
        answers.append([result for answer in until_listening(socket) for result in answer["results"]])
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("interim", [False, True])
def test_requests_follow_one_another_and_parameters_persist(socket: ClientConnection, interim: bool) -> None:
    audio = speech(1.5)
    send(socket, L16 | {"interim_results": interim, "timestamps": True}, audio, b"")
    send(socket, {"action": "start", "content_type": L16["content-type"]}, audio, {"action": "stop"})
    send(socket, L16 | {"timestamps": False}, audio, b"", {"action": "stop"}, {"action": "no-op"})
    finals = []
    for _ in range(3):
        assert receive(socket) == LISTENING
        results = [result for message in until_listening(socket) for result in message["results"]]
        finals += [result["alternatives"][0] for result in results if result["final"]]
    assert ["timestamps" in final for final in finals] == [True, True, False]
    assert finals[0] == finals[1]


def test_audio_without_a_start_is_a_request_like_the_one_before(socket: ClientConnection) -> None:
    audio = speech(1.5)
    send(socket, L16 | {"timestamps": True, "sing": 1}, audio, b"")
    assert receive(socket) == LISTENING
    first = until_listening(socket)
    send(socket, audio, {"action": "stop"}, audio, {"action": "stop"})
    assert first == until_listening(socket) == until_listening(socket)
    assert first[0]["warnings"] == ["Unknown arguments: sing.", "an old version"]


def test_the_written_text_is_missed_in_the_requests_that_ask_for_it(socket: ClientConnection) -> None:
    send(socket, L16 | {"written": True}, bytes(32_000), b"", L16 | {"written": False}, bytes(32_000), b"")
    answers = []
    for _ in range(2):
        assert receive(socket) == LISTENING
        answers += until_listening(socket)
    asked, not_asked = (answer["warnings"] for answer in answers)
    assert asked[0].startswith(f"written has no effect: version {MODEL.base_version} gives spoken words only")
    assert (asked[1:], not_asked) == (["an old version"], ["an old version"])


def test_unknown_arguments_of_the_url_are_warned_of_in_every_request(port: int) -> None:
    with connect(port, "?foo=1&interim_results=false&access_token=x") as socket:
        send(socket, L16, bytes(32_000), b"", L16 | {"sing": 1}, bytes(32_000), b"")
        answers = []
        for _ in range(2):
            assert receive(socket) == LISTENING
            answers += until_listening(socket)
    lasting = ["Unknown url query arguments: foo.", "an old version"]
    assert [answer["warnings"] for answer in answers] == [lasting, ["Unknown arguments: sing.", *lasting]]


def test_what_the_audio_is_persists_until_it_is_said_anew(socket: ClientConnection) -> None:
    audio = speech(1.5)
    wav = encoded(np.frombuffer(audio, "<i2") / 32768, 16_000, "WAV", "PCM_16")
    heard = []
    for start, data in (
        (L16, audio),
        ({"action": "start", "timestamps": False}, audio),
        ({"action": "start", "content-type": None}, wav),
        ({"action": "start"}, wav),
    ):
        send(socket, start, data, b"")
        assert receive(socket) == LISTENING
        heard.append(until_listening(socket))
    assert heard[0] == heard[1] == heard[2] == heard[3]


def test_a_container_is_decoded_as_it_streams(socket: ClientConnection) -> None:
    samples = np.frombuffer(speech(2.0), "<i2") / 32768
    for container, subtype, said in (("WAV", "PCM_16", None), ("FLAC", "PCM_16", "audio/flac")):
        start = {"action": "start"} | ({} if said is None else {"content-type": said})
        send(socket, start, *in_frames(encoded(samples, 16_000, container, subtype), 1500), b"")
        assert receive(socket) == LISTENING
        (answer,) = until_listening(socket)
        assert tenths(answer["results"][0]) == pytest.approx(26, abs=3)


def test_silence_gives_an_empty_answer(socket: ClientConnection) -> None:
    send(socket, L16, bytes(32_000), b"")
    assert receive(socket) == LISTENING
    (answer,) = until_listening(socket)
    assert answer == {"result_index": 0, "results": [], "warnings": ["an old version"]}


def test_metrics_are_given_when_they_are_wanted(socket: ClientConnection) -> None:
    send(socket, L16 | {"interim_results": True, "processing_metrics": True, "audio_metrics": True})
    assert receive(socket) == LISTENING
    audio = speech(2.0)
    send(socket, audio[:80_000])
    messages = [receive(socket)]
    while "results" not in messages[-1]:  # nothing is transcribed yet
        messages.append(receive(socket))
    send(socket, audio[80_000:], b"")
    for message in messages:
        metrics = message["processing_metrics"]
        processed = metrics["processed_audio"]
        assert 0 <= processed["transcription"] <= processed["seen_by_engine"] <= processed["received"] <= 2.5
        assert metrics["wall_clock_since_first_byte_received"] >= 0
        assert metrics["periodic"] is ("results" not in message)
    assert processed["transcription"] > 0
    last = until_listening(socket)[-1]
    assert last["audio_metrics"]["accumulated"]["end_time"] == pytest.approx(5.0, abs=0.1)
    assert last["audio_metrics"]["accumulated"]["final"] is True


@pytest.mark.parametrize("interim", [False, True])
def test_speakers_of_all_words_come_at_the_end(socket: ClientConnection, interim: bool) -> None:
    send(socket, L16 | {"interim_results": interim, "speaker_labels": True}, speech(1.0), speech(2.0), b"")
    assert receive(socket) == LISTENING
    *earlier, last = until_listening(socket)
    assert not any("speaker_labels" in message for message in earlier)
    results = [
        result for message in (*earlier, last) for result in message.get("results", []) if result["final"]
    ]
    words = [stamp for result in results for stamp in result["alternatives"][0]["timestamps"]]
    assert len(words) == 2
    assert [[label["from"], label["to"]] for label in last["speaker_labels"]] == [word[1:] for word in words]
    assert [label["final"] for label in last["speaker_labels"]] == [False, True]


def error(socket: ClientConnection) -> str:
    """Return the error that ends a connection as the contract has it."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            message = receive(socket)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1011, REASON)
    assert list(message) == ["error"]
    text: str = message["error"]
    return text


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([b"audio"], "start"),
        ([L16, {"action": "stop"}], "Stream was 0 bytes but needs to be at least 100 bytes."),
        ([{"action": "start", "content-type": "audio/l16"}], "rate parameter missing in mimetype audio/l16"),
        ([{"action": "start", "content-type": "text/html"}], "Unsupported mimetype 'text/html'"),
        ([L16 | {"max_alternatives": -1}], "Invalid value '-1' for parameter 'max_alternatives'"),
        ([L16 | {"keywords": ["x"]}], "keywords_threshold must be set if keywords list is not empty"),
        (
            [
                {"action": "start", "content-type": "audio/l16;rate=8000;endianness=little-endian"},
                bytes(400),
                b"",
            ],
            "This 8000hz audio input requires a narrow band model.",
        ),
        ([{"action": "start"}, b"not audio" * 500, b""], "unable to transcode data stream"),
        ([{"action": "start", "content-type": "audio/mp3"}, b"not audio" * 999, b""], "stream audio/mpeg ->"),
        ([L16 | {"inactivity_timeout": 2}, bytes(32_000 * 3)], "No speech detected for 2s."),
    ],
)
def test_errors_are_said_before_the_connection_closes(
    socket: ClientConnection, messages: list[Any], said: str
) -> None:
    send_until_closed(socket, *messages)
    assert said in error(socket)


def test_of_two_errors_among_what_waited_the_first_is_said(socket: ClientConnection) -> None:
    wrong = L16 | {"max_alternatives": -1}
    send_until_closed(socket, L16, speech(1.0), {"action": "stop"}, wrong, L16, {"action": "sing"})
    assert error(socket).startswith("Invalid value '-1' for parameter 'max_alternatives'")


def test_a_frame_above_four_megabytes_closes_with_1009(socket: ClientConnection) -> None:
    longest = 4 << 20
    send(socket, L16 | {"inactivity_timeout": -1}, bytes(longest), b"")  # two minutes of silence
    assert receive(socket) == LISTENING
    assert until_listening(socket)
    # Of the longer frame only its header: the service does not read on.
    socket.socket.sendall(struct.pack("!BBQ4x", 0x82, 0xFF, longest + 1))
    with pytest.raises(ConnectionClosed) as closed:
        receive(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_a_ping_is_answered(socket: ClientConnection) -> None:
    assert socket.ping().wait(60)


def test_a_session_without_audio_times_out(socket: ClientConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    send(socket, L16)
    assert receive(socket) == LISTENING
    monkeypatch.setattr(websocket_protocol, "SESSION_TIMEOUT_S", 0.2)
    send_until_closed(socket, {"action": "no-op"})  # the session looks at the clock
    assert error(socket) == "Session timed out."


def marked(audio: bytes, value: float) -> bytes:
    """Put a sample of this value into the middle."""
    samples = np.frombuffer(audio, "<i2").copy()
    samples[len(samples) // 2] = round(value * 32768)
    return samples.tobytes()


def test_a_client_faster_than_the_service_does_not_time_out(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_session, "AHEAD_BYTES", 1000)
    with connect(port) as socket:
        send(socket, L16, *[marked(speech(1.0), SLOW)] * 6, b"")
        monkeypatch.setattr(websocket_protocol, "SESSION_TIMEOUT_S", 1.0)  # the client has said all
        assert receive(socket) == LISTENING
        (answer,) = until_listening(socket)
    assert len(answer["results"]) == 6


@pytest.mark.parametrize("interim", [False, True])
def test_an_utterance_that_kills_its_process_twice_fails(
    port: int, socket: ClientConnection, interim: bool
) -> None:
    send_until_closed(socket, L16 | {"interim_results": interim}, marked(speech(2.0), DEADLY), b"")
    assert error(socket) == "Recognition failed. Try again; if it fails again, tell your operator."
    with connect(port) as other:
        send(other, L16, speech(2.0), b"")
        assert receive(other) == LISTENING
        assert until_listening(other)[0]["results"]


def test_more_utterances_than_processes_lose_nothing(port: int) -> None:
    audio = speech(1.0, 2.0, 1.0, 3.0)
    answers: dict[int, list[int]] = {}

    def talk(number: int) -> None:
        with connect(port) as socket:
            send(socket, L16 | {"interim_results": number % 2 == 0}, *in_frames(audio, 5000), b"")
            assert receive(socket) == LISTENING
            messages = until_listening(socket)
        answers[number] = [tenths(r) for m in messages for r in m["results"] if r["final"]]

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert len(answers) == 8
    assert all(answer == answers[0] for answer in answers.values())
    assert len(answers[0]) == 4


def test_past_the_queue_a_client_hears_that_there_is_no_room(api: Api, object_store: str) -> None:
    with DecoderPool(1, command=ECHO, waiting=0) as pool, gateway(api, pool) as port, connect(port) as socket:
        send_until_closed(socket, L16 | {"interim_results": True}, speech(2.0), b"")
        assert error(socket) == "Recognition has no capacity at the moment. Try again in a minute."


def test_a_client_that_goes_leaves_nothing_behind(api: Api, object_store: str) -> None:
    pool = DecoderPool(1, command=ECHO)
    with gateway(api, pool) as port:
        threads = threading.active_count()
        for content in (speech(2.0)[:90_000], encoded(voice(1.0, 16_000), 16_000, "FLAC", "PCM_16")):
            with connect(port) as socket:
                start = L16 if content[:4] != b"fLaC" else {"action": "start"}
                send(socket, start | {"interim_results": True}, content)
                assert receive(socket) == LISTENING
        with connect(port) as socket:  # its only process is free again
            send(socket, L16 | {"interim_results": True}, speech(1.0), b"")
            assert receive(socket) == LISTENING
            assert until_listening(socket)[-1]["results"][0]["final"]
        wait_until(lambda: not [t for t in threading.enumerate() if t.name == "attune-container"])
        assert threading.active_count() >= threads
        wait_until(lambda: pool.waiting == 0)
    assert pool.process_ids == ()


def test_a_client_that_goes_in_the_middle_of_a_container_holds_nobody_up(port: int) -> None:
    audio = webm(voice(3.0, 48_000), 48_000, "opus")
    for end in (40, len(audio) // 2, len(audio) - 3):
        with connect(port) as leaving:
            send(leaving, {"action": "start", "content-type": "audio/webm"})
            assert receive(leaving) == LISTENING
            send(leaving, audio[:end])
        wait_until(lambda: not [t for t in threading.enumerate() if t.name == "attune-container"])
        with connect(port) as other:
            send(other, L16)
            assert receive(other) == LISTENING


def test_the_end_of_the_service_closes_with_1012(api: Api, pool: DecoderPool, object_store: str) -> None:
    with contextlib.ExitStack() as service, contextlib.ExitStack() as client:
        socket = client.enter_context(connect(service.enter_context(gateway(api, _Kept(pool)))))
        send(socket, L16, speech(2.0)[:90_000])
        assert receive(socket) == LISTENING
        service.close()
        with pytest.raises(ConnectionClosed) as closed:
            receive(socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012


@pytest.mark.parametrize(
    ("query", "headers", "authorization", "passed"),
    [
        (
            "?model=m&x-watson-metadata=customer_id%3Da",
            {"Authorization": "Basic YQ=="},
            "Basic YQ==",
            "model=m&x-watson-metadata=customer_id%3Da",
        ),
        ("?access_token=t.o.k&model=a+b", {}, "Bearer t.o.k", "model=a+b"),
        ("?watson-token=t.o.k", {}, "Bearer t.o.k", ""),
        ("?access_token=t", {"Authorization": "Bearer u"}, "Bearer u", ""),
        ("", {}, None, ""),
    ],
)
def test_the_api_is_asked_before_a_connection_is_accepted(
    port: int, api: Api, query: str, headers: dict[str, str], authorization: str | None, passed: str
) -> None:
    headers |= {"X-Attune-Body": "forged", "X-Global-Transaction-Id": "0123456789abcdef"}
    with connect(port, query, additional_headers=headers) as socket:
        assert socket.response is not None
        assert socket.response.headers["X-Global-Transaction-Id"] == "0123456789abcdef"
        assert socket.response.headers["X-DP-Watson-Tran-ID"]
    (request,) = api.requests
    assert (request.method, request.raw_path, request.query_string) == ("GET", "/v1/recognize", passed)
    assert header(request, "authorization") == authorization
    assert header(request, "x-forwarded-proto") == "http"
    reference = spooled(request)
    assert reference is not None
    assert reference.pending


@pytest.fixture
def asking_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "_CHECKED_AGAIN_S", 0.0)


@pytest.mark.parametrize("status", [401, 403, 429])
def test_a_connection_ends_with_its_next_request_when_its_key_was_revoked(
    socket: ClientConnection, api: Api, asking_each_time: None, status: int
) -> None:
    audio = speech(1.5)
    send(socket, L16, audio, b"")
    assert receive(socket) == LISTENING
    assert until_listening(socket)
    api.answer = json_response(status, {"code": status, "error": "enough"})
    send_until_closed(socket, L16, audio, b"")
    invalid = "The credentials of this connection are no longer valid. Connect again with others."
    assert error(socket) == ("enough" if status == 429 else invalid)


def test_what_was_heard_is_told_and_a_service_that_fails_ends_no_connection(
    port: int, api: Api, asking_each_time: None
) -> None:
    audio = speech(1.5)
    with connect(port) as socket:
        send(socket, L16, audio, b"")
        assert receive(socket) == LISTENING
        until_listening(socket)
        api.answer = json_response(503, {"code": 503, "error": "busy"})
        send(socket, audio, b"")
        assert until_listening(socket)
    wait_until(lambda: len(api.requests) == 4)  # once at the handshake, before each request, at the end
    asked = [spooled(request) for request in api.requests]
    assert [one.continued for one in asked if one is not None] == [False, True, True, True]
    length_s = round(len(audio) / 32_000)
    assert [one.size_bytes for one in asked if one is not None] == [0, 0, length_s, length_s]


@pytest.mark.parametrize("prefix", ["", "/speech-to-text/api", "/instances/0a1b"])
def test_every_prefix_is_served(port: int, api: Api, prefix: str) -> None:
    with connect_to(port, f"{prefix}/v1/recognize/"):
        pass
    assert api.requests[0].raw_path == f"{prefix}/v1/recognize"


@pytest.mark.parametrize("status", [400, 401, 404, 503])
def test_a_refusal_is_the_status_of_the_handshake(
    port: int, api: Api, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    api.answer = json_response(status, {"code_description": "x", "code": status, "error": "no"})
    with pytest.raises(InvalidStatus) as refused, connect(port):
        pass
    response = refused.value.response
    assert response.status_code == status
    assert json.loads(response.body) == {"code_description": "x", "code": status, "error": "no"}
    assert response.headers["X-Global-Transaction-Id"]
    assert caplog.records == [], "no fault of the service"


def test_other_paths_and_too_many_connections_are_refused(
    api: Api, pool: DecoderPool, object_store: str
) -> None:
    with gateway(api, _Kept(pool), GatewayLimits(sockets=1)) as port:
        with pytest.raises(InvalidStatus) as refused, connect_to(port, "/v1/models"):
            pass
        assert refused.value.response.status_code == 404
        with connect(port), pytest.raises(InvalidStatus) as refused, connect(port):
            pass
        assert refused.value.response.status_code == 503


def test_a_damaged_custom_model_is_told_at_the_handshake(
    port: int, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.engines.errors import ModelUnreadable
    from chalicelib.recognition.decoding import fetched_model

    def damaged(model: ServingModel) -> Callable[[], None]:
        raise ModelUnreadable("it is gone")

    monkeypatch.setattr(fetched_model, "fetched", damaged)
    with pytest.raises(InvalidStatus) as refused, connect(port):
        pass
    assert refused.value.response.status_code == 500
    assert "Train the model again" in json.loads(refused.value.response.body)["error"]


def test_a_session_may_last_longer_than_an_hour(api: Api, pool: DecoderPool, object_store: str) -> None:
    """In one request, faster than it could be spoken: times run through, and every utterance is there."""
    narrow = ServingModel("en-US_NarrowbandModel.v2019-06-24", None)
    api.answer = json_response(200, narrow.to_json())
    every_s, minutes = 20, 62
    turn = np.concatenate([voice(1.5, 8_000), np.zeros((every_s * 2 - 3) * 4_000, np.float32)])
    audio = (turn * 32767 * 0.9).astype("<i2").tobytes()
    start = {"action": "start", "content-type": "audio/l16;rate=8000;endianness=little-endian"}
    finals: list[dict[str, Any]] = []
    with gateway(api, _Kept(pool)) as port, connect(port) as socket:
        send(socket, start | {"interim_results": True, "timestamps": True})
        assert receive(socket) == LISTENING
        for minute in range(minutes):
            send(socket, *[audio] * (60 // every_s))
            while len(finals) < 60 // every_s * minute:
                message = receive(socket)
                finals += [message] if message["results"][0]["final"] else []
        send(socket, b"")
        finals += [message for message in until_listening(socket) if message["results"][0]["final"]]
    assert [message["result_index"] for message in finals] == list(range(60 // every_s * minutes))
    starts = [message["results"][0]["alternatives"][0]["timestamps"][0][1] for message in finals]
    assert starts == [pytest.approx(every_s * number, abs=0.4) for number in range(len(finals))]
    assert starts[-1] > 3600
