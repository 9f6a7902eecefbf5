"""An account for every module of tests, and service instances in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests import recognition_function, resources
from tests.api.calling import Instance, Model
from tests.recognition_function import Function
from tests.sagemaker import Platform


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    """The bucket, tables and queues; tests keep to their own instances."""
    with mock_aws():
        resources.create()
        yield


@pytest.fixture
def instance(account: None) -> Instance:
    return Instance()


@pytest.fixture
def model(instance: Instance) -> Model:
    return instance.model()


@pytest.fixture
def platform(account: None) -> Platform:
    """The training platform, where jobs run until a test says otherwise."""
    return Platform()


@pytest.fixture
def function(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    """The recognition function, scripted."""
    with recognition_function.scripted(monkeypatch) as made:
        yield made
