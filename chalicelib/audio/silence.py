"""Digital silence: samples that are all zero, told from others in a glance."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray


def is_digital_silence(samples: NDArray[Any]) -> bool:
    """Tell whether all samples, of any shape, are zero. Several times as fast as `any`."""
    return not samples.size or bool(samples.max() == 0 and samples.min() == 0)
