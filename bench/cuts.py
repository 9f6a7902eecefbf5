"""Words lost or doubled where speech without a pause is cut: against the same speech cut at other places."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any
from unittest import mock

import jiwer

from bench.figures import keep, measured_here
from bench.long import CONTINUOUS_S, RATE_HZ, Stretch, stretches, telephone_speech
from bench.one_process import OneProcess
from chalicelib.engines.catalogue import BASE_MODELS
from chalicelib.engines.whisper import cutting
from chalicelib.engines.whisper.mel import SAMPLE_RATE_HZ
from infra.local.scoring import normalise

NARROWBAND = BASE_MODELS["en-US_NarrowbandModel"].newest_version
OTHER_EARLIEST_S, OTHER_LONGEST_S = 9.0, 21.0
"""Other windows: most of their cuts are where the usual ones have none."""


def errors(parts: Sequence[Stretch], service: OneProcess) -> dict[str, Any]:
    """Return the wrong words of stretches by kind, as shares of the words that were said, in per cent."""
    said = [normalise(part.text) for part in parts]
    heard = [normalise(service.heard(part.samples, RATE_HZ)) for part in parts]
    found = jiwer.process_words(said, heard)
    words = found.hits + found.substitutions + found.deletions
    kinds = {
        "lost": found.deletions,
        "doubled": found.insertions,
        "others": found.substitutions,
        "all": found.deletions + found.insertions + found.substitutions,
    }
    return {"words": words} | {name: round(100 * count / words, 2) for name, count in kinds.items()}


def measure(parts: Sequence[Stretch]) -> dict[str, Any]:
    """Compare the engine's own cuts with others."""
    service = OneProcess(NARROWBAND)
    usual = errors(parts, service)
    with (
        mock.patch.object(cutting, "_EARLIEST_S", OTHER_EARLIEST_S),
        mock.patch.object(cutting, "LONGEST_SAMPLES", round(OTHER_LONGEST_S * SAMPLE_RATE_HZ)),
    ):
        other = errors(parts, service)
    difference = {name: round(usual[name] - other[name], 2) for name in ("lost", "doubled", "all")}
    return {
        "audio_s": round(sum(part.duration_s for part in parts)),
        "usual": usual,
        "other_windows": other,
        "difference": difference,
    }


def main(argv: Sequence[str]) -> int:
    """Measure; print and write `.attune/bench/cuts.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench cuts", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="of speech without a pause (60)")
    arguments = parser.parse_args(argv)
    recordings = telephone_speech()
    if not recordings:
        return 0
    figures = measure(stretches(recordings, arguments.minutes, CONTINUOUS_S, seed=2))
    for name, found in figures.items():
        print(f"{name:14} {found}")
    keep("cuts", figures | measured_here())
    return 0
