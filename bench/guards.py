"""What the guards of the network keep out, and what they cost: half an hour of noises, and speech in noise."""

from __future__ import annotations

import argparse
import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import Any
from unittest import mock

import numpy as np
import soundfile

from bench.figures import keep, measured_here
from bench.one_process import OneProcess
from bench.recordings import RecordingsUnavailable, an4
from chalicelib.engines.catalogue import BASE_MODELS
from chalicelib.engines.whisper.decoding import guards
from infra.local.demo.scoring import WordErrorRate, word_error_rate
from tests.engines.whisper.speech import noises

BROADBAND = BASE_MODELS["en-US_BroadbandModel"].newest_version
RATE_HZ = 16_000
LENGTHS_S = (2.0, 20.0)
LEVELS_DB = (-40.0, -6.0)
"""Of the loudest sample, full scale being 0."""


@contextlib.contextmanager
def without_guards() -> Iterator[None]:
    """Believe every text: that nobody spoke, or that the network cannot stop, is never concluded."""
    names = ("unheard", "looping", "repetitive", "doubled")
    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(mock.patch.object(guards, name, lambda _: False))
        yield


def clips(minutes: float, seed: int) -> Iterator[tuple[str, Any]]:
    """Yield so many minutes of noises, tones and silence, each with its name; of all lengths and levels."""
    random = np.random.default_rng(seed)
    total_s = 0.0
    while total_s < 60 * minutes:
        length_s = float(random.uniform(*LENGTHS_S))
        for name, samples in noises(length_s, seed=int(random.integers(1 << 30))).items():
            loudest = float(np.abs(samples).max()) or 1.0
            level = (
                10 ** (float(random.uniform(*LEVELS_DB)) / 20) if name not in ("silence", "faint") else 1e-4
            )
            yield name, np.asarray(samples * (level / loudest), np.float32)
            total_s += length_s
            if total_s >= 60 * minutes:
                return


def written_for_noise(service: OneProcess, minutes: float) -> dict[str, Any]:
    """Return the words that are written for noises, with the guards and without."""
    made = list(clips(minutes, seed=9))
    found: dict[str, Any] = {
        "clips": len(made),
        "audio_s": round(sum(len(samples) for _, samples in made) / RATE_HZ),
    }
    with_guards = [(name, service.heard(samples, RATE_HZ)) for name, samples in made]
    with without_guards():
        without = [(name, service.heard(samples, RATE_HZ)) for name, samples in made]
    for key, heard in (("with_guards", with_guards), ("without", without)):
        texts = [(name, text) for name, text in heard if text]
        found[key] = {
            "clips": len(texts),
            "words": sum(len(text.split()) for _, text in texts),
            "texts": [f"{name}: {text[:60]}" for name, text in texts[:10]],
        }
    return found


def lost_speech(service: OneProcess, condition: str, most: int | None) -> dict[str, Any]:
    """Return the word error rates of AN4's test half in noise, with the guards and without, whole path."""
    recordings = an4("test", condition)[:most]
    texts = [one.text for one in recordings]

    def rate() -> WordErrorRate:
        audio = [soundfile.read(io.BytesIO(one.wav), dtype="float32") for one in recordings]
        return word_error_rate(texts, [service.heard(samples, rate_hz) for samples, rate_hz in audio])

    guarded = rate()
    with without_guards():
        free = rate()
    return {
        "with_guards": str(guarded),
        "without": str(free),
        "points_lost": round(100 * (guarded.rate - free.rate), 2),
    }


def main(argv: Sequence[str]) -> int:
    """Measure; print and write `.attune/bench/guards.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench guards", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="of noises (30)")
    parser.add_argument("--condition", default="noise-5", help="of AN4's test half (noise-5)")
    parser.add_argument("--most", type=int, default=None, help="so many of its utterances (all)")
    arguments = parser.parse_args(argv)
    service = OneProcess(BROADBAND)
    figures: dict[str, Any] = measured_here()
    figures["noises"] = written_for_noise(service, arguments.minutes)
    print(f"noises   {figures['noises']}", flush=True)
    try:
        figures["speech"] = lost_speech(service, arguments.condition, arguments.most)
        print(f"speech   {figures['speech']}", flush=True)
    except RecordingsUnavailable as reason:
        print(f"speech   left out: {reason}")
    keep("guards", figures)
    return 0
