"""Figures of the service on one machine, for `/metrics`: audio, queues, models, memory. No owner is named."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chalicelib.customization import turns
from chalicelib.gateway.metrics import Family, Labels, gauge
from chalicelib.sharing import usage
from chalicelib.storage import failures, queues
from chalicelib.storage.tables import AcousticModel, LanguageModel
from infra.local.processes import child

_PARTS = {"infra.local.store.server": "store", "infra.local.sagemaker.emulator": "sagemaker_emulator"}
"""Of modules whose own names say too little."""
_LOG = logging.getLogger(__name__)
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_KINDS = {"acoustic": AcousticModel, "language": LanguageModel}


class Readings:
    """Reads the figures anew each time; called from one thread at a time."""

    def __init__(self, home: Path, queue_names: Iterable[str]) -> None:
        """Take the service's folder, whose processes carry its mark, and its queues."""
        self._home = home.resolve()
        self._queues = tuple(queue_names)

    def __call__(self) -> list[Family]:
        """Return all that can be read; what the store does not tell at the moment is left out."""
        parts: tuple[Callable[[], Iterator[Family]], ...] = (
            self._memory,
            self._disk,
            _audio,
            self._messages,
            _models,
            _trainings,
        )
        found: list[Family] = []
        for part in parts:
            try:
                found += part()
            except failures.FAILURES:
                _LOG.warning("figures could not be read", exc_info=True)
        return found

    def _memory(self) -> Iterator[Family]:
        resident: Counter[Labels] = Counter()
        for process_id in (os.getpid(), *child.marked(str(self._home))):
            with contextlib.suppress(OSError, IndexError, ValueError):  # it has ended meanwhile
                pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
                resident[(("part", _part(process_id)),)] += pages * _PAGE_BYTES
        yield gauge(
            "attune_process_resident_bytes",
            "Memory of the service's processes by part; pages that processes share count for each.",
            dict(sorted(resident.items())),
        )

    def _disk(self) -> Iterator[Family]:
        free = float(shutil.disk_usage(self._home).free)
        yield gauge("attune_disk_free_bytes", "Room that is left where the service keeps its data.", free)

    def _messages(self) -> Iterator[Family]:
        counts: dict[Labels, float] = {}
        for name in self._queues:
            for state, count in queues.lengths(name).items():
                counts[("queue", name), ("state", state)] = count
        yield gauge("attune_queue_messages", "Messages that wait, are worked on, or are held back.", counts)


def _part(process_id: int) -> str:
    """Return the module that a process runs; its children that it forked count with it."""
    if process_id == os.getpid():
        return "service"
    words = Path(f"/proc/{process_id}/cmdline").read_bytes().decode(errors="replace").split("\0")
    module = words[words.index("-m") + 1] if "-m" in words[:-1] else "other"
    return _PARTS.get(module, module.rpartition(".")[2])


def _audio() -> Iterator[Family]:
    now = datetime.now(UTC)
    rows = list(usage.since(now - timedelta(hours=23)))
    this_hour = now.strftime("%Y-%m-%dT%H")
    windows = {"hour": [row for row in rows if row.hour == this_hour], "day": rows}
    for name, help_text, total in (
        (
            "attune_audio_recognised_seconds",
            "Audio that was decoded in this hour of the clock, and in the last 24 of them.",
            {window: sum(float(row.audio_s) for row in chosen) for window, chosen in windows.items()},
        ),
        (
            "attune_audio_recognised_recordings",
            "Recordings and stretches of streams that this audio came in.",
            {window: sum(float(row.recordings) for row in chosen) for window, chosen in windows.items()},
        ),
    ):
        yield gauge(name, help_text, {(("window", window),): value for window, value in total.items()})


def _models() -> Iterator[Family]:
    counts: Counter[Labels] = Counter()
    for kind, table in _KINDS.items():
        for row in table.scan(attributes_to_get=["status"]):
            counts[("kind", kind), ("status", str(row.status))] += 1
    yield gauge("attune_custom_models", "Custom models by status.", dict(sorted(counts.items())))


def _trainings() -> Iterator[Family]:
    waiting, at_work = turns.length()
    states: dict[Labels, float] = {(("state", "waiting"),): waiting, (("state", "at_work"),): at_work}
    yield gauge(
        "attune_trainings", "Trainings of acoustic models that wait for their turn, or go on.", states
    )
