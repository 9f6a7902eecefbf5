"""How fast one core recognises, and how well: the product's settings against raw pocketsphinx, in the same run."""

from __future__ import annotations

import argparse
import io
import json
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pocketsphinx
import soundfile
import soxr
from numpy.typing import NDArray

from bench.acoustic import BROADBAND, NARROWBAND
from bench.recordings import ROOT, Recording, RecordingsUnavailable, about, an4
from chalicelib.engines.sphinx.engine import SphinxEngine
from infra.local.prompts import PromptsUnavailable, fetch_prompts
from infra.local.scoring import word_error_rate

Recognize = Callable[[NDArray[np.float32]], str]


def _raw(rate_hz: int) -> Recognize:
    decoder = pocketsphinx.Decoder(loglevel="FATAL")

    def recognize(samples: NDArray[np.float32]) -> str:
        wide = soxr.resample(samples, rate_hz, 16_000) if rate_hz != 16_000 else samples
        decoder.start_utt()
        decoder.process_raw((wide * 32767).clip(-32768, 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        hypothesis = decoder.hyp()
        return hypothesis.hypstr if hypothesis else ""

    return recognize


def _product(version: str) -> Recognize:
    recognizer = SphinxEngine().load(version, None)

    def recognize(samples: NDArray[np.float32]) -> str:
        found = recognizer.recognize(samples)
        return found[0].text if found else ""

    return recognize


def compare(recordings: list[Recording], version: str) -> dict[str, Any]:
    """Decode each recording with both, one after the other, so that the machine's noise hits both alike."""
    audio = [soundfile.read(io.BytesIO(recording.wav), dtype="float32") for recording in recordings]
    rate_hz = audio[0][1]
    ways = {"raw": _raw(rate_hz), "product": _product(version)}
    for recognize in ways.values():
        recognize(audio[0][0])  # warm-up
    cpu_s = dict.fromkeys(ways, 0.0)
    hypotheses: dict[str, list[str]] = {name: [] for name in ways}
    for samples, _ in audio:
        for name, recognize in ways.items():
            started = time.process_time()
            hypotheses[name].append(recognize(samples))
            cpu_s[name] += time.process_time() - started
    audio_s = sum(recording.duration_s for recording in recordings)
    texts = [recording.text for recording in recordings]
    return {
        "audio_s": round(audio_s, 1),
        **{f"{name}_rtf": round(cpu_s[name] / audio_s, 4) for name in ways},
        **{f"{name}_wer": str(word_error_rate(texts, hypotheses[name])) for name in ways},
        "speed_up": round(cpu_s["raw"] / cpu_s["product"], 2),
    }


def _prompts() -> list[Recording]:
    prompts = fetch_prompts(ROOT / ".attune" / "prompts")
    return about([Recording(one.path.read_bytes(), one.text, one.duration_s) for one in prompts], 4)


def main(argv: Sequence[str]) -> int:
    """Measure AN4's test half and telephone prompts; print and write `.attune/bench/recognition.json`."""
    argparse.ArgumentParser(prog="python -m bench recognition", description=__doc__).parse_args(argv)
    figures: dict[str, Any] = {"cores": os.cpu_count(), "date": time.strftime("%Y-%m-%d")}
    sets: dict[str, tuple[Callable[[], list[Recording]], str]] = {
        "an4": (lambda: about(an4("test", "clean"), 4), BROADBAND),
        "prompts": (_prompts, NARROWBAND),
    }
    for name, (recordings, version) in sets.items():
        try:
            figures[name] = compare(recordings(), version)
        except (RecordingsUnavailable, PromptsUnavailable) as reason:
            print(f"{name:8} left out: {reason}", flush=True)
            continue
        print(f"{name:8} {figures[name]}", flush=True)
    target = ROOT / ".attune" / "bench" / "recognition.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(figures, indent=2) + "\n")
    return 0
