from __future__ import annotations

import asyncio
import resource
import signal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.store import journal
from infra.local.store.journal import Journal, JournalUnwritable, Record

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_RECORDS = st.lists(st.dictionaries(st.text(max_size=8), _VALUES, max_size=4), max_size=12)


def _records(path: Path) -> list[Record]:
    return [record for record, _ in journal.read(path)]


@given(record=st.dictionaries(st.text(), _VALUES))
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    assert journal.decode(journal.encode(record)) == record


@given(record=st.dictionaries(st.text(max_size=8), _VALUES, max_size=4), data=st.data())
def test_a_changed_byte_is_noticed(record: Record, data: st.DataObject) -> None:
    line = bytearray(journal.encode(record))
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] ^= data.draw(st.integers(1, 255))
    assert journal.decode(bytes(line)) is None


@settings(max_examples=60, deadline=None)
@given(records=_RECORDS, data=st.data())
def test_any_torn_write_leaves_the_whole_records_before_it(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal"
    lines = [journal.encode(record) for record in records]
    whole = b"".join(lines)
    cut_at = data.draw(st.integers(0, len(whole)))
    garbage = data.draw(st.binary(max_size=30).filter(lambda tail: b"\n" not in tail))
    path.write_bytes(whole[:cut_at] + garbage)

    journal.cut_torn_tail(path)

    kept = _records(path)
    assert kept == records[: len(kept)]
    complete = next((n for n in range(len(lines), -1, -1) if len(b"".join(lines[:n])) <= cut_at), 0)
    assert len(kept) >= complete
    # What was cut is not lost to whoever wants to look, and a second start finds nothing to cut.
    assert journal.cut_torn_tail(path) == 0
    asyncio.run(_append(path, {"after": True}))
    assert _records(path) == [*kept, {"after": True}]


async def _append(path: Path, *records: Record) -> None:
    opened = Journal(path)
    for record in records:
        opened.append(record)
    await opened.flushed()
    opened.close()


def test_many_waiters_share_a_write_and_keep_their_order(tmp_path: Path) -> None:
    async def write() -> None:
        opened = Journal(tmp_path / "journal")

        async def one(number: int) -> None:
            opened.append({"n": number})
            await opened.flushed()
            assert {"n": number} in _records(tmp_path / "journal")

        await asyncio.gather(*(one(number) for number in range(200)))
        opened.close()

    asyncio.run(write())
    assert _records(tmp_path / "journal") == [{"n": number} for number in range(200)]


def test_a_cancelled_waiter_takes_no_record_along(tmp_path: Path) -> None:
    async def write() -> None:
        opened = Journal(tmp_path / "journal")
        opened.append({"n": 1})
        waiting = asyncio.create_task(opened.flushed())
        await asyncio.sleep(0)
        waiting.cancel()
        opened.append({"n": 2})
        await opened.flushed()
        opened.close()

    asyncio.run(write())
    assert _records(tmp_path / "journal") == [{"n": 1}, {"n": 2}]


def test_a_full_disk_is_told_and_nothing_overtakes(tmp_path: Path) -> None:
    """A limit on file sizes stands for the full disk: both refuse in the middle of a write."""

    async def write() -> None:
        opened = Journal(tmp_path / "journal")
        opened.append({"n": 1})
        await opened.flushed()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "journal").stat().st_size + 10, hard))
        try:
            opened.append({"n": 2})
            with pytest.raises(JournalUnwritable):
                await opened.flushed()
            assert _records(tmp_path / "journal") == [{"n": 1}]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, former)
        opened.append({"n": 3})
        await opened.flushed()
        opened.close()

    asyncio.run(write())
    assert _records(tmp_path / "journal") == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_compacting_keeps_what_is_pending_and_what_follows(tmp_path: Path) -> None:
    async def write() -> None:
        state: list[Record] = []
        opened = Journal(tmp_path / "journal")

        def change(number: int) -> None:
            state.append({"n": number})
            opened.append({"n": number})

        for number in range(50):
            change(number)
        flushing = asyncio.create_task(opened.flushed())
        await asyncio.sleep(0)
        del state[:40]  # as if later changes had made them superfluous
        change(50)
        await opened.compact(lambda: state)
        await flushing
        assert opened.size_bytes == (tmp_path / "journal").stat().st_size
        change(51)
        await opened.flushed()
        opened.close()

    asyncio.run(write())
    assert _records(tmp_path / "journal") == [{"n": number} for number in range(40, 52)]


def test_rewriting_leaves_the_new_log_only(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    asyncio.run(_append(path, {"n": 1}, {"n": 2}))
    journal.rewrite(path, [{"n": 2}])
    assert _records(path) == [{"n": 2}]
    assert [entry.name for entry in tmp_path.iterdir()] == ["journal"]


def test_room_is_kept_for_what_is_to_be_noted_on_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "journal"

    async def write(opened: Journal, number: int, text: str) -> None:
        opened.append({"n": number, "text": text})
        await opened.flushed()

    opened = Journal(path)
    if path.stat().st_blocks == 0:
        pytest.skip("this file system cannot keep room")
    for number in range(4):
        asyncio.run(write(opened, number, "x" * 200_000))
        assert path.stat().st_blocks * 512 - path.stat().st_size > 200_000
    opened.close()
    assert [record["n"] for record in _records(path)] == [0, 1, 2, 3]
    assert journal.cut_torn_tail(path) == 0
