"""Two sides of a call in two channels, which speak at the same time, and what is said on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import soundfile

from infra.local.demo.prompts import Prompt
from tests.audio import signals
from tests.audio.signals import Samples

RATE_HZ = 8000
FIRST, SECOND = ("conf-invalid", "conf-kicked"), ("conf-extended", "cannot-complete-as-dialed")


def side(
    prompts: Mapping[str, Prompt], names: Sequence[str], *, lead_s: float, pause_s: float, seed: int
) -> Samples:
    """Return prompts with a quiet line before, between and after them."""

    def line(duration_s: float) -> Samples:
        return signals.noise(duration_s, RATE_HZ, 0.0005, seed)

    parts = [line(lead_s)]
    for name in names:
        parts += [soundfile.read(prompts[name].path, dtype="float32")[0], line(pause_s)]
    samples = np.concatenate(parts)
    return np.asarray(np.rint(samples * 32767) / 32768, np.float32)


def together(*channels: Samples) -> Samples:
    """Return channels of one length, shape (n, channels)."""
    length = max(map(len, channels))
    return np.stack([np.pad(channel, (0, length - len(channel))) for channel in channels], axis=1)


def call(prompts: Mapping[str, Prompt]) -> Samples:
    """Return a call whose second side begins while the first speaks, shape (n, 2), exact in 16 bits."""
    return together(
        side(prompts, FIRST, lead_s=0.5, pause_s=1.5, seed=1),
        side(prompts, SECOND, lead_s=1.9, pause_s=1.1, seed=2),
    )


def merged(answers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what answers about each channel alone, with `timestamps`, should give for all of them."""
    results = [
        {**result, "channel": channel}
        for channel, answer in enumerate(answers)
        for result in answer["results"]
    ]
    return sorted(results, key=starts_s)


def starts_s(result: dict[str, Any]) -> float:
    """Return when the first word begins."""
    first_s: float = result["alternatives"][0]["timestamps"][0][1]
    return first_s
