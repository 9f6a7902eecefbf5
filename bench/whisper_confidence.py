"""Fits how sure the neural engine says it is, on speech whose transcripts are known: `python -m bench.whisper_confidence`.

Half of the speakers of AN4's training half in four conditions, and of the telephone prompts' adaptation half,
teach; the others say how far confidences are from what is right. Nothing of a test half is heard.
"""

from __future__ import annotations

import argparse
import difflib
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from bench.figures import ROOT
from bench.recordings import Recording, RecordingsUnavailable, an4
from chalicelib.engines.protocol import Samples
from chalicelib.engines.whisper.decoding.answer import judged
from chalicelib.engines.whisper.decoding.confidence import WordEvidence, confidence
from chalicelib.engines.whisper.decoding.cutting import cut
from chalicelib.engines.whisper.decoding.left_out import WindowPiece
from chalicelib.engines.whisper.decoding.windows import RULES, decode
from chalicelib.engines.whisper.engine import WhisperEngine
from chalicelib.engines.whisper.mel import SAMPLE_RATE_HZ
from infra.local.demo.__main__ import split
from infra.local.demo.prompts import PromptsUnavailable, fetch_prompts

CONDITIONS = ("clean", "telephone", "noise-5", "babble-10")
Examples = list[tuple[WordEvidence, bool]]
_RIDGE = 1e-3
_BINS = 10


def samples_of(recording: Recording) -> Samples:
    """Return a recording at the network's rate."""
    samples, rate_hz = soundfile.read(io.BytesIO(recording.wav), dtype="float32")
    wide = samples if rate_hz == SAMPLE_RATE_HZ else soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ)
    return np.ascontiguousarray(wide, np.float32)


def examples(recordings: Sequence[Recording]) -> Iterator[tuple[WordEvidence, bool]]:
    """Yield what speaks for each word that was heard, and whether it was said."""
    network = WhisperEngine().network()
    rules = replace(RULES, window=network.window)
    for recording in recordings:
        samples = samples_of(recording)
        pieces = [np.ascontiguousarray(samples[first:last]) for first, last in cut(samples, network.window)]
        found = [
            word
            for piece, decoded in zip(pieces, decode(network, pieces, rules, rules.beam), strict=True)
            if decoded.readings
            for word in judged(network, WindowPiece(0.0, piece, decoded), decoded.readings[0])
        ]
        heard = [word.text.replace("'", "") for word, _ in found]
        said = recording.text.lower().replace("'", "").split()
        right = np.zeros(len(heard), np.bool_)
        for block in difflib.SequenceMatcher(a=heard, b=said, autojunk=False).get_matching_blocks():
            right[block.a : block.a + block.size] = True
        yield from ((one, bool(is_right)) for (_, one), is_right in zip(found, right, strict=True))


def fitted(known: Examples) -> NDArray[np.float64]:
    """Return the weights of a logistic regression by Newton's method; the first is the constant."""
    values = np.array([(1.0, *one.values) for one, _ in known])
    right = np.array([is_right for _, is_right in known], np.float64)
    weights = np.zeros(values.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-values @ weights))
        slope = values.T @ (chance - right) + _RIDGE * weights
        curvature = (values * (chance * (1 - chance))[:, None]).T @ values + _RIDGE * np.eye(len(weights))
        weights -= np.linalg.solve(curvature, slope)
    return weights


def calibration_error(chances: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Return by how much confidences miss the share of right words, in ten groups of equal width."""
    groups = np.minimum((chances * _BINS).astype(int), _BINS - 1)
    missed = [
        abs(float(chances[groups == group].mean() - right[groups == group].mean()))
        * float((groups == group).sum())
        for group in np.unique(groups)
    ]
    return sum(missed) / len(chances)


def _measured(known: Examples, weights: NDArray[np.float64]) -> str:
    values = np.array([(1.0, *one.values) for one, _ in known])
    right = np.array([is_right for _, is_right in known])
    new = 1 / (1 + np.exp(-values @ weights))
    old = np.array([confidence(one) for one, _ in known])
    raw = np.exp(values[:, 1])
    order = np.argsort(new, kind="stable")
    ranks = np.empty(len(order))
    ranks[order] = np.arange(1, len(order) + 1)
    above = (ranks[right].sum() - right.sum() * (right.sum() + 1) / 2) / max(right.sum() * (~right).sum(), 1)
    return (
        f"{len(known)} words, {right.mean():.3f} right; calibration error: probabilities"
        f" {calibration_error(raw, right):.3f}, constants of today {calibration_error(old, right):.3f},"
        f" fitted {calibration_error(new, right):.3f}; a right word is above a wrong one in {above:.3f}"
    )


def main() -> int:
    """Fit, and print the weights with what they are worth."""
    parser = argparse.ArgumentParser(prog="python -m bench.whisper_confidence", description=__doc__)
    parser.add_argument("--every", type=int, default=6, help="every n-th recording is heard")
    every = parser.parse_args().every
    taught: Examples = []
    held_out: Examples = []
    groups: list[tuple[str, list[Recording]]] = []
    try:
        groups += [(condition, an4("train", condition)[::every]) for condition in CONDITIONS]
    except RecordingsUnavailable as reason:
        print(reason)
    try:
        prompts = split(fetch_prompts(ROOT / ".attune" / "prompts"), "").adaptation[:: max(every // 3, 1)]
        spoken = [Recording(one.path.read_bytes(), one.text, one.duration_s) for one in prompts]
        groups.append(("prompts", spoken))
    except PromptsUnavailable as reason:
        print(reason)
    for name, recordings in groups:
        first, second = recordings[: len(recordings) // 2], recordings[len(recordings) // 2 :]
        taught += examples(first)
        tested = list(examples(second))
        held_out += tested
        print(f"{name}: {len(recordings)} recordings", flush=True)
    weights = fitted(taught)
    print("held out:", _measured(held_out, weights))
    print("weights, from all:", tuple(round(float(weight), 3) for weight in fitted(taught + held_out)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
