"""What an operator is told when an account is not as it has to be; nothing is done then."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from infra.deployment import artefacts, chosen_images, images, preflight, stack, target
from infra.deployment.target import DeploymentRefused, DeploymentTarget

ACCOUNT, REGION = "123456789012", "eu-central-1"
SESSION = boto3.Session("AKIAIOSFODNN7EXAMPLE", "example", region_name=REGION)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


def _answering(service: str, operation: str, answer: dict[str, Any] | str) -> DeploymentTarget:
    """Return an installation whose client of a service answers so; of text: with an error of that code."""
    client = SESSION.client(service)  # type: ignore[call-overload]
    stub = Stubber(client)
    if isinstance(answer, str):
        stub.add_client_error(operation, answer, http_status_code=403)
    else:
        stub.add_response(operation, answer)
    stub.activate()
    return DeploymentTarget("prod", ACCOUNT, REGION, SESSION, {service: client})


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(
        DeploymentRefused, match=r"No AWS credentials were found\. Log in with `aws sso login`"
    ):
        target.find("prod")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("InvalidClientTokenId", "AWS does not know these credentials. Check AWS_ACCESS_KEY_ID"),
        ("SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID"),
        ("ExpiredToken", "The AWS credentials have expired. Log in again."),
        ("AccessDenied", "AWS refuses these credentials: .*AccessDenied"),
    ],
)
def test_credentials_that_aws_does_not_take(code: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: BaseClient, operation: str, parameters: dict[str, Any]) -> None:
        raise ClientError({"Error": {"Code": code, "Message": code}}, operation)

    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
    with pytest.raises(DeploymentRefused, match=said):
        target.find("prod")


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("", "No AWS region was chosen. Set one"),
        ("eu-nowhere-1", "There is no AWS region 'eu-nowhere-1'. Set"),
    ],
)
def test_a_wrong_region(region: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    with pytest.raises(DeploymentRefused, match=said):
        target.find("prod")


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_either_variable_chooses_the_region(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv(variable, REGION)
    with mock_aws():
        assert target.find("prod").region == REGION


def test_too_few_functions_at_once() -> None:
    account = _answering(
        "lambda", "get_account_settings", {"AccountLimit": {"ConcurrentExecutions": 0}, "AccountUsage": {}}
    )
    with pytest.raises(
        DeploymentRefused, match=r"run 0 functions at once in eu-central-1; .* Ask for more: Service Quotas"
    ):
        preflight.look(account, ())


def test_a_quota_of_0_is_told_and_hinders_nobody() -> None:
    name = "ml.g5.xlarge for training job usage"
    quotas = {"Quotas": [{"QuotaName": name, "Value": 0.0}]}
    told = preflight._without_machines(
        _answering("service-quotas", "list_service_quotas", quotas), ("ml.g5.xlarge",)
    )
    assert told == [
        f"The account's quota '{name}' is 0: trainings that need it wait until it is raised "
        "(Service Quotas, Amazon SageMaker)."
    ]


def test_a_bucket_that_is_somebody_elses() -> None:
    taken = _answering("s3", "head_bucket", "403")
    with pytest.raises(
        DeploymentRefused, match=r"The bucket b is there and belongs to somebody else.* Choose another STAGE"
    ):
        artefacts.ensure_bucket(taken, "b")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("UPDATE_ROLLBACK_FAILED", "continue the rollback: aws cloudformation continue-update-rollback"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "is being changed already .* Wait until that is over"),
    ],
)
def test_a_stack_that_cannot_be_changed(status: str, said: str) -> None:
    described = {"StackName": "attune-prod", "StackStatus": status, "CreationTime": "2026-11-30T00:00:00Z"}
    stuck = _answering("cloudformation", "describe_stacks", {"Stacks": [described]})
    with pytest.raises(DeploymentRefused, match=said):
        stack.make_ready(stuck, pytest.fail)


def test_an_index_of_images_is_no_image() -> None:
    index = "application/vnd.oci.image.index.v1+json"
    found = {"imageDetails": [{"imageDigest": "sha256:0", "imageManifestMediaType": index}]}
    with pytest.raises(
        DeploymentRefused, match=r"is no image but .*index.* Remove it: aws ecr batch-delete-image"
    ):
        images.ensure(_answering("ecr", "describe_images", found), images.IMAGES[0], pytest.fail)


OWN_IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/training/mine:1"
TRAINING_IMAGE = images.IMAGES[0]


def _holding(manifest: object, settings: object = None) -> DeploymentTarget:
    """Return an installation whose registry has the operator's own image."""
    client = SESSION.client("ecr")
    stub = Stubber(client)
    of_it = {"registryId": ACCOUNT, "repositoryName": "training/mine"}
    accepted = [*sorted(images.MANIFESTS), *chosen_images._INDEXES]
    stub.add_response(
        "batch_get_image",
        {"images": [{"imageManifest": json.dumps(manifest)}], "failures": []},
        {**of_it, "imageIds": [{"imageTag": "1"}], "acceptedMediaTypes": accepted},
    )
    url = f"data:application/json,{quote(json.dumps(settings))}"
    stub.add_response(
        "get_download_url_for_layer", {"downloadUrl": url}, {**of_it, "layerDigest": "sha256:settings"}
    )
    stub.activate()
    return DeploymentTarget("prod", ACCOUNT, REGION, SESSION, {"ecr": client})


