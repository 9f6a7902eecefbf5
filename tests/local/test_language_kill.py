"""SIGKILL of the whole service at seven points of a language model's life: nothing acknowledged is lost."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.running import RunningService, running_service

_MODELS = "/v1/customizations"
_TEXT = "text/plain"
_GRAMMAR = b"#ABNF 1.0 UTF-8;\nlanguage en-US;\nmode voice;\nroot $order;\n$order = open | close;\n"
_PARTS = ("corpora", "grammars")


def _corpus(words: int) -> bytes:
    """Return text of so many words, some of which no dictionary holds."""
    choose = random.Random(0)
    known = ["the", "valve", "pump", "of", "is", "open", "again", "before", "pressure", "in", "check"]
    own = [f"zor{first}{second}ick" for first in "bdglmnprst" for second in "aeiou"]
    text = (choose.choice(known if choose.random() < 0.9 else own) for _ in range(words))
    lines = [" ".join(line) for line in zip(*[text] * 10, strict=False)]
    return "\n".join(lines).encode()


class _Story:
    """A user's work with one model, and what the service has acknowledged of it."""

    def __init__(self, service: RunningService) -> None:
        self.service = service
        self.model = ""
        self.names: dict[str, set[str]] = {part: set() for part in _PARTS}
        self.words: set[str] = set()

    def path(self, *parts: str) -> str:
        return "/".join((_MODELS, self.model, *parts))

    def call(self, method: str, *parts: str, body: bytes | None = None, content_type: str = _TEXT) -> Any:
        status, answer = self.service.call(method, self.path(*parts), body, content_type)
        assert status in (200, 201), answer
        return answer

    def add(self, part: str, name: str, body: bytes, content_type: str = _TEXT) -> None:
        self.call("POST", part, name, body=body, content_type=content_type)
        self.names[part].add(name)

    def kill_and_restart(self) -> None:
        self.service.kill()
        assert self.service.left_behind() == []
        self.service.launch()
        self.service.wait_until_ready()
        for part, names in self.names.items():
            assert names == {one["name"] for one in self.call("GET", part)[part]}
        assert self.words <= {word["word"] for word in self.call("GET", "words?word_type=user")["words"]}

    def wait_for(self, status: str, *parts: str) -> dict[str, Any]:
        """Wait while something is at work on it; then it must have the status."""
        shown: dict[str, Any] = {}

        def settled() -> bool:
            shown.update(self.call("GET", *parts))
            return shown["status"] not in ("pending", "being_processed", "training")

        _wait(settled, f"{parts} to be {status}")
        assert shown["status"] == status, shown
        return shown


def _wait(condition: Callable[[], bool], what: str, timeout_s: float = 300.0) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.05)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[_Story]:
    with running_service(tmp_path / "home") as service:
        yield _Story(service)


@pytest.mark.slow
def test_a_kill_at_any_point_loses_nothing_of_a_language_model(story: _Story) -> None:
    asked = {"name": "m", "base_model_name": "en-US_NarrowbandModel"}
    status, answer = story.service.call("POST", _MODELS, json.dumps(asked).encode())
    assert status == 201
    story.model = answer["customization_id"]

    # 1: right after a corpus was accepted
    story.add("corpora", "short", b"Close the zorblatt valve.\n" * 20)
    story.kill_and_restart()
    assert story.wait_for("analyzed", "corpora", "short")["out_of_vocabulary_words"] == 1

    # 2: during an analysis
    story.add("corpora", "long", _corpus(200_000))
    time.sleep(0.5)
    story.kill_and_restart()
    analysed = story.wait_for("analyzed", "corpora", "long")
    assert (analysed["total_words"], analysed["out_of_vocabulary_words"]) == (200_000, 50)

    # 3: right after words were accepted, whose batch has not been looked at
    words = {"words": [{"word": f"quib{letter}le", "sounds_like": ["quibble"]} for letter in "bdgln"]}
    story.call("POST", "words", body=json.dumps(words).encode(), content_type="application/json")
    story.words = {word["word"] for word in words["words"]}  # type: ignore[misc]
    _wait(lambda: len(story.call("GET", "words?word_type=user")["words"]) == 5, "five words")
    story.kill_and_restart()
    story.wait_for("ready")

    # 4: right after a grammar was accepted
    story.add("grammars", "orders", _GRAMMAR, "application/srgs")
    story.kill_and_restart()
    story.wait_for("analyzed", "grammars", "orders")

    # 5: right after a training was accepted
    story.wait_for("ready")
    story.call("POST", "train")
    story.kill_and_restart()
    story.wait_for("available")

    # 6: in the middle of a training
    story.call("POST", "words", body=b'{"words": [{"word": "trabble"}]}', content_type="application/json")
    story.words.add("trabble")
    story.wait_for("ready")
    story.call("POST", "train")
    time.sleep(0.5)
    story.kill_and_restart()
    story.wait_for("available")

    # 7: right after a corpus was deleted: it stays so, with the words that only it held
    story.call("DELETE", "corpora", "long")
    story.names["corpora"].remove("long")
    story.kill_and_restart()
    shown = story.call("GET", "words?word_type=corpora")["words"]
    assert {word["word"] for word in shown} == {"zorblatt"}
    story.call("DELETE")
    story.service.kill()
    story.service.launch()
    story.service.wait_until_ready()
    assert story.service.call("GET", _MODELS)[1]["customizations"] == []
