"""Failures of the store, told apart."""

from __future__ import annotations

import socket

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError
from pynamodb.exceptions import GetError, PutError

from chalicelib.storage import failures
from chalicelib.storage.failures import StoreFailure


def client_error(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "PutObject",
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (client_error("InsufficientStorage", 507), StoreFailure.NO_ROOM),
        (client_error("Unknown", 507), StoreFailure.NO_ROOM),
        (client_error("507", 507), StoreFailure.NO_ROOM),
        (client_error("SlowDown", 503), StoreFailure.FOR_A_WHILE),
        (client_error("ProvisionedThroughputExceededException"), StoreFailure.FOR_A_WHILE),
        (client_error("Unknown", 502), StoreFailure.FOR_A_WHILE),
        (client_error("AccessDenied", 403), StoreFailure.UNEXPECTED),
        (client_error("NoSuchBucket", 404), StoreFailure.UNEXPECTED),
        (GetError("x", cause=client_error("ThrottlingException")), StoreFailure.FOR_A_WHILE),
        (PutError("x", cause=client_error("InsufficientStorage", 507)), StoreFailure.NO_ROOM),
        (PutError("x", cause=client_error("ValidationException")), StoreFailure.UNEXPECTED),
        (PutError("x"), StoreFailure.UNEXPECTED),
        (NoCredentialsError(), StoreFailure.FOR_A_WHILE),
    ],
)
def test_kinds(error: Exception, kind: StoreFailure) -> None:
    assert isinstance(error, failures.FAILURES)
    assert failures.kind(error) is kind


def test_a_store_that_is_not_there_fails_for_a_while() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # so that nobody else listens there either
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{taken.getsockname()[1]}",
            config=Config(retries={"total_max_attempts": 1}),
        )
        with pytest.raises(failures.FAILURES) as caught:
            client.list_buckets()
    assert failures.kind(caught.value) is StoreFailure.FOR_A_WHILE
