from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests import resources
from tests.sagemaker import Platform


@pytest.fixture(autouse=True)
def _account() -> Iterator[None]:
    """The bucket, tables and queues, empty."""
    with mock_aws():
        resources.create()
        yield


@pytest.fixture
def platform() -> Platform:
    """The training platform, where jobs run until a test says otherwise."""
    return Platform()
