from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.storage import rounds
from chalicelib.storage.tables import Credential

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What DynamoDB is asked; an emulation takes the shares of a table and answers with all of it."""
    asked: list[dict[str, Any]] = []
    scan = Credential.scan

    def noted(wanted: Any, **options: Any) -> Any:
        asked.append(options)
        return scan(wanted, **options)

    monkeypatch.setattr(Credential, "scan", noted)
    return asked


def test_a_small_table_is_looked_through_each_time(account: None, scans: list[dict[str, Any]]) -> None:
    for owner in ("a", "b"):
        Credential(f"small-{owner}", owner=owner, created=NOW).save()
    found = list(rounds.this_round(Credential, Credential.owner == "b", every_s=300))
    assert [row.key_hash for row in found] == ["small-b"]
    assert scans == [{}]


def test_every_share_of_a_large_table_has_its_turn(
    account: None, scans: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        Credential(f"large-{number}", owner="c", created=NOW).save()
    rows = int(Credential.describe_table()["ItemCount"])
    monkeypatch.setattr(rounds, "ROWS_AT_ONCE", 3)
    shares = -(-rows // 3)
    for turn in range(shares + 1):
        now_s = 3_000_000.0 * shares + 300 * turn + 17
        monkeypatch.setattr(rounds, "time", SimpleNamespace(time=lambda now_s=now_s: now_s))
        list(rounds.this_round(Credential, Credential.owner == "c", every_s=300))
    assert [scan["segment"] for scan in scans] == [*range(shares), 0]
    assert {scan["total_segments"] for scan in scans} == {shares}
