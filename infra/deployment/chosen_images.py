"""Training images that the operator has chosen, looked at before anything is done: can SageMaker run them."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.deployment.images import MANIFESTS, PLATFORM, Image
from infra.deployment.target import DeploymentRefused, DeploymentTarget

_INDEXES = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:.+))?"
)
_TIMEOUT_S = 20


class _Unreadable(Exception):
    """What the image was built for cannot be found out; the text says why."""


def check(target: DeploymentTarget, image: Image, uri: str, say: Callable[[str], None]) -> None:
    """Check that an image is one for SageMaker's machines; tell what could not be looked at.

    Raises:
        DeploymentRefused: it is an index of images, or was built for other processors.
    """
    try:
        manifest = _manifest(target, uri)
        built_for = _built_for(target, uri, manifest)
    except (_Unreadable, ClientError, BotoCoreError) as error:
        reason = error.response["Error"]["Code"] if isinstance(error, ClientError) else str(error)
        say(
            f"  note: {image.parameter} {uri} could not be read ({reason}): whether it is for {PLATFORM}, on "
            "which trainings run, was not checked."
        )
        return
    if built_for != PLATFORM:
        raise DeploymentRefused(
            f"{image.parameter} {uri} is {built_for}, and trainings run on {PLATFORM}. Build it with "
            f"`docker build --platform {PLATFORM} --provenance=false`, push it, and name that one with "
            f"--parameter {image.parameter}=URI. With `{image.parameter}=` it is made for you."
        )


def _manifest(target: DeploymentTarget, uri: str) -> dict[str, Any]:
    named = _named(target, uri)
    wanted = {"imageDigest": named["digest"]} if named["digest"] else {"imageTag": named["tag"] or "latest"}
    answer = target.client("ecr").batch_get_image(
        registryId=named["account"],
        repositoryName=named["repository"],
        imageIds=[wanted],
        acceptedMediaTypes=[*sorted(MANIFESTS), *_INDEXES],
    )
    if not answer["images"]:
        raise _Unreadable(next((one["failureCode"] for one in answer["failures"]), "there is no such image"))
    return _document(answer["images"][0]["imageManifest"])


def _built_for(target: DeploymentTarget, uri: str, manifest: dict[str, Any]) -> str:
    """Return the platform of an image, such as `linux/amd64`, or that it is an index of images."""
    if "manifests" in manifest:
        return "an index of images"
    named = _named(target, uri)
    try:
        digest = manifest["config"]["digest"]
    except (KeyError, TypeError):
        raise _Unreadable("its manifest is of an unknown form") from None
    url = target.client("ecr").get_download_url_for_layer(
        registryId=named["account"], repositoryName=named["repository"], layerDigest=digest
    )["downloadUrl"]
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310  # the registry's own
            settings = _document(answer.read())
    except OSError as error:
        raise _Unreadable(str(error)) from error
    if "architecture" not in settings:
        raise _Unreadable("it does not say what it was built for")
    return f"{settings.get('os', 'linux')}/{settings['architecture']}"


def _named(target: DeploymentTarget, uri: str) -> re.Match[str]:
    found = _URI.fullmatch(uri)
    if found is None:
        raise _Unreadable("it is in no registry of ECR")
    if found["region"] != target.region:
        raise _Unreadable(f"it is in {found['region']}")
    return found


def _document(text: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _Unreadable("it is described by no JSON object")
    return found
