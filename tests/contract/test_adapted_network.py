"""A custom acoustic model on the network, alone and with a language model and a grammar, on every interface."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from ibm_watson import SpeechToTextV1
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from chalicelib.engines.catalogue import BASE_MODELS
from infra.local.demo.prompts import Prompt
from tests.contract.test_python_sdk import NARROWBAND, client, wait
from tests.contract.test_python_sdk_jobs import ended
from tests.contract.test_python_sdk_websocket import closed_sockets, listen
from tests.promoted import promote
from tests.running_service import RunningService

__all__ = ["client", "closed_sockets"]
# The SDK leaves it to the garbage collector to close its sockets.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Unverified HTTPS request"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

NETWORK = BASE_MODELS[NARROWBAND].newest_version
TEXT = b"the konferenz has been extended\nplease enter your konferenz number\n" * 10
GRAMMAR = """#ABNF 1.0;
root $said;
$said = the conference has been (extended | ended) [the conference has been extended] | please enter a number;
"""
COMBINATIONS: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "acoustic": ("acoustic",),
    "language": ("language",),
    "both": ("acoustic", "language"),
    "both and grammar": ("acoustic", "language", "grammar"),
}
Said = list[tuple[str, float]]


@pytest.fixture(scope="module")
def asked(client: SpeechToTextV1, service: RunningService) -> Iterator[dict[str, dict[str, str]]]:
    """The parameters that ask for each combination."""
    language = client.create_language_model("words", NARROWBAND).get_result()["customization_id"]

    def settled(*statuses: str) -> None:
        wait(
            lambda: client.get_language_model(language).get_result(),
            lambda shown: shown["status"] in statuses,
        )

    client.add_corpus(language, "sentences", io.BytesIO(TEXT))
    settled("ready")
    client.add_word(language, "konferenz", sounds_like=["conference"], display_as="Konferenz")
    client.add_grammar(language, "said", io.BytesIO(GRAMMAR.encode()), "application/srgs")
    settled("ready")
    client.train_language_model(language, customization_weight=0.8)
    settled("available")
    acoustic = client.create_acoustic_model("sounds", NARROWBAND).get_result()["customization_id"]
    promote(service, acoustic, NETWORK, NETWORK)
    parts = {
        "acoustic": {"acoustic_customization_id": acoustic},
        "language": {"language_customization_id": language},
        "grammar": {"grammar_name": "said"},
    }
    yield {
        name: {"model": NARROWBAND} | {key: one for part in wanted for key, one in parts[part].items()}
        for name, wanted in COMBINATIONS.items()
    }
    client.delete_language_model(language)
    client.delete_acoustic_model(acoustic)


@pytest.fixture(scope="module")
def audio(prompt_named: dict[str, Prompt]) -> bytes:
    return prompt_named["conf-extended"].path.read_bytes()


def _said(results: list[dict[str, Any]]) -> Said:
    best = [result["alternatives"][0] for result in results]
    return [(reading["transcript"], reading["confidence"]) for reading in best]


@pytest.fixture(scope="module")
def posted(client: SpeechToTextV1, asked: dict[str, dict[str, str]], audio: bytes) -> dict[str, Said]:
    """What each combination hears over HTTP, without a warning."""
    answers = {
        name: client.recognize(audio, content_type="audio/wav", **options).get_result()
        for name, options in asked.items()
    }
    assert not any("warnings" in answer for answer in answers.values())
    return {name: _said(answer["results"]) for name, answer in answers.items()}


def test_every_model_has_its_part(posted: dict[str, Said]) -> None:
    assert all(posted.values())
    assert len({str(said) for said in posted.values()}) == len(posted), posted
    texts = {name: said[0][0].strip() for name, said in posted.items()}
    assert texts["nothing"] == texts["language"] == "the conference has been extended"
    assert texts["acoustic"] == " ".join([texts["nothing"]] * 2)


@pytest.mark.parametrize("name", COMBINATIONS)
def test_a_websocket_hears_the_same(
    client: SpeechToTextV1,
    asked: dict[str, dict[str, str]],
    audio: bytes,
    posted: dict[str, Said],
    name: str,
) -> None:
    heard = listen(client, audio, "audio/wav", **asked[name])
    assert not heard.of("error")
    assert _said([result for data in heard.of("data") for result in data["results"]]) == posted[name]


@pytest.mark.parametrize("name", COMBINATIONS)
def test_a_job_hears_the_same(
    client: SpeechToTextV1,
    asked: dict[str, dict[str, str]],
    audio: bytes,
    posted: dict[str, Said],
    name: str,
) -> None:
    made = client.create_job(audio, content_type="audio/wav", **asked[name])
    job = ended(client, made.get_result()["id"])
    (answer,) = job["results"]
    assert _said(answer["results"]) == posted[name]
    client.delete_job(job["id"])


@pytest.mark.parametrize("name", COMBINATIONS)
def test_a_form_hears_the_same(
    service: RunningService,
    asked: dict[str, dict[str, str]],
    audio: bytes,
    posted: dict[str, Said],
    name: str,
) -> None:
    options = dict(asked[name])
    metadata = {option: options.pop(option) for option in ("grammar_name",) if option in options}
    answer = requests.post(
        f"{service.url}/v1/recognize",
        params=options,
        files=[
            ("metadata", ("m", json.dumps(metadata | {"part_content_type": "audio/wav"}))),
            ("upload", ("a.wav", audio, "audio/wav")),
        ],
        auth=("apikey", service.key),
        timeout=300,
    )
    assert _said(answer.json()["results"]) == posted[name]


def _version(asked: dict[str, dict[str, str]], version: int) -> dict[str, str]:
    return asked["acoustic"] | {"acoustic_customization_version": str(version)}


@pytest.mark.parametrize(("version", "same_as"), [(1, "nothing"), (2, "acoustic")])
def test_a_version_is_heard_with_on_every_interface(
    service: RunningService,
    asked: dict[str, dict[str, str]],
    audio: bytes,
    posted: dict[str, Said],
    version: int,
    same_as: str,
) -> None:
    options = _version(asked, version)
    session = requests.Session()
    session.auth, session.headers["Content-Type"] = ("apikey", service.key), "audio/wav"
    answer = session.post(f"{service.url}/v1/recognize", params=options, data=audio)
    assert _said(answer.json()["results"]) == posted[same_as]
    made = session.post(f"{service.url}/v1/recognitions", params=options, data=audio).json()
    job = wait(lambda: session.get(made["url"]).json(), lambda shown: shown["status"] == "completed")
    assert _said(job["results"][0]["results"]) == posted[same_as]
    with _socket(service, options) as socket:
        socket.send(json.dumps({"action": "start", "content-type": "audio/wav"}))
        socket.send(audio)
        socket.send(json.dumps({"action": "stop"}))
        messages = [json.loads(socket.recv(timeout=60)) for _ in range(2)]
    assert _said(messages[1]["results"]) == posted[same_as]


def _socket(service: RunningService, options: dict[str, str]) -> ClientConnection:
    credentials = base64.b64encode(f"apikey:{service.key}".encode()).decode()
    return connect(
        f"{service.url.replace('http', 'ws', 1)}/v1/recognize?{urlencode(options)}",
        additional_headers={"Authorization": f"Basic {credentials}"},
    )


def test_an_unknown_version_is_refused_on_every_interface(
    service: RunningService, asked: dict[str, dict[str, str]], audio: bytes
) -> None:
    options = _version(asked, 7)
    reason = f"Customization '{options['acoustic_customization_id']}' has no version 7; it has 2 and 1."
    for path in ("recognize", "recognitions"):
        answer = requests.post(
            f"{service.url}/v1/{path}", params=options, data=audio, auth=("apikey", service.key), timeout=60
        )
        assert (answer.status_code, answer.json()["error"]) == (404, reason)
    with pytest.raises(InvalidStatus) as raised:
        _socket(service, options)
    assert raised.value.response.status_code == 404
    assert json.loads(raised.value.response.body)["error"] == reason


def test_rolling_back_is_seen_by_ibms_client(
    client: SpeechToTextV1,
    service: RunningService,
    asked: dict[str, dict[str, str]],
    audio: bytes,
    posted: dict[str, Said],
) -> None:
    options = asked["acoustic"]
    model = options["acoustic_customization_id"]
    assert client.get_acoustic_model(model).get_result()["version"] == 2
    versions = f"{service.url}/v1/acoustic_customizations/{model}/versions"
    for version, same_as in ((1, "nothing"), (2, "acoustic")):
        answer = requests.post(f"{versions}/{version}/activate", auth=("apikey", service.key), timeout=60)
        assert (answer.status_code, answer.json()["current"]) == (200, True)
        assert client.get_acoustic_model(model).get_result()["version"] == version
        heard = client.recognize(audio, content_type="audio/wav", **options).get_result()
        assert _said(heard["results"]) == posted[same_as]
