"""The environment of every test: fixed settings, no real account; and the service's resources in memory."""

from __future__ import annotations

import functools
import os
import re
import signal
import threading
from collections.abc import Iterator

import pytest
from botocore.loaders import JSONFileLoader
from hypothesis import HealthCheck, settings

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
    ATTUNE_BUCKET="attune-test",
    ATTUNE_INTERNAL_SECRET="a-secret-for-tests-that-is-long-enough",
    ATTUNE_TRAINING_IMAGE="111111111111.dkr.ecr.us-east-1.amazonaws.com/attune-training:test",
    ATTUNE_TRAINING_ROLE_ARN="arn:aws:iam::111111111111:role/attune-training",
    # Many tests share an account, in which trainings begin that nobody ends; budgets have tests of their own.
    ATTUNE_MAX_TRAININGS_AT_ONCE="0",
    ATTUNE_MAX_TRAININGS_AT_ONCE_OF_OWNER="0",
    ATTUNE_RETRAIN_QUIET_S="0",
)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell has its background jobs ignore Ctrl-C, and so would the programs that tests start and end.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test is about how long one example takes, or how fast examples are made. The examples are the same each
# time: what fails, fails for everybody. `--hypothesis-profile=search` looks for others.
_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("attune", _UNHURRIED, derandomize=True)
settings.register_profile("search", _UNHURRIED, print_blob=True)
settings.load_profile("attune")

# Each session of botocore reads the descriptions of AWS's services anew, which takes longer than most tests.
_read = functools.partial(JSONFileLoader._load_file, None)  # type: ignore[attr-defined]
JSONFileLoader._load_file = staticmethod(functools.cache(_read))  # type: ignore[attr-defined]

pytest_plugins = [
    "tests.permissions.recorder",
    "tests.installed_engines",
    "tests.running_service",
    "tests.node_sdk",
    "tests.receiver",
    "tests.telephone_prompts",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long: a worker that gets one last keeps the others waiting."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


_OWN = ("tests", "attune_cli", "chalicelib", "infra", "training_image", "socketserver", "uvicorn")
"""Whose threads are looked at; what SDKs leave behind is theirs."""
_POOLED = re.compile(r"(?!Thread-\d+ \()|.*\(process_request_thread\)")
"""Names of threads of pools and servers, which may last for longer than a test."""
_THREAD_ENDS_WITHIN_S = 60.0


@pytest.fixture(autouse=True)
def _threads_end() -> Iterator[None]:
    """Fail a test that leaves a thread behind: what happens to that would befall whatever runs next."""
    before = set(threading.enumerate())
    yield
    left = [one for one in set(threading.enumerate()) - before if _is_own(one)]
    for thread in left:
        thread.join(_THREAD_ENDS_WITHIN_S)
    assert [thread.name for thread in left if thread.is_alive()] == []


def _is_own(thread: threading.Thread) -> bool:
    module: str = getattr(getattr(thread, "_target", None), "__module__", None) or ""
    return module.partition(".")[0] in _OWN and not _POOLED.match(thread.name)


@pytest.fixture
def aws() -> Iterator[None]:
    """Everything of `infra/template.json`, empty: bucket with notifications, tables, queues."""
    from moto import mock_aws

    from tests import resources

    with mock_aws():
        resources.create()
        yield
