"""What adaptation to raw audio brings: the training job and the recogniser of the product, on held-out speech."""

from __future__ import annotations

import argparse
import hashlib
import io
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pocketsphinx
import soundfile
import soxr
from numpy.typing import NDArray

from bench.figures import ROOT, keep, kept, measured_here
from bench.recordings import (
    LIKE_FOR_LIKE_MINUTES,
    Recording,
    RecordingsUnavailable,
    about,
    an4,
    as_wav,
    babble,
)
from bench.training_job import Case, train
from chalicelib.engines.protocol import CustomModels
from chalicelib.engines.sphinx.engine import SphinxEngine
from infra.local.demo.__main__ import HELD_OUT_UTTERANCES, split
from infra.local.demo.prompts import PromptsUnavailable, fetch_prompts
from infra.local.demo.scoring import word_error_rate

BROADBAND = "en-US_BroadbandModel.v2020-01-16"
NARROWBAND = "en-US_NarrowbandModel.v2019-06-24"
ALL_MINUTES = 1e3
_models: dict[tuple[str, CustomModels], Any] = {}
_measured: dict[tuple[str, str], dict[str, Any]] = {}


def prompts() -> Case:
    """Telephone prompts at 8 kHz, 100 of them held out."""
    speech = split(fetch_prompts(ROOT / ".attune" / "prompts"), "")
    adaptation, held_out = (
        [Recording(prompt.path.read_bytes(), prompt.text, prompt.duration_s) for prompt in half]
        for half in (speech.adaptation, speech.held_out)
    )
    assert len(held_out) == HELD_OUT_UTTERANCES
    return Case(adaptation, held_out, NARROWBAND)


def an4_case(condition: str, minutes: float = LIKE_FOR_LIKE_MINUTES) -> Callable[[], Case]:
    """AN4's training half as audio only, measured on its test half."""

    def make() -> Case:
        base = NARROWBAND if condition == "telephone" else BROADBAND
        return Case(about(an4("train", condition), minutes), an4("test", condition), base)

    return make


def _unspeech(make: Callable[[np.random.Generator], np.ndarray[Any, Any]]) -> Callable[[], Case]:
    def case() -> Case:
        random = np.random.default_rng(3)
        recordings = [Recording(as_wav(make(random), 16_000), "", 20.0) for _ in range(30)]
        return Case(recordings, an4("test", "clean"), BROADBAND)

    return case


def _noise(random: np.random.Generator) -> np.ndarray[Any, Any]:
    return (3000 * random.standard_normal(320_000)).clip(-32768, 32767).astype(np.int16)


def _tones(random: np.random.Generator) -> np.ndarray[Any, Any]:
    time_s = np.arange(320_000) / 16_000
    pitches_hz = random.uniform(200, 3000, 40).repeat(8_000)
    return (8000 * np.sin(2 * np.pi * np.cumsum(pitches_hz) / 16_000 + 0 * time_s)).astype(np.int16)


def one_word() -> Case:
    """Ten minutes of the same word."""
    spoken = next(one for one in an4("train", "clean") if one.text == "yes")
    samples, _ = soundfile.read(io.BytesIO(spoken.wav), dtype="int16")
    pause = np.zeros(8_000, np.int16)
    many = np.concatenate([np.concatenate([samples, pause])] * 14)
    random = np.random.default_rng(5)
    recordings = [
        Recording(
            as_wav((many + random.normal(0, 20, len(many))).astype(np.int16), 16_000), "", len(many) / 16_000
        )
        for _ in range(int(600 / (len(many) / 16_000)) + 1)
    ]
    return Case(recordings, an4("test", "clean"), BROADBAND)


def babble_alone() -> Case:
    """Ten minutes of many voices at once."""
    random = np.random.default_rng(7)
    voices = [soundfile.read(io.BytesIO(one.wav), dtype="int16")[0] for one in an4("train", "clean")]
    recordings = [
        Recording(
            as_wav((3000 * babble(320_000, voices, random)).clip(-32768, 32767).astype(np.int16), 16_000),
            "",
            20.0,
        )
        for _ in range(30)
    ]
    return Case(recordings, an4("test", "clean"), BROADBAND)


