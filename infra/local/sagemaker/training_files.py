"""What SageMaker carries between the bucket and `/opt/ml`: channels in, checkpoints both ways, model out."""

from __future__ import annotations

import contextlib
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PROGRESS = "progress.json"


class DownloadFailed(Exception):
    """Input data is not where the request says; the message is SageMaker's kind of failure reason."""


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of an `s3://` URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def lay_out(root: Path, request: Mapping[str, Any], client: S3Client) -> None:
    """Make a fresh `/opt/ml` at `root`: configuration, channels, restored checkpoints.

    Raises:
        DownloadFailed: a channel has no data, or an object of its manifest is missing.
    """
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("input/config", "input/data", "model", "output/data", "checkpoints"):
        (root / folder).mkdir(parents=True)
    for name, document in _configuration(request).items():
        (root / "input/config" / name).write_text(json.dumps(document))
    for channel in request["InputDataConfig"]:
        folder = root / "input/data" / channel["ChannelName"]
        folder.mkdir()
        _download_channel(channel, folder, client)
    checkpoints = request.get("CheckpointConfig")
    if checkpoints:
        bucket, prefix = split_uri(checkpoints["S3Uri"])
        for key in _keys(client, bucket, prefix):
            _download(client, bucket, key, root / "checkpoints" / key.removeprefix(prefix).lstrip("/"))


def _configuration(request: Mapping[str, Any]) -> dict[str, object]:
    channels = {
        channel["ChannelName"]: {
            "ContentType": channel.get("ContentType", ""),
            "TrainingInputMode": request["AlgorithmSpecification"]["TrainingInputMode"],
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        for channel in request["InputDataConfig"]
    }
    machine = {
        "current_host": "algo-1",
        # As SageMaker's local mode has it: whatever was asked for, the program runs on this machine.
        "current_instance_type": "local",
        "hosts": ["algo-1"],
        "network_interface_name": "eth0",
    }
    return {
        "hyperparameters.json": request.get("HyperParameters", {}),
        "inputdataconfig.json": channels,
        "resourceconfig.json": machine,
    }


def _download_channel(channel: Mapping[str, Any], folder: Path, client: S3Client) -> None:
    source = channel["DataSource"]["S3DataSource"]
    bucket, key = split_uri(source["S3Uri"])
    if source["S3DataType"] == "S3Prefix":
        found = list(_keys(client, bucket, key))
        if not found:
            raise DownloadFailed(f"No S3 objects found under S3 URL {source['S3Uri']!r}.")
        for one in found:
            _download(client, bucket, one, folder / one.removeprefix(key).lstrip("/"))
        return
    with _missing_is_failure(source["S3Uri"]):
        document = json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())
    bucket, prefix = split_uri(document[0]["prefix"])
    for name in document[1:]:
        _download(client, bucket, prefix + name, folder / name)


def _download(client: S3Client, bucket: str, key: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _missing_is_failure(f"s3://{bucket}/{key}"):
        client.download_file(bucket, key, str(path))


@contextlib.contextmanager
def _missing_is_failure(uri: str) -> Iterator[None]:
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
            raise DownloadFailed(f"The object {uri!r} does not exist.") from None
        raise


def _keys(client: S3Client, bucket: str, prefix: str) -> Iterator[str]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            yield entry["Key"]


class CheckpointSync:
    """Carries a folder's new and changed files to the bucket; like SageMaker, it never removes any there."""

    def __init__(self, folder: Path, uri: str, client: S3Client) -> None:
        self._folder = folder
        self._bucket, self._prefix = split_uri(uri)
        self._client = client
        self._seen: dict[str, tuple[int, int]] = {
            name: stamp for name, stamp in self._stamps() if name != _PROGRESS
        }

    def once(self) -> None:
        """Upload what has changed since the last time, what tells of progress last.

        Raises:
            ClientError, BotoCoreError, OSError: not everything was uploaded; the next call goes on.
        """
        changed = [(name, stamp) for name, stamp in self._stamps() if self._seen.get(name) != stamp]
        for name, stamp in sorted(changed, key=lambda entry: entry[0] == _PROGRESS):
            # The program goes on writing: a file that is gone again will not be missed.
            with contextlib.suppress(FileNotFoundError):
                self._upload(name)
                self._seen[name] = stamp

    def _upload(self, name: str) -> None:
        # Of a copy: were the file replaced between the look at its length and its reading, the request would
        # announce bytes that never come, and wait for its answer until it times out.
        with (
            (self._folder / name).open("rb") as file,
            tempfile.TemporaryFile(dir=self._folder.parent) as copy,
        ):
            shutil.copyfileobj(file, copy)
            copy.seek(0)
            self._client.upload_fileobj(copy, self._bucket, f"{self._prefix.rstrip('/')}/{name}")

    def _stamps(self) -> Iterator[tuple[str, tuple[int, int]]]:
        for path in sorted(self._folder.rglob("*")):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file() and not path.name.startswith("."):
                    status = path.stat()
                    yield str(path.relative_to(self._folder)), (status.st_mtime_ns, status.st_size)


def upload_model(root: Path, request: Mapping[str, Any], client: S3Client) -> str:
    """Pack `/opt/ml/model` and return the S3 URI of the archive."""
    archive = root / "model.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=6) as out:
        for path in sorted((root / "model").iterdir()):
            out.add(path, arcname=path.name)
    target = request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
    uri = f"{target}/{request['TrainingJobName']}/output/model.tar.gz"
    with archive.open("rb") as file:
        client.upload_fileobj(file, *split_uri(uri))
    return uri
