"""As many custom words as a model may have, through the running service: put in, listed, trained, used, deleted."""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import requests

from bench.figures import ROOT, keep, measured_here
from chalicelib.customization.limits import CUSTOM_WORDS
from infra.local.demo.__main__ import service
from infra.local.demo.prompts import fetch_prompts

MODEL = "en-US_NarrowbandModel"
PROMPT = "vm-goodbye"
ROUNDS = 5
_SYLLABLES = (
    *("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "zu", "bran"),
    *("clex", "dor", "fen", "gri", "hal", "jor", "kel", "lum", "mar", "nex", "quil", "ros", "stel", "tor"),
)
_ENDINGS = ("", "in", "ol", "ex", "um")


def names(count: int) -> list[str]:
    """Return so many words that sound like names of drugs; always the same ones."""
    chance = random.Random(7)
    found: set[str] = set()
    while len(found) < count:
        syllables = (chance.choice(_SYLLABLES) for _ in range(chance.randrange(2, 5)))
        found.add("".join(syllables) + chance.choice(_ENDINGS))
    return sorted(found)


class _Client:
    """Makes requests of one model, and says how long they took."""

    def __init__(self, url: str, key: str) -> None:
        self.session = requests.Session()
        self.session.auth = ("apikey", key)
        self.session.verify = False
        self.session.trust_env = False  # else a bundle named in the environment would be believed instead
        self.url = url
        body = {"name": "bench", "base_model_name": MODEL}
        made = self.session.post(f"{url}/v1/customizations", json=body, timeout=60).json()
        self.model = f"{url}/v1/customizations/{made['customization_id']}"
        self.customization_id = made["customization_id"]

    def timed_s(self, method: str, path: str = "", **options: Any) -> float:
        started_s = time.monotonic()
        self.session.request(method, self.model + path, timeout=600, **options).raise_for_status()
        return time.monotonic() - started_s

    def until_s(self, done: Callable[[str], bool]) -> float:
        started_s = time.monotonic()
        while not done(status := self.session.get(self.model, timeout=60).json()["status"]):
            if status == "failed":
                raise RuntimeError("the model has failed")
            time.sleep(0.2)
        return time.monotonic() - started_s

    def recognition_s(self, audio: bytes, **query: str) -> float:
        """Return the median time of a request behind the first, which fetches what it needs."""
        taken_s = []
        for _ in range(ROUNDS + 1):
            started_s = time.monotonic()
            self.session.post(
                f"{self.url}/v1/recognize",
                params={"model": MODEL, **query},
                data=audio,
                headers={"Content-Type": "audio/wav"},
                timeout=120,
            ).raise_for_status()
            taken_s.append(time.monotonic() - started_s)
        return statistics.median(taken_s[1:])


def measure(url: str, key: str, count: int, audio: bytes) -> dict[str, Any]:
    """Return seconds that each step takes with so many words, and a request with this WAV."""
    client = _Client(url, key)
    base_s = client.recognition_s(audio)
    words = [{"word": word} for word in names(count)]
    sent_s = client.timed_s("POST", "/words", json={"words": words})
    put_in_s = sent_s + client.until_s(lambda status: status == "ready")
    listed_s = client.timed_s("GET", "/words")
    trained_s = client.timed_s("POST", "/train") + client.until_s(lambda status: status == "available")
    custom_s = client.recognition_s(audio, language_customization_id=client.customization_id)
    deleted_s = client.timed_s("DELETE")
    return {
        "words": count,
        "put_in_s": round(put_in_s, 1),
        "listed_s": round(listed_s, 1),
        "trained_s": round(trained_s, 1),
        "recognition_base_s": round(base_s, 3),
        "recognition_custom_s": round(custom_s, 3),
        "deleted_s": round(deleted_s, 1),
    }


def main(argv: Sequence[str]) -> int:
    """Measure; print and write `.attune/bench/words.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench words", description=__doc__)
    parser.add_argument("--words", type=int, default=CUSTOM_WORDS, metavar="COUNT")
    count = parser.parse_args(argv).words
    requests.packages.urllib3.disable_warnings()  # type: ignore[attr-defined]  # the certificate is our own
    figures: dict[str, Any] = measured_here()
    audio = next(one.path for one in fetch_prompts(ROOT / ".attune/prompts") if one.name == PROMPT)
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "home") as (url, key):
        figures |= measure(url, key, count, audio.read_bytes())
    print(figures)
    keep("words", figures)
    return 0
