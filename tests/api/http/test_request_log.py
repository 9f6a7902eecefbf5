"""Lines of requests: those that Powertools writes, to the byte."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.shared.constants import POWERTOOLS_DEV_ENV, XRAY_TRACE_ID_ENV

from chalicelib.api.http.request_log import LineFormatter
from chalicelib.api.http.routing import log


def _record(
    message: Any, arguments: tuple[Any, ...] = (), error: Any = None, **extra: Any
) -> logging.LogRecord:
    record = logging.LogRecord(
        "attune-api", logging.INFO, "routing.py", 131, message, arguments, error, "handle"
    )
    vars(record).update(extra)
    return record


def _raised() -> Any:
    try:
        int("what")
    except ValueError:
        return sys.exc_info()


_OF_A_REQUEST = ("%s %s: %d", ("GET", '/v1/models/ü\u2028"', 200))
RECORDS = [
    _record(*_OF_A_REQUEST, transaction_id="a" * 32, status=200, duration_ms=1.25),
    _record(*_OF_A_REQUEST, transaction_id=None, level="of the caller", service="another", odd={1, 2}),
    _record("key made", key_id="0123456789ab"),
    _record("%s failed", ("it",), _raised(), transaction_id="b" * 32),
    _record({"a": "document"}, status=3),
    _record('{"a": "document"}'),
]


@pytest.mark.parametrize("trace", ["", "Root=1-5759;Sampled=1"])
@pytest.mark.parametrize("record", RECORDS)
def test_lines_are_powertools_own(
    record: logging.LogRecord, trace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(XRAY_TRACE_ID_ENV, trace)
    _compare(record)


def test_lines_are_indented_where_powertools_does_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(POWERTOOLS_DEV_ENV, "1")
    with pytest.warns(UserWarning, match="POWERTOOLS_DEV"):
        _compare(RECORDS[0])


def _compare(record: logging.LogRecord) -> None:
    ours, theirs = LineFormatter(), LambdaPowertoolsFormatter()
    for one in (ours, theirs):
        one.append_keys(service="attune-api", sampling_rate=None)
    assert ours.format(record) == theirs.format(record)
    with ours.append_context_keys(cold=True), theirs.append_context_keys(cold=True):
        assert ours.format(record) == theirs.format(record)


def test_the_api_writes_its_lines_so() -> None:
    formatter = log.registered_formatter
    assert isinstance(formatter, LineFormatter)
    line = json.loads(formatter.format(RECORDS[0]))
    assert list(line)[:5] == ["level", "location", "message", "timestamp", "service"]
    assert line["location"] == "handle:131"
    assert line["service"] == "attune-api"
