"""The recipe of the ordinary speech."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from chalicelib.audio.decoding import read_mono
from fitting.make_ordinary_speech import heard, main, read_out, recording
from training_image.speech.non_speech import RATE_HZ
from training_image.speech.ordinary_speech import FOLDER, LISTING, ordinary_speech

needs_synthesiser = pytest.mark.skipif(
    shutil.which("flite") is None or shutil.which("ffmpeg") is None, reason="flite or ffmpeg is not installed"
)


def _rows() -> list[dict[str, str]]:
    with (FOLDER / LISTING).open(newline="") as listing:
        return list(csv.DictReader(listing, delimiter="\t"))


@needs_synthesiser
def test_the_recipe_gives_what_lies_in_the_package() -> None:
    number, row = next((number, row) for number, row in enumerate(_rows()) if row["voice"] == "flite:rms")
    made, carried = recording(number, row), read_mono(FOLDER / row["path"], None, RATE_HZ)
    length = min(len(made), len(carried))
    assert abs(len(made) - len(carried)) < 0.03 * RATE_HZ
    spectrum = np.fft.rfft(made[:length]) * np.conj(np.fft.rfft(carried[:length]))
    likeness = np.fft.irfft(spectrum, length).max() / np.sqrt((made**2).sum() * (carried**2).sum())
    assert likeness > 0.9


@needs_synthesiser
def test_a_listing_is_made_and_can_be_read(tmp_path: Path) -> None:
    (tmp_path / LISTING).write_text(
        "path\tpart\tvoice\tline\ttranscript\twritten\n"
        "guard/0.opus\tguard\tflite:slt\ttelephone\twho is there\tWho is there?\n"
        "replay/0.opus\treplay\tflite:awb\troom+noise:5\tnobody\tNobody.\n"
    )
    assert main([str(tmp_path)]) == 0
    (spoken,) = ordinary_speech("guard", tmp_path)
    assert (spoken.transcript, spoken.written, spoken.voice) == ("who is there", "Who is there?", "flite:slt")
    assert 0.5 < len(spoken.samples) / RATE_HZ < 2.5


def test_lines_change_a_sound_and_say_what_they_do_not_know() -> None:
    random = np.random.default_rng(0)
    sound = random.uniform(-0.5, 0.5, RATE_HZ).astype(np.float32)
    assert np.abs(heard("clean", sound, random)).max() == pytest.approx(0.5, abs=0.3)
    assert np.abs(heard("noise:6+faint", sound, random)).max() == pytest.approx(10 ** (-26 / 20), rel=1e-3)
    with pytest.raises(ValueError, match="no line 'underwater'"):
        heard("room+underwater", sound, random)


def test_an_unknown_voice_is_refused() -> None:
    with pytest.raises(ValueError, match="no synthesiser 'parrot'"):
        read_out("parrot:1", "Hello.", np.random.default_rng(0))
