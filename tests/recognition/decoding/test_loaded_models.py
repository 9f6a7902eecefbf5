"""What a decoding process keeps loaded: bounded by bytes, fair to those who wait."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.protocol import BASE_ALONE, CustomModels, Recognizer
from chalicelib.recognition.decoding.loaded_models import LoadedModels
from tests.recognition.decoding.scripted_worker import ScriptedRecognizer


class Loader:
    """Loads models of 1,000 bytes, and notes which."""

    def __init__(self) -> None:
        self.loaded: list[str] = []

    def __call__(self, base_version: str, custom: CustomModels) -> Recognizer:
        self.loaded.append(base_version)
        if base_version == "damaged":
            raise ModelUnreadable("the archive is damaged")
        return ScriptedRecognizer(custom)


def _known(models: LoadedModels, *versions: str) -> None:
    """Load models once, so that their sizes are known."""
    for version in versions:
        with models.use(version, BASE_ALONE):
            pass


def test_those_used_last_are_kept() -> None:
    load = Loader()
    models = LoadedModels(load, budget_bytes=2_000)
    _known(models, "a", "b", "c")
    load.loaded.clear()
    _known(models, "a", "b", "a", "c", "a", "b")
    assert load.loaded == ["a", "b", "c", "b"]


def test_custom_models_on_one_base_are_told_apart() -> None:
    models = LoadedModels(Loader())
    with models.use("a", BASE_ALONE) as base, models.use("a", CustomModels(Path("adapted"))) as custom:
        assert base is not custom
    with models.use("a", BASE_ALONE) as again:
        assert again is base


def test_a_model_larger_than_the_budget_is_let_in_alone() -> None:
    models = LoadedModels(Loader(), budget_bytes=10)
    with models.use("a", BASE_ALONE) as recognizer:
        assert recognizer.size_bytes > 10


def test_what_is_in_use_stays_and_who_needs_room_waits_for_it() -> None:
    load = Loader()
    models = LoadedModels(load, budget_bytes=1_000)
    _known(models, "a", "b")
    load.loaded.clear()
    models.borrow("a", BASE_ALONE)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(models.borrow, "b", BASE_ALONE)
        time.sleep(0.1)
        assert not waiting.done()
        assert load.loaded == ["a"]
        models.give_back("a", BASE_ALONE)
        waiting.result(60)
    assert load.loaded == ["a", "b"]


def test_nobody_overtakes_who_waits_for_room() -> None:
    models = LoadedModels(Loader(), budget_bytes=1_000)
    _known(models, "a", "b")
    order: list[str] = []

    def used(version: str) -> None:
        with models.use(version, BASE_ALONE):
            order.append(version)

    models.borrow("a", BASE_ALONE)
    waiting = threading.Thread(target=used, args=("b",))
    waiting.start()
    _until(lambda: len(models._queue) == 1)
    later = threading.Thread(target=used, args=("a",))
    later.start()
    _until(lambda: len(models._queue) == 2)
    models.give_back("a", BASE_ALONE)
    waiting.join(60)
    later.join(60)
    assert order == ["b", "a"]


def test_a_model_is_loaded_once_however_many_ask_at_a_time() -> None:
    gate = threading.Event()
    loaded: list[str] = []

    def load(base_version: str, custom: CustomModels) -> Recognizer:
        loaded.append(base_version)
        assert gate.wait(60)
        return ScriptedRecognizer(custom)

    models = LoadedModels(load)
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(models.borrow, "a", BASE_ALONE) for _ in range(4)]
        _until(lambda: bool(loaded))
        gate.set()
        assert len({id(one.result(60)) for one in asked}) == 1
    assert loaded == ["a"]


def test_a_model_that_cannot_be_loaded_leaves_no_trace() -> None:
    models = LoadedModels(Loader(), budget_bytes=1_000)
    for _ in range(2):
        with pytest.raises(ModelUnreadable):
            models.borrow("damaged", BASE_ALONE)
    _known(models, "a")


def _until(happened: object) -> None:
    assert callable(happened)
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class _Sharing(ScriptedRecognizer):
    """Takes 1,000 bytes together with all others of the same adapted model."""

    def __init__(self, custom: CustomModels) -> None:
        super().__init__(custom)
        self.shared = _shared.setdefault(custom.adapted_model, object())


_shared: dict[Path | None, object] = {}


def test_what_recognisers_share_counts_once() -> None:
    loaded: list[CustomModels] = []

    def load(base_version: str, custom: CustomModels) -> Recognizer:
        loaded.append(custom)
        return _Sharing(custom)

    models = LoadedModels(load, budget_bytes=2_000)
    languages = [CustomModels(language_model=Path(f"language-{number}")) for number in range(5)]
    adapted = CustomModels(Path("adapted"))
    both = CustomModels(Path("adapted"), Path("language-0"))
    for _ in range(2):
        for custom in (BASE_ALONE, *languages, adapted, both):
            with models.use("a", custom):
                pass
    assert loaded == [BASE_ALONE, *languages, adapted, both], "all of them fit, and stay"
    with models.use("a", CustomModels(Path("another"))):
        pass
    with models.use("a", both):
        pass
    assert loaded[-1] == CustomModels(Path("another")), "what was used last stays with what it shares"
    loaded.clear()
    with models.use("a", BASE_ALONE):
        pass
    assert loaded == [BASE_ALONE], "those used longest ago went, all that shared the base's memory"
