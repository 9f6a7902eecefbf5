"""Custom language model, custom acoustic model and grammar, alone and together, on every interface."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from ibm_cloud_sdk_core import ApiException
from ibm_watson import SpeechToTextV1

from infra.local.demo.prompts import Prompt
from tests.audio.signals import noisy_wav
from tests.contract.test_python_sdk import BROADBAND, NARROWBAND, client, wait
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

OLD, NEW = f"{BROADBAND}.v2018-07-31", f"{BROADBAND}.v2020-01-16"
NETWORK = f"{BROADBAND}.v2026-11-30"
NARROW = f"{NARROWBAND}.v2019-06-24"
TEXT = b"please enter your konferenz number followed by the pound key\n" * 20
GRAMMAR = """#ABNF 1.0;
root $any;
$any = (conference | konferenz | that | an | extension | again | key | by | the)<1->;
"""
A, L = {"acoustic": True}, {"language": True}
LIGHT, GRAMMATICAL = {"customization_weight": 0.05}, {"grammar_name": "words"}
COMBINATIONS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "acoustic": A,
    "language": L,
    "language, lightly": L | LIGHT,
    "language and grammar": L | GRAMMATICAL,
    "both": A | L,
    "both, lightly": A | L | LIGHT,
    "both and grammar": A | L | GRAMMATICAL,
}

Said = list[tuple[str, float]]


def _settled(client: SpeechToTextV1, model: str, *statuses: str) -> None:
    wait(
        lambda: client.get_language_model(model).get_result(),
        lambda shown: shown["status"] in statuses,
    )


def _taught(client: SpeechToTextV1, model: str) -> str:
    """Train a new language model on a sentence, a word and a grammar; return its id."""
    client.add_corpus(model, "sentences", io.BytesIO(TEXT))
    _settled(client, model, "ready")
    client.add_word(model, "konferenz", sounds_like=["conference"], display_as="Konferenz")
    client.add_grammar(model, "words", io.BytesIO(GRAMMAR.encode()), "application/srgs")
    _settled(client, model, "ready")
    client.train_language_model(model, customization_weight=0.8)
    _settled(client, model, "available")
    return model


@dataclass(frozen=True)
class Models:
    language: str
    acoustic: str

    def asked(self, combination: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters that ask for a combination."""
        options = {name: value for name, value in combination.items() if name not in ("acoustic", "language")}
        ids = {
            f"{kind}_customization_id": getattr(self, kind)
            for kind in ("acoustic", "language")
            if kind in combination
        }
        return {"model": NARROWBAND, **ids, **options}


@pytest.fixture(scope="module")
def models(client: SpeechToTextV1, service: RunningService) -> Iterator[Models]:
    made = client.create_language_model("words", NARROWBAND).get_result()
    language = _taught(client, made["customization_id"])
    acoustic = client.create_acoustic_model("sounds", NARROWBAND).get_result()["customization_id"]
    promote(service, acoustic, NARROW)
    yield Models(language, acoustic)
    client.delete_language_model(language)
    client.delete_acoustic_model(acoustic)


@pytest.fixture(scope="module")
def audio(prompt_named: dict[str, Prompt]) -> bytes:
    return prompt_named["conf-extended"].path.read_bytes()


def _said(results: list[dict[str, Any]]) -> Said:
    best = [result["alternatives"][0] for result in results]
    return [(reading["transcript"], reading["confidence"]) for reading in best]


@pytest.fixture(scope="module")
def posted(client: SpeechToTextV1, models: Models, audio: bytes) -> dict[str, Said]:
    """What each combination hears over HTTP."""
    return {
        name: _said(
            client.recognize(audio, content_type="audio/wav", **models.asked(combination)).get_result()[
                "results"
            ]
        )
        for name, combination in COMBINATIONS.items()
    }


def test_every_model_has_its_part(posted: dict[str, Said]) -> None:
    """Each combination hears something else: none of its parts is left out.

    A language model that weighs next to nothing leaves the network at what it hears by itself.
    """
    assert all(posted.values())
    different = {name: said for name, said in posted.items() if name != "language, lightly"}
    assert len({str(said) for said in different.values()}) == len(different), posted
    assert "Konferenz" in posted["both"][0][0]
    assert "Konferenz" not in posted["acoustic"][0][0]
    allowed = {"conference", "Konferenz", "that", "an", "extension", "again", "key", "by", "the"}
    for name in ("language and grammar", "both and grammar"):
        assert {word for text, _ in posted[name] for word in text.split()} <= allowed


