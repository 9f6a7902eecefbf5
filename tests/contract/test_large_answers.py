"""IBM's SDKs, unmodified, follow to the store what Lambda cannot carry, and leave their key behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ibm_cloud_sdk_core.authenticators import BasicAuthenticator
from ibm_watson import SpeechToTextV1

from tests.attune_cli.line import Line, Recorded, line
from tests.node_sdk import RunNode

JOB = {"id": "1", "status": "completed", "results": [{"result_index": 0, "results": []}]}


@contextmanager
def elsewhere() -> Iterator[tuple[Line, Line]]:
    """Run a service that sends everybody on, and the store to which it does."""
    with line(None, lambda *_: Recorded(200, JOB)) as store:
        there = Recorded(303, {"code": 303, "error": "-"}, {"Location": f"{store.url}/spool/1?signature=s"})
        with line(None, lambda *_: there) as service:
            yield service, store
            assert {path for _, path in store.came} == {"/spool/1?signature=s"}
            assert {method for method, _ in store.came} == {"GET"}
            assert not [one for one in store.headers if "authorization" in one], (
                "S3 takes one kind of credentials"
            )


def test_the_python_sdk_does() -> None:
    with elsewhere() as (service, store):
        client = SpeechToTextV1(authenticator=BasicAuthenticator("apikey", "a-key"))
        client.set_service_url(service.url)
        assert client.check_job("1").get_result() == JOB
        assert client.recognize(b"RIFF", content_type="audio/wav").get_result() == JOB
        assert len(store.came) == 2


def test_the_node_sdk_does(run_node: RunNode) -> None:
    with elsewhere() as (service, _):
        assert run_node("check_job", url=service.url, id="1")["value"] == JOB
