"""The packaged stack, deployed and driven by IBM's SDK, in an account whose roles are enforced."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import soundfile
from ibm_cloud_sdk_core import ApiException
from ibm_cloud_sdk_core.authenticators import IAMAuthenticator
from ibm_watson import SpeechToTextV1

from infra import resources
from infra.deployment import artefacts, installation, removal, restoring, smoke, stack, target
from infra.deployment.installation import WantedInstallation
from infra.deployment.stack import DeploymentFailed
from infra.deployment.target import DeploymentRefused, DeploymentTarget
from infra.local.demo.prompts import Prompt
from tests.audio.signals import voice
from tests.events import recorded
from tests.infra.deployment.conftest import Console
from tests.infra.emulated_account import EmulatedAccount
from tests.receiver import Receiver

NARROWBAND = "en-US_NarrowbandModel"


@dataclass(frozen=True)
class Deployed:
    url: str
    key: str
    said: list[str]


@pytest.fixture(scope="module")
def deployed(account: EmulatedAccount, found: DeploymentTarget, wanted: WantedInstallation) -> Deployed:
    console = Console()
    assert installation.deploy(found, wanted, console.io)
    (told,) = [line for line in console.lines if "API key" in line]
    return Deployed(installation.url_of(found), told.rpartition(" ")[2], console.lines)


@pytest.fixture(scope="module")
def client(deployed: Deployed) -> SpeechToTextV1:
    made = SpeechToTextV1(authenticator=IAMAuthenticator(deployed.key, url=deployed.url))
    made.set_service_url(deployed.url)
    made.set_http_config({"timeout": 60})
    return made


def _recording() -> bytes:
    """Return a little more than ten minutes of FLAC, small enough for API Gateway, with some speech in it."""
    rate_hz = 8_000
    sound = np.random.default_rng(0).integers(-2, 3, 605 * rate_hz).astype(np.int16)
    for start_s in range(5, 65, 5):
        start = start_s * rate_hz
        sound[start : start + 2 * rate_hz] += (voice(2, rate_hz) * 8_000).astype(np.int16)
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate_hz, format="FLAC", subtype="PCM_16")
    assert buffer.tell() < 4_000_000
    return buffer.getvalue()


def wait(get: Callable[[], Any], done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline_s = time.monotonic() + 600
    while not done(answer := get().get_result()):
        assert time.monotonic() < deadline_s, answer
        time.sleep(0.3)
    return dict(answer)


def test_the_operator_is_told_what_is_made(deployed: Deployed) -> None:
    text = "\n".join(deployed.said)
    assert "It makes " in text
    assert "12 functions" in text
    assert f"{len(resources.load().tables)} tables" in text
    assert deployed.key not in "\n".join(line for line in deployed.said if "API key" not in line)


def test_the_service_answers_its_own_trial(deployed: Deployed) -> None:
    said: list[str] = []
    smoke.run(deployed.url, deployed.key, said.append)
    assert "heard" in said[-1]


def test_its_first_key_is_an_administrators(deployed: Deployed) -> None:
    session, keys = requests.Session(), f"{deployed.url}/v1/keys"
    session.auth = ("apikey", deployed.key)
    made = session.post(keys, json={"label": "second"}, timeout=60).json()
    assert {one["label"] for one in session.get(keys, timeout=60).json()["keys"]} == {"first", "second"}
    assert session.delete(f"{keys}/{made['key_id']}", timeout=60).json() == {}
    assert [one["label"] for one in session.get(keys, timeout=60).json()["keys"]] == ["first"]


def test_a_model_learns_and_recognises(client: SpeechToTextV1, prompts: list[Prompt]) -> None:
    made = client.create_acoustic_model("deployed", NARROWBAND).get_result()["customization_id"]
    assert client.add_audio(made, "quiet", _recording(), content_type="audio/flac").status_code == 201
    audio = wait(lambda: client.get_audio(made, "quiet"), lambda one: one["status"] != "being_processed")
    assert audio["status"] == "ok"
    client.train_acoustic_model(made)
    model = wait(
        lambda: client.get_acoustic_model(made), lambda one: one["status"] not in ("training", "ready")
    )
    assert model["status"] == "available", model
    prompt = next(one for one in prompts if one.duration_s > 1)
    heard = client.recognize(
        prompt.path.read_bytes(),
        content_type="audio/wav",
        model=NARROWBAND,
        acoustic_customization_id=made,
    ).get_result()
    assert heard["results"]
    client.delete_acoustic_model(made)
    with pytest.raises(ApiException):
        client.get_acoustic_model(made)


def test_a_job_is_done_and_its_callback_told(
    client: SpeechToTextV1, prompts: list[Prompt], receiver: Receiver
) -> None:
    client.register_callback(receiver.url, user_secret="a secret").get_result()
    prompt = next(one for one in prompts if one.duration_s > 1)
    job = client.create_job(
        prompt.path.read_bytes(),
        content_type="audio/wav",
        model=NARROWBAND,
        callback_url=receiver.url,
        events="recognitions.completed_with_results",
    ).get_result()
    done = wait(lambda: client.check_job(job["id"]), lambda one: one["status"] in ("completed", "failed"))
    assert done["status"] == "completed", done
    assert done["results"][0]["results"]
    deadline_s = time.monotonic() + 120
    while not receiver.of(job["id"]):
        assert time.monotonic() < deadline_s, "the callback was not told"
        time.sleep(0.1)
    client.delete_job(job["id"])


def test_audio_reaches_the_bucket_past_the_api(client: SpeechToTextV1, deployed: Deployed) -> None:
    content, api = _recording(), f"{deployed.url}/v1"
    with requests.Session() as session:
        session.auth = ("apikey", deployed.key)
        fields = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "purpose": "audio"}
        made = session.post(f"{api}/uploads", json=fields, timeout=60).json()
        assert "/uploads/" in made["url"] and "X-Amz-Signature=" in made["url"]
        for status in (200, 412):
            sent = requests.put(made["url"], data=content, headers=made["headers"], timeout=60)
            assert sent.status_code == status, sent.text
        model = client.create_acoustic_model("uploaded", NARROWBAND).get_result()["customization_id"]
        added = f"{api}/acoustic_customizations/{model}/audio/quiet?upload={made['upload_id']}"
        assert session.post(added, timeout=60).status_code == 201
        audio = wait(lambda: client.get_audio(model, "quiet"), lambda one: one["status"] != "being_processed")
        assert audio["status"] == "ok"
        assert session.delete(f"{api}/uploads/{made['upload_id']}", timeout=60).status_code == 204
    client.delete_acoustic_model(model)


def test_a_language_model_learns(client: SpeechToTextV1) -> None:
    made = client.create_language_model("deployed", NARROWBAND).get_result()["customization_id"]
    client.add_corpus(made, "menu", b"one quuxly with milk\ntwo quuxly\n")
    corpus = wait(lambda: client.get_corpus(made, "menu"), lambda one: one["status"] != "being_processed")
    assert corpus["status"] == "analyzed"
    client.train_language_model(made)
    model = wait(lambda: client.get_language_model(made), lambda one: one["status"] != "training")
    assert model["status"] == "available", model
    client.delete_language_model(made)


def test_the_clock_reconciles(deployed: Deployed, found: DeploymentTarget) -> None:
    answer = found.client("lambda").invoke(
        FunctionName=f"{found.name}-reconcile", Payload=json.dumps(recorded.load("reconcile"))
    )
    assert json.load(answer["Payload"])["failed"] == 0


def test_nothing_was_denied(account: EmulatedAccount, deployed: Deployed) -> None:
    """After all that was done before."""
    assert account.denials == []
    assert "AccessDenied" not in account.log.read_text(errors="replace")


def test_a_second_deployment_changes_nothing(
    found: DeploymentTarget, wanted: WantedInstallation, deployed: Deployed
) -> None:
    """Neither with the same parameters nor with none: those that were given are kept."""
    console = Console()
    published = found.client("lambda").list_layer_versions(LayerName=f"{found.name}-engine")
    assert installation.deploy(found, WantedInstallation(wanted.layer, trial=False), console.io)
    assert f"{found.name} is up to date." in console.lines
    assert "API key, which" not in console.text
    assert (
        found.client("lambda").list_layer_versions(LayerName=f"{found.name}-engine")["LayerVersions"]
        == (published["LayerVersions"])
    )


def test_what_a_stack_has_left_is_restored_and_taken_up_again(
    found: DeploymentTarget, wanted: WantedInstallation, deployed: Deployed
) -> None:
    """Keys, models and audio outlive the stack; nothing of them goes unless it is named."""
    said: list[str] = []
    with pytest.raises(DeploymentRefused, match="Nothing was deleted"):
        removal.remove(found, ["somebody-elses-table"], said.append)
    assert stack.status(found) is not None
    removal.remove(found, [], said.append)
    assert stack.status(found) is None
    kept = removal.data(found)
    assert f"{found.name}-credentials" in said[-1]
    assert len(kept) == len(resources.load().tables), "the bucket, and all tables but one"
    console, drill = Console(), target.find("drill")
    for name in kept[:-1]:  # which the emulation does not do for the template
        found.client("dynamodb").update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    assert restoring.restore(found, drill, None, console.io)
    removal.remove(found, kept, said.append)
    assert removal.data(found) == []
    named = found.client("ssm").describe_parameters()["Parameters"]
    assert found.secret_name not in {parameter["Name"] for parameter in named}
    restored = removal.data(drill)
    gone = {one.removeprefix(found.name) for one in kept} - {one.removeprefix(drill.name) for one in restored}
    assert gone == {"-direct-uploads", "-usage"}, "neither what was used within the hour nor uploads of a day"
    assert installation.deploy(drill, wanted, console.io)
    assert "It takes up what is there: " in console.text
    assert all(name in console.text for name in restored)
    assert "API key, which" not in console.text, "there is one already"
    url = f"{installation.url_of(drill)}/v1/acoustic_customizations"
    assert requests.get(url, auth=("apikey", deployed.key), timeout=60).status_code == 200
    removal.remove(drill, removal.data(drill), said.append)
    assert removal.data(drill) == []


@pytest.fixture
def another(account: EmulatedAccount) -> DeploymentTarget:
    return target.find("another")


def test_a_deployment_that_fails_leaves_nothing_behind_and_is_repeated(
    another: DeploymentTarget, wanted: WantedInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here it fails because a bucket's name is taken."""
    with_code = artefacts.with_code

    def broken(template: dict[str, Any], bucket: str, key: str) -> dict[str, Any]:
        made = with_code(template, bucket, key)
        properties = {"BucketName": another.artefacts_bucket}
        made["Resources"]["Broken"] = {"Type": "AWS::S3::Bucket", "Properties": properties}
        return made

    with monkeypatch.context() as patch:
        patch.setattr(artefacts, "with_code", broken)
        with pytest.raises(DeploymentFailed, match="Broken"):
            installation.deploy(another, wanted, Console().io)
    assert removal.data(another) == []
    console = Console()
    assert installation.deploy(another, wanted, console.io)
    assert "never came up" in console.text
    assert stack.status(another) == "CREATE_COMPLETE"
    assert "API key, which" in console.text
    removal.remove(another, removal.data(another), console.lines.append)


