"""An account for every module of tests, whose clients are its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from chalicelib.storage import queues
from tests import resources


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    """The bucket, tables and queues; tests keep to their own owners and models."""
    with mock_aws():
        resources.create()
        queues.client.cache_clear()
        queues.url_of.cache_clear()
        yield
    queues.client.cache_clear()
    queues.url_of.cache_clear()
