from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests import resources


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    """The bucket, tables and queues."""
    with mock_aws():
        resources.create()
        yield
