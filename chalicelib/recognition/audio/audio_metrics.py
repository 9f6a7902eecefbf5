"""Measured signals in the shape of Watson's `audio_metrics`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from chalicelib.audio.speech.signal_metrics import (
    CLIPPING_EDGES,
    INTERVAL_S,
    LEVEL_EDGES,
    OFFSET_EDGES,
    SignalMetrics,
)


def audio_metrics(metrics: SignalMetrics) -> dict[str, Any]:
    """Return the `AudioMetrics` of a request whose audio has ended."""
    return {"sampling_interval": INTERVAL_S, "accumulated": accumulated(metrics)}


def accumulated(metrics: SignalMetrics) -> dict[str, Any]:
    """Return the `AudioMetricsDetails` of a signal that has ended."""
    details: dict[str, Any] = {"final": True, "end_time": round(metrics.duration_s, 2)}
    if metrics.signal_to_noise_db is not None:
        details["signal_to_noise_ratio"] = round(metrics.signal_to_noise_db, 2)
    return details | {
        "speech_ratio": round(metrics.speech_ratio, 3),
        "high_frequency_loss": round(metrics.high_frequency_loss, 3),
        "direct_current_offset": _bins(metrics.direct_current_offset, OFFSET_EDGES),
        "clipping_rate": _bins(metrics.clipping_rate, CLIPPING_EDGES),
        "speech_level": _bins(metrics.speech_level, LEVEL_EDGES),
        "non_speech_level": _bins(metrics.non_speech_level, LEVEL_EDGES),
    }


def _bins(counts: Sequence[int], edges: Sequence[float]) -> list[dict[str, Any]]:
    return [
        {"begin": begin, "end": end, "count": count}
        for (begin, end), count in zip(itertools.pairwise(edges), counts, strict=True)
    ]
