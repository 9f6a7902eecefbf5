"""Every route × somebody else's things: the answer is exactly that for things that do not exist, and nothing changes.

The routes come from the application itself: one that is added has to say here what its parameters name.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import app
from chalicelib.jobs import recognition_jobs
from chalicelib.sharing import meter
from chalicelib.sharing.meter import Customization, MeteredWork, Used
from chalicelib.storage import credentials, layout, objects, queues
from chalicelib.storage.tables import RecognitionJob
from tests.api.calling import NEW, Answer, Instance, basic, send
from tests.api.customization.test_language_resources import ABNF, Language
from tests.api.test_evaluations import MODELS, Lab
from tests.audio.archives.packing import zipped
from tests.evaluation import archives
from tests.receiver import receiving
from tests.recognition.request.test_forms import BOUNDARY, form
from tests.recognition_function import Function

_PREFIX = "/v1"
_NAMES = {
    "audio_name": "one",
    "corpus_name": "one",
    "grammar_name": "orders",
    "word_name": "zorblatt",
    "version": "1",
}
"""What the foreign models have, of each kind."""
_WAV = b"RIFF\x24\x10\x00\x00WAVEfmt " + bytes(200)
_ARCHIVE = zipped(archives.with_texts(["hello you"]))
_ANNOUNCED = json.dumps({"bytes": len(_WAV), "sha256": hashlib.sha256(_WAV).hexdigest()}).encode()
_TAKE_UPLOADS = (
    *(
        "/recognize",
        "/recognitions",
        "/test_sets",
        "/acoustic_customizations/{customization_id}/audio/{audio_name}",
    ),
    *(
        f"/customizations/{{customization_id}}/{one}"
        for one in ("corpora/{corpus_name}", "grammars/{grammar_name}", "words")
    ),
)
_LABEL = {"X-Watson-Metadata": "customer_id=somebody"}
_BODIES: dict[str, list[tuple[str, bytes]]] = {
    "/audio/{audio_name}": [("audio/wav", _WAV)],
    "/corpora/{corpus_name}": [("text/plain", b"hello\n")],
    "/grammars/{grammar_name}": [("application/srgs", ABNF)],
    "/words": [("application/json", b'{"words": [{"word": "flumox"}]}')],
    "/words/{word_name}": [("application/json", b'{"sounds_like": ["flum ox"]}')],
    "/versions/{version}": [("application/json", b'{"label": "mine"}')],
    "/callback": [("application/json", b'{"callback_url": "http://127.0.0.1:9/unknown"}')],
    "/recognize": [("audio/wav", _WAV)],
    "/recognitions": [("audio/wav", _WAV)],
    "/test_sets": [("application/zip", _ARCHIVE)],
    "/uploads": [("application/json", _ANNOUNCED)],
}
"""Bodies that would be taken, by the end of the path; others get none, and an empty document."""


@dataclass(frozen=True)
class _Things:
    """Ids that a request may name: somebody's, or nobody's."""

    acoustic: str
    language: str
    job: str
    delivery: str
    test_set: str
    evaluation: str
    upload: str
    key: str
    callback_url: str

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return dataclasses.astuple(self)


@pytest.fixture(scope="module", autouse=True)
def _queues(account: None) -> None:
    queues.client.cache_clear()
    queues.url_of.cache_clear()


@pytest.fixture
def nobodys() -> _Things:
    acoustic, language, job, delivery, test_set, evaluation, upload = (str(uuid.uuid4()) for _ in range(7))
    url = "http://127.0.0.1:9/unknown"
    return _Things(acoustic, language, job, delivery, test_set, evaluation, upload, "0123456789ab", url)


@pytest.fixture
def victim(instance: Instance) -> Instance:
    return instance


@pytest.fixture
def somebodys(victim: Instance, function: Function, private_allowed: None) -> Iterator[_Things]:
    model = victim.model()
    assert model.post_audio("one", X_Watson_Metadata="customer_id=somebody").status == 201
    model.add("two")
    row = model.row
    row.promoted_run, row.promoted_version, row.promoted_sha256 = 1, NEW, "ab" * 32
    row.save()
    objects.put(layout.report_key(victim.owner, model.customization_id, 1), b"{}")
    meter.add(victim.owner, Used(MeteredWork.RECOGNITION, "sphinx", Customization.NONE, 7.0))
    language = Language(victim)
    language.add("one", b"hello Zorblatt\n")
    assert (
        language("POST", "/grammars/orders", body=ABNF, headers={"Content-Type": "application/srgs"}).status
        == 201
    )
    language.analyse()
    assert language("PUT", "/words/zorblatt", {"sounds_like": ["zorb lat"]}).status == 201
    with receiving() as receiver:
        asked = f"/register_callback?callback_url={receiver.url}&user_secret=s"
        assert victim("POST", asked).status == 201
        job = victim("POST", "/recognitions", body=_WAV, headers={"Content-Type": "audio/wav", **_LABEL})
        assert job.status == 201
        yield _Things(
            model.customization_id,
            language.id,
            job.json["id"],
            _given_up(victim, job.json["id"]),
            *_measured(victim),
            _sent(victim),
            credentials.hash_of(victim.key)[:12],
            receiver.url,
        )


def _given_up(victim: Instance, job_id: str) -> str:
    """Let the first event of a job be one that could not be told; return its delivery's id."""
    noted = {"number": 0, "event": "recognitions.started", "attempts": 9, "error": "-", "failed_s": 1}
    row = recognition_jobs.get(victim.owner, job_id)
    row.update(actions=[RecognitionJob.notify_failures.set([json.dumps(noted)])])
    (delivery,) = victim("GET", "/callback_deliveries").json["deliveries"]
    return str(delivery["delivery_id"])


