"""Signing in, models, what they do, operators' commands, and completion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attune_cli.line import Recorded, line, recorded
from tests.attune_cli.recordings import folder_of_calls
from tests.attune_cli.running import Command
from tests.running_service import ROOT, RunningService

BASE = "en-US_NarrowbandModel"


def test_who_signs_in_is_known_afterwards(attune: Command, service: RunningService) -> None:
    nobody = {"ATTUNE_URL": "", "ATTUNE_API_KEY": ""}
    before = attune("models", status=3, more=nobody)
    assert "attune login" in before.err
    (attune.folder / "key").write_text(f"{attune.key}\n")
    certificate = str(service.home / "certificate.pem")
    untrusted = attune("login", "--url", service.tls_url, "--key-file", "key", status=1, more=nobody)
    assert "--certificate" in untrusted.err
    done = attune(
        "login",
        "--url",
        f"{service.tls_url}/v1",
        "--key-file",
        "key",
        "--certificate",
        certificate,
        more=nobody,
    )
    assert "base models" in done.out
    kept = json.loads((attune.folder / "config" / "credentials.json").read_text())
    assert kept["profiles"]["default"]["url"] == service.tls_url
    assert f"\t{BASE}\t" in attune("models", "--base", more=nobody).out
    wrong = attune("login", "--url", service.url, "--key", "x" * 40, status=3, more=nobody)
    assert "The key is not accepted" in wrong.err
    attune("logout", more=nobody)
    attune("models", status=3, more=nobody)


def test_models_come_and_go(attune: Command) -> None:
    made = attune("create", "A line", "--base", BASE, "--description", "of ours", "--json").document
    words = attune("create", "Words", "--base", BASE, "--language-model").out.strip()
    listed = attune("models", "--custom", "--json").document
    assert [one["customization_id"] for one in listed["acoustic_customizations"]] == [
        made["customization_id"]
    ]
    assert [one["customization_id"] for one in listed["customizations"]] == [words]
    rows = [row.split("\t") for row in attune("models", "--custom").out.splitlines()]
    assert ["acoustic", "A line", "pending", BASE, made["customization_id"]] in rows
    attune("delete", "A line", status=130)  # nobody is there to confirm
    attune("delete", "A line", "--yes")
    attune("delete", "Words", "--yes", "--language-model")
    assert attune("models", "--custom").out == ""
    unknown = attune("create", "X", "--base", "nothing", status=1)
    assert "attune models --base" in unknown.err


def test_status_train_and_report_say_what_is_missing(attune: Command) -> None:
    model = attune("create", "Short", "--base", BASE).out.strip()
    assert "waiting for valid audio" in attune("status", model).out
    nothing = attune("train", model, "--watch", status=1)
    assert "attune add" in nothing.err
    report = attune("report", model, status=4)
    assert "attune train" in report.err
    attune("add", folder_of_calls(attune.folder / "calls", 2), "-m", model, "--no-wait")
    shown = attune("status", model, "--watch", "--json", status=None)
    assert json.loads(shown.out)["audio"][0]["status"] == "ok"
    error = json.loads(attune("train", model, "--json", status=1).err)
    assert "between 10 minutes" in error["error"] and error["code"] == 400 and error["exit_status"] == 1


@pytest.mark.parametrize(
    ("end", "status", "told"),
    [
        (
            {"status": "available", "progress": 100},
            0,
            "is trained. 12 of 60 recordings are heard differently.",
        ),
        ({"status": "failed", "progress": 0, "error": "The disk is full."}, 1, "The disk is full."),
        ({"status": "ready", "progress": 0}, 1, "without a result"),
    ],
)
def test_a_training_is_watched_to_its_end(
    tmp_path: Path, end: dict[str, object], status: int, told: str
) -> None:
    model = {"customization_id": "1" * 8 + "-1111-1111-1111-" + "1" * 12, "name": "Our line", "progress": 0}
    path = f"acoustic_customizations/{model['customization_id']}"
    training = model | {
        "status": "training",
        "stage": "learning, round 1 of 1",
        "progress": 40,
        "seconds_left": 200,
    }
    answers = {
        ("GET", "acoustic_customizations"): {"customizations": [training]},
        ("POST", f"{path}/train"): {
            "warnings": [{"code": "invalid_audio_files", "message": "[notes] is left out"}]
        },
        ("GET", path): [
            training,
            training,
            Recorded(503, {"code": 503, "error": "The store does not answer"}),
            training | {"stage": "judging"},
            model | end,
        ],
        ("GET", f"{path}/report"): {"summary": ["12 of 60 recordings are heard differently.", "It is used."]},
    }
    with line(None, recorded(answers)) as one:
        done = Command(one.url, "key", tmp_path)("train", "Our line", "--watch", "--no-strict", status=status)
        assert one.of("POST", "/train") == [f"/v1/{path}/train?strict=false"]
    assert told in done.out + done.err
    assert "[notes] is left out" in done.err
    assert "learning, round 1 of 1, about 3 min left 40 %" in done.err and "judging" in done.err


def test_a_model_that_somebody_else_trains_is_busy_and_can_be_followed(tmp_path: Path) -> None:
    model = {"customization_id": "1" * 8 + "-1111-1111-1111-" + "1" * 12, "name": "Our line", "progress": 0}
    path = f"acoustic_customizations/{model['customization_id']}"
    locked = Recorded(409, {"code": 409, "error": "Customization '1' is currently locked"})
    answers = {
        ("GET", "acoustic_customizations"): {"customizations": [model]},
        ("POST", f"{path}/train"): locked,
        ("GET", path): [model | {"status": "training"}] * 3 + [model | {"status": "available"}],
        ("GET", f"{path}/report"): Recorded(404, {"code": 404, "error": "there is no resource"}),
    }
    with line(None, recorded(answers)) as one:
        attune = Command(one.url, "key", tmp_path)
        busy = attune("train", status=5)
        assert "is busy: it is training" in busy.err and "attune train --watch" in busy.err
        assert attune("train", "--watch").out == "'Our line' is trained.\n"


def test_operators_commands_need_the_service_on_this_machine(
    attune: Command, service: RunningService
) -> None:
    away = attune("bases", "list", status=1)
    assert "ATTUNE_SERVICE" in away.err
    here = {"ATTUNE_SERVICE": str(ROOT), "ATTUNE_HOME": str(service.home)}
    assert attune.alone("bases", "list", more=here).out == ""
    assert BASE in attune("bases").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete(attune: Command, shell: str) -> None:
    script = attune("completion", shell).out
    assert "_ATTUNE_COMPLETE" in script
    if shell == "bash":
        parsed = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
        assert parsed.returncode == 0, parsed.stderr


def test_what_is_typed_is_completed(attune: Command) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "attune_cli"],
        env=os.environ
        | attune.environment
        | {"_ATTUNE_COMPLETE": "bash_complete", "COMP_WORDS": "attune tra", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert {line.partition(",")[2] for line in done.stdout.split()} == {"train", "transcribe"}
