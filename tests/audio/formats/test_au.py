from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from chalicelib.audio.errors import Undecodable
from chalicelib.audio.formats.au import Au
from tests.audio.signals import encoded, voice

VOICE = voice(1, 16000)


def read(content: bytes, size: int = 100) -> NDArray[np.float32]:
    source = Au(live=False)
    blocks = []
    try:
        for at in range(0, len(content), size):
            blocks += list(source.feed(content[at : at + size]))
        blocks += list(source.finish())
    finally:
        source.close()
    return np.concatenate(blocks)[:, 0]


@pytest.mark.parametrize(
    ("subtype", "error"),
    [
        ("PCM_16", 1e-4),
        ("PCM_24", 1e-6),
        ("PCM_32", 1e-6),
        ("FLOAT", 0),
        ("DOUBLE", 0),
        ("ULAW", 0.02),
        ("ALAW", 0.02),
    ],
)
def test_plain_samples(subtype: str, error: float) -> None:
    content = encoded(VOICE, 16000, "AU", subtype)
    assert np.abs(read(content) - VOICE).max() <= error
    piped = content[:8] + b"\xff\xff\xff\xff" + content[12:]
    assert np.array_equal(read(piped, 7), read(content))


def test_rare_codings() -> None:
    samples = read(encoded(VOICE, 16000, "AU", "G721_32"))[: len(VOICE)]
    assert np.corrcoef(samples, VOICE)[0, 1] > 0.85


def test_a_coding_that_would_become_noise_is_refused() -> None:
    with pytest.raises(Undecodable, match=r"G\.723 at 40 kbit/s"):
        read(encoded(VOICE, 16000, "AU", "G723_40"))


def test_bytes_behind_the_samples_are_none() -> None:
    assert np.array_equal(
        read(encoded(VOICE, 16000, "AU", "ULAW") + b"tags"), read(encoded(VOICE, 16000, "AU", "ULAW"))
    )


@pytest.mark.parametrize(
    "content", [b".snd" + bytes(10), b".snd" + bytes(20), b".snd\0\0\0\x18" + b"\0\0\0\1" * 3 + bytes(8)]
)
def test_headers_that_make_no_sense(content: bytes) -> None:
    with pytest.raises(Undecodable):
        read(content)
