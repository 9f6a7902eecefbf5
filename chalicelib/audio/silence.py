"""Digital silence: samples that are all zero, told from others in a glance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def digital_silence(frames: int, channels: int) -> NDArray[np.float32]:
    """Return samples of shape (frames, channels) that take no memory, and cannot be changed."""
    return np.broadcast_to(np.float32(0), (frames, channels))


def is_digital_silence(samples: NDArray[Any]) -> bool:
    """Tell whether all samples, of any shape, are zero. Several times as fast as `any`."""
    if not any(samples.strides):  # one sample that stands for all
        samples = samples.reshape(-1)[:1]
    return not samples.size or bool(samples.max() == 0 and samples.min() == 0)
