"""The Chalice application called in process, as one service instance calls it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import app
from chalicelib.customization import acoustic_models
from chalicelib.gateway.backend import BackendRequest
from chalicelib.storage import credentials
from chalicelib.storage.tables import AcousticModel
from infra.serving.chalice_backend import ChaliceBackend
from tests import described
from tests.custom_models import analysed, upload

BACKEND = ChaliceBackend(app.app)
BROADBAND = "en-US_BroadbandModel"
OLD, NEW = "en-US_BroadbandModel.v2018-07-31", "en-US_BroadbandModel.v2020-01-16"
"""Of the light engine."""
NEWEST = "en-US_BroadbandModel.v2026-11-30"
DESCRIPTIONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
    507: "Insufficient Storage",
}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def send(
    method: str, path: str, body: bytes = b"", *, headers: dict[str, str] | None = None, query: str = ""
) -> Answer:
    """Send one request; what follows a question mark in `path` is the query, too."""
    path, _, in_path = path.partition("?")
    pairs = tuple((name.lower(), value) for name, value in (headers or {}).items())
    answer = BACKEND(BackendRequest(method, path, in_path or query, pairs, body, "127.0.0.1"))
    received = Answer(answer.status, {name.lower(): value for name, value in answer.headers}, answer.body)
    if "content-encoding" not in received.headers and "x-attune-body" not in dict(pairs):
        content_type = received.headers.get("content-type", "")
        described.check(method, path, received.status, content_type, received.body)
    return received


def basic(key: str, user: str = "apikey") -> str:
    return "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()


class Instance:
    """A service instance and its key."""

    def __init__(self) -> None:
        self.owner = credentials.new_owner()
        self.key = credentials.make(self.owner)

    def __call__(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request below `/v1`, with a JSON document or with bytes."""
        if document is not None:
            body = json.dumps(document).encode()
        sent = {"Authorization": basic(self.key), "Content-Type": "application/json"} | (headers or {})
        return send(method, f"/v1{path}", body, headers=sent)

    def model(self, **options: Any) -> Model:
        """Make a model, on the light engine unless another version is wanted."""
        wanted = {"base_model_version": NEW, **options}
        made = acoustic_models.create(self.owner, name="kitchen", base_model_name=BROADBAND, **wanted)
        return Model(self, made.customization_id)


@dataclass(frozen=True)
class Model:
    """A custom acoustic model of an instance."""

    instance: Instance
    customization_id: str

    @property
    def path(self) -> str:
        return f"/acoustic_customizations/{self.customization_id}"

    @property
    def row(self) -> AcousticModel:
        return acoustic_models.get(self.instance.owner, self.customization_id)

    @property
    def shown(self) -> Any:
        return self("GET").json

    @property
    def status(self) -> str:
        return str(self.shown["status"])

    def __call__(self, method: str, path: str = "", document: Any = None, **options: Any) -> Answer:
        """Send a request below the model's path."""
        return self.instance(method, f"{self.path}{path}", document, **options)

    def add(self, name: str, *, duration_s: float = 700.0, valid: bool = True) -> None:
        """Let the model have a resource that was analysed."""
        analysed(upload(self.row, name), duration_s=duration_s, valid=valid)

    def add_unanalysed(self, name: str) -> None:
        """Let the model have a resource that is being analysed."""
        upload(self.row, name)

    def post_audio(
        self, name: str, body: bytes = b"RIFF....WAVE", *, query: str = "", **headers: str
    ) -> Answer:
        """Add audio over HTTP; headers are written with underscores."""
        sent = {"Content-Type": "audio/wav"} | {key.replace("_", "-"): text for key, text in headers.items()}
        return self("POST", f"/audio/{name}{query}", body=body, headers=sent)


def assert_error(answer: Answer, code: int, message: str) -> None:
    """Check an error to the letter."""
    assert (answer.status, answer.json) == (
        code,
        {"code_description": DESCRIPTIONS[code], "code": code, "error": message},
    )
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-global-transaction-id"]


def assert_done(answer: Answer) -> None:
    """Check the success of a call that has nothing to say."""
    assert (answer.status, answer.body) == (200, b"{}")
