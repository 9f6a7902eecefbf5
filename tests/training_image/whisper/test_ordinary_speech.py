"""The embedded network errs on ordinary speech, so that a loss and a gain can be seen, but not often."""

from __future__ import annotations

import pytest

from chalicelib.engines.whisper.engine import WhisperEngine
from infra.local.demo.scoring import word_error_rate
from training_image.speech.ordinary_speech import Part, ordinary_speech

PARTS: tuple[Part, Part] = ("guard", "replay")


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_some_words_are_heard_wrong_and_most_are_not(part: Part) -> None:
    recognizer = WhisperEngine().load("en-US_BroadbandModel")
    references, heard = [], []
    for spoken in ordinary_speech(part):
        found = recognizer.recognize(spoken.samples).hypotheses
        references.append(spoken.transcript)
        heard.append(found[0].text if found else "")
    assert 0.03 < word_error_rate(references, heard).rate < 0.12
