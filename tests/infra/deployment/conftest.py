"""The service deployed as an operator deploys it, into an emulated account that enforces its roles."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import app
from chalicelib.storage import connection, objects, queues
from infra.deployment import artefacts, installation, target
from infra.deployment.installation import Io, WantedInstallation
from infra.deployment.target import DeploymentTarget
from tests.infra import emulated_account
from tests.infra.emulated_account import EmulatedAccount

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/an-image-of-my-own@sha256:0"
PARAMETERS = {"TrainingImage": IMAGE, "WhisperTrainingImage": IMAGE, "AdaptedEngines": "sphinx"}


@dataclass
class Console:
    """What an operator reads, and answers."""

    lines: list[str] = field(default_factory=list)
    answer: bool = True

    @property
    def io(self) -> Io:
        return Io(self.lines.append, lambda: self.answer)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedAccount]:
    """An empty account, to which this process's clients go."""
    clients = (objects.client, connection.shared, queues.client, queues.url_of)
    with (
        emulated_account.running(tmp_path_factory.mktemp("account")) as running,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in [name for name in os.environ if name.startswith("ATTUNE_")]:
            patch.delenv(name)
        for name, value in emulated_account.environment().items():
            patch.setenv(name, value)
        patch.setenv("AWS_ENDPOINT_URL", running.url)
        patch.setattr(artefacts, "with_code", _fitted(running))
        patch.setattr(installation, "RECORDS", tmp_path_factory.mktemp("records"))
        for client in clients:
            client.cache_clear()
        yield running
    for client in clients:
        client.cache_clear()


def _fitted(account: EmulatedAccount) -> Any:
    """Return what puts the code into the template, and changes what the emulation does not have as AWS has it."""
    with_code = artefacts.with_code

    def fitted(template: dict[str, Any], bucket: str, key: str) -> dict[str, Any]:
        made = with_code(template, bucket, key)
        made["Resources"].pop("BucketPolicy")  # which asks for TLS
        # It does not know the condition's key.
        text = json.dumps(made).replace(', "Condition": {"StringEquals": {"events:source": "attune"}}', "")
        made = dict(json.loads(text))
        # It does not read these from the API's description, as AWS does.
        api = made["Resources"]["RestAPI"]["Properties"]
        api["BinaryMediaTypes"] = ["*/*"]
        for path, methods in (paths := api["DefinitionBody"]["paths"]).items():
            (any_method,) = methods.values()
            paths[path] = {name.lower(): any_method for name in sorted({*app.app.routes[path], "OPTIONS"})}
        variables = made["Globals"]["Function"]["Environment"]["Variables"]
        variables["AWS_ENDPOINT_URL_SAGEMAKER"] = account.sagemaker_url
        variables["ATTUNE_CALLBACK_ALLOW_PRIVATE"] = "true"
        return made

    return fitted


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stands for the engines' layer: the functions run on this interpreter, which has the engines."""
    path = tmp_path_factory.mktemp("layer") / "engine-layer.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("python/README", "The engines are installed here.")
    return path


@pytest.fixture(scope="module")
def wanted(layer: Path) -> WantedInstallation:
    return WantedInstallation(layer, parameters=PARAMETERS, trial=False)


@pytest.fixture
def console() -> Console:
    return Console()


@pytest.fixture(scope="module")
def found(account: EmulatedAccount) -> DeploymentTarget:
    return target.find("test")
