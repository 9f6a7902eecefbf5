"""`attune keys`: against a service, with an administrator's key and without, and against what is no such service."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from tests.attune_cli.conftest import MakeKey
from tests.attune_cli.line import LOST, Recorded, line, recorded
from tests.attune_cli.running import Command
from tests.running_service import RunningService


@pytest.fixture
def administrator(service: RunningService, make_key: MakeKey, tmp_path: Path) -> Command:
    return Command(service.url, make_key("--administrator"), tmp_path)


def status_of(service: RunningService, key: str) -> int:
    return requests.get(
        f"{service.url}/v1/acoustic_customizations", auth=("apikey", key), timeout=120
    ).status_code


def test_a_key_is_made_listed_and_revoked(administrator: Command, service: RunningService) -> None:
    made = administrator("keys", "make", "--label", "night shift").out
    told = dict(row.split(maxsplit=1) for row in made.splitlines())
    assert told["label"] == "night shift"
    assert status_of(service, told["key"]) == 200
    (row,) = [row for row in administrator("keys").out.splitlines() if "night shift" in row]
    assert row.split("\t")[:3] == [told["id"], "night shift", told["owner"]]
    assert told["key"] not in administrator("keys", "list", "--json").out
    second = administrator("keys", "make", "--owner", told["owner"], "--json").document
    assert (second["owner"], second["administrator"]) == (told["owner"], False)
    assert "--yes" in administrator("keys", "revoke", told["id"], "--json", status=2).err
    assert administrator("keys", "revoke", told["id"][:8], "--yes").out.startswith(
        f"The key {told['id']} (night"
    )
    assert "night shift" not in administrator("keys", "list").out
    assert "keys list" in administrator("keys", "revoke", told["id"], "--yes", status=4).err


def test_the_own_key_is_not_revoked(administrator: Command) -> None:
    (own,) = [one for one in administrator("keys", "--json").document["keys"] if one["current"]]
    refused = administrator("keys", "revoke", own["key_id"], "--yes", status=1)
    assert "no key revokes itself" in refused.err


@pytest.mark.parametrize("arguments", [("list",), ("make",), ("revoke", "0123456789ab", "--yes")])
def test_other_keys_are_told_who_may(attune: Command, arguments: tuple[str, ...]) -> None:
    refused = attune("keys", *arguments, status=3)
    assert "it is not an administrator's" in refused.err
    assert "python -m infra.keys make --administrator" in refused.err


def test_watson_has_no_such_calls(tmp_path: Path) -> None:
    with line(None, recorded({})) as watson:
        refused = Command(watson.url, "key", tmp_path)("keys", "make", status=4)
        assert f"{watson.url} makes no keys by its API" in refused.err and "IBM Cloud" in refused.err
        assert len(watson.came) == 1


def test_a_key_of_another_instance_is_no_matter_of_administrators(tmp_path: Path) -> None:
    answers = {("GET", "keys"): Recorded(403, {"trace": "1", "error": "Forbidden", "code": 403})}
    with line(None, recorded(answers)) as one:
        assert "opens another instance" in Command(one.url, "key", tmp_path)("keys", status=3).err


def test_a_lost_answer_makes_no_second_key(administrator: Command, service: RunningService) -> None:
    def lost(method: str, path: str, before: int) -> str | None:
        return LOST if method == "POST" else None

    with line(service.url, lost) as broken:
        through = Command(broken.url, administrator.key, administrator.folder)
        refused = through("keys", "make", "--label", "lost", status=7)
        assert "nobody has seen" in refused.err
        assert len(broken.of("POST", "/keys")) == 1
    (row,) = [row for row in administrator("keys").out.splitlines() if "\tlost\t" in row]
    administrator("keys", "revoke", row.partition("\t")[0], "--yes")
