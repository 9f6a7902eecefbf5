"""IBM's SDK for Node, unmodified, drives the service: a scenario is a small program in `node/`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from infra.local.demo.prompts import Prompt
from tests.contract.test_websocket_clients import check_session, raw_audio
from tests.node_sdk import RunNode

NARROWBAND = "en-US_NarrowbandModel"


def transcripts(results: list[dict[str, Any]]) -> list[str]:
    return [result["alternatives"][0]["transcript"] for result in results]


def close_code(events: list[list[Any]]) -> int:
    (code,) = [event[1] for event in events if event[0] == "close"]
    return int(code)


def test_models_are_listed(run_node: RunNode) -> None:
    assert NARROWBAND in run_node("models", authentication="iam")["value"]


@pytest.mark.parametrize("tls", [False, True])
def test_a_websocket_hears_what_a_post_does(run_node: RunNode, prompts: list[Prompt], tls: bool) -> None:
    file = str(prompts[3].path)
    posted = run_node(
        "recognize", tls=tls, file=file, params={"contentType": "audio/wav", "model": NARROWBAND}
    )
    assert posted["value"]["status"] == 200
    params = {
        "contentType": "audio/wav",
        "model": NARROWBAND,
        "objectMode": tls,
        "interimResults": tls,
        "timestamps": True,
    }
    heard = run_node("recognize_using_websocket", tls=tls, file=file, params=params)["value"]
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


def test_silence_ends_a_websocket_cleanly(run_node: RunNode, tmp_path: Path) -> None:
    silence = tmp_path / "silence.raw"
    silence.write_bytes(bytes(16_000))
    params = {"contentType": "audio/l16; rate=8000", "model": NARROWBAND, "objectMode": True}
    heard = run_node("recognize_using_websocket", file=str(silence), params=params)["value"]
    assert [event for event in heard["events"] if event[0] == "data"] == [
        ["data", {"result_index": 0, "results": []}]
    ]
    assert close_code(heard["events"]) == 1000


def test_a_wrong_token_and_bad_audio_are_errors(run_node: RunNode, tmp_path: Path) -> None:
    noise = tmp_path / "noise.mp3"
    noise.write_bytes(b"this is no audio" * 100)
    params = {"contentType": "audio/mp3", "model": NARROWBAND}
    refused = run_node("recognize_using_websocket", authentication="wrong", file=str(noise), params=params)
    assert "error" in {event[0] for event in refused["value"]["events"]}
    bad = run_node("recognize_using_websocket", file=str(noise), params=params)["value"]["events"]
    said = [event[1] for event in bad if event[0] == "error"]
    assert any(text.startswith("unable to transcode data stream audio/mpeg -> audio/l16 ") for text in said)
    assert close_code(bad) == 1011


def test_a_job_is_made_followed_and_deleted(run_node: RunNode, prompts: list[Prompt]) -> None:
    params = {"contentType": "audio/wav", "model": NARROWBAND}
    outcome = run_node("job", file=str(prompts[3].path), params=params)
    value = outcome["value"]
    assert value["job"]["status"] == "completed"
    assert value["job"]["results"][0]["results"]
    assert value["made"]["id"] in value["listed"]
    assert value["deleted"] == 204


def test_a_job_tells_its_callback(run_node: RunNode, prompts: list[Prompt]) -> None:
    value = run_node(
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


def test_the_documented_session_with_a_plain_client(
    run_node: RunNode, prompts: list[Prompt], tmp_path: Path
) -> None:
    file = tmp_path / "audio.raw"
    file.write_bytes(raw_audio(prompts))
    value = run_node("documented_session", file=str(file))["value"]
    check_session(value["messages"])
    assert value["code"] == 1005, "the client closed without a code"


def test_an_acoustic_model_lives(run_node: RunNode, prompts: list[Prompt]) -> None:
    value = run_node("acoustic_model", file=str(prompts[3].path), name="node", baseModelName=NARROWBAND)[
        "value"
    ]
    assert value["audio"]["status"] == "ok"
    assert value["listed"]["audio"][0]["name"] == "one recording"
    assert value["refused"]["code"] == 400
    assert "audio duration must be between" in value["refused"]["message"]
    assert value["described"]["status"] == "pending"
    assert value["customizationId"] in value["ids"]


@pytest.fixture(scope="module")
def language_model(
    run_node: RunNode, prompts: list[Prompt], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What one scenario saw of the whole life of a custom language model."""
    text = tmp_path_factory.mktemp("node") / "text"
    text.write_text("attune hears the attunement of a zyzzyva\nattune hears it again\n")
    goodbye = next(prompt for prompt in prompts if prompt.name == "vm-goodbye")
    value: dict[str, Any] = run_node(
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
