from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from infra.local import wire
from infra.local.functions.lambda_emulator import LambdaEmulator


def _double(event: dict[str, Any], context: object) -> dict[str, Any]:
    return {"doubled": event["n"] * 2, "name": getattr(context, "function_name", "")}


def _explode(event: dict[str, Any], context: object) -> None:
    raise ValueError("no such audio")


def _count(event: dict[str, Any], context: Any) -> dict[str, Any]:
    for number in range(event["n"]):
        if context.tell is not None:
            context.tell({"number": number, "text": "zwölf\n"})
    return {"counted": event["n"]}


@pytest.fixture
def client() -> Iterator[Any]:
    listener = wire.listen()
    serving = wire.server(LambdaEmulator({"double": _double, "explode": _explode, "count": _count}))
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


def streamed(client: Any, name: str, event: Any) -> list[Any]:
    answer = client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event).encode())
    assert answer["StatusCode"] == 200
    return list(answer["EventStream"])


def test_what_a_function_tells_comes_before_its_answer(client: Any) -> None:
    *parts, end = streamed(client, "count", {"n": 3})
    lines = b"".join(part["PayloadChunk"]["Payload"] for part in parts).split(b"\n")
    assert [json.loads(line) for line in lines] == [
        *({"told": {"number": number, "text": "zwölf\n"}} for number in range(3)),
        {"counted": 3},
    ]
    assert end == {"InvokeComplete": {}}
    plain = client.invoke(FunctionName="count", Payload=b'{"n": 3}')
    assert json.loads(plain["Payload"].read()) == {"counted": 3}


def test_what_a_function_raises_ends_its_stream(client: Any) -> None:
    (end,) = streamed(client, "explode", {})
    assert end["InvokeComplete"]["ErrorCode"] == "Unhandled"
    assert json.loads(end["InvokeComplete"]["ErrorDetails"])["errorMessage"] == "no such audio"


def test_an_unknown_function_has_no_stream(client: Any) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        streamed(client, "nobody", {})
