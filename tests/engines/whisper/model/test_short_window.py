"""The embedded network as it was taught: it fits its base, and hears in a short window."""

from __future__ import annotations

from pathlib import Path

import ctranslate2
import numpy as np
import pytest

from chalicelib.engines.whisper.mel import log_mel, windowed
from chalicelib.engines.whisper.model.short_window import WINDOW, short_window, taught_folder
from chalicelib.engines.whisper.model.weights import MODEL_SHA256
from chalicelib.engines.whisper.tokens import read_tokens
from tests.engines.whisper.networks import embedded_folder
from tests.engines.whisper.speech import SENTENCE, speech


def test_the_change_belongs_to_the_embedded_network() -> None:
    assert short_window().base_sha256 == MODEL_SHA256
    assert {change.weights.split("/")[0] for change in short_window().changes} == {"encoder", "decoder"}


def test_the_taught_network_hears_in_a_short_window(tmp_path: Path) -> None:
    folder = taught_folder(embedded_folder(), MODEL_SHA256, tmp_path)
    assert taught_folder(embedded_folder(), MODEL_SHA256, tmp_path) == folder
    network = ctranslate2.models.Whisper(str(folder), compute_type="int8", intra_threads=1)
    tokens = read_tokens(folder)
    mel = windowed(log_mel(speech(SENTENCE)), WINDOW)
    assert mel.shape[1] < 1000
    (found,) = network.generate(
        ctranslate2.StorageView.from_array(np.ascontiguousarray(mel[None])),
        [[tokens.start, tokens.no_times]],
        beam_size=5,
        max_length=80,
    )
    assert tokens.decode(found.sequences_ids[0]).strip() == SENTENCE


def test_a_changed_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.engines.errors import ModelUnreadable
    from chalicelib.engines.whisper.model import short_window as module

    changed = tmp_path / "short-window.safetensors"
    changed.write_bytes(module._DELTA.read_bytes()[:-1])
    monkeypatch.setattr(module, "_DELTA", changed)
    with pytest.raises(ModelUnreadable):
        short_window()
