"""An evaluation of two models against recognising the same utterances by hand, once with each of them."""

from __future__ import annotations

import argparse
import io
import os
import random
import tempfile
import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from bench.figures import ROOT, keep, measured_here
from infra.local.demo.__main__ import service
from infra.local.demo.prompts import Prompt, fetch_prompts

MODEL = "en-US_NarrowbandModel"
VERSIONS = (f"{MODEL}.v2019-06-24", f"{MODEL}.v2026-11-30")
UTTERANCES = 100
ROUNDS = 2
"""The quickest of so many counts."""
_SEED = 7
_LEAST_S, _MOST_S = 1.5, 8.0
"""Of an utterance."""
_POLL_S = 0.2


def chosen(prompts: Sequence[Prompt], count: int) -> list[Prompt]:
    """Return so many utterances; always the same ones."""
    usable = [prompt for prompt in prompts if _LEAST_S < prompt.duration_s < _MOST_S]
    return random.Random(_SEED).sample(usable, count)


class _Client:
    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.auth = ("apikey", key)
        self._session.verify = False
        self._session.trust_env = False  # else a bundle named in the environment would be believed instead

    def call(self, method: str, path: str, **options: Any) -> Any:
        answer = self._session.request(method, f"{self._url}/v1{path}", timeout=3600, **options)
        answer.raise_for_status()
        return answer.json()

    def recognize(self, version: str, prompt: Prompt) -> None:
        query = {"model": MODEL, "base_model_version": version}
        headers = {"Content-Type": "audio/wav"}
        self.call("POST", "/recognize", params=query, data=prompt.path.read_bytes(), headers=headers)

    def until_done(self, path: str) -> tuple[Any, float]:
        """Return what is shown of something when it is no longer worked on, and how long that took."""
        began_s = time.monotonic()
        while (shown := self.call("GET", path))["status"] in ("waiting", "processing"):
            time.sleep(_POLL_S)
        return shown, time.monotonic() - began_s


def by_hand_s(client: _Client, utterances: Sequence[Prompt], at_once: int) -> float:
    """Return how long it takes to have every utterance recognised with each model."""
    began_s = time.monotonic()
    with ThreadPoolExecutor(at_once) as threads:
        for version in VERSIONS:
            list(threads.map(lambda prompt, version=version: client.recognize(version, prompt), utterances))
    return time.monotonic() - began_s


def measure(client: _Client, utterances: Sequence[Prompt]) -> dict[str, Any]:
    """Return the figures of one service."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, prompt in enumerate(utterances):
            archive.writestr(f"{number}.wav", prompt.path.read_bytes())
            archive.writestr(f"{number}.txt", prompt.text)
    headers = {"Content-Type": "application/zip"}
    made = client.call("POST", "/test_sets", data=packed.getvalue(), headers=headers)
    test_set, read_s = client.until_done(f"/test_sets/{made['test_set_id']}")
    models = [{"model": MODEL, "base_model_version": version} for version in VERSIONS]

    def evaluated(test_set_id: str) -> tuple[Any, float]:
        document = {"test_set_id": test_set_id, "models": models}
        evaluation = client.call("POST", "/evaluations", json=document)
        return client.until_done(f"/evaluations/{evaluation['evaluation_id']}")

    for version in VERSIONS:  # what is loaded once, is loaded
        client.recognize(version, utterances[0])
    evaluated(made["test_set_id"])
    done, *times_s = evaluated(made["test_set_id"])
    hands_s: dict[int, list[float]] = {1: [], os.cpu_count() or 1: []}
    for place in range(ROUNDS):  # in turns: whatever else the machine does meets each of them
        for at_once, taken_s in hands_s.items():
            taken_s.append(by_hand_s(client, utterances, at_once))
        if place:
            times_s.append(evaluated(made["test_set_id"])[1])
    evaluation_s, (one_s, all_s) = min(times_s), map(min, hands_s.values())
    return {
        "utterances": test_set["utterances"],
        "audio_s": test_set["duration"],
        "read_s": round(read_s, 1),
        "evaluation_s": round(evaluation_s, 1),
        "by_hand_one_by_one_s": round(one_s, 1),
        "by_hand_as_many_as_cores_s": round(all_s, 1),
        "times_by_hand_one_by_one": round(evaluation_s / one_s, 2),
        "times_by_hand_as_many_as_cores": round(evaluation_s / all_s, 2),
        "word_error_rates": [model["word_error_rate"] for model in done["results"]["models"]],
    }


def main(argv: Sequence[str]) -> int:
    """Measure; print and write `.attune/bench/evaluation.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench evaluation", description=__doc__)
    parser.add_argument("--utterances", type=int, default=UTTERANCES, metavar="COUNT")
    count = parser.parse_args(argv).utterances
    requests.packages.urllib3.disable_warnings()  # type: ignore[attr-defined]  # the certificate is our own
    utterances = chosen(fetch_prompts(ROOT / ".attune/prompts"), count)
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "home") as (url, key):
        figures = measured_here() | measure(_Client(url, key), utterances)
    print(figures)
    keep("evaluation", figures)
    return 0
