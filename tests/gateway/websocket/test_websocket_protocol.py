from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.gateway.websocket.websocket_protocol import (
    AHEAD_BYTES,
    ERROR_REASON,
    INTERNAL_ERROR,
    LISTENING,
    MAX_REQUEST_BYTES,
    SESSION_TIMEOUT_S,
    Action,
    AudioEnded,
    AudioReceived,
    Begin,
    Close,
    Protocol,
    Say,
    State,
)

START = '{"action": "start", "content-type": "audio/wav"}'
STOP = '{"action": "stop"}'
NO_OP = '{"action": "no-op"}'
SOUND = bytes(200)


def opened(*messages: str | bytes) -> Protocol:
    protocol = Protocol(0.0)
    for message in messages:
        protocol.receive(message, 0.0)
    return protocol


def error_of(actions: list[Action]) -> str:
    say, close = actions
    assert close == Close(INTERNAL_ERROR, ERROR_REASON)
    assert isinstance(say, Say)
    document = json.loads(say.text)
    assert list(document) == ["error"]
    text: str = document["error"]
    return text


def test_a_request_from_start_to_listening() -> None:
    protocol = opened()
    assert protocol.receive(START, 0.0) == [Begin(json.loads(START)), Say('{"state": "listening"}')]
    assert protocol.receive(SOUND, 0.0) == [AudioReceived(SOUND)]
    assert protocol.receive(STOP, 0.0) == [AudioEnded()]
    assert protocol.complete(0.0) == [Say('{"state": "listening"}')]
    assert protocol.state is State.IDLE


def test_an_empty_message_ends_the_audio_and_a_stop_after_it_does_nothing() -> None:
    protocol = opened(START, SOUND)
    assert protocol.receive(b"", 0.0) == [AudioEnded()]
    assert protocol.receive(STOP, 0.0) == []
    assert protocol.complete(0.0) == [Say(LISTENING)]
    assert protocol.receive(b"", 0.0) == []


def test_audio_without_a_start_asks_for_the_same_again() -> None:
    protocol = opened(START, SOUND, STOP)
    assert protocol.complete(0.0) == [Say(LISTENING)]
    assert protocol.receive(SOUND, 0.0) == [Begin(json.loads(START)), AudioReceived(SOUND)]
    assert protocol.receive(SOUND, 0.0) == [AudioReceived(SOUND)]
    for message in (STOP, SOUND, b""):
        protocol.receive(message, 0.0)
    assert protocol.complete(0.0) == [
        Say(LISTENING),
        Begin(json.loads(START)),
        AudioReceived(SOUND),
        AudioEnded(),
    ]
    assert protocol.complete(0.0) == [Say(LISTENING)]


def test_a_request_without_a_start_has_a_length_of_its_own() -> None:
    protocol = opened(START, SOUND, STOP)
    protocol.complete(0.0)
    protocol.receive(bytes(99), 0.0)
    assert error_of(protocol.receive(STOP, 0.0)) == (
        "Stream was 99 bytes but needs to be at least 100 bytes."
    )


def test_what_comes_before_the_results_waits_for_its_turn() -> None:
    protocol = opened(START, SOUND, STOP)
    for message in (START, NO_OP, SOUND, STOP, START):
        assert protocol.receive(message, 0.0) == []
    assert protocol.complete(0.0) == [
        Say(LISTENING),
        Begin(json.loads(START)),
        Say(LISTENING),
        AudioReceived(SOUND),
        AudioEnded(),
    ]
    assert protocol.complete(0.0) == [Say(LISTENING), Begin(json.loads(START)), Say(LISTENING)]


def test_a_client_far_ahead_is_not_read_any_more() -> None:
    protocol = opened(START, SOUND, STOP, START, bytes(AHEAD_BYTES - len(START) - 1))
    full = [protocol.full]
    protocol.receive(b"x", 0.0)
    full.append(protocol.full)
    protocol.complete(0.0)
    assert [*full, protocol.full] == [False, True, False]


@pytest.mark.parametrize(
    ("before", "message", "said"),
    [
        ((), SOUND, "start"),
        ((), STOP, "start"),
        ((), b"", "start"),
        ((START,), STOP, "Stream was 0 bytes but needs to be at least 100 bytes."),
        ((START, bytes(99)), b"", "Stream was 99 bytes but needs to be at least 100 bytes."),
        ((START,), START, "stop"),
        ((), "{", "JSON"),
        ((), "[" * 100_000, "JSON"),
        ((), "[1]", "action"),
        ((), "{}", "action"),
        ((), '{"action": "sing"}', "Unknown action 'sing'"),
        ((), '{"action": {"start": 1}}', "Unknown action"),
    ],
)
def test_what_makes_no_sense_is_named(
    before: tuple[str | bytes, ...], message: str | bytes, said: str
) -> None:
    protocol = opened(*before)
    assert said in error_of(protocol.receive(message, 0.0))
    assert protocol.state is State.CLOSED