def _measured(victim: Instance) -> tuple[str, str]:
    """Let there be a test set, and an evaluation on it; return their ids."""
    lab = Lab(victim)
    members = archives.with_texts(["hello you"])
    test_set_id = str(lab.new_set(members, X_Watson_Metadata="customer_id=somebody")["test_set_id"])
    return test_set_id, lab.new({"test_set_id": test_set_id, "models": MODELS})


def _sent(victim: Instance) -> str:
    """Let there be an upload whose bytes have come; return its id."""
    upload_id = str(victim("POST", "/uploads", body=_ANNOUNCED, headers=_LABEL).json["upload_id"])
    objects.put(layout.direct_upload_key(victim.owner, upload_id), _WAV)
    return upload_id


def _routes() -> Iterator[tuple[str, str]]:
    for path, methods in sorted(app.app.routes.items()):
        if path.startswith(f"{_PREFIX}/"):
            for method in sorted(methods):
                yield method, path.removeprefix(_PREFIX)


def _filled(path: str, things: _Things) -> str:
    """Put ids in a path.

    Raises:
        AssertionError: it has a parameter that this test does not know.
    """
    is_language = path.startswith("/customizations")
    ids = {
        "customization_id": things.language if is_language else things.acoustic,
        "job_id": things.job,
        "delivery_id": things.delivery,
        "test_set_id": things.test_set,
        "evaluation_id": things.evaluation,
        "upload_id": things.upload,
        "key_id": things.key,
    }
    known = {**ids, **_NAMES, "number": "0", "model_id": "en-US_NarrowbandModel"}
    for name, value in known.items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, f"say in _filled what the parameters of {path} name"
    return path


def _queries(path: str, things: _Things) -> Iterator[str]:
    """Yield the queries that name things, beside the one that names none."""
    yield ""
    if path in ("/recognize", "/recognitions"):
        yield f"?acoustic_customization_id={things.acoustic}"
        yield f"?acoustic_customization_id={things.acoustic}&acoustic_customization_version=1"
        yield f"?language_customization_id={things.language}"
        yield f"?customization_id={things.language}"
    if path.endswith(("/train", "/upgrade_model")) and "acoustic" in path:
        yield f"?custom_language_model_id={things.language}"
    if path.endswith("callback") or path in ("/recognitions", "/rotate_callback_secret"):
        yield f"?callback_url={things.callback_url}&user_secret=another"
    if path.startswith("/acoustic_customizations") and path.endswith("customizations"):
        yield f"?callback_url={things.callback_url}"
    if path.endswith("/difference"):
        yield "?from=1"
    if path in _TAKE_UPLOADS:
        yield f"?upload={things.upload}"
    if path == "/user_data":
        yield "?customer_id=somebody"


def _documents(path: str, things: _Things) -> Iterator[Any]:
    """Yield the documents that name things."""
    if path == "/evaluations":
        yield {"test_set_id": things.test_set, "models": MODELS}
        yield {"acoustic_customization_id": things.acoustic, "held_out": True}
        yield {"audio": {"acoustic_customization_id": things.acoustic, "audio_names": ["two"]}}
        for kind in ("acoustic", "language"):
            model = {"model": "en-US_BroadbandModel", f"{kind}_customization_id": getattr(things, kind)}
            yield {"test_set_id": things.test_set, "models": [model]}


def _forms(path: str, things: _Things) -> Iterator[tuple[str, bytes]]:
    """Yield the bodies that name things."""
    if path == "/audio/transcriptions":
        for name in (things.acoustic, things.language):
            body = form(("model", None, name.encode()), ("file", None, _WAV))
            yield f"multipart/form-data; boundary={BOUNDARY}", body


