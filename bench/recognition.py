"""How fast one core recognises, how well, and what cutting costs: against raw pocketsphinx and whole prompts."""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import pocketsphinx
import soundfile
from numpy.typing import NDArray

from bench.acoustic import BROADBAND, NARROWBAND, heard_raw
from bench.figures import ROOT, keep, measured_here
from bench.recordings import Recording, RecordingsUnavailable, an4
from bench.word_times import compare_streams, compare_times
from chalicelib.engines.protocol import BASE_ALONE
from chalicelib.engines.sphinx.engine import SphinxEngine
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.function.transcription import transcribe
from chalicelib.recognition.request.options import Options
from infra.local.demo.__main__ import split
from infra.local.demo.prompts import PromptsUnavailable, fetch_prompts
from infra.local.demo.scoring import normalise, paired_difference, word_error_rate

LINE_HISS = 0.001
"""Standard deviation of the hiss of the line, 60 dB below full scale."""

_STREAMED = 40

Recognize = Callable[[NDArray[np.float32]], str]


def _raw(rate_hz: int) -> Recognize:
    decoder = pocketsphinx.Decoder(loglevel="FATAL")
    return lambda samples: heard_raw(decoder, samples, rate_hz)


def _product(version: str) -> Recognize:
    recognizer = SphinxEngine().load(version)

    def recognize(samples: NDArray[np.float32]) -> str:
        found = recognizer.recognize(samples).hypotheses
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
        "difference": str(paired_difference(texts, hypotheses["raw"], hypotheses["product"])),
        "speed_up": round(cpu_s["raw"] / cpu_s["product"], 2),
    }


def compare_cut(recordings: list[Recording], version: str) -> dict[str, Any]:
    """Recognise recordings one by one, and joined by pauses on a hissing line through the whole pipeline.

    The pauses are longer than the silence that ends an utterance, so each recording should be one.
    """
    alone = _product(version)
    random = np.random.default_rng(3)
    rate_hz = soundfile.info(io.BytesIO(recordings[0].wav)).samplerate
    parts: list[NDArray[np.float32]] = []
    hypotheses = []
    for recording in recordings:
        samples, _ = soundfile.read(io.BytesIO(recording.wav), dtype="float32")
        hypotheses.append(alone(samples))
        parts += [np.zeros(round(random.uniform(1.0, 2.5) * rate_hz), np.float32), samples]
    joined = np.concatenate([*parts, np.zeros(rate_hz, np.float32)])
    joined += (random.standard_normal(len(joined)) * LINE_HISS).astype(np.float32)
    text = " ".join(recording.text for recording in recordings)
    with tempfile.TemporaryDirectory() as folder, DecoderPool(os.cpu_count() or 1) as pool:
        source = Path(folder) / "joined.wav"
        soundfile.write(source, joined, rate_hz, subtype="PCM_16")
        started = time.perf_counter()
        answer = transcribe(source, None, version, BASE_ALONE, options=Options(), pool=pool)
        wall_s = time.perf_counter() - started
    heard = [result["alternatives"][0]["transcript"] for result in answer["results"]]
    alone_words, joined_words = (
        jiwer.process_words(normalise(text), normalise(" ".join(found))) for found in (hypotheses, heard)
    )
    return {
        "recordings": len(recordings),
        "results": len(heard),
        "audio_s": round(len(joined) / rate_hz, 1),
        "wall_s": round(wall_s, 1),
        "alone_wer": round(100 * alone_words.wer, 1),
        "joined_wer": round(100 * joined_words.wer, 1),
        "alone_deleted": alone_words.deletions,
        "joined_deleted": joined_words.deletions,
        "words": len(text.split()),
    }


def _prompts() -> list[Recording]:
    held_out = split(fetch_prompts(ROOT / ".attune" / "prompts"), "").held_out
    return [Recording(one.path.read_bytes(), one.text, one.duration_s) for one in held_out]


def main(argv: Sequence[str]) -> int:
    """Measure AN4's test half and the telephone prompts that are held out; print, and keep the figures."""
    argparse.ArgumentParser(prog="python -m bench recognition", description=__doc__).parse_args(argv)
    figures: dict[str, Any] = measured_here()
    sets: dict[str, tuple[Callable[[], list[Recording]], str]] = {
        "an4": (lambda: an4("test", "clean"), BROADBAND),
        "prompts": (_prompts, NARROWBAND),
    }
    for name, (recordings, version) in sets.items():
        try:
            figures[name] = compare(recordings(), version)
        except (RecordingsUnavailable, PromptsUnavailable) as reason:
            print(f"{name:8} left out: {reason}", flush=True)
            continue
        print(f"{name:8} {figures[name]}", flush=True)
        figures[name] |= {
            "times": compare_times(recordings(), version),
            "streams": compare_streams(recordings()[:_STREAMED], version),
        }
        print(f"{name:8} {figures[name]['times']} {figures[name]['streams']}", flush=True)
        if name == "prompts":
            figures["cut"] = compare_cut(recordings(), version)
            print(f"{'cut':8} {figures['cut']}", flush=True)
    keep("recognition", figures)
    return 0
