"""`attune import-watson`, with our own service as the account: everything comes along once, over a line with faults."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.attune_cli.conftest import MakeKey
from tests.attune_cli.line import DROPPED, LOST, Fault, Line, Recorded, line
from tests.attune_cli.recordings import folder_of_calls, tone
from tests.attune_cli.running import Command
from tests.running_service import RunningService

BASE = "en-US_NarrowbandModel"
CORPUS = "the quuxly foobarian walks\nhello there\n"
GRAMMAR = "#ABNF 1.0 ISO-8859-1;\nlanguage en-US;\nmode voice;\nroot $yesno;\n$yesno = yes | no ;\n"
WORDS = [
    {"word": "pbx", "sounds_like": ["p b x"], "display_as": "PBX"},
    {"word": "zorblat", "sounds_like": ["zore blat"]},
]


@dataclass
class Account:
    """An owner's account, asked as any client does."""

    url: str
    key: str

    def ask(self, method: str, path: str, **more: Any) -> Any:
        answer = requests.request(
            method, f"{self.url}/v1/{path}", auth=("apikey", self.key), timeout=60, **more
        )
        assert answer.ok, answer.text
        return answer.json()

    def when_idle(self, model: str) -> None:
        deadline = time.monotonic() + 60
        while "analysis" in self.ask("GET", model).get("stage", ""):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def models(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", kind)["customizations"]
        return found


@pytest.fixture(scope="module")
def watson(service: RunningService, make_key: MakeKey) -> Account:
    """An account with one model of each kind."""
    account = Account(service.url, make_key())
    fields = {"name": "Words", "base_model_name": BASE, "description": "of the line"}
    language = f"customizations/{account.ask('POST', 'customizations', json=fields)['customization_id']}"
    account.ask("POST", f"{language}/words", json={"words": WORDS})
    for path, text, content_type in (
        ("corpora/calls", CORPUS, "text/plain"),
        ("corpora/lost", "a wimbledorf sings\n", "text/plain"),
        ("grammars/yesno", GRAMMAR, "application/srgs"),
    ):
        account.when_idle(language)
        account.ask("POST", f"{language}/{path}", data=text.encode(), headers={"Content-Type": content_type})
    account.when_idle(language)
    fields = {"name": "Our line", "base_model_name": BASE}
    acoustic = account.ask("POST", "acoustic_customizations", json=fields)["customization_id"]
    for name in ("monday", "tuesday", "gone"):
        path = f"acoustic_customizations/{acoustic}/audio/{name}"
        account.ask("POST", path, data=tone(0.5), headers={"Content-Type": "audio/wav"})
    return account


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "Words").mkdir(parents=True)
    (folder / "Words" / "calls.txt").write_text(CORPUS)
    (folder / "yesno.abnf").write_text(GRAMMAR)
    (folder / "monday.wav").write_bytes(tone(0.5))
    folder_of_calls(folder / "tuesday", 3)
    return folder


@pytest.fixture
def target(service: RunningService, make_key: MakeKey, tmp_path: Path) -> Command:
    return Command(service.url, make_key(), tmp_path)


def bring(target: Command, source: str, key: str, files: Path) -> tuple[str | Path, ...]:
    return ("import-watson", "--from", source, "--from-key", key, "--files", files, "--json")


def check_brought(account: Account) -> None:
    (language,) = account.models("customizations")
    assert (language["name"], language["base_model_name"], language["description"]) == (
        "Words",
        BASE,
        "of the line",
    )
    path = f"customizations/{language['customization_id']}"
    words = {one["word"]: one for one in account.ask("GET", f"{path}/words")["words"]}
    assert words["pbx"]["sounds_like"] == ["p b x"] and words["pbx"]["display_as"] == "PBX"
    assert "user" in words["zorblat"]["source"]
    assert "calls" in words["quuxly"]["source"]
    assert "user" in words["wimbledorf"]["source"], "the words of a corpus that is lost are not"
    assert [one["name"] for one in account.ask("GET", f"{path}/corpora")["corpora"]] == ["calls"]
    assert [one["status"] for one in account.ask("GET", f"{path}/grammars")["grammars"]] == ["analyzed"]
    (acoustic,) = account.models("acoustic_customizations")
    audio = account.ask("GET", f"acoustic_customizations/{acoustic['customization_id']}/audio")["audio"]
    assert {one["name"]: (one["status"], one["details"]["type"]) for one in audio} == {
        "monday": ("ok", "audio"),
        "tuesday": ("ok", "archive"),
    }


def check_report(folder: Path) -> None:
    page = (folder / "watson-import.md").read_text()
    for told in (
        "corpus `lost`",
        "audio `gone`",
        "1 word of missing corpora",
        "Trained state",
        "attune train ",
    ):
        assert told in page, page
    ledger = json.loads((folder / "watson-import.json").read_text())
    assert ledger["complete"] is True
    assert {model["name"] for model in ledger["models"]} == {"Words", "Our line"}


