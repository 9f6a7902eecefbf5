"""The front door's container: its program before an emulated API function, its tree, and its stack."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import app
from infra import front_door
from tests.containers import ROOT, lay_out, runs
from tests.gateway.serving import ask, is_watson_error, running
from tests.infra.serving.test_lambda_backend import Invocations, emulation  # noqa: F401  a fixture

TEMPLATE = ROOT / "infra/front_door.json"
_IMPORT_ALL = """
import os, chalicelib
assert chalicelib.__file__.startswith(os.getcwd()), chalicelib.__file__
import chalicelib.recognition.decoding.decoder_process
from infra import front_door
front_door.gateway()
"""


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(TEMPLATE.read_text())["Resources"]
    return found


def test_it_hands_requests_to_the_api_function(
    emulation: tuple[Invocations, int],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{emulation[1]}")
    monkeypatch.setenv(
        "ATTUNE_PROXIES", "0.0.0.0/0 ::/0"
    )  # as it would set it, for tests that follow as well
    monkeypatch.setenv(front_door.API_FUNCTION_VARIABLE, "attune-api")
    monkeypatch.setattr(emulation[0], "app", app.app)
    with running(front_door.gateway()) as port:
        assert ask(port, "GET", "/health").status == 200
        # Said by the API function; that there is no such route, by the front door itself.
        assert ask(port, "GET", "/speech-to-text/api/v1/models").json["error"] == "Unauthorized"
        assert is_watson_error(ask(port, "GET", "/v1/nothing"), 404)


def test_without_an_api_function_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(front_door.API_FUNCTION_VARIABLE, raising=False)
    assert front_door.main() == 2
    assert "ATTUNE_API_FUNCTION is not set" in capsys.readouterr().err


def test_without_a_secret_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(front_door.API_FUNCTION_VARIABLE, "attune-api")
    monkeypatch.delenv("ATTUNE_INTERNAL_SECRET")
    assert front_door.main() == 2
    assert "ATTUNE_INTERNAL_SECRET is not set" in capsys.readouterr().err


def test_the_container_holds_what_its_program_imports(tmp_path: Path) -> None:
    lay_out(ROOT / "infra/front_door.Dockerfile", tmp_path)
    done = runs(tmp_path, _IMPORT_ALL, ATTUNE_API_FUNCTION="attune-api", ATTUNE_INTERNAL_SECRET="s" * 32)
    assert done.returncode == 0, done.stderr


def test_the_template_lints_clean() -> None:
    command = [str(Path(sys.executable).parent / "cfn-lint"), str(TEMPLATE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_stack_runs_the_program(resources: dict[str, Any]) -> None:
    (container,) = resources["Task"]["Properties"]["ContainerDefinitions"]
    assert container["PortMappings"] == [{"ContainerPort": front_door.PORT, "Protocol": "tcp"}]
    assert resources["Targets"]["Properties"]["Port"] == front_door.PORT
    assert resources["Targets"]["Properties"]["HealthCheckPath"] == "/health"
    assert container["StopTimeout"] > front_door.DRAIN_S
    names = {entry["Name"] for entry in container["Environment"]}
    assert {"ATTUNE_API_FUNCTION", "ATTUNE_BUCKET", "ATTUNE_INTERNAL_SECRET_PARAMETER"} <= names


def test_who_is_connected_is_not_cut_off_by_a_deployment(resources: dict[str, Any]) -> None:
    """A task that is replaced gets no new connections, and keeps those that it has for a quarter of an hour."""
    attributes = {
        one["Key"]: one["Value"] for one in resources["Targets"]["Properties"]["TargetGroupAttributes"]
    }
    assert int(attributes["deregistration_delay.timeout_seconds"]) >= 900
    assert resources["Service"]["Properties"]["DeploymentConfiguration"]["MinimumHealthyPercent"] == 100


def test_it_grows_with_its_connections_up_to_a_bound(resources: dict[str, Any]) -> None:
    scaling = resources["Scaling"]["Properties"]
    assert (scaling["MinCapacity"], scaling["MaxCapacity"]) == ({"Ref": "Tasks"}, {"Ref": "MostTasks"})
    policies = [
        one for one in resources.values() if one["Type"] == "AWS::ApplicationAutoScaling::ScalingPolicy"
    ]
    assert len(policies) == 2
    assert all(one["Properties"]["ScalingTargetId"] == {"Ref": "Scaling"} for one in policies)


def test_plain_http_is_sent_on(resources: dict[str, Any]) -> None:
    (action,) = resources["Redirect"]["Properties"]["DefaultActions"]
    assert (action["Type"], action["RedirectConfig"]["Protocol"]) == ("redirect", "HTTPS")
    ports = {
        rule["FromPort"] for rule in resources["BalancerSecurityGroup"]["Properties"]["SecurityGroupIngress"]
    }
    assert ports == {80, 443}


def test_its_alarms_go_where_those_of_the_service_go(resources: dict[str, Any]) -> None:
    core = json.loads((ROOT / "infra/template.json").read_text())
    alarms = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    topic = {"Fn::ImportValue": core["Outputs"]["AlarmsTopic"]["Export"]["Name"]}
    assert len(alarms) == 2
    assert all(alarm["AlarmActions"] == [topic] for alarm in alarms)


def test_it_shares_names_with_the_service(resources: dict[str, Any]) -> None:
    core = json.loads((ROOT / "infra/template.json").read_text())
    (container,) = resources["Task"]["Properties"]["ContainerDefinitions"]
    given = {entry["Name"]: entry.get("Value") for entry in container["Environment"]}
    assert given["ATTUNE_API_FUNCTION"] == core["Resources"]["APIHandler"]["Properties"]["FunctionName"]
    assert given["ATTUNE_BUCKET"] == core["Resources"]["Bucket"]["Properties"]["BucketName"]
    named = core["Outputs"]["InternalSecretParameter"]["Value"]
    assert given["ATTUNE_INTERNAL_SECRET_PARAMETER"] == named


def test_nothing_is_allowed_everywhere(resources: dict[str, Any]) -> None:
    for role in ("StartRole", "TaskRole"):
        for policy in resources[role]["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                assert "*" not in str(statement["Action"])
                assert statement["Resource"] != "*" or statement["Action"] == "ecr:GetAuthorizationToken"
