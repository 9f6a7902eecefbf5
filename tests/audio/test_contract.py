"""Whatever the format and its state: the same samples, verdicts and times on every interface."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.audio import contract
from tests.audio.contract import Form

OF_EACH_KIND = {
    *("wav-PCM_24", "wav-FLOAT", "wav-ULAW", "wav-GSM610", "wav-G722", "bw64", "flac-16", "mp3"),
    *("ogg-opus", "ogg-vorbis", "webm-opus", "au-ULAW", "l16", "pcmu"),
}
"""`bench audio_contract` asks all of them."""
_LEAST_COMPARED = 600
"""Answers, over all forms."""


@pytest.mark.parametrize(
    "form", [form for form in contract.forms() if form.name in OF_EACH_KIND], ids=lambda form: form.name
)
def test_every_interface_gives_the_same(form: Form, tmp_path: Path) -> None:
    compared, found = 0, []
    for name, given in contract.states(form):
        count, differences = contract.differences(name, given, tmp_path, form)
        compared += count
        found += differences
    assert not found, "\n".join(found)
    assert compared >= _LEAST_COMPARED / len(OF_EACH_KIND)
