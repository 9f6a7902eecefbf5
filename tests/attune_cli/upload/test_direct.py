"""Large bodies go to the store of a service that offers it, whatever happens on the way."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from attune_cli.client import Service
from attune_cli.configuration import Credentials
from attune_cli.errors import Away, CommandError
from attune_cli.upload import direct
from attune_cli.upload.parcels import FileBody
from tests.attune_cli.line import DROPPED, Fault, Line, Recorded, line

CONTENT = b"RIFF" + bytes(20_000)
THERE = Recorded(200, {})
LATE = Recorded(403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")


@pytest.fixture(autouse=True)
def _everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "FROM_BYTES", 1_000)


class Store:
    """Answers of a service that offers uploads, and of its store."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = list(faults)
        self.line: Line | None = None
        self.made = 0

    def __call__(self, method: str, path: str, before: int) -> Fault:
        match method:
            case "POST":
                assert self.line is not None
                self.made += 1
                url = f"{self.line.url}/store/{self.made}?signature=s"
                made = {"upload_id": f"id{self.made}", "method": "PUT", "url": url, "headers": {"X-Sum": "1"}}
                return Recorded(201, made)
            case "PUT":
                return self.faults.pop(0) if self.faults else THERE
        return Recorded(204, {})


def upload(
    one: Line, content: bytes = CONTENT, service: Service | None = None
) -> tuple[str | None, list[int]]:
    file, sent = io.BytesIO(content), [0]
    service = service or Service(Credentials(one.url, "key"), patience_s=5)
    headers = {"Content-Type": "audio/wav"}
    with direct.uploaded(service, file, headers, "audio", lambda: FileBody(file, sent.append)) as upload_id:
        return upload_id, sent


@contextmanager
def through(store: Store) -> Iterator[Line]:
    with line(None, store) as one:
        store.line = one
        yield one


def test_a_body_lies_in_the_store_and_goes_when_it_was_taken() -> None:
    with through(Store()) as one:
        upload_id, sent = upload(one)
        assert (upload_id, sum(sent)) == ("id1", len(CONTENT))
        assert one.came == [
            ("POST", "/v1/uploads"),
            ("PUT", "/store/1?signature=s"),
            ("DELETE", "/v1/uploads/id1"),
        ]
        asked, put, _ = one.headers
        assert "authorization" in asked and "authorization" not in put, "S3 refuses two kinds of credentials"
        assert (put["x-sum"], put["content-length"]) == ("1", str(len(CONTENT)))


@pytest.mark.parametrize(("error", "removed"), [(CommandError("it is no audio"), 1), (Away("it is away"), 0)])
def test_an_upload_goes_also_when_it_is_refused(error: CommandError, removed: int) -> None:
    with through(Store()) as one:
        service, file = Service(Credentials(one.url, "key")), io.BytesIO(CONTENT)
        with (
            pytest.raises(type(error)),
            direct.uploaded(service, file, {}, None, lambda: FileBody(file, lambda sent: None)),
        ):
            raise error
        assert len(one.of("DELETE", "/v1/uploads/id1")) == removed


def test_a_small_body_is_sent_as_it_is() -> None:
    with through(Store()) as one:
        assert upload(one, CONTENT[:1_000]) == (None, [0])
        assert one.came == []


def test_a_service_without_uploads_is_asked_once() -> None:
    with line(None, lambda *_: Recorded(404, {"code": 404, "error": "Not Found"})) as one:
        service = Service(Credentials(one.url, "key"))
        for _ in range(2):
            assert upload(one, service=service)[0] is None
        assert one.came == [("POST", "/v1/uploads")]


@pytest.mark.parametrize("first", [Recorded(503, b"<Error/>"), Recorded(500, {}), DROPPED])
def test_a_store_that_fails_is_asked_again_and_what_it_has_is_known(first: Fault) -> None:
    with through(Store(first, Recorded(412, {"error": "there already"}))) as one:
        assert upload(one)[0] == "id1"
        assert len(one.of("PUT", "/store/1")) == 2


def test_a_url_that_is_late_is_replaced() -> None:
    with through(Store(LATE, LATE)) as one:
        assert upload(one)[0] == "id3"
        assert [path for _, path in one.came if "store" in path] == [
            f"/store/{number}?signature=s" for number in (1, 2, 3)
        ]


def test_what_the_store_does_not_take_is_told_in_its_words() -> None:
    with through(Store(*[LATE] * 3)) as one:
        with pytest.raises(CommandError, match="Request has expired") as refused:
            upload(one)
        assert "clock" in refused.value.way_out


def test_what_is_announced_is_what_is_sent() -> None:
    announced: list[Any] = []

    class Recording(Service):
        def call(self, method: str, path: str, **options: Any) -> Any:
            announced.append(options.get("document"))
            return super().call(method, path, **options)

    with through(Store()) as one:
        upload(one, service=Recording(Credentials(one.url, "key")))
    assert announced[0] == {
        "bytes": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "content_type": "audio/wav",
        "purpose": "audio",
    }