def test_everything_that_can_be_had_comes_along_over_a_line_with_faults(
    watson: Account, target: Command, files: Path
) -> None:
    """Each kind of request meets one fault of each kind, at the source and at the target."""
    faults: list[Fault] = [
        Recorded(429, {"code": 429, "error": "Too many requests"}, {"Retry-After": "0.2"}),
        Recorded(500, {"code": 500, "error": "Internal Server Error"}),
        LOST,
        DROPPED,
    ]
    counts: dict[str, int] = {}
    lock = threading.Lock()

    def plan(method: str, path: str, before: int) -> Fault:
        with lock:
            counts[method] = counts.get(method, 0) + 1
            # The first of a kind goes through: whether a service is there at all, is asked for a moment only.
            place = counts[method] - (2 if method == "GET" else 1)
        return faults[place // 2] if place % 2 == 0 and 0 <= place // 2 < len(faults) else None

    with line(watson.url, plan) as source, line(target.url, plan) as to:
        command = Command(to.url, target.key, target.folder)
        done = command(*bring(target, source.url, watson.key, files), status=8)
        assert done.document["models"] == 2 and done.document["not_brought"] == 2
        check_brought(Account(target.url, target.key))
        check_report(target.folder)
        assert min(counts["POST"], counts["GET"]) > 8
        again = command(*bring(target, source.url, watson.key, files), status=8)
    assert again.document["not_brought"] == 2
    check_brought(Account(target.url, target.key))


def test_an_import_that_was_ended_goes_on(watson: Account, target: Command, files: Path) -> None:
    stop = threading.Event()
    posts = 0

    def plan(method: str, path: str, before: int) -> Fault:
        nonlocal posts
        posts += method == "POST"
        if posts >= 5 or before > 60:
            stop.set()
            time.sleep(0.3)
        return None

    with line(target.url, plan) as to:
        command = Command(to.url, target.key, target.folder)
        with command.begun(*bring(target, watson.url, watson.key, files)) as process:
            assert stop.wait(60)
            process.kill()
            process.communicate()
        to.wait_until_idle()
        to.plan = lambda method, path, before: None
        done = command(*bring(target, watson.url, watson.key, files), status=8)
    assert done.document["models"] == 2
    check_brought(Account(target.url, target.key))
    check_report(target.folder)


@pytest.fixture
def elsewhere() -> Iterator[Line]:
    """An account as Watson's, whose base model is not served here, and a word that makes no sense here."""
    german = {
        "customization_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12,
        "name": "Leitung",
        "base_model_name": "de-DE_NarrowbandModel",
        "language": "de-DE",
        "status": "available",
    }
    english = german | {
        "customization_id": "1" * 8 + "-1111-1111-1111-" + "1" * 12,
        "name": "Line",
        "base_model_name": BASE,
        "language": "en-US",
    }
    path = f"customizations/{english['customization_id']}"
    answers: dict[tuple[str, str], Any] = {
        ("GET", "acoustic_customizations"): {"customizations": [german]},
        ("GET", "customizations"): {"customizations": [english]},
        ("GET", f"acoustic_customizations/{german['customization_id']}/audio"): {"audio": []},
        ("GET", f"{path}/corpora"): {"corpora": []},
        ("GET", f"{path}/words"): {
            "words": [
                {"word": "two words", "sounds_like": [], "display_as": "", "source": ["user"], "count": 1},
                {"word": "good", "sounds_like": ["gud"], "display_as": "", "source": ["user"], "count": 1},
            ]
        },
    }

    def plan(method: str, path: str, before: int) -> Fault:
        found = answers.get((method, path.partition("?")[0].removeprefix("/v1/")))
        return (
            Recorded(200, found) if found else Recorded(404, {"code": 404, "error": "there is no resource"})
        )

    with line(None, plan) as one:
        yield one


def test_what_cannot_be_brought_is_named_with_the_way_out(
    elsewhere: Line, target: Command, files: Path
) -> None:
    done = target(*bring(target, elsewhere.url, "a-key", files), status=8)
    assert (done.document["models"], done.document["not_brought"]) == (1, 2)
    page = (target.folder / "watson-import.md").read_text()
    assert "knows de-DE" in page and "--base de-DE_NarrowbandModel=" in page
    assert "word `two words`" in page
    mapped = target(
        *bring(target, elsewhere.url, "a-key", files), "--base", f"de-DE_NarrowbandModel={BASE}", status=8
    )
    assert mapped.document["models"] == 2
    assert "made on en-US_NarrowbandModel in place of" in (target.folder / "watson-import.md").read_text()


def test_an_account_can_be_looked_at_without_signing_in_here(watson: Account, target: Command) -> None:
    nobody = {"ATTUNE_URL": "", "ATTUNE_API_KEY": "", "WATSON_API_KEY": watson.key}
    done = target("import-watson", "--from", watson.url, "--list", more=nobody)
    assert "Words (language, en-US_NarrowbandModel, ready)" in done.out
    assert "  corpora: calls, lost\n  grammars: yesno\n" in done.out
    assert "  audio: monday, tuesday, gone" in done.out


def test_source_and_target_are_two_accounts(service: RunningService, target: Command, files: Path) -> None:
    done = target(*bring(target, service.url, target.key, files), status=2)
    assert "the same account" in done.err
    assert not (target.folder / "watson-import.md").exists()


def test_a_report_of_another_import_is_not_written_over(
    elsewhere: Line, target: Command, files: Path
) -> None:
    (target.folder / "watson-import.json").write_text(
        json.dumps(
            {"form": 1, "source": "https://another", "target": target.url, "complete": True, "models": []}
        )
    )
    done = target(*bring(target, elsewhere.url, "a-key", files), status=1)
    assert "another import" in done.err and "--report" in done.err
