"""The bucket that the gateway's tests share."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from chalicelib import settings
from chalicelib.storage import objects


@pytest.fixture(scope="package")
def object_store() -> Iterator[str]:
    """Run an S3 emulation that takes parts of any size, to which every client of this process goes."""
    patch = pytest.MonkeyPatch()
    patch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    objects.client.cache_clear()
    objects.client().create_bucket(Bucket=settings.current().bucket)
    yield f"http://{host}:{port}"
    server.stop()
    objects.client.cache_clear()
    patch.undo()


@pytest.fixture
def bucket(object_store: str) -> Iterator[None]:
    """Give an empty bucket."""
    objects.delete_below("")
    yield
