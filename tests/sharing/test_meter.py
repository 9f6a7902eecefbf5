from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError
from moto import mock_aws

from chalicelib.sharing import meter
from chalicelib.sharing.meter import Customization, MeteredWork, Used
from chalicelib.storage import connection
from chalicelib.storage.conditional import write
from chalicelib.storage.tables import DailyUsage
from tests import resources

PLAIN = Used(MeteredWork.RECOGNITION, "sphinx", Customization.NONE, 60.5)


@pytest.fixture(scope="module", autouse=True)
def account() -> Iterator[None]:
    with mock_aws():
        resources.create()
        yield


@pytest.fixture
def owner() -> str:
    return str(uuid.uuid4())


def today() -> date:
    return datetime.now(UTC).date()


def _shown(owner: str) -> list[tuple[str, str, str, float, int]]:
    found = meter.of_owner(owner, today() - timedelta(days=1), today())
    return [(one.work, one.engine, one.customization, one.audio_s, one.count) for one in found]


def test_each_kind_adds_up_by_itself(owner: str) -> None:
    adapted = Used(MeteredWork.ADAPTATION, "whisper", Customization.ACOUSTIC, 3600.0)
    for used in (PLAIN, PLAIN, adapted, Used(MeteredWork.RECOGNITION, "sphinx", Customization.BOTH, 0.0)):
        meter.add(owner, used)
    assert _shown(owner) == [
        ("adaptation", "whisper", "acoustic", 3600.0, 1),
        ("recognition", "sphinx", "none", 121.0, 2),
    ]
    assert [one for one in meter.of_all(today(), today()) if one.owner == owner]
    assert _shown(str(uuid.uuid4())) == []


def test_only_the_days_that_are_asked_for_are_shown(owner: str) -> None:
    for days in (0, 1, 2):
        row = DailyUsage(
            owner, f"{today() - timedelta(days=days)}/recognition/sphinx/none", audio_s=1, times=1
        )
        row.save()
    yesterday = today() - timedelta(days=1)
    assert [one.day for one in meter.of_owner(owner, yesterday, yesterday)] == [yesterday]
    assert [one.day for one in meter.of_owner(owner, yesterday, today())] == [yesterday, today()]


def test_kinds_that_are_alike_are_one_row_of_a_transaction(owner: str) -> None:
    write(
        *meter.adding(owner, PLAIN, PLAIN, Used(MeteredWork.RECOGNITION, "whisper", Customization.NONE, 1.0))
    )
    assert _shown(owner) == [
        ("recognition", "sphinx", "none", 121.0, 1),
        ("recognition", "whisper", "none", 1.0, 1),
    ]


def test_rows_expire(owner: str) -> None:
    meter.add(owner, PLAIN)
    (row,) = DailyUsage.query(owner)
    kept_s = float(row.expires) - datetime.now(UTC).timestamp()
    assert kept_s == pytest.approx(meter.KEPT_DAYS * 86_400, abs=60)


def test_what_is_sent_again_after_a_broken_connection_has_the_same_token(owner: str) -> None:
    """By which DynamoDB knows it, and adds once."""
    tokens: list[str] = []

    def breaks_once(request: Any, **_: Any) -> None:
        tokens.append(str(request.body).partition("ClientRequestToken")[2][:50])
        if len(tokens) == 1:
            raise ConnectionClosedError(endpoint_url=request.url)

    events = connection.shared().client.meta.events
    events.register_first("before-send.dynamodb.TransactWriteItems", breaks_once)
    try:
        meter.add(owner, PLAIN)
    finally:
        events.unregister("before-send.dynamodb.TransactWriteItems", breaks_once)
    assert len(tokens) == 2
    assert tokens[0] == tokens[1] != ""
    assert _shown(owner) == [("recognition", "sphinx", "none", 60.5, 1)]


def test_that_it_cannot_be_noted_fails_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        meter.add("x" * 3000, PLAIN)
    assert "were not metered" in caplog.text
