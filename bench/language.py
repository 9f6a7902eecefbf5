"""Custom language models: accuracy alone and with adapted acoustics, training time and memory, request overhead.

Splits: the hundred held-out telephone prompts and the test half of AN4 are recognised; no text equal to
one of the held-out prompts' transcripts goes into a language model, whichever prompt it comes from.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.acoustic import ALL_MINUTES, BROADBAND, NARROWBAND, an4_case, measured, prompts
from bench.figures import ROOT, keep, kept, measured_here
from bench.recordings import RecordingsUnavailable, an4
from bench.training_job import Case, train
from chalicelib.engines.base_language import base_language
from chalicelib.engines.protocol import CustomModels
from chalicelib.engines.sphinx.engine import SphinxEngine
from chalicelib.engines.vocabulary import vocabulary as base_vocabulary
from chalicelib.language.corpus import analyse
from chalicelib.language.training import TrainingWord
from chalicelib.language.training import train as train_language
from infra.local.demo.prompts import PromptsUnavailable, fetch_prompts

PROMPTS_WEIGHT = 0.5
AN4_WEIGHT = 0.9
"""Set on the training half: spelling and numbers are far from what the base model was trained on."""
DEMANDED_WORDS = (1_000_000, 9_990_000)
"""The larger one stays under the ten million words that a model may have, whole sentences given."""


def language_model(path: Path, version: str, texts: Iterable[str], weight: float) -> Path:
    """Train a custom language model of texts with all the words that the base lacks, as the service does."""
    base = base_language(version)
    content = "\n".join(texts).encode()
    found = analyse(io.BytesIO(content), base.known)
    words = [TrainingWord(word) for word in found.oov]
    train_language([io.BytesIO(content)], words, {}, base=base, target=path, weight=weight)
    return path


def accuracy(case: Case, texts: Iterable[str], weight: float, *, acoustic_alone: bool) -> dict[str, Any]:
    """Measure base, language model alone, acoustics alone if wanted, and both, the language model helping."""
    version = case.base_version
    figures: dict[str, Any] = {"base": measured(case, version, None)}
    with tempfile.TemporaryDirectory() as folder:
        language = language_model(Path(folder) / "language.tar.gz", version, texts, weight)
        figures["language"] = measured(case, version, None, language)
        if acoustic_alone:
            (Path(folder) / "alone").mkdir()
            figures["acoustic"] = measured(case, version, train(case, Path(folder) / "alone").model)
        (Path(folder) / "helped").mkdir()
        done = train(case, Path(folder) / "helped", language)
        figures["both"] = measured(case, version, done.model, language)
        figures |= {key: done.report.get(key) for key in ("decision", "reason", "used_s", "transcribed_s")}
    figures["weight"] = weight
    figures["both_to_language"] = round(figures["both"]["rate"] / figures["language"]["rate"], 3)
    return figures


def telephone_prompts() -> dict[str, Any]:
    """The demo's split: adaptation half and held-out hundred; the text of all other prompts."""
    case = prompts()
    held_out = {recording.text for recording in case.test}
    everything = [prompt.text for prompt in fetch_prompts(ROOT / ".attune" / "prompts")]
    texts = [text for text in everything if text not in held_out]
    return accuracy(case, texts, PROMPTS_WEIGHT, acoustic_alone=False)


def an4_clean() -> dict[str, Any]:
    """AN4: transcripts and audio of the whole training half, measured on the test half."""
    case = an4_case("clean", ALL_MINUTES)()
    texts = [recording.text for recording in an4("train", "clean")]
    return accuracy(case, texts, AN4_WEIGHT, acoustic_alone=True)