def _answers(instance: Instance, method: str, path: str, things: _Things) -> list[tuple[Any, ...]]:
    """Return all that is answered to requests that name things, without the names themselves."""
    bodies = next((found for end, found in _BODIES.items() if path.endswith(end)), [])
    found: list[tuple[Any, ...]] = []
    for query in _queries(path, things):
        named = [("application/json", json.dumps(one).encode()) for one in _documents(path, things)]
        empty = [("application/json", b""), ("application/json", b"{}")]
        for content_type, body in [*empty, *bodies, *named, *_forms(path, things)]:
            headers = {"Content-Type": content_type, **_LABEL}
            answer = instance(method, _filled(path, things) + query, body=body, headers=headers)
            text = answer.body.decode()
            for name in things.names:
                text = text.replace(name, "…")
            found.append((query.partition("=")[0], content_type, answer.status, text, _comparable(answer)))
    return found


def _comparable(answer: Answer) -> dict[str, str]:
    changing = ("x-attune-owner", "x-global-transaction-id", "x-dp-watson-tran-id", "content-length", "date")
    return {name: value for name, value in answer.headers.items() if name not in changing}


def _view(instance: Instance, things: _Things) -> Any:
    """Return all that an owner sees of its own."""
    shown = {
        path: instance("GET", _filled(path, things)).json
        for method, path in _routes()
        if method == "GET"
        and path not in ("/recognize", "/models", "/models/{model_id}")
        and not path.endswith(("/picture", "/{number}"))
    }
    return json.loads(json.dumps(shown))


_THEIRS = {
    path for _, path in _routes() if "{customization_id}" in path or "_id}" in path.replace("{model_id}", "")
}
_NAMES_IN_BODY = {"/audio/transcriptions"}
_NAMES_IN_QUERY = {
    "/recognize",
    "/recognitions",
    "/unregister_callback",
    "/rotate_callback_secret",
    "/user_data",
    "/evaluations",
    "/test_sets",
}
_OWN = {
    "/acoustic_customizations",
    "/customizations",
    "/models",
    "/models/{model_id}",
    "/register_callback",
    "/callback_deliveries",
    "/uploads",
    "/keys",
    "/usage",
}
"""Nothing in these requests can name what is somebody else's, but their answers could show it."""


def test_every_route_is_known_here() -> None:
    known = _THEIRS | _NAMES_IN_BODY | _NAMES_IN_QUERY | _OWN
    new = {path for _, path in _routes()} - known
    assert not new, (
        f"say how {sorted(new)} could name what is somebody else's: by an id in the path, a body or a query "
        "(_THEIRS, _NAMES_IN_BODY, _NAMES_IN_QUERY, with what is sent), or not at all (_OWN)"
    )
    assert known == {path for _, path in _routes()}, "some of these are no routes any more"


def test_foreign_things_are_like_unknown_ones_on_every_route(
    victim: Instance, somebodys: _Things, nobodys: _Things
) -> None:
    before = _view(victim, somebodys)
    assert before["/recognitions"]["recognitions"]
    assert before["/acoustic_customizations"]["customizations"]
    assert before["/usage"]["usage"]
    for method, path in _routes():
        if path == "/register_callback":
            continue  # whoever meets the challenge may register a URL, too
        stranger, other = Instance(), Instance()
        foreign, unknown = (
            _answers(stranger, method, path, somebodys),
            _answers(other, method, path, nobodys),
        )
        if method == "POST" and path in _MAKE:
            foreign, unknown = ([_without_new_ids(one) for one in each] for each in (foreign, unknown))
        assert foreign == unknown, f"{method} {path}"
    assert _view(victim, somebodys) == before, "something of these has changed what is another one's"


_MAKE = ("/acoustic_customizations", "/customizations", "/recognitions", "/test_sets", "/uploads")
"""Whoever posts there makes something new."""


def _without_new_ids(answer: tuple[Any, ...]) -> tuple[Any, ...]:
    """Leave out what is made anew with each request that succeeds."""
    query, content_type, status, text, headers = answer
    if status == 201:
        text = ", ".join(sorted(json.loads(text)))
        headers = {name: value for name, value in headers.items() if name != "location"}
    return query, content_type, status, text, headers


def test_the_url_of_a_foreign_instance_is_refused_on_every_route(
    victim: Instance, somebodys: _Things
) -> None:
    stranger = Instance()
    for method, path in _routes():
        answers = {
            owner: send(
                method,
                f"/instances/{owner}/v1{_filled(path, somebodys)}",
                headers={"Authorization": basic(stranger.key), "Content-Type": "application/json"},
            )
            for owner in (victim.owner, str(uuid.uuid4()))
        }
        assert {answer.status for answer in answers.values()} == {403}, f"{method} {path}"
        bodies = [{**answer.json, "trace": ""} for answer in answers.values()]
        assert bodies[0] == bodies[1], f"{method} {path}"


def test_without_credentials_no_route_tells_anything(victim: Instance, somebodys: _Things) -> None:
    for method, path in _routes():
        answer = send(method, f"{_PREFIX}{_filled(path, somebodys)}")
        assert answer.status == 401, f"{method} {path}"
