from __future__ import annotations

import pytest

from tests.sagemaker import Platform


@pytest.fixture(autouse=True)
def _account(aws: None) -> None:
    """The bucket, tables and queues, empty."""


@pytest.fixture
def platform() -> Platform:
    """The training platform, where jobs run until a test says otherwise."""
    return Platform()