def corpus(words: int) -> dict[str, Any]:
    """Analyse and train on an artificial corpus, in a process of its own so that its memory can be told."""
    program = f"from bench.language import analysed_and_trained; analysed_and_trained({words})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def analysed_and_trained(words: int) -> None:
    """Print what analysing and training a corpus of so many words takes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.txt"
        with path.open("w") as file:
            file.writelines(_sentences(words))
        started = time.monotonic()
        base = base_language(BROADBAND)
        found = analyse(path, base.known)
        analysed_s = time.monotonic() - started
        target = Path(folder) / "language.tar.gz"
        chosen = [TrainingWord(word) for word in found.oov]
        trained = train_language([path], chosen, {}, base=base, target=target)
        figures = {
            "words": found.total_words,
            "oov_words": len(found.oov),
            "trigrams": trained.trigrams,
            "analysed_s": round(analysed_s, 1),
            "seconds": round(time.monotonic() - started, 1),
            "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
            "artefact_mb": round(target.stat().st_size / 1e6, 1),
        }
    print(json.dumps(figures))


def _sentences(words: int) -> Iterable[str]:
    """Yield sentences whose words follow each other about as words do: a Zipf law and a preferred follower."""
    random = np.random.default_rng(5)
    known = sorted(word for word in base_vocabulary(BROADBAND).entries if word.isalpha())
    vocabulary = [*random.permutation(known)[:40_000], *(f"Brandname{_letters(n)}" for n in range(5_000))]
    vocabulary = [str(word) for word in random.permutation(vocabulary)]
    size = len(vocabulary)
    left = words
    while left > 0:
        draws = random.zipf(1.25, 200_000)
        follows = random.random(200_000) < 0.6
        lengths = random.integers(6, 20, 20_000)
        place = number = 0
        for length in lengths:
            sentence = []
            for _ in range(length):
                rank = int(draws[number % 200_000])
                following = (place * 7919 + rank * 31) % size
                place = following if follows[number % 200_000] else rank % size
                sentence.append(vocabulary[place])
                number += 1
            yield f"{' '.join(sentence).capitalize()}.\n"
            left -= int(length)
            if left <= 0:
                return


def _letters(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def overhead() -> dict[str, Any]:
    """Compare loading and recognising with and without a custom language model, in one process."""
    random = np.random.default_rng(2)
    samples = (0.05 * random.standard_normal(16_000)).astype(np.float32)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = language_model(Path(folder) / "l.tar.gz", NARROWBAND, ["hello zorblatt how are you"] * 3, 0.3)
        engine = SphinxEngine()
        for name, custom in (("base", CustomModels()), ("custom", CustomModels(language_model=path))):
            started = time.monotonic()
            recognizer = engine.load(NARROWBAND, custom)
            loaded_s = time.monotonic() - started
            recognizer.recognize(samples)
            took = []
            for _ in range(5):
                started = time.monotonic()
                recognizer.recognize(samples)
                took.append(time.monotonic() - started)
            figures[name] = {"load_s": round(loaded_s, 2), "second_request_ms": round(1000 * min(took), 1)}
    added = figures["custom"]["second_request_ms"] - figures["base"]["second_request_ms"]
    return {**figures, "added_ms": round(added, 1)}


CASES = {
    "prompts": telephone_prompts,
    "an4": an4_clean,
    "corpus-1m": lambda: corpus(DEMANDED_WORDS[0]),
    "corpus-10m": lambda: corpus(DEMANDED_WORDS[1]),
    "overhead": overhead,
}


def main(argv: Sequence[str]) -> int:
    """Measure every case, or those named with `--only`; print and write `.attune/bench/language.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench language", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=sorted(CASES), default=list(CASES))
    figures = kept("language")
    for name in parser.parse_args(argv).only:
        try:
            found = CASES[name]() | measured_here()
        except (RecordingsUnavailable, PromptsUnavailable) as reason:
            print(f"{name:12} left out: {reason}", flush=True)
            continue
        figures[name] = found
        print(f"{name:12} {_shown(found)}", flush=True)
        keep("language", figures)
    return 0


def _shown(found: dict[str, Any]) -> str:
    kinds = ("base", "language", "acoustic", "both")
    rates = [f"{kind} {found[kind]['shown']}" for kind in kinds if "shown" in found.get(kind, {})]
    rest = {key: value for key, value in found.items() if key not in (*kinds, "cores", "date", "reason")}
    if not rates:
        rest = {key: value for key, value in found.items() if key not in ("cores", "date")}
    return "  ".join([*rates, *(f"{key} {value}" for key, value in rest.items())])
