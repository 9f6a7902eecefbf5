from __future__ import annotations

import argparse
from datetime import UTC, datetime

import pytest

from infra.training import chosen


def _filters(*arguments: str) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    chosen.add_arguments(parser)
    return chosen.filters(parser.parse_args(arguments))


def test_all_of_the_service_unless_something_is_asked_for() -> None:
    assert _filters() == {"name": "attune-", "status": None, "since": None, "tags": {}}


def test_what_is_asked_for_is_looked_for_by_name_where_that_is_enough() -> None:
    filters = _filters(
        "--owner", "guid", "--customization", "an-id", "--tag", "team=ears", "--tag", "a=b=c",
        "--status", "Failed", "--since", "2026-11-30",
    )  # fmt: skip
    assert filters == {
        "name": "attune-an-id",
        "status": "Failed",
        "since": datetime(2026, 11, 30, tzinfo=UTC),
        "tags": {"attune:owner": "guid", "team": "ears", "a": "b=c"},
    }


@pytest.mark.parametrize("arguments", [("--tag", "team"), ("--tag", "=ears"), ("--since", "today")])
def test_what_makes_no_sense_is_refused(
    arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        _filters(*arguments)
    assert f"{arguments[1]!r} is not" in capsys.readouterr().err
