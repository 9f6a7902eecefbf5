"""The store's hourly sweep goes on whatever it meets, and shortens the journal only where that is worth while."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local.store import journal, server


async def _swept(folder: Path, prepare: Callable[[server.Store], None], done: Callable[[], bool]) -> None:
    """Sweep a new store again and again until something is the case."""
    opened = await server.Store.open(folder)
    prepare(opened)
    sweeping = asyncio.create_task(opened.sweep())
    async with asyncio.timeout(60):
        while not done():
            assert not sweeping.done()
            await asyncio.sleep(0.01)
    sweeping.cancel()
    opened.close()


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_SWEEP_EVERY_S", 0.01)


@pytest.mark.parametrize("refused", ["compact", "expire"])
def test_a_disk_that_refuses_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    expired: list[str] = []
    refusals = iter([OSError(errno.ENOSPC, "No space left on device")] * 2)

    async def expire(bucket: str, prefix: str, before_s: float) -> None:
        if refused == "expire" and (error := next(refusals, None)):
            raise error
        expired.append(prefix)

    async def compact(log: journal.Journal, snapshot: object) -> None:
        if refused == "compact" and (error := next(refusals, None)):
            raise error

    monkeypatch.setattr(server, "_COMPACT_ABOVE_BYTES", -1)
    monkeypatch.setattr(journal.Journal, "compact", compact)
    asyncio.run(
        _swept(
            tmp_path,
            lambda opened: monkeypatch.setattr(opened._object_api, "expire", expire),
            lambda: next(refusals, None) is None and len(expired) > 10,
        )
    )


def test_a_journal_that_is_needed_is_not_shortened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes_bytes: list[int] = []
    sweeps: list[str] = []
    compact = journal.Journal.compact

    async def counted(log: journal.Journal, snapshot: Callable[[], list[journal.Record]]) -> None:
        await compact(log, snapshot)
        sizes_bytes.append(log.size_bytes)

    async def expire(bucket: str, prefix: str, before_s: float) -> None:
        sweeps.append(prefix)

    def prepare(opened: server.Store) -> None:
        monkeypatch.setattr(opened._object_api, "expire", expire)
        monkeypatch.setattr(opened, "_snapshot", lambda: [{"needed": "x" * 1000}])

    monkeypatch.setattr(server, "_COMPACT_ABOVE_BYTES", -1)
    monkeypatch.setattr(journal.Journal, "compact", counted)
    asyncio.run(_swept(tmp_path, prepare, lambda: len(sweeps) > 20))
    assert len(sizes_bytes) == 1
    assert sizes_bytes[0] > 1000
