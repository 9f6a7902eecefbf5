"""The engine `whisper` beside the light engine and beside faster-whisper with the same weights: words, cost, an hour.

Every recogniser hears the same files in the same run. The reference's text is turned into spoken words by our own
wording, so that "5" and "five" are the same; nothing of the measured halves was used to set anything.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from bench import reference_whisper
from bench.acoustic import prompts
from bench.figures import ROOT, keep, kept, measured_here
from bench.language import PROMPTS_WEIGHT, language_model
from bench.long import PAUSES_S, RATE_HZ, recognised, stretches, telephone_speech
from bench.recordings import Recording, RecordingsUnavailable, an4, samples_at
from chalicelib.confinement import ONE_THREAD
from chalicelib.engines import loading
from chalicelib.engines.catalogue import BASE_MODELS
from chalicelib.engines.protocol import BASE_ALONE, CustomModels
from chalicelib.engines.whisper.model.weights import package_folder
from chalicelib.engines.whisper.text.wording import spoken_words
from chalicelib.recognition.decoding.decoders import DecoderPool
from infra.local.demo.prompts import PromptsUnavailable, fetch_prompts
from infra.local.demo.scoring import WordErrorRate, word_error_rate

BROADBAND = BASE_MODELS["en-US_BroadbandModel"].newest_version
NARROWBAND = BASE_MODELS["en-US_NarrowbandModel"].newest_version
LIGHT = {BROADBAND: "en-US_BroadbandModel.v2020-01-16", NARROWBAND: "en-US_NarrowbandModel.v2019-06-24"}
REFERENCE = ROOT / ".attune" / "bench" / "faster-whisper"
WORDS = ("prompts", "an4-clean", "an4-telephone")
NAMES = (*WORDS, "short", "hour", "cold", "language", "times")
SHORT_S = (2.0, 10.0)
ROUNDS = 3


def spoken_text(text: str) -> str:
    """Return what a network wrote as spoken words."""
    return " ".join(spoken_words(text))


def _speech(case: str) -> tuple[list[Recording], str]:
    if case == "prompts":
        return prompts().test, NARROWBAND
    return an4("test", case.removeprefix("an4-")), NARROWBAND if case == "an4-telephone" else BROADBAND


def heard_by(
    version: str, recordings: Sequence[Recording], custom: CustomModels = BASE_ALONE
) -> tuple[list[str], float]:
    """Return what a base version hears in recordings, one at a time, and the seconds of processor."""
    recognizer = loading.load(version, custom)
    samples = [samples_at(one, recognizer.sample_rate_hz) for one in recordings]
    recognizer.recognize(samples[0])
    began_s = time.process_time()
    decoded = [recognizer.recognize(one) for one in samples]
    cpu_s = time.process_time() - began_s
    return [one.hypotheses[0].text if one.hypotheses else "" for one in decoded], cpu_s


def _files(recordings: Sequence[Recording], folder: Path) -> list[Path]:
    files = [folder / f"{number:05d}.wav" for number in range(len(recordings))]
    for recording, file in zip(recordings, files, strict=True):
        file.write_bytes(recording.wav)
    return files


def _rate(recordings: Sequence[Recording], texts: Sequence[str]) -> WordErrorRate:
    return word_error_rate([one.text for one in recordings], texts)


def words(case: str) -> dict[str, Any]:
    """Compare the words of the three on one kind of speech."""
    recordings, version = _speech(case)
    with tempfile.TemporaryDirectory() as folder:
        reference = _reference(recordings, Path(folder), "default", 1)
    ours, _ = heard_by(version, recordings)
    light, _ = heard_by(LIGHT[version], recordings)
    rates = {
        "whisper": _rate(recordings, ours),
        "faster_whisper": _rate(recordings, [spoken_text(text) for text in reference.texts]),
        "sphinx": _rate(recordings, light),
    }
    return {name: {"rate": round(rate.rate, 4), "shown": str(rate)} for name, rate in rates.items()} | {
        "utterances": len(recordings)
    }


def _reference(
    recordings: Sequence[Recording], folder: Path, mode: reference_whisper.Mode, threads: int
) -> reference_whisper.Heard:
    python = reference_whisper.environment(REFERENCE)
    model = folder / "model"
    model.mkdir()
    for file in package_folder().iterdir():
        (model / file.name).symlink_to(file)
    files = _files(recordings, folder)
    return reference_whisper.heard(python, model, files, mode, threads, folder / "listing.json")


def short(rounds: int) -> dict[str, Any]:
    """Compare the processor's time for utterances of 2 to 10 s, one at a time; medians of rounds in turn.

    Each recogniser has a new process for each round, in which nothing uses more than one thread.
    """
    least_s, most_s = SHORT_S
    recordings = [
        one for one in [*prompts().test, *an4("test", "clean")] if least_s <= one.duration_s <= most_s
    ]
    audio_s = sum(one.duration_s for one in recordings)
    ours_s, reference_s = [], []
    os.environ.update(ONE_THREAD)  # as the service's decoding processes have it
    for _ in range(rounds):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            texts, cpu_s = process.submit(heard_by, BROADBAND, recordings).result()
        ours_s.append(cpu_s / audio_s)
        with tempfile.TemporaryDirectory() as folder:
            reference = _reference(recordings, Path(folder), "default", 1)
        reference_s.append(reference.cpu_s / audio_s)
    ours_rate = _rate(recordings, texts)
    reference_rate = _rate(recordings, [spoken_text(text) for text in reference.texts])
    ours, theirs = statistics.median(ours_s), statistics.median(reference_s)
    return {
        "utterances": len(recordings),
        "audio_s": round(audio_s),
        "rounds": {"whisper": _rounded(ours_s), "faster_whisper": _rounded(reference_s)},
        "cpu_s_per_s": {"whisper": round(ours, 4), "faster_whisper": round(theirs, 4)},
        "times_faster": round(theirs / ours, 2),
        "wer": {"whisper": str(ours_rate), "faster_whisper": str(reference_rate)},
    }


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 4) for value in values]


def language() -> dict[str, Any]:
    """Measure the held-out prompts with a language model of the text of all others, and without."""
    recordings, version = _speech("prompts")
    held_out = {one.text for one in recordings}
    everything = fetch_prompts(ROOT / ".attune" / "prompts")
    texts = [one.text for one in everything if one.text not in held_out]
    with tempfile.TemporaryDirectory() as folder:
        path = language_model(Path(folder) / "language.tar.gz", version, texts, PROMPTS_WEIGHT)
        helped, _ = heard_by(version, recordings, CustomModels(language_model=path))
    alone, _ = heard_by(version, recordings)
    return {"alone": str(_rate(recordings, alone)), "with_language_model": str(_rate(recordings, helped))}


def times(every: int) -> dict[str, Any]:
    """Compare word times on every n-th utterance of AN4's training half with a forced alignment."""
    from bench.word_times import ALIGNED_BY, compare_times

    return compare_times(an4("train", "clean")[::every], BROADBAND, ALIGNED_BY)


