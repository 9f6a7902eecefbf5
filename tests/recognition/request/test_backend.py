"""Who is asked to recognise: the function of the engine that the base version has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from urllib3.exceptions import ProtocolError

from chalicelib import settings
from chalicelib.recognition.request import backend
from chalicelib.recognition.request.backend import RecognitionFailed
from chalicelib.recognition.request.models import ServingModel
from chalicelib.recognition.request.options import Options
from chalicelib.storage import objects
from tests import recognition_function

VERSION = "en-US_NarrowbandModel.v2019-06-24"


@pytest.fixture(autouse=True)
def _settings(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ATTUNE_SPHINX_RECOGNITION_FUNCTION", "attune-sphinx")
    settings.current.cache_clear()
    yield
    settings.current.cache_clear()


def test_the_function_of_the_versions_engine_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    objects.put("spool/audio", b"audio")
    with recognition_function.scripted(monkeypatch, "attune-sphinx") as function:
        answer = backend.recognize(
            "spool/audio", "audio/wav", ServingModel(VERSION, None), Options(), owner="one"
        )
    assert answer == recognition_function.RESULTS
    assert function.heard == [b"audio"]


def test_a_version_that_is_gone_is_named() -> None:
    event = backend.event_for(
        "spool/audio", None, ServingModel("xx-XX_Model.v0", None), Options(), owner="one"
    )
    with pytest.raises(RecognitionFailed, match=r"xx-XX_Model\.v0") as refused:
        backend.ask(event)
    assert refused.value.code == 400


@pytest.mark.parametrize("told_before", [0, 2])
def test_results_are_told_before_the_answer_where_that_can_be(
    monkeypatch: pytest.MonkeyPatch, told_before: int
) -> None:
    objects.put("spool/audio", b"audio")
    event = backend.event_for("spool/audio", None, ServingModel(VERSION, None), Options(), owner="one")
    told: list[Any] = []
    with recognition_function.scripted(monkeypatch, "attune-sphinx") as function:
        function.told = [{"number": number} for number in range(told_before)]
        assert backend.measured(event, told.append) == (recognition_function.RESULTS, 0.0)
        assert told == function.told
        function.answer = RuntimeError("boom")
        with pytest.raises(RecognitionFailed, match="tell your operator"):
            backend.ask(event, told.append)


def test_a_function_that_goes_away_while_it_tells_is_no_capacity(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        def invoke_with_response_stream(self, **asked: Any) -> Any:
            def events() -> Iterator[Any]:
                yield {"PayloadChunk": {"Payload": b'{"told": {}}\n'}}
                raise ProtocolError("gone")

            return {"EventStream": events()}

    monkeypatch.setattr(backend, "_client", Client)
    event = backend.event_for("spool/audio", None, ServingModel(VERSION, None), Options(), owner="one")
    with pytest.raises(RecognitionFailed, match="no capacity"):
        backend.ask(event, lambda _: None)