def test_a_request_has_at_most_a_hundred_megabytes() -> None:
    protocol = opened(START)
    piece = bytes(4 * 1024 * 1024)
    for _ in range(MAX_REQUEST_BYTES // len(piece)):
        assert protocol.receive(piece, 0.0) == [AudioReceived(piece)]
    assert "at most 104857600 bytes" in error_of(protocol.receive(b"x", 0.0))


def test_the_session_times_out_without_audio() -> None:
    protocol = opened(START)
    protocol.receive(SOUND, 20.0)
    protocol.receive(NO_OP, 25.0)
    assert protocol.tick(49.9) == []
    assert error_of(protocol.tick(50.0)) == "Session timed out."


def test_interim_results_keep_a_session_alive() -> None:
    protocol = opened(START)
    protocol.interim_sent(20.0)
    assert protocol.deadline_s == 20.0 + SESSION_TIMEOUT_S


def test_a_client_that_is_held_back_does_not_time_out() -> None:
    protocol = opened(START)
    protocol.held_back(20.0)
    assert protocol.tick(49.9) == []
    assert error_of(protocol.tick(50.0)) == "Session timed out."


def test_a_session_that_waits_for_its_results_does_not_time_out() -> None:
    protocol = opened(START, SOUND, STOP)
    assert protocol.deadline_s is None
    assert protocol.tick(1e9) == []


messages = st.one_of(
    st.sampled_from([START, STOP, NO_OP, b"", SOUND, "nonsense", "{}", '{"action": "start"}']),
    st.binary(max_size=300),
    st.text(max_size=20),
)
events = st.lists(
    st.one_of(
        messages, st.sampled_from(["!complete", "!tick", "!interim", "!fail"]).map(lambda name: (name,))
    ),
    max_size=40,
)


def play(script: list[Any], protocol: Protocol) -> list[list[Action]]:
    now_s, heard = 0.0, []
    for event in script:
        now_s += 1.0
        match event:
            case ("!complete",):
                heard.append(protocol.complete(now_s))
            case ("!tick",):
                heard.append(protocol.tick(now_s))
            case ("!interim",):
                protocol.interim_sent(now_s)
            case ("!fail",):
                heard.append(protocol.fail("it broke"))
            case _:
                heard.append(protocol.receive(event, now_s))
    return heard


@given(events)
def test_every_order_of_messages_has_an_answer(script: list[Any]) -> None:
    protocol = Protocol(0.0)
    flat = [action for actions in play(script, protocol) for action in actions]
    # After a close nothing follows, and it follows the error that it speaks of.
    closes = [place for place, action in enumerate(flat) if isinstance(action, Close)]
    assert len(closes) <= 1
    if closes:
        place = closes[0]
        before = flat[place - 1]
        assert place == len(flat) - 1
        assert isinstance(before, Say)
        assert "error" in json.loads(before.text)
        assert protocol.state is State.CLOSED
        assert play(script, protocol) == [[] for event in script if event != ("!interim",)]
    # Requests follow one another: begin, listening, audio, end, and listening once more.
    state = State.IDLE
    begun = completed = listening = 0
    for place, action in enumerate(flat):
        match action:
            case Begin():
                assert state is State.IDLE
                state = State.LISTENING
                follows = flat[place + 1]
                begun += follows == Say(LISTENING)
                assert isinstance(follows, AudioReceived) or follows == Say(LISTENING), (
                    "told to, or told before"
                )
            case AudioReceived(data):
                assert state is State.LISTENING
                assert data
            case AudioEnded():
                assert state is State.LISTENING
                state = State.STOPPED
            case Say(text) if text == LISTENING:
                listening += 1
                if state is State.STOPPED:
                    state, completed = State.IDLE, completed + 1
    if protocol.state is not State.CLOSED:
        assert state is protocol.state
        assert listening == begun + completed


@given(events)
def test_nobody_waits_for_ever(script: list[Any]) -> None:
    """Whatever was said, the service owes results, or it closes within half a minute of silence."""
    protocol = Protocol(0.0)
    play(script, protocol)
    if protocol.state is State.STOPPED:
        assert protocol.complete(100.0)[0] == Say(LISTENING)
    if protocol.state in (State.IDLE, State.LISTENING):
        assert error_of(protocol.tick(100.0 + SESSION_TIMEOUT_S)) == "Session timed out."
