"""The bucket: bytes in, bytes out, by key."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from chalicelib import settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef


class ObjectNotFound(Exception):
    """There is no object under that key."""


@functools.cache
def client() -> S3Client:
    """Return this process's S3 client; making one costs more than a tenth of a second."""
    return boto3.client("s3")


def put(key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
    """Store `data` under `key`."""
    client().put_object(Bucket=settings.current().bucket, Key=key, Body=data, ContentType=content_type)


@contextmanager
def _must_be_there(key: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            raise ObjectNotFound(key) from None
        raise


def get(key: str) -> bytes:
    """Return a whole (small) object.

    Raises:
        ObjectNotFound: nothing lies under `key`.
    """
    return open_stream(key).read()


def open_stream(key: str) -> IO[bytes]:
    """Return the object as a stream that can only be read forward.

    Raises:
        ObjectNotFound: nothing lies under `key`.
    """
    with _must_be_there(key):
        answer = client().get_object(Bucket=settings.current().bucket, Key=key)
    stream: IO[bytes] = answer["Body"]  # type: ignore[assignment]  # botocore's StreamingBody reads like a file
    return stream


def exists(key: str) -> bool:
    """Tell whether an object lies under `key`."""
    try:
        with _must_be_there(key):
            client().head_object(Bucket=settings.current().bucket, Key=key)
    except ObjectNotFound:
        return False
    return True


def size_bytes(key: str) -> int:
    """Return the length of an object.

    Raises:
        ObjectNotFound: nothing lies under `key`.
    """
    with _must_be_there(key):
        return client().head_object(Bucket=settings.current().bucket, Key=key)["ContentLength"]


def download(key: str, path: Path) -> None:
    """Write the object to `path`, in parts, without holding it in memory.

    Raises:
        ObjectNotFound: nothing lies under `key`.
    """
    with _must_be_there(key):
        client().download_file(settings.current().bucket, key, str(path))


def upload(path: Path, key: str) -> None:
    """Store the file at `path` under `key`, in parts if it is large."""
    # Of the open file: by its path, an answer of the store would be wrapped in an error of boto3's own.
    with path.open("rb") as file:
        client().upload_fileobj(file, settings.current().bucket, key)


def copy(source_key: str, target_key: str) -> None:
    """Copy an object (of up to 5 GB) inside the bucket, on the server's side.

    Raises:
        ObjectNotFound: nothing lies under `source_key`.
    """
    bucket = settings.current().bucket
    source: CopySourceTypeDef = {"Bucket": bucket, "Key": source_key}
    with _must_be_there(source_key):
        client().copy_object(CopySource=source, Bucket=bucket, Key=target_key)


def keys(prefix: str) -> Iterator[str]:
    """Yield every key below `prefix`."""
    pages = (
        client().get_paginator("list_objects_v2").paginate(Bucket=settings.current().bucket, Prefix=prefix)
    )
    for page in pages:
        for entry in page.get("Contents", []):
            yield entry["Key"]


@dataclass(frozen=True)
class Listed:
    """An object as a listing shows it."""

    key: str
    modified: datetime


def listing(prefix: str, *, after: str, at_most: int) -> list[Listed]:
    """Return objects below `prefix` in the order of their keys, from the first one behind `after` on."""
    answer = client().list_objects_v2(
        Bucket=settings.current().bucket, Prefix=prefix, StartAfter=after, MaxKeys=at_most
    )
    return [Listed(entry["Key"], entry["LastModified"]) for entry in answer.get("Contents", [])]


def delete(*to_delete: str) -> None:
    """Remove objects; those that are not there are no error."""
    for start in range(0, len(to_delete), 1000):
        batch = to_delete[start : start + 1000]
        client().delete_objects(
            Bucket=settings.current().bucket,
            Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True},
        )


def delete_below(prefix: str) -> None:
    """Remove every object below `prefix`."""
    delete(*keys(prefix))