@pytest.mark.parametrize("name", COMBINATIONS)
def test_a_websocket_hears_the_same(
    client: SpeechToTextV1, models: Models, audio: bytes, posted: dict[str, Said], name: str
) -> None:
    heard = listen(client, audio, "audio/wav", **models.asked(COMBINATIONS[name]))
    assert not heard.of("error")
    assert _said([result for data in heard.of("data") for result in data["results"]]) == posted[name]


@pytest.mark.parametrize("name", COMBINATIONS)
def test_a_job_hears_the_same(
    client: SpeechToTextV1, models: Models, audio: bytes, posted: dict[str, Said], name: str
) -> None:
    made = client.create_job(audio, content_type="audio/wav", **models.asked(COMBINATIONS[name]))
    job = ended(client, made.get_result()["id"])
    (answer,) = job["results"]
    assert _said(answer["results"]) == posted[name]
    client.delete_job(job["id"])


@pytest.mark.parametrize("name", COMBINATIONS)
def test_a_form_hears_the_same(
    service: RunningService, models: Models, audio: bytes, posted: dict[str, Said], name: str
) -> None:
    asked = models.asked(COMBINATIONS[name])
    metadata = {option: asked.pop(option) for option in (*LIGHT, *GRAMMATICAL) if option in asked}
    answer = requests.post(
        f"{service.url}/v1/recognize",
        params=asked,
        files=[
            ("metadata", ("m", json.dumps(metadata | {"part_content_type": "audio/wav"}))),
            ("upload", ("a.wav", audio, "audio/wav")),
        ],
        auth=("apikey", service.key),
        timeout=300,
    )
    assert _said(answer.json()["results"]) == posted[name]


@pytest.mark.slow
def test_both_are_used_on_the_newest_version_that_both_have(
    client: SpeechToTextV1, service: RunningService
) -> None:
    made = requests.post(
        f"{service.url}/v1/customizations",
        json={"name": "words", "base_model_name": BROADBAND, "base_model_version": OLD},
        auth=("apikey", service.key),
        timeout=300,
    )
    language = _taught(client, made.json()["customization_id"])
    acoustic = client.create_acoustic_model("sounds", BROADBAND).get_result()["customization_id"]
    both = {"language_customization_id": language, "acoustic_customization_id": acoustic}

    def refused(**options: Any) -> str:
        with pytest.raises(ApiException) as raised:
            client.recognize(noisy_wav(0.5), content_type="audio/wav", **both, **options)
        assert raised.value.status_code == 400
        return str(raised.value.message)

    def warnings(**options: Any) -> list[str]:
        answer = client.recognize(noisy_wav(0.5), content_type="audio/wav", **both, **options).get_result()
        found: list[str] = answer.get("warnings", [])
        return [warning.partition(",")[0] for warning in found]

    previous = ["Using previous version of base model"]
    promote(service, acoustic, NEW)
    assert refused() == (
        f"The two custom models are not trained on the same version of {BROADBAND}: the acoustic one on "
        f"'{NEW}'; the language one on '{OLD}'. Upgrade the older one."
    )
    promote(service, acoustic, OLD)
    assert warnings() == warnings(base_model_version=OLD) == previous
    client.upgrade_language_model(language)
    _settled(client, language, "available")
    assert client.get_language_model(language).get_result()["versions"] == [OLD, NETWORK]
    assert warnings() == warnings(base_model_version=OLD) == previous
    assert refused(base_model_version=NEW) == (
        f"Custom acoustic model '{acoustic}' cannot be used with base model version '{NEW}': "
        f"it is trained on '{OLD}'"
    )
    promote(service, acoustic, OLD, NEW)
    assert warnings() == warnings(base_model_version=NEW) == []
    assert warnings(base_model_version=OLD) == previous
    client.delete_language_model(language)
    client.delete_acoustic_model(acoustic)
