"""The recognisers that a decoding process has loaded, bounded by the memory that they take.

Those used longest ago go first, and never one that is in use. Who needs a model that does not fit yet waits
for room, and whoever comes later waits behind: no custom model can starve another.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from chalicelib.engines.protocol import CustomModels, Recognizer, SharingRecognizer

Load = Callable[[str, CustomModels], Recognizer]
Key = tuple[str, CustomModels]

ASSUMED_BYTES = 100_000_000
"""A model that was never loaded counts as this large until it is there."""
BUDGET_BYTES = 3 * ASSUMED_BYTES


@dataclass
class _Loaded:
    size_bytes: int = ASSUMED_BYTES
    shared: object = None
    """What takes the memory, where others have it in common; None: it is this model's alone."""
    users: int = 0
    recognizer: Future[Recognizer] = field(default_factory=Future)


class LoadedModels:
    """Recognisers by base version and custom models. Safe for threads."""

    def __init__(self, load: Load, budget_bytes: int = BUDGET_BYTES) -> None:
        """Take what loads, and how many bytes all models together may take; one larger model is let in."""
        self._load = load
        self._budget_bytes = budget_bytes
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()
        """Who waits for a model, in the order of coming."""
        self._models: OrderedDict[Key, _Loaded] = OrderedDict()
        self._sizes_bytes: dict[str, int] = {}
        """What models on each base version have taken."""

    @contextmanager
    def use(self, base_version: str, custom: CustomModels) -> Iterator[Recognizer]:
        """Give a recogniser for as long as the context lasts, loading it if need be.

        Raises:
            engines.errors.ModelUnreadable: a custom model is damaged or made for another base version.
            engines.errors.CustomizationUnsupported: the engine cannot use that kind of model.
        """
        recognizer = self.borrow(base_version, custom)
        try:
            yield recognizer
        finally:
            self.give_back(base_version, custom)

    def borrow(self, base_version: str, custom: CustomModels) -> Recognizer:
        """Return a recogniser, which stays loaded until it is given back; raises as `use`."""
        key = (base_version, custom)
        model, is_new = self._entered(key)
        if is_new:
            try:
                recognizer = self._load(base_version, custom)
            except BaseException as error:
                with self._changed:
                    self._models.pop(key, None)
                    self._changed.notify_all()
                model.recognizer.set_exception(error)
                raise
            with self._changed:
                model.size_bytes = self._sizes_bytes[base_version] = recognizer.size_bytes
                if isinstance(recognizer, SharingRecognizer):
                    model.shared = recognizer.shared
                self._changed.notify_all()
            model.recognizer.set_result(recognizer)
        return model.recognizer.result()

    def give_back(self, base_version: str, custom: CustomModels) -> None:
        """Take note that a borrowed recogniser is in use no more."""
        with self._changed:
            model = self._models.get((base_version, custom))
            if model is not None:
                model.users -= 1
            self._changed.notify_all()

    def _entered(self, key: Key) -> tuple[_Loaded, bool]:
        """Wait for this caller's turn, and return the model's entry and whether it has to be loaded."""
        turn = object()
        with self._changed:
            self._queue.append(turn)
            try:
                while self._queue[0] is not turn or not self._has_room(key):
                    self._changed.wait()
            finally:
                self._queue.remove(turn)
                self._changed.notify_all()
            is_new = key not in self._models
            if is_new:
                self._models[key] = _Loaded(self._needed_bytes(key))
            model = self._models[key]
            model.users += 1
            self._models.move_to_end(key)
            return model, is_new

    def _has_room(self, key: Key) -> bool:
        """Tell whether a model is there or fits; what nobody uses makes way."""
        if key in self._models:
            return True
        for other in [one for one, model in self._models.items() if model.users == 0]:
            if self._taken_bytes() + self._needed_bytes(key) <= self._budget_bytes:
                break
            del self._models[other]
        return not self._models or self._taken_bytes() + self._needed_bytes(key) <= self._budget_bytes

    def _needed_bytes(self, key: Key) -> int:
        """Return about how much more a model takes that is not there: nothing if it will share all of it."""
        base_version, custom = key
        for (version, other), model in self._models.items():
            if model.shared is not None and (version, other.adapted_model) == (
                base_version,
                custom.adapted_model,
            ):
                return 0
        return self._sizes_bytes.get(base_version, ASSUMED_BYTES)

    def _taken_bytes(self) -> int:
        sizes_bytes = {
            id(model if model.shared is None else model.shared): model.size_bytes
            for model in self._models.values()
        }
        return sum(sizes_bytes.values())
