"""`attune add` against the running service: nothing lost, nothing twice, whatever happens on the way."""

from __future__ import annotations

import contextlib
import io
import re
import signal
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.attune_cli.conftest import MakeKey, operate
from tests.attune_cli.line import DROPPED, LOST, Fault, Line, Recorded, line, recorded
from tests.attune_cli.recordings import folder_of_calls, tone
from tests.attune_cli.running import Command
from tests.ports import free_port
from tests.running_service import RunningService

Through = Callable[[Line], Command]
BASE = "en-US_NarrowbandModel"


@pytest.fixture
def model(attune: Command, request: pytest.FixtureRequest) -> str:
    return attune("create", request.node.name, "--base", BASE).out.strip()


def audio(attune: Command, api: requests.Session, model: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(
        f"{attune.url}/v1/acoustic_customizations/{model}/audio", timeout=60
    ).json()["audio"]
    return found


def members(attune: Command, api: requests.Session, model: str) -> list[str]:
    """The names of all recordings that the service has, in archives and by themselves."""
    url = f"{attune.url}/v1/acoustic_customizations/{model}/audio"
    names = []
    for one in audio(attune, api, model):
        listing = api.get(f"{url}/{one['name']}", timeout=60).json()
        names += [member["name"] for member in listing.get("audio", ())] or [one["name"]]
    return sorted(names)


def test_a_folder_is_walked_and_what_cannot_be_used_is_told(
    attune: Command, api: requests.Session, model: str
) -> None:
    folder = folder_of_calls(attune.folder / "calls", 24)
    (folder / "notes.txt").write_text("notes")
    (folder / "cut.wav").write_bytes(tone(2.0)[:9_000])
    done = attune("add", folder, "-m", model, "--json", status=8)
    answer = done.document
    assert (answer["sent"], answer["already_there"], answer["status"]) == (24, 0, "ready")
    reasons = {Path(one["file"]).name: one["reason"] for one in answer["left_out"]}
    assert set(reasons) == {"notes.txt", "cut.wav"}
    assert "no audio" in reasons["notes.txt"] and "cut off" in reasons["cut.wav"]
    assert "1 recording left out" in done.err
    assert len(members(attune, api, model)) == 24
    assert [one["status"] for one in audio(attune, api, model)] == ["ok"], "training would be refused"

    again = attune("add", folder, "-m", model, "--json", status=8).document
    assert (again["sent"], again["already_there"]) == (0, 24)
    (folder / "new.wav").write_bytes(tone(0.4, seed=3))
    (folder / "cut.wav").unlink()
    more = attune("add", folder, "-m", model, "--json").document
    assert (more["sent"], more["already_there"]) == (1, 24)
    assert len(members(attune, api, model)) == 25


def test_a_second_machine_finds_what_is_there_by_name(
    attune: Command, api: requests.Session, model: str
) -> None:
    folder = folder_of_calls(attune.folder / "calls", 21)
    attune("add", folder, "-m", model)
    elsewhere = attune(
        "add", folder, "-m", model, "--json", more={"ATTUNE_CONFIG": str(attune.folder / "other")}
    ).document
    assert (elsewhere["sent"], elsewhere["already_there"]) == (0, 21)


def test_what_is_sent_again_takes_the_place_of_the_first(
    attune: Command, api: requests.Session, model: str
) -> None:
    folder = folder_of_calls(attune.folder / "calls", 21)
    attune("add", folder, "-m", model)
    first = audio(attune, api, model)
    (folder / "week 1" / "call-000.wav").write_bytes(tone(0.9))
    done = attune("add", folder, "-m", model)
    assert "stays in the archive" in done.err
    attune("add", folder, "-m", model, "--again")
    second = audio(attune, api, model)
    assert len(members(attune, api, model)) == len(set(members(attune, api, model)))
    assert first[0]["name"] not in [one["name"] for one in second]


def test_other_files_of_the_same_name_are_other_recordings(
    attune: Command, api: requests.Session, model: str
) -> None:
    for number, place in enumerate(("monday", "tuesday")):
        (attune.folder / place).mkdir()
        (attune.folder / place / "1.wav").write_bytes(tone(0.4, seed=number))
        assert attune("add", attune.folder / place, "-m", model, "--json").document["sent"] == 1
    first, second = members(attune, api, model)
    assert first == "1.wav" and second.startswith("1.wav-")
    (attune.folder / "tuesday" / "1.wav").write_bytes(tone(0.8))
    assert attune("add", attune.folder / "tuesday", "-m", model, "--json").document["sent"] == 1
    (attune.folder / "tuesday").rename(attune.folder / "moved")
    assert attune("add", attune.folder / "moved", "-m", model, "--json").document["already_there"] == 1
    assert members(attune, api, model) == [first, second]


def test_an_archive_of_the_users_own_is_sent_as_it_is(
    attune: Command, api: requests.Session, model: str
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr("a.wav", tone(0.4))
        out.writestr("broken.wav", b"RIFF\x00\x00\x00\x00WAVEfmt nonsense" * 9)
    (attune.folder / "monday.zip").write_bytes(packed.getvalue())
    done = attune("add", attune.folder / "monday.zip", "-m", model, status=8)
    assert "broken.wav" in done.err and "--again" in done.err
    with zipfile.ZipFile(attune.folder / "monday.zip", "w") as out:
        out.writestr("a.wav", tone(0.5))
    attune("add", attune.folder / "monday.zip", "-m", model, "--again")
    assert [(one["name"], one["status"]) for one in audio(attune, api, model)] == [("monday", "ok")]


def test_a_line_with_faults_loses_nothing_and_doubles_nothing(
    attune: Command, through: Through, api: requests.Session, model: str
) -> None:
    """Asked to wait, fault, a lost answer, a lost request: of each upload every first attempt meets one."""
    folder = folder_of_calls(attune.folder / "calls", 8)
    faults: list[Fault] = [
        Recorded(429, {"code": 429, "error": "Too many requests"}, {"Retry-After": "1"}),
        Recorded(500, {"code": 500, "error": "Internal Server Error"}),
        LOST,
        DROPPED,
    ]
    met: dict[str, int] = {}

    def plan(method: str, path: str, before: int) -> Fault:
        if method != "POST" or "/audio/" not in path:
            return None
        met[path] = met.get(path, 0) + 1
        return faults[len(met) % len(faults)] if met[path] == 1 else None

    with line(attune.url, plan) as one:
        answer = through(one)("add", folder, "-m", model, "--each", "--json").document
    assert answer["sent"] == 8 and answer["left_out"] == []
    assert sum(met.values()) == 16
    assert members(attune, api, model) == sorted(f"call-{place:03d}.wav" for place in range(8))


def test_an_upload_goes_on_when_the_service_comes_back(
    attune: Command, through: Through, api: requests.Session, model: str
) -> None:
    folder = folder_of_calls(attune.folder / "calls", 12)
    port = free_port()
    reached = threading.Event()

    def plan(method: str, path: str, before: int) -> Fault:
        if method == "POST" and before > 5:
            reached.set()
            return DROPPED
        return None

    with contextlib.ExitStack() as stack:
        with line(attune.url, plan, port) as one:
            sending = through(one).begun("add", folder, "-m", model, "--each", "--json")
            process = stack.enter_context(sending)
            assert reached.wait(120)
        time.sleep(1.5)  # nothing listens at all
        with line(attune.url, port=port):
            out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    assert '"sent": 12' in out
    assert len(members(attune, api, model)) == 12


def test_a_command_that_was_ended_goes_on_where_it_stopped(
    attune: Command, through: Through, api: requests.Session, model: str
) -> None:
    folder = folder_of_calls(attune.folder / "calls", 12)
    half, ended = threading.Event(), threading.Event()

    def plan(method: str, path: str, before: int) -> Fault:
        if method == "POST" and before > 6:
            half.set()
            ended.wait(60)
            time.sleep(0.2)
        return None

    with line(attune.url, plan) as one:
        with through(one).begun("add", folder, "-m", model, "--each", "--parallel", "1") as process:
            assert half.wait(120)
            process.send_signal(signal.SIGINT)
            ended.set()
            _, err = process.communicate(timeout=120)
        assert process.returncode == 130, err
        assert "goes on from here" in err
        there = len(audio(attune, api, model))
        assert 0 < there < 12
        answer = through(one)("add", folder, "-m", model, "--each", "--json").document
    assert answer["sent"] + answer["already_there"] == 12
    assert answer["already_there"] >= there
    assert len(members(attune, api, model)) == 12


def test_what_a_killed_service_has_lost_is_sent_again(tmp_path: Path) -> None:
    """It has written the row of an upload, and was killed before the bytes were there."""
    (tmp_path / "call.wav").write_bytes(tone(0.3))
    model = "1" * 8 + "-1111-1111-1111-" + "1" * 12
    path = f"acoustic_customizations/{model}"
    lost = {"name": "call.wav", "status": "invalid", "details": {}, "duration": 0}
    lost["error"] = "The audio did not arrive completely. Upload it again."
    kept = {"name": "call.wav", "status": "ok", "details": {"type": "audio"}, "duration": 700}
    answers = {
        ("GET", path): {"customization_id": model, "name": "Our line", "status": "ready", "progress": 0},
        ("GET", f"{path}/audio"): [
            {"audio": [], "total_minutes_of_audio": 0},
            {"audio": [lost], "total_minutes_of_audio": 0},
            {"audio": [kept], "total_minutes_of_audio": 11.7},
        ],
        ("GET", f"{path}/audio/call.wav"): lost,
        ("POST", f"{path}/audio/call.wav"): [
            Recorded(500, {"code": 500, "error": "Internal Server Error"}),
            Recorded(400, {"code": 400, "error": "Audio 'call.wav' already exists."}),
            Recorded(201, {}),
        ],
    }
    with line(None, recorded(answers)) as one:
        done = Command(one.url, "key", tmp_path)("add", "call.wav", "-m", model)
        sent = one.of("POST", "/audio/")
    assert [path.partition("?")[2] for path in sent] == ["", "", "allow_overwrite=true"]
    assert "1 file sent." in done.out and "12 min" in done.out


def test_a_key_that_is_revoked_meanwhile_is_named(
    service: RunningService, make_key: MakeKey, tmp_path: Path
) -> None:
    attune = Command(service.url, make_key(), tmp_path)
    model = attune("create", "mine", "--base", BASE).out.strip()
    folder = folder_of_calls(tmp_path / "calls", 2)
    revoked = re.search(r"revoked", operate(service, "revoke", attune.key))
    assert revoked
    deadline = time.monotonic() + 60
    while requests.get(f"{service.url}/v1/models", auth=("apikey", attune.key), timeout=60).ok:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    done = attune("add", folder, "-m", model, status=3)
    assert "The key is not accepted" in done.err and "attune login" in done.err


def test_two_people_who_add_the_same_folder_add_it_once(
    attune: Command, api: requests.Session, model: str
) -> None:
    folder = folder_of_calls(attune.folder / "calls", 30)
    arguments = ("add", folder, "-m", model, "--json")
    with attune.begun(*arguments) as first, attune.begun(*arguments) as second:
        for process in (first, second):
            _, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
    assert len(members(attune, api, model)) == 30


def test_models_may_be_named_and_need_not_be_if_there_is_one(
    service: RunningService, make_key: MakeKey, tmp_path: Path
) -> None:
    attune = Command(service.url, make_key(), tmp_path)
    folder = folder_of_calls(tmp_path / "calls", 1)
    none = attune("add", folder, status=4)
    assert "There is no custom acoustic model yet" in none.err and "attune create" in none.err
    attune("create", "Our line", "--base", BASE)
    attune("add", folder)
    attune("create", "Another", "--base", BASE)
    several = attune("add", folder, status=2)
    assert "'Our line'" in several.err and "'Another'" in several.err
    attune("add", folder, "-m", "our LINE")
    unknown = attune("add", folder, "-m", "nothing", status=4)
    assert "'Our line'" in unknown.err


def test_a_folder_without_audio_adds_nothing(attune: Command, model: str) -> None:
    (attune.folder / "odd").mkdir()
    (attune.folder / "odd" / "a.txt").write_text("a")
    done = attune("add", attune.folder / "odd", "-m", model, status=1)
    assert "No recording was added" in done.err and "a.txt" in done.err
