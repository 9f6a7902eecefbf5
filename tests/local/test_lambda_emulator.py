from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from infra.local import wire
from infra.local.lambda_emulator import LambdaEmulator


def _double(event: dict[str, Any], context: object) -> dict[str, Any]:
    return {"doubled": event["n"] * 2, "name": getattr(context, "function_name", "")}


def _explode(event: dict[str, Any], context: object) -> None:
    raise ValueError("no such audio")


@pytest.fixture
def client() -> Iterator[Any]:
    listener = wire.listen()
    serving = wire.server(LambdaEmulator({"double": _double, "explode": _explode}))
    thread = threading.Thread(target=asyncio.run, args=(serving.serve(sockets=[listener]),))
    thread.start()
    made = boto3.client("lambda", endpoint_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    yield made
    made.close()
    serving.should_exit = True
    thread.join()
    listener.close()


def test_a_function_is_called_and_answers(client: Any) -> None:
    answer = client.invoke(FunctionName="double", Payload=json.dumps({"n": 21}).encode())
    assert json.loads(answer["Payload"].read()) == {"doubled": 42, "name": "double"}
    assert "FunctionError" not in answer


def test_what_a_function_raises_is_a_function_error(client: Any) -> None:
    answer = client.invoke(FunctionName="explode", Payload=b"{}")
    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"
    told = json.loads(answer["Payload"].read())
    assert (told["errorType"], told["errorMessage"]) == ("ValueError", "no such audio")


def test_an_unknown_function_is_not_found(client: Any) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="nobody", Payload=b"{}")