def hour(minutes: float, *, light: bool) -> dict[str, Any]:
    """Compare the time for an hour of calls on all cores: the service's own pool, and the reference's two ways.

    With `light` the light engine hears them as well.
    """
    parts = stretches(telephone_speech(), minutes, PAUSES_S, seed=1)
    samples = np.concatenate([part.samples for part in parts])
    text = " ".join(part.text for part in parts)
    cores = os.cpu_count() or 1
    found: dict[str, Any] = {"audio_s": round(len(samples) / RATE_HZ), "cores": cores}
    engines = {"whisper": NARROWBAND} | ({"sphinx": LIGHT[NARROWBAND]} if light else {})
    for name, version in engines.items():
        with DecoderPool(cores) as pool:
            recognised(samples[: 60 * RATE_HZ], pool, version)
            transcripts, wall_s = recognised(samples, pool, version)
        found[name] = {
            "wall_s": round(wall_s, 1),
            "wer": str(word_error_rate([text], [" ".join(transcripts)])),
        }
    recording = Recording(_wav(samples), text, len(samples) / RATE_HZ)
    modes: tuple[reference_whisper.Mode, ...] = ("vad", "batched")
    for mode in modes:
        with tempfile.TemporaryDirectory() as folder:
            reference = _reference([recording], Path(folder), mode, cores)
        heard = spoken_text(" ".join(reference.texts))
        found[f"faster_whisper_{mode}"] = {
            "wall_s": round(reference.wall_s, 1),
            "wer": str(word_error_rate([text], [heard])),
        }
    best_s = min(one["wall_s"] for name, one in found.items() if isinstance(one, dict) and name != "whisper")
    return found | {"times_faster_than_best": round(best_s / found["whisper"]["wall_s"], 2)}


def _wav(samples: Any) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE_HZ, subtype="PCM_16", format="WAV")
    return buffer.getvalue()


_COLD = """
import sys, soundfile
from chalicelib.engines import loading
samples, _ = soundfile.read(sys.argv[1], dtype="float32")
print(loading.load(sys.argv[2]).recognize(samples).hypotheses[0].words[0].text)
"""


def cold() -> dict[str, Any]:
    """Measure from the start of a process to the first word of a clip of about three seconds."""
    clip = min(an4("test", "clean"), key=lambda one: abs(one.duration_s - 3))
    taken_s = []
    with tempfile.TemporaryDirectory() as folder:
        (file,) = _files([clip], Path(folder))
        for _ in range(ROUNDS + 1):
            began_s = time.perf_counter()
            command = [sys.executable, "-c", _COLD, str(file), BROADBAND]
            subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE)
            taken_s.append(time.perf_counter() - began_s)
    return {"first_word_s": round(statistics.median(taken_s[1:]), 2), "first_time_s": round(taken_s[0], 2)}


def main(argv: Sequence[str]) -> int:
    """Measure; print and write `.attune/bench/whisper.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench whisper", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--minutes", type=float, default=60.0, help="of calls (60)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of short utterances ({ROUNDS})")
    parser.add_argument("--every", type=int, default=4, help="n-th utterance for word times (4)")
    parser.add_argument("--no-light", action="store_true", help="leave the light engine out of the calls")
    arguments = parser.parse_args(argv)
    others: dict[str, Callable[[], dict[str, Any]]] = {
        "short": lambda: short(arguments.rounds),
        "hour": lambda: hour(arguments.minutes, light=not arguments.no_light),
        "cold": cold,
        "language": language,
        "times": lambda: times(arguments.every),
    }
    figures = kept("whisper")
    for name in arguments.only:
        try:
            found = words(name) if name in WORDS else others[name]()
        except (RecordingsUnavailable, PromptsUnavailable) as reason:
            print(f"{name:14} left out: {reason}", flush=True)
            continue
        figures[name] = found | measured_here()
        print(f"{name:14} {found}", flush=True)
        keep("whisper", figures)
    return 0
