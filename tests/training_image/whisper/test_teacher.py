"""The teacher reads as the recogniser does: what fits into no window in pieces, and nothing of it is lost."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("ctranslate2")

from chalicelib.engines.whisper.engine import WhisperEngine
from tests.engines.whisper.speech import long_speech, speech
from training_image.whisper.bases import base_of
from training_image.whisper.lessons import AudioClip
from training_image.whisper.teacher import Teacher


def test_utterances_of_any_length_are_read_as_they_are_recognised() -> None:
    base = base_of(None, "en")
    teacher = Teacher(base.network(1), base.window, 1)
    audio = [long_speech(), speech("You have a new voicemail message."), np.zeros(16_000, np.float32)]
    assert audio[0].size / 16_000 > base.window.most_speech_s
    recognizer = WhisperEngine().load("en-US_BroadbandModel")
    for one, read in zip(audio, teacher.read([AudioClip(one) for one in audio]), strict=True):
        recognised = recognizer.recognize(one).hypotheses
        assert teacher.words(read) == [word.text for best in recognised[:1] for word in best.words]
        assert read.heard == bool(recognised)