def test_who_does_not_agree_changes_nothing(another: DeploymentTarget, wanted: WantedInstallation) -> None:
    console = Console(answer=False)
    assert not installation.deploy(another, wanted, console.io)
    assert "Nothing was changed." in console.text
    assert stack.status(another) is None
    assert removal.data(another) == []


def test_a_trial_of_what_is_not_deployed_says_so(another: DeploymentTarget) -> None:
    with pytest.raises(DeploymentRefused, match=r"attune-another is not deployed in us-east-1"):
        installation.url_of(another)


def test_without_a_layer_nothing_is_begun(another: DeploymentTarget, tmp_path: Path) -> None:
    with pytest.raises(DeploymentRefused, match=r"Build it: python -m infra\.layer"):
        installation.deploy(another, WantedInstallation(tmp_path / "none.zip"), Console().io)


def test_a_domain_without_its_certificate_is_refused(another: DeploymentTarget, layer: Path) -> None:
    half = WantedInstallation(layer, parameters={"DomainName": "asr.example.com"})
    with pytest.raises(DeploymentRefused, match="DomainName and DomainCertificate belong together"):
        installation.deploy(another, half, Console().io)
    assert stack.status(another) is None


def test_without_docker_nothing_is_deployed(
    another: DeploymentTarget, layer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        DeploymentRefused, match="Docker is needed to build the image that trains the light engine"
    ):
        installation.deploy(another, WantedInstallation(layer), Console().io)
    assert stack.status(another) is None
