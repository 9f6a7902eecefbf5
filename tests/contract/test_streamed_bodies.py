"""Bodies that are sent in chunks, as Node's streams do, and hold no speech."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import requests

from tests.audio import signals
from tests.running_service import RunningService

BLANK = "audio/l16; rate=44100"
"""How IBM's tests label their `blank.wav`, which is stereo at 22,050 Hz."""
PIECE_BYTES = 60_000


def streamed(service: RunningService, duration_s: float, query: str = "") -> requests.Response:
    """Recognise a blank file that is sent in chunks."""
    body = signals.wav(np.zeros((round(duration_s * 22_050), 2), np.float32), 22_050)
    return requests.post(
        f"{service.url}/v1/recognize{query}",
        data=(body[start : start + PIECE_BYTES] for start in range(0, len(body), PIECE_BYTES)),
        headers={"Content-Type": BLANK},
        auth=("apikey", service.key),
        timeout=120,
    )


def test_a_blank_file_has_no_words_and_is_no_error(service: RunningService) -> None:
    answer = streamed(service, 20)
    assert answer.request.headers["Transfer-Encoding"] == "chunked"
    assert (answer.status_code, answer.json()) == (200, {"result_index": 0, "results": []})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"code_description": "Bad Request", "code": 400, "error": "No speech detected for 30s."}),
        ("?inactivity_timeout=-1", {"result_index": 0, "results": []}),
    ],
)
def test_silence_that_is_streamed_times_out(
    service: RunningService, query: str, expected: dict[str, Any]
) -> None:
    assert streamed(service, 32, query).json() == expected