CASES: dict[str, Callable[[], Case]] = {
    "prompts": prompts,
    "an4-telephone": an4_case("telephone"),
    "an4-clean": an4_case("clean"),
    "an4-telephone-all": an4_case("telephone", ALL_MINUTES),
    "an4-clean-all": an4_case("clean", ALL_MINUTES),
    "an4-noise-5": an4_case("noise-5", 6.9),
    "an4-noise-10": an4_case("noise-10", 6.9),
    "an4-babble-10": an4_case("babble-10", 6.9),
    "an4-room": an4_case("room", 6.9),
    "harm-noise": _unspeech(_noise),
    "harm-tones": _unspeech(_tones),
    "harm-one-word": one_word,
    "harm-babble": babble_alone,
}


def _heard(task: tuple[str, CustomModels, bytes]) -> str:
    version, custom, wav = task
    if (version, custom) not in _models:
        _models.clear()
        if version == "raw":
            _models[version, custom] = pocketsphinx.Decoder(loglevel="FATAL", cmn="batch")
        else:
            _models[version, custom] = SphinxEngine().load(version, custom)
    samples, rate_hz = soundfile.read(io.BytesIO(wav), dtype="float32")
    recognizer = _models[version, custom]
    if version == "raw":
        return heard_raw(recognizer, samples, rate_hz)
    found = recognizer.recognize(samples).hypotheses
    return found[0].text if found else ""


def heard_raw(decoder: pocketsphinx.Decoder, samples: NDArray[np.float32], rate_hz: int) -> str:
    """Return what pocketsphinx by itself hears, which knows 16 kHz alone."""
    wide = soxr.resample(samples, rate_hz, 16_000) if rate_hz != 16_000 else samples
    decoder.start_utt()
    decoder.process_raw((wide * 32767).clip(-32768, 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return hypothesis.hypstr if hypothesis else ""


def measured(
    case: Case, version: str, model: Path | None, language_model: Path | None = None
) -> dict[str, Any]:
    """Recognise the test half, every core at work."""
    custom = CustomModels(model, language_model)
    tasks = [(version, custom, recording.wav) for recording in case.test]
    started = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        hypotheses = pool.map(_heard, tasks, chunksize=4)
    rate = word_error_rate([recording.text for recording in case.test], hypotheses)
    return {**asdict(rate), "seconds": round(time.monotonic() - started, 1), "shown": str(rate)}


def _without_custom(case: Case, version: str) -> dict[str, Any]:
    """Measure a model as it comes; once where several cases are measured on the same recordings."""
    key = (version, hashlib.sha256(b"".join(recording.wav for recording in case.test)).hexdigest())
    if key not in _measured:
        _measured[key] = measured(case, version, None)
    return _measured[key]


def run(name: str, *, with_raw: bool = True) -> dict[str, Any]:
    """Measure one case: raw pocketsphinx if it is asked for, our base, the adapted model."""
    case = CASES[name]()
    figures: dict[str, Any] = {"audio_s": round(case.audio_s, 1), "base_version": case.base_version}
    if with_raw:
        figures["raw"] = _without_custom(case, "raw")
    figures["base"] = _without_custom(case, case.base_version)
    with tempfile.TemporaryDirectory() as folder:
        done = train(case, Path(folder))
        figures |= {
            "training_s": round(done.elapsed_s, 1),
            "training_ratio": round(done.elapsed_s / case.audio_s, 3),
        }
        figures |= {name: done.report.get(name) for name in ("decision", "reason", "held_out", "rounds")}
        figures["custom"] = measured(case, case.base_version, done.model) if done.model else figures["base"]
    figures["relative_gain"] = round(1 - figures["custom"]["rate"] / figures["base"]["rate"], 3)
    return figures


def main(argv: Sequence[str]) -> int:
    """Measure every case, or those named with `--only`; print and write `.attune/bench/acoustic.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench acoustic", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=sorted(CASES), default=list(CASES))
    parser.add_argument(
        "--no-raw", action="store_true", help="leave raw pocketsphinx out, which takes longest"
    )
    arguments = parser.parse_args(argv)
    figures = kept("acoustic")
    for name in arguments.only:
        try:
            figures[name] = run(name, with_raw=not arguments.no_raw) | measured_here()
        except (RecordingsUnavailable, PromptsUnavailable) as reason:
            print(f"{name:16} left out: {reason}", flush=True)
            continue
        found = figures[name]
        shown = "  ".join(
            f"{kind} {found[kind]['shown']}" for kind in ("raw", "base", "custom") if kind in found
        )
        print(f"{name:16} {shown}  {found['decision']}, training × {found['training_ratio']}", flush=True)
        keep("acoustic", figures)
    return 0
