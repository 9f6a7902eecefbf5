"""IBM's SDK for Node, unmodified, drives the service: a scenario is a small program in `node/`."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local.prompts import Prompt
from tests.contract.test_websocket_clients import check_session, raw_audio
from tests.running_service import RunningService

ROOT = Path(__file__).parent.parent.parent
SCENARIOS = Path(__file__).parent / "node"
NARROWBAND = "en-US_NarrowbandModel"

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Install the SDK once, into a folder that git ignores."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not installed here")
    folder = ROOT / ".attune" / "node-sdk"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = (SCENARIOS / "package.json").read_text()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / "installed.json"
        if not stamp.exists() or stamp.read_text() != wanted:
            (folder / "package.json").write_text(wanted)
            install = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(
                install, cwd=folder, capture_output=True, text=True, timeout=300, check=False
            )
            if done.returncode != 0:
                pytest.skip(f"IBM's SDK for Node cannot be had here: {done.stderr[-300:]}")
            stamp.write_text(wanted)
    return folder / "node_modules"


@pytest.fixture(scope="session")
def run(service: RunningService, node_modules: Path) -> Run:
    def run(scenario: str, *, tls: bool = False, **options: Any) -> dict[str, Any]:
        """Run a scenario; return its `value` or its `error`."""
        done = subprocess.run(
            ["node", "--no-warnings", str(SCENARIOS / f"{scenario}.js")],
            env=os.environ
            | {
                "NODE_PATH": str(node_modules),
                "ATTUNE_URL": service.tls_url if tls else service.url,
                "ATTUNE_KEY": service.key,
                # The certificate is the service's own, made at its first start.
                "NODE_TLS_REJECT_UNAUTHORIZED": "0",
            },
            input=json.dumps(options),
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        outcome: dict[str, Any] = json.loads(done.stdout)
        return outcome

    return run


def transcripts(results: list[dict[str, Any]]) -> list[str]:
    return [result["alternatives"][0]["transcript"] for result in results]


def close_code(events: list[list[Any]]) -> int:
    (code,) = [event[1] for event in events if event[0] == "close"]
    return int(code)


def test_models_are_listed(run: Run) -> None:
    assert NARROWBAND in run("models", authentication="iam")["value"]


@pytest.mark.parametrize("tls", [False, True])
def test_a_websocket_hears_what_a_post_does(run: Run, prompts: list[Prompt], tls: bool) -> None:
    file = str(prompts[3].path)
    posted = run("recognize", tls=tls, file=file, params={"contentType": "audio/wav", "model": NARROWBAND})
    assert posted["value"]["status"] == 200
    params = {
        "contentType": "audio/wav",
        "model": NARROWBAND,
        "objectMode": tls,
        "interimResults": tls,
        "timestamps": True,
    }
    heard = run("recognize_using_websocket", tls=tls, file=file, params=params)["value"]
    assert close_code(heard["events"]) == 1000
    assert len(heard["transactionId"]) >= 8
    assert "error" not in {event[0] for event in heard["events"]}
    data = [event[1] for event in heard["events"] if event[0] == "data"]
    if tls:
        results = [result for message in data for result in message["results"]]
        assert {result["final"] for result in results} == {False, True}
        finals = transcripts([result for result in results if result["final"]])
    else:
        finals = data
    assert finals == transcripts(posted["value"]["result"]["results"])


def test_silence_ends_a_websocket_cleanly(run: Run, tmp_path: Path) -> None:
    silence = tmp_path / "silence.raw"
    silence.write_bytes(bytes(16_000))
    params = {"contentType": "audio/l16; rate=8000", "model": NARROWBAND, "objectMode": True}
    heard = run("recognize_using_websocket", file=str(silence), params=params)["value"]
    assert [event for event in heard["events"] if event[0] == "data"] == [
        ["data", {"result_index": 0, "results": []}]
    ]
    assert close_code(heard["events"]) == 1000


def test_a_wrong_token_and_bad_audio_are_errors(run: Run, tmp_path: Path) -> None:
    noise = tmp_path / "noise.mp3"
    noise.write_bytes(b"this is no audio" * 100)
    params = {"contentType": "audio/mp3", "model": NARROWBAND}
    refused = run("recognize_using_websocket", authentication="wrong", file=str(noise), params=params)
    assert "error" in {event[0] for event in refused["value"]["events"]}
    bad = run("recognize_using_websocket", file=str(noise), params=params)["value"]["events"]
    assert ["error", "unable to transcode data stream audio/mpeg -> audio/l16 "] in bad
    assert close_code(bad) == 1011


def test_a_job_is_made_followed_and_deleted(run: Run, prompts: list[Prompt]) -> None:
    params = {"contentType": "audio/wav", "model": NARROWBAND}
    outcome = run("job", file=str(prompts[3].path), params=params)
    value = outcome["value"]
    assert value["job"]["status"] == "completed"
    assert value["job"]["results"][0]["results"]
    assert value["made"]["id"] in value["listed"]
    assert value["deleted"] == 204


def test_a_job_tells_its_callback(run: Run, prompts: list[Prompt]) -> None:
    value = run(
        "job_with_callback",
        file=str(prompts[3].path),
        params={"contentType": "audio/wav", "model": NARROWBAND, "timestamps": True},
        userSecret="ThisIsMySecret",
    )["value"]
    assert value["registration"] == {"status": "created", "url": value["callbackUrl"]}
    assert [value[name] for name in ("registered", "again", "created")] == [201, 200, 201]
    made, job = value["made"], value["job"]
    assert set(made) == {"created", "id", "url", "status"}
    assert job["status"] == "completed"
    shown = {name: held for name, held in job.items() if name != "results"}
    assert value["entry"] == shown | {"user_token": "job 25"}
    started, completed = (json.loads(one["body"]) for one in value["told"])
    assert started == {"id": made["id"], "event": "recognitions.started", "user_token": "job 25"}
    assert completed["results"] == job["results"]
    for one in value["told"]:
        expected = hmac.new(b"ThisIsMySecret", one["body"].encode(), hashlib.sha1).digest()
        assert one["signature"] == base64.b64encode(expected).decode()
    assert [value["deleted"], value["unregistered"], value["refused"]["code"]] == [204, 200, 400]


def test_the_documented_session_with_a_plain_client(run: Run, prompts: list[Prompt], tmp_path: Path) -> None:
    file = tmp_path / "audio.raw"
    file.write_bytes(raw_audio(prompts))
    value = run("documented_session", file=str(file))["value"]
    check_session(value["messages"])
    assert value["code"] == 1005, "the client closed without a code"


def test_an_acoustic_model_lives(run: Run, prompts: list[Prompt]) -> None:
    value = run("acoustic_model", file=str(prompts[3].path), name="node", baseModelName=NARROWBAND)["value"]
    assert value["audio"]["status"] == "ok"
    assert value["listed"]["audio"][0]["name"] == "one recording"
    assert value["refused"]["code"] == 400
    assert "audio duration must be between" in value["refused"]["message"]
    assert value["described"]["status"] == "pending"
    assert value["customizationId"] in value["ids"]


@pytest.fixture(scope="module")
def language_model(
    run: Run, prompts: list[Prompt], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What one scenario saw of the whole life of a custom language model."""
    text = tmp_path_factory.mktemp("node") / "text"
    text.write_text("attune hears the attunement of a zyzzyva\nattune hears it again\n")
    goodbye = next(prompt for prompt in prompts if prompt.name == "vm-goodbye")
    value: dict[str, Any] = run(
        "language_model",
        name="node",
        baseModelName=NARROWBAND,
        text=text.read_text(),
        textFile=str(text),
        grammar="#ABNF 1.0;\nroot $a;\n$a = goodbye | zyzzyva;\n",
        audioFile=str(goodbye.path),
    )["value"]
    return value


