"""IBM's Python SDK, unmodified, drives the whole life of a custom language model."""

from __future__ import annotations

import http.client
import io
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from ibm_cloud_sdk_core import ApiException
from ibm_watson import SpeechToTextV1

from infra.local.demo.prompts import Prompt
from infra.local.demo.scoring import word_error_rate
from tests.api.calling import basic
from tests.contract.test_python_sdk import NARROWBAND, client, wait
from tests.contract.test_python_sdk_jobs import ended
from tests.contract.test_python_sdk_websocket import closed_sockets, listen
from tests.running_service import RunningService

__all__ = ["client", "closed_sockets"]
# The SDK leaves it to the garbage collector to close its sockets.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Unverified HTTPS request"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

GRAMMAR = """#ABNF 1.0 UTF-8;
language en-US;
mode voice;
root $order;
$order = {sentence} | quuxly please;
"""


@pytest.fixture
def model(client: SpeechToTextV1) -> Iterator[str]:
    made = client.create_language_model("menu", NARROWBAND, dialect="en-US", description="dishes")
    assert made.get_status_code() == 201
    customization_id: str = made.get_result()["customization_id"]
    yield customization_id
    wait(
        lambda: client.get_language_model(customization_id).get_result(),
        lambda shown: shown["status"] not in ("training", "upgrading"),
    )
    client.delete_language_model(customization_id)


def _settled(client: SpeechToTextV1, model: str, *statuses: str) -> Any:
    return wait(
        lambda: client.get_language_model(model).get_result(),
        lambda shown: shown["status"] in statuses,
    )


def _corpus(client: SpeechToTextV1, model: str, name: str) -> Any:
    return wait(
        lambda: client.get_corpus(model, name).get_result(),
        lambda corpus: corpus["status"] != "being_processed",
    )


def test_the_whole_life(
    client: SpeechToTextV1, service: RunningService, model: str, prompts: list[Prompt]
) -> None:
    prompt = max(prompts[:40], key=lambda one: len(one.text.split()))
    added = client.add_corpus(model, "lines", io.BytesIO(f"{prompt.text}\n".encode() * 5))
    assert (added.get_status_code(), added.get_result()) == (201, {})
    corpus = _corpus(client, model, "lines")
    assert (corpus["status"], corpus["total_words"] > 0) == ("analyzed", True)
    assert client.list_corpora(model).get_result()["corpora"] == [corpus]
    raw = requests.post(
        f"{service.url}/v1/customizations/{model}/corpora/raw",
        data=b"quuxly please\n",
        auth=("apikey", service.key),
        timeout=300,
    )
    assert (raw.status_code, raw.json()) == (201, {})
    assert _corpus(client, model, "raw")["out_of_vocabulary_words"] == 1
    words = [{"word": "Zorblax", "sounds_like": ["zor blacks"], "display_as": "ZORBLAX"}]
    assert client.add_words(model, words).get_status_code() == 201
    _settled(client, model, "ready")
    assert client.add_word(model, "H-Honors", sounds_like=["h honors"]).get_status_code() == 201
    listed = client.list_words(model, word_type="all", sort="-count").get_result()["words"]
    assert {"Zorblax", "H-Honors", "quuxly"} <= {word["word"] for word in listed}
    assert client.get_word(model, "Zorblax").get_result()["display_as"] == "ZORBLAX"
    grammar = GRAMMAR.format(sentence=prompt.text).encode()
    assert client.add_grammar(model, "orders", io.BytesIO(grammar), "application/srgs").get_result() == {}
    wait(
        lambda: client.get_grammar(model, "orders").get_result(),
        lambda shown: shown["status"] == "analyzed",
    )
    assert client.train_language_model(model, customization_weight=0.8).get_result() == {}
    assert _settled(client, model, "available", "failed")["status"] == "available"

    def heard(**options: Any) -> str:
        audio = prompt.path.read_bytes()
        answer = client.recognize(audio, content_type="audio/wav", model=NARROWBAND, **options).get_result()
        return " ".join(one["alternatives"][0]["transcript"].strip() for one in answer["results"])

    spoken = prompt.text.lower()
    plain, customised = heard(), heard(language_customization_id=model)
    errors = [word_error_rate([spoken], [one]).rate for one in (customised, plain)]
    assert errors[0] <= errors[1]
    audio = prompt.path.read_bytes()
    over_socket = listen(client, audio, "audio/wav", language_customization_id=model)
    assert not over_socket.of("error")
    results = [result for data in over_socket.of("data") for result in data["results"]]
    assert " ".join(one["alternatives"][0]["transcript"].strip() for one in results) == customised
    job = client.create_job(
        audio, content_type="audio/wav", model=NARROWBAND, language_customization_id=model
    ).get_result()["id"]
    (answer,) = ended(client, job)["results"]
    assert [one["alternatives"] for one in answer["results"]] == [one["alternatives"] for one in results]
    client.delete_job(job)
    ordered = heard(language_customization_id=model, grammar_name="orders")
    assert ordered in ("", spoken)
    over_socket = listen(client, audio, "audio/wav", language_customization_id=model, grammar_name="orders")
    assert not over_socket.of("error")
    results = [result for data in over_socket.of("data") for result in data["results"]]
    assert " ".join(one["alternatives"][0]["transcript"].strip() for one in results) == ordered
    refused = listen(client, audio, "audio/wav", language_customization_id=model, grammar_name="nothing")
    assert "Grammar 'nothing' is not available" in refused.of("error")[0]
    with pytest.raises(ApiException, match="Grammar 'nothing' is not available"):
        heard(language_customization_id=model, grammar_name="nothing")
    client.delete_word(model, "Zorblax")
    client.delete_grammar(model, "orders")
    client.delete_corpus(model, "lines")
    client.reset_language_model(model)
    assert client.list_words(model).get_result() == {"words": []}


def test_bad_input(client: SpeechToTextV1, service: RunningService, model: str) -> None:
    with pytest.raises(ApiException, match=r"not available\. Please make sure the custom model is trained"):
        client.recognize(b"x" * 200, model=NARROWBAND, language_customization_id=model)
    client.add_corpus(model, "binary", io.BytesIO(bytes(range(256)) * 10))
    assert "Line 1" in _corpus(client, model, "binary")["error"]
    # Larger than the front door passes inline: it goes through the bucket.
    client.add_corpus(model, "line", io.BytesIO(b"word " * 800_000))
    assert "longer than 1 MB" in _corpus(client, model, "line")["error"]
    with pytest.raises(ApiException) as raised:
        client.add_word(model, "x", sounds_like=["b" * 41])
    assert raised.value.status_code == 400
    assert client.add_word(model, "and/or", sounds_like=["and or"]).get_status_code() == 201
    assert client.get_word(model, "and/or").get_result()["word"] == "and/or"
    client.add_grammar(model, "broken", io.BytesIO(b"#ABNF 1.0;\nroot $a;\n$a = (one;\n"), "application/srgs")
    broken = wait(
        lambda: client.get_grammar(model, "broken").get_result(),
        lambda shown: shown["status"] != "being_processed",
    )
    assert "Line 3" in broken["error"]
    with pytest.raises(ApiException, match=r"corpora: \[binary, line\]; grammars: \[broken\]"):
        client.train_language_model(model)
    connection = http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=300)
    connection.putrequest("POST", f"/v1/customizations/{model}/corpora/large")
    connection.putheader("Authorization", basic(service.key))
    connection.putheader("Content-Length", str(200 << 20))
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