MANIFEST = {"config": {"digest": "sha256:settings"}, "layers": []}
INDEX = {"manifests": [{"digest": "sha256:0", "platform": {"architecture": "amd64", "os": "linux"}}]}


@pytest.mark.parametrize(
    ("manifest", "settings", "said"),
    [
        (MANIFEST, {"architecture": "arm64", "os": "linux"}, "linux/arm64"),
        (MANIFEST, {"architecture": "amd64", "os": "windows"}, "windows/amd64"),
        (INDEX, None, "an index of images"),
    ],
)
def test_an_image_of_the_operators_own_that_no_training_could_run(
    manifest: object, settings: object, said: str
) -> None:
    with pytest.raises(
        DeploymentRefused,
        match=rf"TrainingImage .*/training/mine:1 is {said}, and trainings run on linux/amd64\. Build it with "
        r"`docker build --platform linux/amd64 --provenance=false`, push it, .* TrainingImage=URI",
    ):
        chosen_images.check(_holding(manifest, settings), TRAINING_IMAGE, OWN_IMAGE, pytest.fail)


def test_an_image_of_the_operators_own_that_trainings_can_run() -> None:
    holding = _holding(MANIFEST, {"architecture": "amd64", "os": "linux"})
    chosen_images.check(holding, TRAINING_IMAGE, OWN_IMAGE, pytest.fail)


NOT_FOUND = {"images": [], "failures": [{"failureCode": "ImageNotFound"}]}


@pytest.mark.parametrize(
    ("account", "uri", "reason"),
    [
        (_answering("ecr", "batch_get_image", "AccessDeniedException"), OWN_IMAGE, "AccessDeniedException"),
        (_answering("ecr", "batch_get_image", NOT_FOUND), OWN_IMAGE, "ImageNotFound"),
        (_holding([]), OWN_IMAGE, "it is described by no JSON object"),
        (_holding({"schemaVersion": 1}), OWN_IMAGE, "its manifest is of an unknown form"),
        (_holding(MANIFEST, {}), OWN_IMAGE, "it does not say what it was built for"),
        (_holding(MANIFEST), OWN_IMAGE.replace(REGION, "us-east-1"), "it is in us-east-1"),
        (_holding(MANIFEST), "docker.io/somebody/training:1", "it is in no registry of ECR"),
    ],
)
def test_what_is_not_known_of_an_image_is_said(account: DeploymentTarget, uri: str, reason: str) -> None:
    told: list[str] = []
    chosen_images.check(account, TRAINING_IMAGE, uri, told.append)
    assert told == [
        f"  note: TrainingImage {uri} could not be read ({reason}): whether it is for linux/amd64, on which "
        "trainings run, was not checked."
    ]


def test_a_layer_for_another_architecture(tmp_path: Path) -> None:
    layer, head = tmp_path / "layer.zip", bytearray(b"\x7fELF" + bytes(60))
    head[18] = 183  # AArch64
    with zipfile.ZipFile(layer, "w") as archive:
        archive.writestr("python/README", "")
        archive.writestr("python/numpy/core.cpython-313-aarch64-linux-gnu.so", bytes(head))
    artefacts.check_architecture(layer, "arm64")
    with pytest.raises(
        DeploymentRefused, match=r"was built for arm64, and its functions would run on x86_64\. Name the"
    ):
        artefacts.check_architecture(layer, "x86_64")