def test_a_language_model_lives(language_model: dict[str, Any]) -> None:
    value = language_model
    assert (value["trained"]["status"], value["trained"]["progress"]) == ("available", 100)
    assert {warning["code"] for warning in value["warned"]["warnings"]} == {"invalid_grammar_files"}
    assert value["heard"]["plain"]
    assert value["heard"]["grammar"] in ("goodbye", "")
    assert "model is up-to-date" in value["newest"]["message"]
    assert value["described"]["status"] == "pending"
    assert value["customizationId"] in value["ids"]
    assert value["deleted"]["code"] == 401


def test_corpora_come_in_every_form(language_model: dict[str, Any]) -> None:
    corpora = language_model["corpora"]
    for form in ("buffer", "stream", "string"):
        assert (corpora[form]["status"], corpora[form]["total_words"]) == ("analyzed", 11), form
    for form, reason in (("binary", "Line 1: the line holds control characters"), ("utf16", "UTF-16")):
        assert (corpora[form]["status"], reason in corpora[form]["error"]) == ("undetermined", True), form
    assert language_model["repeated"]["code"] == 400
    assert language_model["overwritten"]["status"] == "analyzed"
    listed = [corpus["name"] for corpus in language_model["listedCorpora"]["corpora"]]
    assert sorted(listed) == ["binary", "buffer", "stream", "string", "utf16"]
    assert "corpora: [binary, utf16]; grammars: [broken]" in language_model["strict"]["message"]


def test_words_and_grammars_live(language_model: dict[str, Any]) -> None:
    words = {word["word"]: word for word in language_model["words"]}
    assert (words["zorblax"]["display_as"], words["zorblax"]["source"]) == ("ZORBLAX", ["user"])
    assert sorted(words["zyzzyva"]["source"]) == ["buffer", "stream", "string"]
    assert list(words) == sorted(words)
    assert language_model["tooLong"]["code"] == 400
    assert language_model["slashed"]["word"] == "and/or"
    assert language_model["gone"]["code"] == 404
    grammars = language_model["grammars"]
    assert (grammars["good"]["status"], grammars["broken"]["status"]) == ("analyzed", "undetermined")
    assert "Line 3" in grammars["broken"]["error"]
    assert [one["name"] for one in language_model["listedGrammars"]["grammars"]] == ["good", "broken"]
