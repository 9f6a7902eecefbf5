"""The training images in ECR: built and pushed when what goes into them has changed."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from infra.deployment.target import DeploymentRefused, DeploymentTarget
from infra.package import ROOT

PLATFORM = "linux/amd64"
MANIFESTS = {
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
}
"""What SageMaker takes: an image, no index of images."""
_IGNORED = {"__pycache__", ".git"}


@dataclass(frozen=True)
class Image:
    """A training image."""

    parameter: str
    """Of the template, which is told the URI."""
    dockerfile: str
    words: str


IMAGES = (
    Image("TrainingImage", "training_image/Dockerfile", "the image that trains the light engine"),
    Image("WhisperTrainingImage", "training_image/whisper/Dockerfile", "the image that trains the network"),
)


def repository(target: DeploymentTarget) -> str:
    """Return the name of the installation's repository."""
    return f"{target.name}-training"


def is_ours(target: DeploymentTarget, uri: str | None) -> bool:
    """Tell whether an image is to be made here; one that lies elsewhere was chosen by the operator."""
    return not uri or uri.startswith(f"{_registry(target)}/{repository(target)}@")


def tag_of(image: Image, root: Path = ROOT) -> str:
    """Return the tag of an image: what its Dockerfile says and all files that it copies, hashed."""
    hashed = hashlib.sha256()
    for path in sorted({root / image.dockerfile, *_copied(root / image.dockerfile, root)}):
        hashed.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{Path(image.dockerfile).parent.name.replace('_', '-')}-{hashed.hexdigest()[:16]}"


def _copied(dockerfile: Path, root: Path) -> Iterator[Path]:
    for line in dockerfile.read_text().splitlines():
        if not line.startswith("COPY "):
            continue
        for source in line.split()[1:-1]:
            path = root / source
            files = path.rglob("*") if path.is_dir() else [path]
            yield from (file for file in files if file.is_file() and not _IGNORED & set(file.parts))


def ensure(target: DeploymentTarget, image: Image, say: Callable[[str], None]) -> str:
    """Return the URI of an image with its digest; build and push it if it is not in the repository.

    Raises:
        DeploymentRefused: Docker is needed and is not there or fails, or what was pushed is none that
            SageMaker takes.
    """
    tag = tag_of(image)
    digest = _digest(target, tag)
    if digest is None:
        _push(target, image, tag, say)
        digest = _digest(target, tag)
        if digest is None:
            raise DeploymentRefused(
                f"{image.words} was pushed, and the repository does not show it. Deploy again."
            )
    return f"{_registry(target)}/{repository(target)}@{digest}"


def _registry(target: DeploymentTarget) -> str:
    return f"{target.account}.dkr.ecr.{target.region}.amazonaws.com"


def _digest(target: DeploymentTarget, tag: str) -> str | None:
    """Return the digest of the image with a tag; None: there is none.

    Raises:
        DeploymentRefused: it is an index of images.
    """
    ecr = target.client("ecr")
    try:
        found = ecr.describe_images(repositoryName=repository(target), imageIds=[{"imageTag": tag}])
    except ClientError as error:
        if error.response["Error"]["Code"] in ("RepositoryNotFoundException", "ImageNotFoundException"):
            return None
        raise
    (detail,) = found["imageDetails"]
    kind = detail.get("imageManifestMediaType")
    if kind is not None and kind not in MANIFESTS:
        raise DeploymentRefused(
            f"What lies under {tag} in {repository(target)} is no image but {kind}, which SageMaker does "
            f"not take. Remove it: aws ecr batch-delete-image --repository-name {repository(target)} "
            f"--image-ids imageTag={tag}"
        )
    return str(detail["imageDigest"])


def _push(target: DeploymentTarget, image: Image, tag: str, say: Callable[[str], None]) -> None:
    if shutil.which("docker") is None:
        raise DeploymentRefused(
            f"Docker is needed to build {image.words}, and is not installed here. Install it, or say with "
            f"--parameter {image.parameter}=URI which image to take."
        )
    ecr = target.client("ecr")
    try:
        ecr.create_repository(repositoryName=repository(target), imageTagMutability="IMMUTABLE")
    except ClientError as error:
        if error.response["Error"]["Code"] != "RepositoryAlreadyExistsException":
            raise
    uri = f"{_registry(target)}/{repository(target)}:{tag}"
    say(f"Building {image.words} ...")
    # With provenance Docker would push an index.
    build = ["docker", "build", "--platform", PLATFORM, "--provenance=false"]
    _docker([*build, "-f", image.dockerfile, "-t", uri, "."], image)
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    password = base64.b64decode(token).decode().partition(":")[2]
    _docker(["docker", "login", "--username", "AWS", "--password-stdin", _registry(target)], image, password)
    say(f"Pushing {image.words} ...")
    _docker(["docker", "push", uri], image)


def _docker(command: list[str], image: Image, given: str | None = None) -> None:
    done = subprocess.run(command, cwd=ROOT, input=given, text=True, check=False)
    if done.returncode != 0:
        raise DeploymentRefused(
            f"`{' '.join(command[:2])}` failed for {image.words}; see above. Nothing was deployed."
        )
