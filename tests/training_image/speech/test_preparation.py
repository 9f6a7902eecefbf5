"""All recordings of a plan: in order, in parallel, nothing twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.audio.signals import wav
from tests.training_image.sounds import hush, murmur, write
from training_image.plan import PlannedRecording, TrainingPlan
from training_image.speech.preparation import prepare_all
from training_image.speech.recordings import LeftOutAudio

RATE = 8000


def test_recordings_are_prepared_in_order_and_repetitions_left_out(tmp_path: Path) -> None:
    contents = {
        "long": wav(np.concatenate([murmur(12, RATE), hush(2, RATE), murmur(4, RATE, seed=1)]), RATE),
        "copy": wav(np.concatenate([hush(1, RATE), murmur(3, RATE, seed=2)]), RATE),
        "silent": wav(hush(9, RATE), RATE),
        "again": wav(np.concatenate([hush(1, RATE), murmur(3, RATE, seed=2)]), RATE),
    }
    recordings = []
    for name, content in contents.items():
        write(tmp_path / "audio" / name / "u1", content)
        recordings.append(PlannedRecording(name, f"{name}/u1", "audio", "audio/wav", None))
    recordings.append(PlannedRecording("gone", "gone/u1", "audio", "audio/wav", None))
    (tmp_path / "scratch").mkdir()
    reports: list[tuple[float, str]] = []
    prepared = prepare_all(
        TrainingPlan("c1", 1, "base.v1", "sphinx", tuple(recordings), "f"),
        audio=tmp_path / "audio",
        scratch=tmp_path / "scratch",
        rate_hz=RATE,
        cores=2,
        report_progress=lambda fraction, stage: reports.append((fraction, stage)),
    )
    assert [utterance.audio_name for utterance in prepared.utterances] == ["long", "long", "copy"]
    assert len(prepared.digests) == 3
    assert prepared.left_out == (
        LeftOutAudio("silent", None, None, None, "No speech was found."),
        LeftOutAudio("again", None, 0.0, 4.0, "the same audio as in copy at 0.0 s"),
        LeftOutAudio("gone", None, None, None, "The uploaded audio is not there any more."),
    )
    assert prepared.audio_s == 18 + 4 + 9 + 4
    assert [fraction for fraction, _ in reports] == sorted(fraction for fraction, _ in reports)
    assert reports[-1] == (1.0, "finding speech, upload 5 of 5, 5 recordings")
