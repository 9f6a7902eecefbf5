"""Stands for the recognition function, behind Lambda's own API."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.recognition.function import kept_results
from chalicelib.recognition.function.kept_results import Keeping
from chalicelib.recognition.request import backend
from chalicelib.storage import objects
from infra.local import wire
from infra.local.functions.lambda_emulator import LambdaEmulator

RESULTS = {
    "result_index": 0,
    "results": [{"final": True, "alternatives": [{"transcript": "heavy rain ", "confidence": 0.9}]}],
}


@dataclass
class Function:
    """Answers what it was told to, and remembers what it was asked."""

    answer: Any = field(default_factory=lambda: {"results": RESULTS})
    events: list[dict[str, Any]] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    """Results that it tells of before it answers, to those who want to know."""

    def __call__(self, event: dict[str, Any], context: object) -> Any:
        self.events.append(event)
        self.heard.append(objects.get(event["audio"]["key"]))
        if tell := getattr(context, "tell", None):
            for result in self.told:
                tell(result)
        answer = self.answer(event) if callable(self.answer) else self.answer
        if isinstance(answer, Exception):
            raise answer
        keep = event.get("step", {}).get("keep")
        if keep and "results" in answer:
            kept_results.keep(Keeping.from_json(keep), copy.deepcopy(answer["results"]))
            return {"kept": keep["key"]}
        return answer


@contextlib.contextmanager
def scripted(monkeypatch: pytest.MonkeyPatch, name: str = "attune-recognize") -> Iterator[Function]:
    """Let invocations of the recognition function end at a script for as long as the block takes."""
    made = Function()
    listener = wire.listen()
    serving = wire.server(LambdaEmulator({name: made}))
    thread = threading.Thread(target=asyncio.run, args=(serving.serve(sockets=[listener]),))
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{listener.getsockname()[1]}")
    backend._made_client.cache_clear()
    try:
        yield made
    finally:
        backend._made_client().close()
        backend._made_client.cache_clear()
        serving.should_exit = True
        thread.join()
        listener.close()
