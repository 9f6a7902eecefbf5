from __future__ import annotations

import numpy as np
import pytest

from chalicelib.audio.silence import is_digital_silence


@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_one_sample_that_is_not_zero_is_enough(dtype: type[np.generic]) -> None:
    samples = np.zeros((1000, 2), dtype)
    assert is_digital_silence(samples)
    assert is_digital_silence(samples[:0])
    for value in (1, -1):
        samples[77, 1] = value
        assert not is_digital_silence(samples)


def test_what_is_no_number_is_no_silence() -> None:
    assert not is_digital_silence(np.array([0, np.nan, 0], np.float32))
