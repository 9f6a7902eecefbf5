"""`attune versions`, `rollback`, `test-sets`, `evaluate`: what they ask, and how they tell what is answered."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.attune_cli.line import Recorded, line, recorded
from tests.attune_cli.recordings import folder_of_calls
from tests.attune_cli.running import Command, Done

MODEL = "1" * 8 + "-1111-1111-1111-" + "1" * 12
PATH = f"acoustic_customizations/{MODEL}"
BASE = "en-US_NarrowbandModel"
LISTED = {
    ("GET", "models"): {"models": [{"name": BASE}]},
    ("GET", "acoustic_customizations"): {
        "customizations": [{"customization_id": MODEL, "name": "Our line", "base_model_name": BASE}]
    },
    ("GET", "customizations"): {"customizations": []},
}
VERSION = {
    "version": 2,
    "created": "2026-11-30T12:00:00.000Z",
    "current": True,
    "label": "before May",
    "base_model_version": f"{BASE}.v2026-11-30",
    "alpha": 0.75,
    "bytes": 2_100_000,
    "result": "It is used.",
}
DONE: dict[str, Any] = {
    "evaluation_id": "7",
    "status": "completed",
    "results": {
        "unit": "words",
        "models": [
            {
                "label": label,
                "word_error_rate": rate,
                "interval": [rate - 0.02, rate + 0.02],
                "words": 1_000,
                "substitutions": 60,
                "deletions": 20,
                "insertions": 3,
            }
            for label, rate in ((BASE, 0.104), ("Our line", 0.083))
        ],
        "words": ["Our line makes 2.1 % fewer errors; that is no accident (p = 0.004)."],
        "utterances": [
            {
                "number": 17,
                "file": "a.wav",
                "reference": "turn left now",
                "models": [
                    {
                        "text": "turn lift",
                        "errors": 2,
                        "marked": [
                            {"op": "equal", "reference": "turn", "recognized": "turn"},
                            {"op": "substituted", "reference": "left", "recognized": "lift"},
                            {"op": "deleted", "reference": "now", "recognized": ""},
                        ],
                    },
                    {"text": "turn left now", "errors": 0, "marked": []},
                ],
            }
        ],
    },
}


def told(
    tmp_path: Path, answers: dict[tuple[str, str], Any], *arguments: str | Path, status: int = 0
) -> tuple[Done, Any]:
    """Run a command against recorded answers; returns how it ended, and what came."""
    with line(None, recorded(LISTED | answers)) as one:
        done = Command(one.url, "key", tmp_path)(*arguments, status=status)
        return done, one.came


def test_versions_are_listed_labelled_and_taken_back(tmp_path: Path) -> None:
    answers = {
        ("GET", f"{PATH}/versions"): {"versions": [VERSION, {**VERSION, "version": 1, "current": False}]},
        ("PUT", f"{PATH}/versions/2"): {},
        ("POST", f"{PATH}/versions/1/activate"): {},
        ("GET", f"{PATH}/versions/1"): {**VERSION, "version": 1},
    }
    done, came = told(tmp_path, answers, "versions", "Our line", "--label", "2", "before May")
    assert ("PUT", f"/v1/{PATH}/versions/2") in came
    assert done.out.splitlines()[0].split("\t") == [
        "2 (serves)",
        "2026-11-30 12:00",
        "before May",
        f"{BASE}.v2026-11-30",
        "2.1 MB",
        "It is used.",
    ]
    done, came = told(tmp_path, answers, "rollback", "Our line", "1")
    assert ("POST", f"/v1/{PATH}/versions/1/activate") in came
    assert done.out == "Version 1 serves now. It is used.\n"


def test_the_serving_version_stays(tmp_path: Path) -> None:
    answers = {("DELETE", f"{PATH}/versions/2"): Recorded(409, {"code": 409, "error": "Version 2 serves"})}
    done, _ = told(tmp_path, answers, "versions", MODEL, "--delete", "2", status=5)
    assert "Version 2 serves." in done.err


@pytest.mark.parametrize(
    ("command", "call", "kind"),
    [
        (("versions", MODEL), f"{PATH}/versions", "versions"),
        (("test-sets",), "test_sets", "test_sets"),
        (("evaluations",), "evaluations", "evaluations"),
    ],
    ids=["versions", "test sets", "evaluations"],
)
def test_an_empty_list_is_said_to_be_empty(
    tmp_path: Path, command: tuple[str, ...], call: str, kind: str
) -> None:
    done, _ = told(tmp_path, {("GET", call): {kind: []}}, *command)
    assert (done.out, done.err) == ("", "There is nothing to list yet.\n")


def test_one_model_is_one_when_somebody_signs_in(tmp_path: Path) -> None:
    with line(None, recorded(LISTED)) as one:
        done = Command(one.url, "key", tmp_path)("login", "--url", one.url, "--key", "x" * 40)
    assert ": 1 base model, 1 custom acoustic model of yours." in done.out


def test_a_recording_without_speech_is_said_to_be_that(tmp_path: Path) -> None:
    (call := folder_of_calls(tmp_path / "calls", 1) / "week 1" / "call-000.wav").read_bytes()
    answers = {("POST", "recognize"): {"result_index": 0, "results": []}}
    done, _ = told(tmp_path, answers, "transcribe", call, "--model", BASE)
    assert (done.out, done.err.splitlines()[-1]) == ("", f"{call}: no speech was found.")


def test_a_service_without_versions_says_so(tmp_path: Path) -> None:
    done, _ = told(tmp_path, {}, "versions", MODEL, status=4)
    assert "Not every service offers all calls" in done.err


def test_a_test_set_is_packed_sent_and_looked_at(tmp_path: Path) -> None:
    folder = folder_of_calls(tmp_path / "tests", 2)
    (folder / "calls.csv").write_text("audio,text\nweek 1/call-000.wav,hello\n")
    finding = {"file": "week 1/call-001.wav", "message": "has no transcript: add call-001.txt"}
    shown = {"test_set_id": "5", "name": "tests", "utterances": 1, "duration": 0.3}
    answers = {
        ("POST", "test_sets"): Recorded(201, {"test_set_id": "5"}),
        ("GET", "test_sets/5"): [
            shown | {"status": "processing"},
            shown | {"status": "available", "findings": [finding]},
        ],
    }
    done, came = told(tmp_path, answers, "test-sets", "add", folder, status=8)
    assert came[0] == ("POST", "/v1/test_sets?name=tests")
    assert "1 utterance of" in done.out
    assert "week 1/call-001.wav: has no transcript" in done.err
    assert "1 fault in it" in done.err and "attune test-sets delete 5" in done.err
    answers[("GET", "test_sets/5")] = shown | {"status": "available"}
    told(tmp_path, answers, "test-sets", "add", folder)
    answers[("GET", "test_sets/5")] = shown | {"status": "invalid", "error": "No transcript fits."}
    done, _ = told(tmp_path, answers, "test-sets", "add", folder, status=1)
    assert "No transcript fits." in done.err
    (tmp_path / "notes.txt").write_text("notes")
    done, _ = told(tmp_path, answers, "test-sets", "add", "notes.txt", status=1)
    assert "is no archive" in done.err


def test_an_evaluation_is_told_in_words(tmp_path: Path) -> None:
    answers = {
        ("GET", "test_sets"): {"test_sets": [{"test_set_id": "5", "name": "calls"}]},
        ("POST", "evaluations"): Recorded(202, {"evaluation_id": "7", "status": "waiting"}),
        ("GET", "evaluations/7"): [{"evaluation_id": "7", "status": "processing", "progress": 50}, DONE],
        ("GET", "evaluations/7/picture"): {"svg": True},
    }
    done, came = told(
        tmp_path,
        answers,
        "evaluate",
        "--tests",
        "calls",
        "-m",
        BASE,
        "-m",
        "Our line@2",
        "--picture",
        "a.svg",
    )
    assert ("POST", "/v1/evaluations") in came
    assert f"{BASE}: 10.4 % of 1,000 words wrong (95 %: 8.4 % to 12.4 %); 60 substitutions" in done.out
    assert "that is no accident" in done.out
    assert "said: turn left now" in done.out
    assert f"{BASE}, 2 wrong: turn [left -> lift] [now -> ]" in done.out
    assert (tmp_path / "a.svg").exists()


def test_without_transcripts_the_sentences_that_changed_are_shown(tmp_path: Path) -> None:
    results = {
        "models": [{"label": BASE}, {"label": "Our line"}],
        "words": ["2 of 9 recordings are heard differently."],
        "limits": ["That a sentence changed does not show that it is right now."],
        "sentences": [
            {
                "recording": "calls",
                "member": "a.wav",
                "start_s": 1.25,
                "texts": ["turn lift", "turn left"],
                "confidences": [0.51, 0.83],
            }
        ],
    }
    answers = {
        ("POST", "evaluations"): Recorded(202, {"evaluation_id": "7", "status": "waiting"}),
        ("GET", "evaluations/7"): {"evaluation_id": "7", "status": "completed", "results": results},
    }
    done, _ = told(tmp_path, answers, "evaluate", "--held-out", "Our line")
    for text in ("2 of 9", "calls a.wav at 1.2 s", " 51 %  turn lift", " 83 %  turn left", "does not show"):
        assert text in done.out


@pytest.mark.parametrize(
    "arguments", [(), ("--tests", "calls"), ("--tests", "calls", "--held-out", "Our line")]
)
def test_what_is_to_be_compared_has_to_be_said(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done, came = told(tmp_path, {}, "evaluate", *arguments, status=2)
    assert "--" in done.err
    assert ("POST", "/v1/evaluations") not in came


def test_a_folder_for_a_test_set_is_packed_as_it_lies(tmp_path: Path) -> None:
    from attune_cli.commands.evaluation import _archive

    folder = folder_of_calls(tmp_path / "tests", 1)
    (folder / ".hidden").write_text("x")
    with _archive(folder) as (file, content_type), zipfile.ZipFile(file) as packed:
        assert packed.namelist() == ["week 1/call-000.wav"]
    assert content_type == "application/zip"
