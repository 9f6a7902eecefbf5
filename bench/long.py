"""What cutting a long recording gains and costs: two cores against one, and cut against decoded whole."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from bench.acoustic import NARROWBAND
from bench.figures import ROOT, keep, measured_here
from bench.recordings import Recording, RecordingsUnavailable, an4
from chalicelib.engines.protocol import CustomModels
from chalicelib.engines.sphinx.engine import SphinxEngine
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.function.transcription import transcribe
from chalicelib.recognition.request.options import Options
from infra.local.demo.prompts import PromptsUnavailable, fetch_prompts
from infra.local.demo.scoring import word_error_rate

RATE_HZ = 8_000
PAUSES_S = (0.3, 2.0)
CONTINUOUS_S = (0.02, 0.08)
"""Too short to cut at: only length ends such utterances."""
LINE_HISS = 0.001
"""Standard deviation of the hiss of the line, 60 dB below full scale."""
PLAIN = Options(profanity_filter=False)
WHOLE_S = 240.0
"""So much is decoded whole, between pauses: twice the longest utterance, and what fits into memory."""


@dataclass(frozen=True)
class Stretch:
    """Recordings joined by pauses on a hissing line, and what is said in them."""

    samples: NDArray[np.float32]
    text: str

    @property
    def duration_s(self) -> float:
        """Its length."""
        return len(self.samples) / RATE_HZ


def telephone_speech() -> list[Recording]:
    """Return AN4's test half through a telephone, and the telephone prompts, as far as they are there."""
    found: list[Recording] = []
    try:
        found += an4("test", "telephone")
    except RecordingsUnavailable as reason:
        print(f"AN4 left out: {reason}")
    try:
        prompts = fetch_prompts(ROOT / ".attune" / "prompts")
        found += [Recording(one.path.read_bytes(), one.text, one.duration_s) for one in prompts]
    except PromptsUnavailable as reason:
        print(f"prompts left out: {reason}")
    return found


def stretches(
    recordings: Sequence[Recording], minutes: float, pauses_s: tuple[float, float], seed: int
) -> list[Stretch]:
    """Return so many minutes in stretches of about `WHOLE_S`; recordings come again when all were used."""
    random = np.random.default_rng(seed)
    order: list[int] = []
    made: list[Stretch] = []
    total_s = 0.0
    while total_s < 60 * minutes:
        parts, texts, length = [np.zeros(RATE_HZ // 2)], [], RATE_HZ // 2
        while length < min(WHOLE_S, 60 * minutes - total_s) * RATE_HZ:
            order = order or random.permutation(len(recordings)).tolist()
            recording = recordings[order.pop()]
            samples, _ = soundfile.read(BytesIO(recording.wav))
            parts += [samples, np.zeros(round(random.uniform(*pauses_s) * RATE_HZ))]
            length += len(parts[-1]) + len(samples)
            texts.append(recording.text)
        joined = np.concatenate([*parts, np.zeros(RATE_HZ // 2)])
        hissing = joined + LINE_HISS * random.standard_normal(len(joined))
        made.append(Stretch(hissing.clip(-1, 1).astype(np.float32), " ".join(texts)))
        total_s += made[-1].duration_s
    return made


def recognised(
    samples: NDArray[np.float32], pool: DecoderPool, version: str = NARROWBAND
) -> tuple[list[str], float]:
    """Return the transcripts that the service gives for a recording, and the time it took."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "long.wav"
        soundfile.write(source, samples, RATE_HZ, subtype="PCM_16")
        started = time.perf_counter()
        answer = transcribe(source, None, version, CustomModels(), options=PLAIN, pool=pool)
        wall_s = time.perf_counter() - started
    return [result["alternatives"][0]["transcript"] for result in answer["results"]], wall_s


def compare_cores(parts: Sequence[Stretch]) -> dict[str, Any]:
    """Recognise one long recording by one process and by one for each core."""
    samples = np.concatenate([part.samples for part in parts])
    warm_up = samples[: 10 * RATE_HZ]
    wall_s, transcripts = [], []
    cores = os.cpu_count() or 1
    for workers in (1, cores):
        with DecoderPool(workers) as pool:
            for _ in range(workers):
                recognised(warm_up, pool)
            found, took_s = recognised(samples, pool)
        wall_s.append(took_s)
        transcripts.append(found)
    return {
        "audio_s": round(len(samples) / RATE_HZ),
        "results": len(transcripts[1]),
        "cores": cores,
        "one_core_s": round(wall_s[0], 1),
        "all_cores_s": round(wall_s[1], 1),
        "ratio": round(wall_s[1] / wall_s[0], 3),
        "same_words": transcripts[0] == transcripts[1],
    }


def compare_cut(parts: Sequence[Stretch]) -> dict[str, Any]:
    """Recognise stretches as the service does, and decode each whole."""
    recognizer = SphinxEngine().load(NARROWBAND, CustomModels())
    cut, whole, cuts = [], [], 0
    with DecoderPool(os.cpu_count() or 1) as pool:
        for part in parts:
            found, _ = recognised(part.samples, pool)
            cut.append(" ".join(found))
            cuts += len(found) - 1
            hypotheses = recognizer.recognize(part.samples).hypotheses
            whole.append(hypotheses[0].text if hypotheses else "")
    texts = [part.text for part in parts]
    cut_rate, whole_rate = (100 * word_error_rate(texts, heard).rate for heard in (cut, whole))
    return {
        "audio_s": round(sum(part.duration_s for part in parts)),
        "cuts": cuts,
        "cut_wer": round(cut_rate, 2),
        "whole_wer": round(whole_rate, 2),
        "difference": round(cut_rate - whole_rate, 2),
    }


def main(argv: Sequence[str]) -> int:
    """Measure; print and write `.attune/bench/long.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench long", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="of speech (60)")
    parser.add_argument("--whole-minutes", type=float, default=12.0, help="to be decoded whole as well (12)")
    arguments = parser.parse_args(argv)
    recordings = telephone_speech()
    if not recordings:
        return 0
    minutes = min(arguments.whole_minutes, arguments.minutes)
    figures: dict[str, Any] = measured_here()
    figures["cores"] = compare_cores(stretches(recordings, arguments.minutes, PAUSES_S, seed=1))
    print(f"{'cores':10} {figures['cores']}", flush=True)
    for name, pauses_s in (("pauses", PAUSES_S), ("continuous", CONTINUOUS_S)) if minutes else ():
        figures[name] = compare_cut(stretches(recordings, minutes, pauses_s, seed=2))
        print(f"{name:10} {figures[name]}", flush=True)
    keep("long", figures)
    return 0
