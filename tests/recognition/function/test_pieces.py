"""A recording that is cut into pieces gets the answer that it would get as a whole."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import settings
from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, KeywordHit, Word, WordSlot
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.function import handler, pieces, steps
from chalicelib.storage import objects
from infra.local.demo.prompts import Prompt
from tests.audio import signals
from tests.recognition.audio import stereo

NARROWBAND = "en-US_NarrowbandModel.v2019-06-24"
PREFIX = "jobs/owner/job/pieces/"
OPTIONS = {
    "timestamps": True,
    "word_confidence": True,
    "max_alternatives": 3,
    "word_alternatives_threshold": 0.1,
    "keywords": ["extension"],
    "keywords_threshold": 0.1,
    "audio_metrics": True,
    "speaker_labels": True,
}


@pytest.fixture
def event(account: None, pool: DecoderPool, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.setattr(steps, "decoder_pool", lambda: pool)
    monkeypatch.setattr(steps, "background_pool", lambda: pool)
    objects.delete_below("jobs/")
    yield {
        "audio": {"bucket": "attune-test", "key": "jobs/owner/job/audio", "content_type": "audio/wav"},
        "base_version": NARROWBAND,
        "adapted_model": None,
        "options": OPTIONS,
    }
    settings.current.cache_clear()


def _cut_at_every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_PIECE_S", "1")
    settings.current.cache_clear()


def _step(event: dict[str, Any], **step: int) -> dict[str, Any]:
    return handler.handle({**event, "step": {"prefix": PREFIX, **step}})


def test_pieces_give_the_same_answer(
    event: dict[str, Any], speech: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    objects.put(event["audio"]["key"], speech("conf-invalid", "conf-kicked"))
    whole = handler.handle(event)
    assert len(whole["results"]["results"]) == 2
    assert _step(event) == whole, "a short recording is not cut"
    assert list(objects.keys(PREFIX)) == []
    _cut_at_every_second(monkeypatch)
    cut = _step(event)
    assert cut["pieces"] == 2
    assert cut.pop("audio_s") == whole.pop("audio_s") > 2, "whose budget it is is told once"
    for number in (1, 0):
        assert _step(event, piece=number) == {"piece": number}
    assert _step(event, **cut) == whole


def test_pieces_of_several_channels_give_the_same_answer(
    event: dict[str, Any], prompt_named: dict[str, Prompt], monkeypatch: pytest.MonkeyPatch
) -> None:
    objects.put(event["audio"]["key"], signals.wav(stereo.call(prompt_named), stereo.RATE_HZ))
    event["options"] = OPTIONS | {"channels": "separate"}
    whole = handler.handle(event)
    assert {result["channel"] for result in whole["results"]["results"]} == {0, 1}
    _cut_at_every_second(monkeypatch)
    cut = _step(event)
    assert cut.pop("audio_s") == whole.pop("audio_s")
    assert cut["pieces"] >= 4
    for number in range(cut["pieces"]):
        assert _step(event, piece=number) == {"piece": number}
    assert _step(event, **cut) == whole
    event["options"] = OPTIONS
    assert _step(event, **cut)["error"]["code"] == 500, "the pieces are those of separate channels"


def test_pieces_of_something_else_are_noticed(
    event: dict[str, Any], speech: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    _cut_at_every_second(monkeypatch)
    objects.put(event["audio"]["key"], speech("conf-extended", "conf-invalid"))
    for answer in (_step(event, piece=0), _step(event, pieces=2)):
        assert answer["error"]["code"] == 500
    assert _step(event)["pieces"] == 2
    assert [_step(event, piece=number) for number in range(2)] == [{"piece": 0}, {"piece": 1}]
    for pieces_said in (1, 3):
        assert _step(event, pieces=pieces_said)["error"]["code"] == 500
    objects.put(event["audio"]["key"], speech("conf-invalid", "conf-extended"))
    assert _step(event, pieces=2)["error"]["code"] == 500


def test_bad_audio_is_bad_at_the_first_step(event: dict[str, Any]) -> None:
    objects.put(event["audio"]["key"], b"RIFF" + bytes(500))
    assert _step(event)["error"]["code"] == 400


_PROBABILITY = st.floats(0, 1)
_TIME = st.floats(0, 120)
_WORD = st.builds(Word, st.text(max_size=5), _TIME, _TIME, _PROBABILITY)


@given(
    st.builds(
        DecodedUtterance,
        hypotheses=st.lists(
            st.builds(Hypothesis, st.lists(_WORD, max_size=3).map(tuple), _PROBABILITY), max_size=3
        ).map(tuple),
        slots=st.lists(
            st.builds(
                WordSlot,
                _TIME,
                _TIME,
                st.lists(st.tuples(st.text(max_size=5), _PROBABILITY), max_size=3).map(tuple),
            ),
            max_size=3,
        ).map(tuple),
        keywords=st.lists(
            st.builds(KeywordHit, st.text(max_size=5), _TIME, _TIME, _PROBABILITY), max_size=3
        ).map(tuple),
    )
)
def test_what_was_decoded_comes_back_as_it_was(decoded: DecodedUtterance) -> None:
    assert pieces._decoded(json.loads(json.dumps(dataclasses.asdict(decoded)))) == decoded
