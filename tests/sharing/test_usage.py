from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from moto import mock_aws

from chalicelib.sharing import usage
from chalicelib.sharing.usage import AudioBudgetSpent, wait_for_budget_s
from tests import resources


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with mock_aws():
        resources.create()
        yield


def test_what_is_used_adds_up_and_is_refused_beyond_the_budget(
    account: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTUNE_OWNER_AUDIO_S_PER_HOUR", "100")
    owner, other = str(uuid.uuid4()), str(uuid.uuid4())
    usage.check(owner)
    usage.add(owner, 60.5)
    usage.check(owner)
    usage.add(owner, 60.5)
    with pytest.raises(AudioBudgetSpent) as refused:
        usage.check(owner)
    assert 0 < refused.value.retry_after_s <= 2 * 3600
    usage.check(other)
    monkeypatch.setenv("ATTUNE_OWNER_AUDIO_S_PER_HOUR", "0")
    usage.check(owner)
    rows = [row for row in usage.since(datetime.now(UTC) - timedelta(hours=2)) if row.owner == owner]
    assert sum(float(row.audio_s) for row in rows) == 121
    assert sum(int(row.recordings) for row in rows) == 2


@pytest.mark.parametrize(
    ("last_s", "this_s", "into_hour_s", "wait_s"),
    [
        (0, 0, 0, 0),
        (0, 99, 3599, 0),
        (100, 0, 0, 0),  # the last of it leaves the last sixty minutes just now
        (200, 0, 900, 900),  # three quarters of it count now, and half of it from the middle of the hour on
        (200, 0, 1800, 0),
        (0, 100, 1800, 1800),
        (0, 200, 1800, 1800 + 1800),
    ],
)
def test_how_long_to_wait(last_s: float, this_s: float, into_hour_s: float, wait_s: float) -> None:
    assert wait_for_budget_s(100, last_s, this_s, into_hour_s) == pytest.approx(wait_s)
