"""The bucket: bytes in, bytes out, by key."""

from __future__ import annotations

import base64
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import boto3
from botocore.config import Config
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
    # Said, because URLs would else be signed in the old way, which knows no conditions.
    return boto3.client("s3", config=Config(signature_version="s3v4"))


def put(
    key: str, data: bytes, content_type: str = "application/octet-stream", *, gzipped: bool = False
) -> None:
    """Store `data` under `key`; `gzipped`: who fetches it by a URL is told that it is compressed."""
    place = {"Bucket": settings.current().bucket, "Key": key, "ContentType": content_type}
    if gzipped:
        place["ContentEncoding"] = "gzip"
    client().put_object(Body=data, **place)  # type: ignore[arg-type]  # all of it is text


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


def conditions(sha256: str) -> dict[str, str]:
    """Return the headers that a request for `presigned_put` must have, beside `Content-Length`."""
    return {
        "If-None-Match": "*",
        "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(sha256)).decode(),
    }


def presigned_put(key: str, size_bytes: int, sha256: str, valid_s: int) -> str:
    """Return a URL that takes these very bytes (by length and SHA-256 in hex) for a key, once.

    Whoever has it can use it for so many seconds, with `conditions` as headers.
    """
    headers = conditions(sha256)
    return client().generate_presigned_url(
        "put_object",
        Params={
            "Bucket": settings.current().bucket,
            "Key": key,
            "ContentLength": size_bytes,
            "ChecksumSHA256": headers["x-amz-checksum-sha256"],
            "IfNoneMatch": headers["If-None-Match"],
        },
        ExpiresIn=valid_s,
    )


def presigned_get(key: str, valid_s: int) -> str:
    """Return a URL at which an object can be fetched for a while, by whoever has it."""
    place = {"Bucket": settings.current().bucket, "Key": key}
    return client().generate_presigned_url("get_object", Params=place, ExpiresIn=valid_s)


@dataclass(frozen=True)
class Described:
    """What the store knows of an object."""

    size_bytes: int
    sha256: str | None
    """In hex; None: the store does not tell."""


def describe(key: str) -> Described:
    """Return what the store knows of an object.

    Raises:
        ObjectNotFound: nothing lies under `key`.
    """
    bucket = settings.current().bucket
    with _must_be_there(key):
        answer = client().head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    checksum = answer.get("ChecksumSHA256")
    return Described(answer["ContentLength"], base64.b64decode(checksum).hex() if checksum else None)


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
