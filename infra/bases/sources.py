"""Where weights come from: a local folder, a prefix in S3, or a name on the hub."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shutil
from pathlib import Path, PurePosixPath

from infra.bases.errors import NotStaged

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_HUB = "huggingface_hub"
_WANTED = ("*.safetensors", "*.json", "*.txt", "model.bin")
"""What is fetched of a folder: never a pickle of PyTorch."""
_ROOM_BYTES = 256 * 1024**2
"""Left free on the disk."""


def fetched(source: str, scratch: Path) -> Path:
    """Return a local folder with the files of a source; those from elsewhere are put below `scratch`.

    Raises:
        NotStaged: there is no such source, or it cannot be reached.
    """
    if source.startswith("s3://"):
        return _from_s3(source, scratch)
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise NotStaged(f"{source} is a file; give the folder that it lies in, with its configuration")
    if _HUB_NAME.fullmatch(source):
        return _from_hub(source, scratch)
    raise NotStaged(
        f"{source} is no folder on this machine, no s3://bucket/prefix, and no name on the hub like "
        "openai/whisper-small"
    )


def _from_s3(source: str, scratch: Path) -> Path:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    prefix = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
    folder = scratch / "s3"
    folder.mkdir()
    try:
        client = boto3.client("s3")
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        sizes = {
            found["Key"]: found["Size"]
            for page in pages
            for found in page.get("Contents", [])
            if _is_wanted(found["Key"].removeprefix(prefix))
        }
        if not sizes:
            raise NotStaged(
                f"{source} has no weights directly below it: model.bin or *.safetensors, with config.json "
                "and a vocabulary, are wanted; pickles are not fetched"
            )
        free_bytes = shutil.disk_usage(folder).free
        if sum(sizes.values()) + _ROOM_BYTES > free_bytes:
            raise NotStaged(
                f"{source} has {sum(sizes.values()):,} bytes, {folder.parent} has room for {free_bytes:,}; "
                "make room there, or name another folder by TMPDIR"
            )
        for key in sizes:
            client.download_file(bucket, key, str(folder / PurePosixPath(key).name))
    except (BotoCoreError, ClientError, ValueError) as error:
        raise NotStaged(f"{source} cannot be fetched: {error}") from None
    return folder


def _is_wanted(name: str) -> bool:
    path = PurePosixPath(name)
    return len(path.parts) == 1 and any(path.match(form) for form in _WANTED)


def _from_hub(name: str, scratch: Path) -> Path:
    by_hand = (
        f"Fetch it where the hub can be reached (git clone https://huggingface.co/{name}, with git-lfs), "
        "copy the folder here, and add that folder."
    )
    if importlib.util.find_spec(_HUB) is None:
        raise NotStaged(
            f"{name} is no folder here, and without the Python package {_HUB} nothing can be fetched from "
            f"the hub. Install it (pip install {_HUB}), or: {by_hand}"
        )
    hub = importlib.import_module(_HUB)
    try:
        hub.snapshot_download(name, local_dir=str(scratch / "hub"), allow_patterns=list(_WANTED))
    except Exception as error:  # noqa: BLE001 - whatever a library of a later version raises
        raise NotStaged(f"{name} cannot be fetched from the hub: {error}. {by_hand}") from None
    return scratch / "hub"
