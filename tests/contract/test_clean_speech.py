"""Clean read speech comes out word for word, its words found as keywords, by IBM's clients on every interface."""

from __future__ import annotations

import gc
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from ibm_cloud_sdk_core.authenticators import BasicAuthenticator

from infra.local.demo.prompts import Prompt
from tests.contract.test_python_sdk import sdk
from tests.contract.test_python_sdk_jobs import ended
from tests.contract.test_python_sdk_websocket import listen
from tests.node_sdk import RunNode
from tests.running_service import RunningService

# The certificate is the service's own; the SDK leaves it to the garbage collector to close its socket.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Unverified HTTPS request"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

NARROWBAND, BROADBAND = "en-US_NarrowbandModel", "en-US_BroadbandModel"
RATES_HZ = {NARROWBAND: 8_000, BROADBAND: 16_000}
KEYWORDS = {
    "agent-pass": ("password", "Pound Key", "please enter your"),
    "confbridge-pin-bad": ("too many", "identification", "Numbers"),
    "ss-noservice": ("dialed", "not in service", "TRY AGAIN"),
}
"""By the sentence, what is looked for in it."""
CASES = (
    ("agent-pass", NARROWBAND),
    ("agent-pass", BROADBAND),
    ("confbridge-pin-bad", BROADBAND),
    ("ss-noservice", NARROWBAND),
)
UNSAID = "zebra crossing"
Results = list[dict[str, Any]]


@dataclass(frozen=True)
class Sentence:
    """A recording on disk, and what is said in it."""

    path: Path
    text: str
    duration_s: float
    model: str
    keywords: tuple[str, ...]


@pytest.fixture(autouse=True)
def closed_sockets() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture(params=CASES, ids=" ".join)
def sentence(request: pytest.FixtureRequest, prompt_named: dict[str, Prompt], tmp_path: Path) -> Sentence:
    name, model = request.param
    prompt = prompt_named[name]
    samples, rate_hz = soundfile.read(prompt.path, dtype="float32")
    wide = np.clip(soxr.resample(samples, rate_hz, RATES_HZ[model]), -1, 1)
    path = tmp_path / "sentence.wav"
    soundfile.write(path, wide, RATES_HZ[model], subtype="PCM_16")
    return Sentence(path, prompt.text, len(samples) / rate_hz, model, KEYWORDS[name])


def python_http(service: RunningService, sentence: Sentence, wanted: dict[str, Any]) -> Results:
    client = sdk(service, BasicAuthenticator("apikey", service.key))
    answer = client.recognize(io.BytesIO(sentence.path.read_bytes()), content_type="audio/wav", **wanted)
    results: Results = answer.get_result()["results"]
    return results


def python_websocket(service: RunningService, sentence: Sentence, wanted: dict[str, Any]) -> Results:
    client = sdk(service, BasicAuthenticator("apikey", service.key))
    heard = listen(client, sentence.path.read_bytes(), "audio/wav", **wanted)
    assert not heard.of("error")
    return [result for data in heard.of("data") for result in data["results"]]


def python_job(service: RunningService, sentence: Sentence, wanted: dict[str, Any]) -> Results:
    client = sdk(service, BasicAuthenticator("apikey", service.key))
    audio = io.BytesIO(sentence.path.read_bytes())
    job = client.create_job(audio, content_type="audio/wav", **wanted).get_result()
    (answer,) = ended(client, job["id"])["results"]
    client.delete_job(job["id"])
    results: Results = answer["results"]
    return results


def node_http(run_node: RunNode, sentence: Sentence, wanted: dict[str, Any]) -> Results:
    value = run_node("recognize", file=str(sentence.path), params=wanted)["value"]
    results: Results = value["result"]["results"]
    return results


def node_websocket(run_node: RunNode, sentence: Sentence, wanted: dict[str, Any]) -> Results:
    params = wanted | {"objectMode": True}
    events = run_node("recognize_using_websocket", file=str(sentence.path), params=params)["value"]["events"]
    assert "error" not in {event[0] for event in events}
    return [result for event in events if event[0] == "data" for result in event[1]["results"]]


def node_job(run_node: RunNode, sentence: Sentence, wanted: dict[str, Any]) -> Results:
    (answer,) = run_node("job", file=str(sentence.path), params=wanted)["value"]["job"]["results"]
    results: Results = answer["results"]
    return results


@pytest.mark.parametrize("hears", [python_http, python_websocket, python_job])
def test_the_python_client_gets_every_word(
    service: RunningService,
    sentence: Sentence,
    hears: Callable[[RunningService, Sentence, dict[str, Any]], Results],
) -> None:
    wanted = {
        "model": sentence.model,
        "keywords": [*sentence.keywords, UNSAID],
        "keywords_threshold": 0.5,
        "timestamps": True,
    }
    check(hears(service, sentence, wanted), sentence)


@pytest.mark.parametrize("hears", [node_http, node_websocket, node_job])
def test_the_node_client_gets_every_word(
    run_node: RunNode,
    sentence: Sentence,
    hears: Callable[[RunNode, Sentence, dict[str, Any]], Results],
) -> None:
    wanted = {
        "contentType": "audio/wav",
        "model": sentence.model,
        "keywords": [*sentence.keywords, UNSAID],
        "keywordsThreshold": 0.5,
        "timestamps": True,
    }
    check(hears(run_node, sentence, wanted), sentence)


def check(results: Results, sentence: Sentence) -> None:
    """See whether the words are those that were read, and the keywords are where these words are."""
    assert [result["final"] for result in results] == [True] * len(results)
    best = [result["alternatives"][0] for result in results]
    assert "".join(one["transcript"] for one in best).split() == sentence.text.split()
    words = [tuple(word) for one in best for word in one["timestamps"]]
    assert [text for text, _, _ in words] == sentence.text.split()
    edges_s = [edge_s for _, start_s, end_s in words for edge_s in (start_s, end_s)]
    assert edges_s == sorted(edges_s)
    assert 0 <= edges_s[0] < edges_s[-1] <= sentence.duration_s + 0.01
    found = {keyword: hits for result in results for keyword, hits in result["keywords_result"].items()}
    assert set(found) == set(sentence.keywords)
    for keyword, hits in found.items():
        said = keyword.lower().split()
        places = [
            place
            for place in range(len(words))
            if [text for text, _, _ in words[place : place + len(said)]] == said
        ]
        spans = [(words[place][1], words[place + len(said) - 1][2]) for place in places]
        assert [(hit["start_time"], hit["end_time"]) for hit in hits] == spans
        assert {hit["normalized_text"] for hit in hits} == {keyword.lower()}
        assert all(0.5 <= hit["confidence"] <= 1 for hit in hits)
