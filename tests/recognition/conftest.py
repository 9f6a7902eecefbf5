"""Real speech and real decoding processes for the tests of recognition."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import soundfile

from chalicelib.engines.protocol import Samples
from chalicelib.recognition.decoding.decoders import DecoderPool
from infra.local.demo.prompts import Prompt


@pytest.fixture(scope="session")
def speech(prompt_named: dict[str, Prompt]) -> Callable[..., bytes]:
    """Make a WAV of prompts with so many seconds of a quiet line before, between and after them."""

    def make(*names: str, pause_s: float = 1.5) -> bytes:
        line = np.random.default_rng(0).standard_normal(round(pause_s * 8000)).astype(np.float32) * 0.0005
        parts: list[Samples] = [line]
        for name in names:
            samples, rate_hz = soundfile.read(prompt_named[name].path, dtype="float32")
            assert rate_hz == 8000
            parts += [samples, line]
        file = io.BytesIO()
        soundfile.write(file, np.concatenate(parts), 8000, format="WAV", subtype="PCM_16")
        return file.getvalue()

    return make


@pytest.fixture(scope="session")
def pool() -> Iterator[DecoderPool]:
    """Two real decoding processes."""
    with DecoderPool(2) as pool:
        yield pool


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    """The bucket and the tables, for all tests of a module: making them costs more than a second."""
    from moto import mock_aws

    from tests import resources

    with mock_aws():
        resources.create()
        yield
